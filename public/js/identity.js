// Who somebody is: the nickname, asked for once, and for each room a secret key by
// which the room knows the person again, in every tab and after a reload. Both are
// remembered in this browser; where storage is switched off or full, for as long as
// the page is open. No DOM: Node can import it and pass a storage of its own.

import { randomId } from "./random-id.js";
import { checkName } from "./text.js";

const NAME = "roomcast.name";
const KEY = "roomcast.key.";
const VALID_KEY = /^[A-Za-z0-9_-]{16,64}$/;

function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

export class Identity {
  #storage;
  #name;
  #keys = new Map();

  constructor(storage = browserStorage()) {
    this.#storage = storage;
    this.#name = checkName(this.#read(NAME)).name ?? null;
  }

  /** The name, or null while there is none. */
  get name() {
    return this.#name;
  }

  remember(name) {
    this.#name = name;
    this.#write(NAME, name);
  }

  /** The key for `room`. Each room has another one, so no two rooms can tell that it is the same person. */
  keyFor(room) {
    if (!this.#keys.has(room)) {
      const kept = this.#read(KEY + room);
      const key = VALID_KEY.test(kept) ? kept : randomId();
      if (key !== kept) this.#write(KEY + room, key);
      this.#keys.set(room, key);
    }
    return this.#keys.get(room);
  }

  #read(item) {
    try {
      return this.#storage?.getItem(item) ?? "";
    } catch {
      return ""; // Nothing remembered is a good enough answer.
    }
  }

  #write(item, value) {
    try {
      this.#storage?.setItem(item, value);
    } catch {
      // It still holds for this page.
    }
  }
}
