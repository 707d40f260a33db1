// How one message looks: its author, its text, and the time or the state it is in.

import { hueOf, initialsOf } from "./author.js";
import { el, nameNode, timeNode } from "./dom.js";

export function avatarNode(name) {
  const node = el("span", { class: "avatar", "aria-hidden": "true" }, initialsOf(name));
  node.style.setProperty("--hue", hueOf(name));
  return node;
}

/** `guest`: its author never joined the room. `own` messages stand on their own side, without a face. */
export function messageNode({ name, text, time, guest = false, own = false, state = "sent" }) {
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
        el("p", { class: "meta" }, state === "sent" ? timeNode(time) : null))));
  node.style.setProperty("--hue", hueOf(name));
  return node;
}

/** Shows the state that one's own message is in. `actions` has `retry()` and `discard()`, for one that failed. */
export function showState(node, entry, actions) {
  node.dataset.state = entry.state;
  const meta = node.querySelector(".meta");
  node.querySelector(".failure")?.remove();
  if (entry.state === "sent") {
    meta.replaceChildren(timeNode(entry.time));
  } else if (entry.state === "pending") {
    // The style sheet shows the one that holds for the connection's state.
    meta.replaceChildren(
      el("span", { class: "while-online" }, "Sending…"),
      el("span", { class: "while-away" }, "Waiting…"),
    );
  } else {
    meta.replaceChildren(timeNode(entry.written));
    node.querySelector(".body").append(failureNode(entry.reason, actions));
  }
}

function failureNode(reason, actions) {
  const retry = el("button", { type: "button", class: "link", "data-testid": "retry" }, "Retry");
  const discard = el("button", { type: "button", class: "link", "data-testid": "discard" }, "Discard");
  retry.addEventListener("click", actions.retry);
  discard.addEventListener("click", actions.discard);
  return el("p", { class: "failure", role: "alert" }, el("span", {}, `Not sent. ${reason}`), " ", retry, discard);
}
