// The messages on their way out: kept while the room can't be reached, sent in
// the order they were written, and each sent again only when that can't make it
// appear twice, or when its author says so. No DOM, no socket: Node can import it.

const REQUEUES = 2;

/**
 * @typedef {object} Entry
 * @property {number} key       its place among all that was written here
 * @property {string} text
 * @property {number} written   when, in Unix ms
 * @property {"pending"|"sent"|"failed"} state
 * @property {number} [id]      the room's number for it, once sent
 * @property {number} [time]    the room's time for it, once sent
 * @property {string} [reason]  the room's sentence when it refused the message;
 *                              failed without one means that no answer came
 */

export class Outbox {
  #open = false;
  #lastKey = 0;
  #entries = new Map();
  #queue = [];
  #transmit;
  #changed;
  #strayed;

  /**
   * @param {(text: string) => Promise<{id: number, time: number}>} transmit rejects
   *   with the room's `{ code, message }`, or with an error without `code` when no
   *   answer came
   * @param {(entry: Entry) => void} changed called when an entry's state changes
   * @param {() => void} strayed called when the room says that we haven't joined it
   */
  constructor(transmit, changed, strayed) {
    this.#transmit = transmit;
    this.#changed = changed;
    this.#strayed = strayed;
  }

  add(text) {
    this.#lastKey += 1;
    const entry = { key: this.#lastKey, text, written: Date.now(), state: "pending", requeues: 0 };
    this.#entries.set(entry.key, entry);
    this.#enqueue(entry);
    return entry;
  }

  /** The room is joined: what waits is sent, and what is added is sent at once. */
  open() {
    this.#open = true;
    this.#flush();
  }

  /** The room is out of reach: what is added waits. */
  close() {
    this.#open = false;
  }

  retry(key) {
    const entry = this.#entries.get(key);
    if (entry?.state !== "failed") return;
    entry.state = "pending";
    entry.reason = undefined;
    entry.requeues = 0;
    this.#changed(entry);
    this.#enqueue(entry);
  }

  discard(key) {
    if (this.#entries.get(key)?.state === "failed") this.#entries.delete(key);
  }

  #enqueue(entry) {
    this.#queue.push(entry);
    this.#flush();
  }

  #flush() {
    while (this.#open && this.#queue.length > 0) this.#send(this.#queue.shift());
  }

  async #send(entry) {
    try {
      const { id, time } = await this.#transmit(entry.text);
      entry.state = "sent";
      entry.id = id;
      entry.time = time;
      this.#entries.delete(entry.key);
    } catch (error) {
      // Refused for not having joined, it certainly did not reach anybody, so
      // it may safely wait for the next join, ahead of what was written later.
      const strayed = error?.code === "not_joined";
      const waits = strayed && entry.requeues < REQUEUES;
      if (waits) {
        entry.requeues += 1;
        this.#queue.push(entry);
        this.#queue.sort((a, b) => a.key - b.key);
      } else {
        entry.state = "failed";
        entry.reason = error?.code ? error.message : undefined;
      }
      if (strayed) {
        this.#open = false;
        this.#strayed();
      }
      if (waits) return;
    }
    this.#changed(entry);
  }
}
