// Which part of the room's conversation is on the page: everything from the oldest
// message shown to the newest, without a hole. What was missed is asked for page by
// page; what comes live is taken when it follows on what is there, and otherwise left
// to the page that will have it. No DOM, no socket: Node can import it.
//
// All is done in the callbacks of acknowledgements, nothing after an `await`: the next
// event may be handled before a promise's continuation is, and would find us behind.

/**
 * So many missed messages fill all that the page keeps of a conversation. With more than
 * that it starts anew with the latest. How many pages that takes is the room's to say:
 * where messages are long, a page has few.
 */
const MAX_MISSED = 500;

export class History {
  #ask;
  #show;
  #oldest = null;
  #newest = null;
  #more = false;
  #loading = false;
  #follows = false;
  #round = 0;

  /**
   * `ask(payload, answered, refused)` asks the room for `{ messages, more }`. `show` has
   * `latest(messages)` for what a page without any begins with, `missed(messages)` and
   * `older(messages)` for its two ends, `anew(messages)` when so much was missed that
   * it begins again, `reach({ more, loading })` about what is older, and `failed(refusal)`.
   */
  constructor(ask, show) {
    this.#ask = ask;
    this.#show = show;
  }

  /** The number of the newest message here: of those after it, none is. */
  get newest() {
    return this.#newest ?? undefined;
  }

  /** The connection is a new one: events may have been missed. */
  behind() {
    this.#follows = false;
    this.#round += 1; // What was asked for on the way here is no longer wanted.
  }

  /** What the room told us on joining, since `newest`; nothing, if it has no history. */
  joined({ messages = [], more = false }) {
    if (this.#newest === null) {
      this.#begin(messages, more);
      this.#show.latest(messages);
    } else {
      this.#missed(messages, more, 0);
    }
  }

  /** Whether a message that comes live is to be shown; `id` is its number, if it has one. */
  takes(id) {
    if (this.#follows && id !== undefined) this.#newest = Math.max(this.#newest, id);
    return this.#follows;
  }

  /** An own message has been given its number: all that was said before it has come before that. */
  sent(id) {
    this.takes(id);
  }

  /** Asks for what was said before the oldest message here. */
  older() {
    if (!this.#more || this.#loading) return;
    const before = this.#oldest;
    const answered = (take) => (answer) => {
      this.#loading = false;
      // The page may have begun anew, or have let go of its oldest messages.
      if (before === this.#oldest) take(answer);
      this.#tellReach();
    };
    this.#loading = true;
    this.#tellReach();
    this.#ask({ before }, answered(({ messages, more }) => {
      this.#oldest = messages[0]?.id ?? before;
      this.#more = more && messages.length > 0;
      this.#show.older(messages);
    }), answered((refusal) => this.#show.failed(refusal)));
  }

  /** The page has let go of what came before the message `oldest`. */
  trimmed(oldest) {
    this.#oldest = Math.max(this.#oldest, oldest);
    this.#more = true;
    this.#tellReach();
  }

  #begin(messages, more) {
    this.#oldest = messages[0]?.id ?? null;
    this.#newest = messages.at(-1)?.id ?? 0;
    this.#more = more && messages.length > 0;
    this.#follows = true;
    this.#tellReach();
  }

  #missed(messages, more, before) {
    const last = messages.at(-1)?.id;
    const whole = !more || last === undefined;
    if (last !== undefined) this.#newest = Math.max(this.#newest, last);
    this.#follows = whole;
    this.#show.missed(messages);
    if (whole) return;
    const missed = before + messages.length;
    if (missed < MAX_MISSED) {
      this.#catchUp({ after: last }, (page) => this.#missed(page.messages, page.more, missed));
    } else {
      this.#catchUp({}, (page) => {
        this.#begin(page.messages, page.more);
        this.#show.anew(page.messages);
      });
    }
  }

  #catchUp(payload, take) {
    const round = this.#round;
    const current = (then) => (answer) => {
      if (round === this.#round) then(answer);
    };
    this.#ask(payload, current(take), current((refusal) => {
      this.#follows = true; // A conversation with a hole in it is better than one that stands still.
      this.#show.failed(refusal);
    }));
  }

  #tellReach() {
    this.#show.reach({ more: this.#more, loading: this.#loading });
  }
}
