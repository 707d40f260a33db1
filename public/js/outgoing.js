// One's own messages on their way. Each has an id of its own, by which the room
// knows it again when it is sent twice: it may be sent as often as it takes.
// No DOM, no socket: Node can import it.

import { randomId } from "./random-id.js";

/**
 * @typedef {object} Entry
 * @property {string} key       its own id
 * @property {string} text
 * @property {number} written   when, in Unix ms
 * @property {"pending"|"sent"|"failed"} state
 * @property {number} [id]      the room's number for it, once sent
 * @property {number} [time]    the room's time for it, once sent
 * @property {string} [reason]  the room's sentence, when it refused the message
 */

export class Outgoing {
  #failed = new Map();
  #transmit;
  #changed;

  /**
   * @param {(message: { id: string, text: string }) => Promise<{ id: number, time: number }>} transmit
   *   takes as long as it takes; rejects with the room's `{ code, message }` alone
   * @param {(entry: Entry) => void} changed called when an entry's state changes
   */
  constructor(transmit, changed) {
    this.#transmit = transmit;
    this.#changed = changed;
  }

  add(text) {
    const entry = { key: randomId(), text, written: Date.now(), state: "pending" };
    this.#send(entry);
    return entry;
  }

  /** Under the same id: what was refused is no other message for being sent again. */
  retry(key) {
    const entry = this.#failed.get(key);
    if (!this.#failed.delete(key)) return;
    entry.state = "pending";
    entry.reason = undefined;
    this.#changed(entry);
    this.#send(entry);
  }

  discard(key) {
    this.#failed.delete(key);
  }

  async #send(entry) {
    try {
      const { id, time } = await this.#transmit({ id: entry.key, text: entry.text });
      Object.assign(entry, { state: "sent", id, time });
    } catch (refusal) {
      Object.assign(entry, { state: "failed", reason: refusal.message });
      this.#failed.set(entry.key, entry);
    }
    this.#changed(entry);
  }
}
