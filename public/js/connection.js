// The way into a room: the Socket.IO connection, joining, the state that people are
// shown, and what goes out and comes in. It touches no DOM and is handed `io`, so Node
// can import it.
//
// The client's own retries carry everything that is sent: one event after the other,
// each again until it is answered, over as many connections as it takes. A connection
// that is lost for a short time is recovered: the room sends what was missed, and
// nothing is to be done. After a longer time it is a new one, and we join again.

import { History } from "./history.js";
import { Outgoing } from "./outgoing.js";
import { reasonOf } from "./reason.js";

export const ACK_TIMEOUT_MS = 10_000;

const MEMBER_EVENTS = ["memberJoined", "memberRenamed", "memberAway", "memberBack", "memberLeft"];

const isRefusal = (reply) => typeof reply?.code === "string";

export class Connection {
  #socket;
  #name;
  #key;
  #handlers;
  #history;
  #outgoing;
  #id; // whom the room takes us for
  #told; // the name that it knows
  #joined = false; // in the present session, which a recovered connection continues
  #joining = false;
  #lostAt = null;

  /**
   * `handlers` has `state({ state, words, canRetry })`, `joined({ id, members, away })`
   * with `away` of `{ from, after }` if the connection was lost behind the message
   * `after`, `members(members)` for those that the answer had no room for, `refused({ code, message })` for a name that the room won't take,
   * `outgoing(entry)`, `notice(sentence)`, `message(message)`, `guest({ author, message })`,
   * one for each of MEMBER_EVENTS, and `history`, which is told what History shows.
   */
  constructor(io, room, { name, key }, handlers, options = {}) {
    this.#name = name;
    this.#key = key;
    this.#handlers = handlers;
    this.#history = new History((payload, ...callbacks) => this.#ask("history", payload, ...callbacks), handlers.history);
    this.#outgoing = new Outgoing((message) => this.#transmit(message), handlers.outgoing);
    this.#socket = io({
      path: `/r/${room}/socket.io/`,
      autoConnect: false,
      auth: (give) => give({ name: this.#name, key: this.#key }),
      retries: Infinity,
      ackTimeout: ACK_TIMEOUT_MS,
      ...options,
    });
    this.#listen();
  }

  open() {
    this.#tell("connecting", "Connecting…");
    this.#socket.connect();
  }

  /** Leaves the room at once. What is still to be sent waits for `open`. */
  close() {
    this.#socket.disconnect();
  }

  send(text) {
    return this.#outgoing.add(text);
  }

  retry(key) {
    this.#outgoing.retry(key);
  }

  discard(key) {
    this.#outgoing.discard(key);
  }

  older() {
    this.#history.older();
  }

  trimmed(id) {
    this.#history.trimmed(id);
  }

  /** Resolves when the room has taken the name, or will be told it on joining. */
  async rename(name) {
    const before = this.#name;
    this.#name = name;
    if (!this.#joined || !this.#socket.connected) {
      if (this.#socket.connected) this.#join();
      else if (!this.#socket.active) this.open();
      return;
    }
    await new Promise((resolve, reject) => this.#ask("join", this.#me(), resolve, (refusal) => {
      this.#name = before;
      reject(refusal);
    }));
    this.#told = name;
  }

  #listen() {
    const socket = this.#socket;
    socket.on("connect", () => this.#connected());
    socket.on("disconnect", () => {
      // What could not be sent at once is in the queue of retries too, and sent from there. Sent twice it
      // would be answered twice, and the second answer would be taken for that of the next in the queue.
      socket.sendBuffer = [];
      this.#lost("connecting", "Reconnecting…", "Disconnected.");
    });
    socket.on("connect_error", (error) => {
      this.#lost("offline", "Unreachable. Trying again…", "Turned away.");
      if (error.data?.code === "invalid_name") this.#handlers.refused(error.data);
      else this.#handlers.notice(reasonOf(error) || (socket.active ? "" : error.message));
    });
    socket.on("error", ({ message }) => this.#handlers.notice(String(message)));
    socket.on("newMessage", (message) => {
      if (this.#history.takes(message.id)) this.#handlers.message(message);
    });
    socket.on("newIncomingMessage", (message) => {
      if (this.#history.takes()) this.#handlers.guest(message);
    });
    for (const event of MEMBER_EVENTS) {
      socket.on(event, (member) => {
        // Until we have joined, the answer to that tells who is there.
        if (!this.#joined) return;
        // In another tab one has taken another name: who came back under the old one would undo that.
        if (event === "memberRenamed" && member.id === this.#id) this.#name = this.#told = member.name;
        this.#handlers[event](member);
      });
    }
  }

  #connected() {
    if (!this.#socket.recovered) {
      this.#joined = false;
      this.#history.behind();
    }
    if (this.#joined && this.#told === this.#name) this.#online();
    else this.#join();
  }

  /** The answer to one that is still under way is as good: it comes over the present connection. */
  #join() {
    if (this.#joining) return;
    this.#joining = true;
    this.#tell("connecting", "Joining…");
    const me = this.#me();
    this.#ask("join", me, (reply) => {
      this.#joining = false;
      this.#joined = true;
      this.#id = reply.id;
      this.#told = me.name;
      const away = this.#lostAt && { from: this.#lostAt, after: me.after };
      this.#handlers.joined({ ...reply, away });
      this.#askMembers(reply.members, reply.moreMembers);
      this.#history.joined(reply);
      if (this.#told === this.#name) this.#online();
      else this.#join(); // Renamed meanwhile.
    }, (refusal) => {
      this.#joining = false;
      // Another name may do; of anything else, people decide when to try again.
      if (refusal.code !== "invalid_name") this.close();
      this.#handlers.refused(refusal);
    });
  }

  /** The rest of the members, page by page. Who comes and goes meanwhile is told as always. */
  #askMembers(known, more) {
    const after = known?.at(-1)?.id;
    if (!more || after === undefined) return;
    this.#ask("members", { after }, ({ members, more: others }) => {
      this.#handlers.members(members);
      this.#askMembers(members, others);
    }, ({ message }) => this.#handlers.notice(message));
  }

  #me() {
    return { name: this.#name, key: this.#key, after: this.#history.newest };
  }

  #online() {
    this.#lostAt = null;
    this.#tell("online", "Online");
    this.#handlers.notice("");
  }

  /** `state` and `words` hold while the socket tries again by itself. */
  #lost(state, words, finalWords) {
    if (this.#joined) this.#lostAt ??= Date.now();
    if (this.#socket.active) this.#tell(state, words);
    else this.#tell("offline", finalWords, true);
  }

  #tell(state, words, canRetry = false) {
    this.#handlers.state({ state, words, canRetry });
  }

  #transmit(message) {
    return new Promise((resolve, reject) => this.#ask("message", message, (reply) => {
      this.#history.sent(reply.id);
      resolve(reply);
    }, reject));
  }

  /** Asked until it is answered. Both callbacks are called as the answer comes, before any later event. */
  #ask(event, payload, answered, refused) {
    this.#socket.emit(event, payload, (_, reply) => {
      if (isRefusal(reply)) refused(reply);
      else answered(reply ?? {});
    });
  }
}
