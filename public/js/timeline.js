// The conversation: messages (own ones with their state), lines about what happens
// in the room, grouping, scrolling, and a cap on how much is kept in the page.

import { dayOf, el, nameNode, timeNode } from "./dom.js";
import { avatarNode } from "./roster.js";
import { hueOf } from "./author.js";

const GROUP_WITHIN_MS = 5 * 60_000;
const NEAR_BOTTOM_PX = 64;
const KEPT = 500;
const KEPT_WHILE_READING = 1000;

export class Timeline {
  #log;
  #newer;
  #actions;
  #own = new Map();
  #last = null;
  #day = dayOf(Date.now());
  #pinned = true;
  #unseen = 0;

  /** `actions` has `retry(key)` and `discard(key)`, for a message that was not sent. */
  constructor(log, newer, actions) {
    this.#log = log;
    this.#newer = newer;
    this.#actions = actions;
    log.addEventListener("scroll", () => {
      this.#pinned = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
      if (this.#pinned) this.#setUnseen(0);
    }, { passive: true });
    newer.addEventListener("click", () => {
      this.#toBottom();
      log.focus({ preventScroll: true });
    });
    new ResizeObserver(() => {
      if (this.#pinned) this.#toBottom();
    }).observe(log);
  }

  /** Somebody else's message. `guest`: its author never joined the room. */
  add({ key, name, text, time, guest = false }) {
    const node = this.#message({ name, text, guest, own: false, state: "sent" });
    node.querySelector(".meta").append(timeNode(time));
    this.#append(node, { author: key, time });
    if (!this.#pinned) this.#setUnseen(this.#unseen + 1);
  }

  /** One's own message, from the outbox: shown at once, and changed as its state does. */
  outgoing(entry, name) {
    let node = this.#own.get(entry.key);
    if (!node) {
      node = this.#message({ name, text: entry.text, own: true, state: entry.state });
      this.#own.set(entry.key, node);
      this.#append(node, { author: "own", time: entry.written });
      this.#toBottom();
    } else if (entry.state === "pending") {
      // Tried again, it comes after what has been said since.
      node.remove();
      this.#append(node, { author: "own", time: Date.now() });
      this.#toBottom();
    }
    this.#setState(node, entry);
  }

  /** A line about the room, of strings and nodes. */
  note(...parts) {
    this.#append(el("p", { class: "note", "data-testid": "note" }, ...parts), null);
  }

  #message({ name, text, guest, own, state }) {
    const head = el("p", { class: own ? "head visually-hidden" : "head" },
      nameNode(name, { "data-testid": "message-author" }),
      guest ? el("span", { class: "tag", title: "Sent by a client that has not joined the room: the name is only what it says." }, "guest") : null);
    const node = el("article",
      { class: "message", "data-testid": "message", "data-state": state, "data-author": name, "data-own": own },
      own ? null : avatarNode(name),
      el("div", { class: "body" },
        head,
        el("div", { class: "bubble" },
          el("p", { class: "text", dir: "auto", "data-testid": "message-text" }, text),
          el("p", { class: "meta" }))));
    node.style.setProperty("--hue", hueOf(name));
    return node;
  }

  #setState(node, entry) {
    node.dataset.state = entry.state;
    const meta = node.querySelector(".meta");
    node.querySelector(".failure")?.remove();
    if (entry.state === "sent") {
      meta.replaceChildren(timeNode(entry.time ?? Date.now()));
      this.#own.delete(entry.key);
    } else if (entry.state === "pending") {
      // The style sheet shows the one that holds for the connection's state.
      meta.replaceChildren(
        el("span", { class: "while-online" }, "Sending…"),
        el("span", { class: "while-away" }, "Waiting…"),
      );
    } else {
      meta.replaceChildren(timeNode(entry.written));
      node.querySelector(".body").append(this.#failure(node, entry));
      if (this.#pinned) this.#toBottom();
    }
  }

  #failure(node, entry) {
    const words = entry.reason
      ? `Not sent. ${entry.reason}`
      : "Perhaps not sent: the room did not confirm it.";
    const retry = el("button", { type: "button", class: "link", "data-testid": "retry" }, "Retry");
    const discard = el("button", { type: "button", class: "link", "data-testid": "discard" }, "Discard");
    retry.addEventListener("click", () => this.#actions.retry(entry.key));
    discard.addEventListener("click", () => {
      this.#actions.discard(entry.key);
      this.#own.delete(entry.key);
      node.remove();
    });
    return el("p", { class: "failure", role: "alert" }, el("span", {}, words), " ", retry, discard);
  }

  #append(node, message) {
    const today = dayOf(message?.time ?? Date.now());
    if (today !== this.#day) {
      this.#day = today;
      this.#log.append(el("p", { class: "note day" }, today));
      this.#last = null;
    }
    const last = this.#last;
    node.classList.toggle("continued", Boolean(message && last
      && last.author === message.author && Math.abs(message.time - last.time) < GROUP_WITHIN_MS));
    this.#last = message;
    this.#log.append(node);
    this.#trim();
    if (this.#pinned) this.#toBottom();
  }

  /** The oldest go first, but not what its author may still want to send again. */
  #trim() {
    const items = this.#log.querySelectorAll(":scope > .message, :scope > .note");
    let extra = items.length - (this.#pinned ? KEPT : KEPT_WHILE_READING);
    if (extra <= 0) return;
    let first = null;
    for (const item of items) {
      const settled = (item.dataset.state ?? "sent") === "sent";
      if (extra > 0 && settled) {
        item.remove();
        extra -= 1;
      } else {
        first ??= item;
        if (extra <= 0) break;
      }
    }
    first?.classList.remove("continued");
  }

  #toBottom() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#pinned = true;
    this.#setUnseen(0);
  }

  #setUnseen(count) {
    this.#unseen = count;
    this.#newer.hidden = count === 0;
    this.#newer.querySelector("span").textContent = count === 1 ? "1 new message" : `${count} new messages`;
  }
}
