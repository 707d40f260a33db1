// The conversation as it is seen: messages and lines about the room, put in order,
// grouped by author and day, and no more of them than a page can hold.

import { Conversation } from "./conversation.js";
import { dayOf, el } from "./dom.js";
import { messageNode, showState } from "./message-node.js";
import { Scroll } from "./scroll.js";

const GROUP_WITHIN_MS = 5 * 60_000;
const KEPT = 500;
const KEPT_WHILE_READING = 1000;

const failed = ({ entry }) => entry?.state === "failed";

export class Timeline {
  #log;
  #older;
  #welcome;
  #scroll;
  #actions;
  #conversation = new Conversation();
  #own = new Map();
  #fetched = 0;

  /**
   * Of the elements, `log` begins with `older`, which has the button for what was said before, and `welcome`,
   * the beginning of it all; `newer` is the button that leads to new messages. `actions` has `retry(key)` and
   * `discard(key)` for an own message that was not sent, `older()` when the reader comes to the top, and
   * `trimmed(id)` when what came before the message `id` is no longer kept.
   */
  constructor({ log, newer, older, welcome }, actions) {
    this.#log = log;
    this.#older = older;
    this.#welcome = welcome;
    this.#actions = actions;
    this.#scroll = new Scroll(log, newer, actions.older);
    older.firstElementChild.addEventListener("click", actions.older);
  }

  /** Whether there is more than is shown, and whether it is on its way. */
  reach({ more, loading }) {
    this.#scroll.keep(() => {
      // Who asked by the keyboard goes on from the beginning.
      if (!more && this.#older.contains(document.activeElement)) this.#log.focus({ preventScroll: true });
      this.#older.hidden = !more;
      this.#older.firstElementChild.textContent = loading ? "Loading…" : "Show older messages";
      this.#welcome.hidden = more;
    });
  }

  /** Messages from the room's history, oldest first. `missed`: they were said while we were away. */
  page(messages, { missed = false } = {}) {
    this.#quietly(() => {
      let added = 0;
      for (const message of messages) added += this.#place(message);
      if (missed) this.#scroll.unseen(added);
      else this.#fetched += added;
      if (missed) this.#trim();
    });
    this.#scroll.look();
  }

  /** A message that came live. */
  add(message) {
    this.#scroll.keep(() => {
      if (this.#place(message)) this.#scroll.unseen(1);
      this.#trim();
    });
  }

  /** One's own message on its way: shown at once, and changed as its state does. */
  outgoing(entry, name) {
    let item = this.#own.get(entry.key);
    if (!item) {
      item = { entry, author: "own", time: entry.written, node: messageNode({ name, text: entry.text, own: true, state: entry.state }) };
      this.#own.set(entry.key, item);
    }
    this.#scroll.keep(() => {
      showState(item.node, entry, {
        retry: () => this.#actions.retry(entry.key),
        discard: () => this.#discard(item),
      });
      this.#settle(item);
    });
    if (entry.state === "pending") this.#scroll.toBottom();
  }

  /** A line about the room, of strings and nodes; behind the message `after` or what is last. */
  note(parts, after) {
    const item = { time: Date.now(), node: el("p", { class: "note", "data-testid": "note" }, ...parts) };
    this.#scroll.keep(() => {
      this.#conversation.note(item, after);
      this.#show(item);
      this.#trim();
    });
  }

  /** Begins again with other messages; what is still to be sent stays. */
  clear() {
    this.#hide(this.#conversation.clear(failed));
    this.#fetched = 0;
  }

  #place({ id, time, name, text, guest, own, author }) {
    const item = { id, time, author: own ? "own" : author, guest: guest ? JSON.stringify([name, text]) : undefined };
    if (id === undefined) this.#conversation.note(item);
    else if (!this.#conversation.add(item)) return 0;
    item.node = messageNode({ name, text, time, guest, own });
    this.#show(item);
    return 1;
  }

  #settle(item) {
    const { state, id, time, key } = item.entry;
    const next = this.#next(item);
    if (state === "pending") this.#conversation.wait(item);
    else if (state === "failed") this.#conversation.stay(item);
    else {
      item.time = time;
      item.day = undefined;
      this.#own.delete(key);
      if (!this.#conversation.number(item, id)) this.#hide([item]);
    }
    if (item.node.isConnected || state === "pending") this.#show(item);
    if (next && next !== this.#next(item)) this.#decorate(next);
  }

  #discard(item) {
    const next = this.#next(item);
    this.#actions.discard(item.entry.key);
    this.#own.delete(item.entry.key);
    this.#conversation.remove(item);
    this.#hide([item]);
    if (next) this.#decorate(next);
  }

  /** Puts the item's node where the item is. A node that is there already isn't touched: it may have the focus. */
  #show(item) {
    const next = this.#next(item);
    const place = next ? next.separator ?? next.node : null;
    if (!item.node.isConnected || item.node.nextElementSibling !== place) {
      item.separator?.remove();
      item.separator = undefined;
      this.#log.insertBefore(item.node, place);
    }
    this.#decorate(item);
    if (next) this.#decorate(next);
  }

  #hide(items) {
    for (const { node, separator } of items) {
      node.remove();
      separator?.remove();
    }
  }

  #next(item) {
    const { items } = this.#conversation;
    const at = items.lastIndexOf(item);
    return at < 0 ? undefined : items[at + 1];
  }

  /** A new day gets a line of its own; what the same author says soon after has no new head. */
  #decorate(item) {
    const { items } = this.#conversation;
    const before = items[items.lastIndexOf(item) - 1];
    const day = (item.day ??= dayOf(item.time));
    const newDay = day !== (before?.day ?? dayOf(Date.now()));
    if (newDay) {
      item.separator ??= el("p", { class: "note day", "data-testid": "day" }, day);
      item.node.before(item.separator);
    } else {
      item.separator?.remove();
      item.separator = undefined;
    }
    item.node.classList.toggle("continued", Boolean(!newDay && item.author && before?.author === item.author
      && Math.abs(item.time - before.time) < GROUP_WITHIN_MS));
  }

  /** The oldest go first. Who reads what is older keeps that, until they are back at the end. */
  #trim() {
    if (this.#scroll.pinned) this.#fetched = 0;
    const keep = this.#scroll.pinned ? KEPT : KEPT_WHILE_READING + this.#fetched;
    const gone = this.#conversation.trim(keep, failed);
    if (gone.length === 0) return;
    this.#hide(gone);
    const [first] = this.#conversation.items;
    if (first) this.#decorate(first);
    if (this.#conversation.first !== undefined) this.#actions.trimmed(this.#conversation.first);
  }

  /** Many messages at once are for reading, not for being read out. */
  #quietly(change) {
    this.#log.setAttribute("aria-live", "off");
    this.#scroll.keep(change);
    setTimeout(() => this.#log.removeAttribute("aria-live"), 1000);
  }
}
