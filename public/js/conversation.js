// The order of what the page shows. Messages stand by the numbers that the room gave
// them, in whatever order they come, and each number stands once. What has no number
// stays behind what was there when it came; what still waits for one is last of all.
// No DOM: Node can import it.

const WAITING = Infinity;

/**
 * @typedef {object} Item whatever the page keeps with it, and
 * @property {number} [id]     the room's number for it
 * @property {number} [order]  set here: its own number, or that of what it stands behind
 * @property {string} [guest]  what tells a guest's message from another: such a message
 *                             comes live without its number, and again with it later on
 */

export class Conversation {
  #items = [];
  #numbers = new Map();

  get items() {
    return this.#items;
  }

  /** The number of the last item that has one or stands behind one. */
  get last() {
    return this.#items.findLast(({ order }) => order !== WAITING)?.order ?? 0;
  }

  /** Adds a message with a number; false if it is there already. */
  add(item) {
    if (this.#numbers.has(item.id) || this.#adopt(item)) return false;
    this.#numbers.set(item.id, item);
    this.#insert(item, item.id);
    return true;
  }

  /** Adds what has no number, behind the message `after`. */
  note(item, after = this.last) {
    this.#insert(item, after);
  }

  /** Puts a message last of all, until it gets a number. */
  wait(item) {
    this.#take(item);
    this.#insert(item, WAITING);
  }

  /** What waited won't get a number: it stays where the conversation is now. */
  stay(item) {
    this.#take(item);
    this.#insert(item, this.last);
  }

  /**
   * What waited has got its number. If that is there already, because the room has
   * told us of the message in another way too, this one goes, and the answer is false.
   */
  number(item, id) {
    this.#take(item);
    item.id = id;
    return this.add(item);
  }

  remove(item) {
    this.#take(item);
    if (this.#numbers.get(item.id) === item) this.#numbers.delete(item.id);
  }

  /**
   * Lets go of the oldest, down to `keep` items and on to the next message with a
   * number, if there is one: so it is clear from where on they can be had back. What
   * `stays(item)` stays. Returns those that are gone.
   */
  trim(keep, stays) {
    const gone = [];
    let extra = this.#items.length - keep;
    if (extra <= 0) return gone;
    const lastNumber = this.#items.findLastIndex(({ id }) => id !== undefined);
    for (const [at, item] of this.#items.entries()) {
      if (extra <= 0 && (item.id !== undefined || at > lastNumber)) break;
      if (item.order === WAITING || stays(item)) continue;
      gone.push(item);
      extra -= 1;
    }
    this.#drop(gone);
    return gone;
  }

  /** Lets go of everything but what waits and what `stays(item)`. */
  clear(stays) {
    const gone = this.#items.filter((item) => item.order !== WAITING && !stays(item));
    this.#drop(gone);
    return gone;
  }

  /** The number of the first message that has one. */
  get first() {
    return this.#items.find(({ id }) => id !== undefined)?.id;
  }

  #drop(gone) {
    const those = new Set(gone);
    this.#items = this.#items.filter((item) => !those.has(item));
    for (const { id } of gone) this.#numbers.delete(id);
  }

  #insert(item, order) {
    item.order = order;
    const before = this.#items.findLastIndex((other) => other.order <= order);
    this.#items.splice(before + 1, 0, item);
  }

  #take(item) {
    const at = this.#items.lastIndexOf(item);
    if (at >= 0) this.#items.splice(at, 1);
  }

  /** A guest's message that came live gets the number by which it comes again. */
  #adopt({ id, guest }) {
    if (guest === undefined) return false;
    const next = this.#items.findIndex(({ order }) => order >= id);
    const range = this.#items.slice(0, next < 0 ? undefined : next);
    const before = range.findLastIndex((item) => item.id !== undefined);
    const at = range.findIndex((item, index) => index > before && item.id === undefined && item.guest === guest);
    if (at < 0) return false;
    this.#items[at].id = id;
    this.#numbers.set(id, this.#items[at]);
    // What came after it stands behind it, not behind what it stood behind itself.
    for (let after = at; after < range.length; after += 1) this.#items[after].order = id;
    return true;
  }
}
