// Who is in the room: the list beside the conversation, its count, and the panel
// that holds them on a phone.

import { hueOf, initialsOf } from "./author.js";
import { el, nameNode } from "./dom.js";

export function avatarNode(name) {
  const node = el("span", { class: "avatar", "aria-hidden": "true" }, initialsOf(name));
  node.style.setProperty("--hue", hueOf(name));
  return node;
}

export class Roster {
  #members = new Map();
  #self = null;
  #list;
  #counts;
  #drawing = false;

  /** `list` is the element for the members; each of `counts` gets their number. */
  constructor(list, counts) {
    this.#list = list;
    this.#counts = counts;
  }

  replace(members, self) {
    this.#self = self;
    this.#members = new Map(members.map(({ id, name }) => [id, name]));
    this.#draw();
  }

  has(id) {
    return this.#members.has(id);
  }

  nameOf(id) {
    return this.#members.get(id);
  }

  set(id, name) {
    this.#members.set(id, name);
    this.#draw();
  }

  /** One's own new name. */
  rename(name) {
    if (this.#members.has(this.#self)) this.set(this.#self, name);
  }

  remove(id) {
    this.#members.delete(id);
    this.#draw();
  }

  /** Once for all that changes in one go. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      this.#render();
    });
  }

  #render() {
    const order = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });
    const sorted = [...this.#members].sort(([a, nameA], [b, nameB]) =>
      (b === this.#self) - (a === this.#self) || order.compare(nameA, nameB));
    this.#list.replaceChildren(...sorted.map(([id, name]) => this.#item(id, name)));
    for (const count of this.#counts) count.textContent = String(sorted.length);
  }

  #item(id, name) {
    const own = id === this.#self;
    return el(
      "li",
      { class: "member", "data-testid": "roster-member", "data-own": own },
      avatarNode(name),
      nameNode(name, { title: name }),
      own ? el("span", { class: "tag" }, "you") : null,
    );
  }
}

/** The panel is always in view beside the conversation where there's width for it. */
export function wirePanel(toggle, panel, close) {
  const show = (open, returnFocus = true) => {
    if (open === (panel.dataset.open === "true")) return;
    panel.dataset.open = String(open);
    toggle.setAttribute("aria-expanded", String(open));
    if (open) close.focus();
    else if (returnFocus) toggle.focus();
  };
  toggle.addEventListener("click", () => show(panel.dataset.open !== "true"));
  close.addEventListener("click", () => show(false));
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(false);
  });
  document.addEventListener("pointerdown", (event) => {
    if (!panel.contains(event.target) && !toggle.contains(event.target)) show(false, false);
  });
  return () => show(false, false);
}
