// The nickname: asked for once, remembered in this browser. Where storage is
// switched off or full, it is remembered for as long as the page is open.
// No DOM: Node can import it and pass a storage of its own.

import { checkName } from "./text.js";

const KEY = "roomcast.name";

function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

export class Identity {
  #storage;
  #name = null;

  constructor(storage = browserStorage()) {
    this.#storage = storage;
    try {
      const { name } = checkName(storage?.getItem(KEY) ?? "");
      this.#name = name ?? null;
    } catch {
      // Nothing remembered is a good enough answer.
    }
  }

  /** The name, or null while there is none. */
  get name() {
    return this.#name;
  }

  remember(name) {
    this.#name = name;
    try {
      this.#storage?.setItem(KEY, name);
    } catch {
      // It still holds for this page.
    }
  }
}
