// The way into a room: the Socket.IO connection, joining (again after each
// reconnect), the outbox, and the state that people are shown. It touches no DOM
// and is handed `io`, so Node can import it.

import { Outbox } from "./outbox.js";

export const JOIN_TIMEOUT_MS = 10_000;
export const SEND_TIMEOUT_MS = 15_000;

const ROOM_EVENTS = ["newMessage", "newIncomingMessage", "memberJoined", "memberLeft", "memberRenamed", "error"];

function isRefusal(reply) {
  return typeof reply?.code === "string";
}

/** The server's own sentence for a failed connection, if it gave one. */
export function reasonOf(error) {
  if (error?.data?.message) return String(error.data.message);
  const answer = error?.context;
  if (!answer || !(answer.status >= 400) || typeof answer.responseText !== "string") return "";
  let text = answer.responseText.trim();
  try {
    text = String(JSON.parse(text).message ?? "");
  } catch {
    // A plain sentence.
  }
  return text.length <= 200 && !text.startsWith("<") ? text : "";
}

export class Connection {
  #socket;
  #name;
  #handlers;
  #outbox;
  #joined = false;
  #joining = false;
  #lostAt = null;

  /**
   * `handlers` has `state({ state, words, canRetry })`, `joined({ id, members,
   * lostAt })`, `refused({ code, message })` for a name that the room won't take,
   * `outgoing(entry)`, `notice(sentence)`, and one for each of ROOM_EVENTS.
   */
  constructor(io, room, name, handlers) {
    this.#name = name;
    this.#handlers = handlers;
    this.#outbox = new Outbox(
      (text) => this.#ask("message", { text }, SEND_TIMEOUT_MS),
      handlers.outgoing,
      () => this.#join(),
    );
    this.#socket = io({ path: `/r/${room}/socket.io/`, autoConnect: false });
    this.#socket.on("connect", () => this.#join());
    this.#socket.on("disconnect", () => this.#lost("connecting", "Reconnecting…", "Disconnected."));
    this.#socket.on("connect_error", (error) => {
      this.#lost("offline", "Unreachable. Trying again…", "Turned away.");
      handlers.notice(reasonOf(error) || (this.#socket.active ? "" : error.message));
    });
    for (const event of ROOM_EVENTS) this.#socket.on(event, handlers[event]);
  }

  open() {
    this.#tell("connecting", "Connecting…");
    this.#socket.connect();
  }

  close() {
    this.#socket.disconnect();
  }

  send(text) {
    return this.#outbox.add(text);
  }

  retry(key) {
    this.#outbox.retry(key);
  }

  discard(key) {
    this.#outbox.discard(key);
  }

  /** Resolves when the room has taken the name, or will be told it on joining. */
  async rename(name) {
    if (this.#joined) await this.#ask("join", { name }, JOIN_TIMEOUT_MS);
    this.#name = name;
    if (!this.#joined && this.#socket.connected) this.#join();
  }

  async #join() {
    if (this.#joining || !this.#socket.connected) return;
    this.#joining = true;
    this.#joined = false;
    this.#tell("connecting", "Joining…");
    const { id } = this.#socket;
    const name = this.#name;
    let reply = null;
    let refusal = null;
    try {
      reply = await this.#ask("join", { name }, JOIN_TIMEOUT_MS);
    } catch (error) {
      if (error.code) refusal = error;
    }
    this.#joining = false;
    if (this.#socket.id !== id || (!reply && !refusal) || name !== this.#name) {
      this.#join(); // No answer, or one that has been overtaken.
    } else if (refusal) {
      this.#handlers.refused(refusal);
    } else {
      this.#joined = true;
      this.#handlers.joined({ ...reply, lostAt: this.#lostAt });
      this.#lostAt = null;
      this.#tell("online", "Online");
      this.#handlers.notice("");
      this.#outbox.open();
    }
  }

  /** `state` and `words` hold while the socket tries again by itself. */
  #lost(state, words, finalWords) {
    if (this.#joined) this.#lostAt = Date.now();
    this.#joined = false;
    this.#outbox.close();
    if (this.#socket.active) this.#tell(state, words);
    else this.#tell("offline", finalWords, true);
  }

  #tell(state, words, canRetry = false) {
    this.#handlers.state({ state, words, canRetry });
  }

  /** Emits and waits for the acknowledgement; rejects with `{ code, message }` when refused. */
  #ask(event, payload, timeout) {
    return new Promise((resolve, reject) => {
      this.#socket.timeout(timeout).emit(event, payload, (error, reply) => {
        if (error) reject(error);
        else if (isRefusal(reply)) reject(reply);
        else resolve(reply ?? {});
      });
    });
  }
}
