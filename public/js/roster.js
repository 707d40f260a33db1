// Who is in the room: the list beside the conversation, its count, and the panel
// that holds them on a phone.

import { el, nameNode } from "./dom.js";
import { avatarNode } from "./message-node.js";

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
    this.#members.clear();
    this.add(members);
  }

  /** These are here as well. */
  add(members) {
    for (const member of members) this.#members.set(member.id, member);
    this.#draw();
  }

  has(id) {
    return this.#members.has(id);
  }

  nameOf(id) {
    return this.#members.get(id)?.name;
  }

  /** Somebody is here under this name. */
  set(id, name) {
    this.#members.set(id, { id, name, away: false });
    this.#draw();
  }

  /** Somebody who is here has lost the connection, or is back. */
  away(id, away) {
    const member = this.#members.get(id);
    if (member) this.#members.set(id, { ...member, away });
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
    const sorted = [...this.#members.values()].sort((a, b) =>
      (b.id === this.#self) - (a.id === this.#self) || order.compare(a.name, b.name));
    this.#list.replaceChildren(...sorted.map((member) => this.#item(member)));
    for (const count of this.#counts) count.textContent = String(sorted.length);
  }

  #item({ id, name, away }) {
    const own = id === this.#self;
    const tag = own ? "you" : away ? "away" : null;
    return el(
      "li",
      { class: "member", "data-testid": "roster-member", "data-own": own, "data-away": Boolean(away && !own) },
      avatarNode(name),
      nameNode(name, { title: name, "data-testid": "member-name" }),
      tag && el("span", { class: "tag", title: away && !own ? "Lost the connection; may be back soon." : null }, tag),
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
