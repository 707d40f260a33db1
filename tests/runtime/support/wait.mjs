// Bounded waiting. Every wait in these tests goes through here, so that a test that would hang fails instead, and says
// what it waited for and what had arrived by then.

/** How long a wait may take, in ms: far above what a healthy server needs on a busy machine. */
export const PATIENCE = 8_000;

/** Lets real time pass. Only for tests whose subject is time itself; all others await an event. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** `promise`, or a failure after `ms` that names `what` (a string, or a function that makes one). */
export async function within(promise, what, ms = PATIENCE) {
  const late = new Error(); // made here, so that its stack shows the caller
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => {
      late.message = `waited ${ms} ms for ${typeof what === 'function' ? what() : what}`;
      reject(late);
    }, ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `probe` again and again until it gives something true; for facts that no event announces. */
export async function eventually(probe, what, ms = PATIENCE) {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await sleep(25);
  }
}

/** Things that arrive, in order, and those who wait for them. */
export class Inbox {
  #items = [];
  #seen = [];
  #waiting = null;
  #end = null;

  constructor(name) {
    this.name = name;
  }

  push(item) {
    this.#seen.push(item);
    this.#items.push(item);
    this.#waiting?.();
  }

  /** Nothing more will come; waiters fail with `reason` instead of using up their time. */
  end(reason) {
    this.#end ??= reason;
    this.#waiting?.();
  }

  /** The next item, in the order of arrival. */
  async next(what = 'anything', ms = PATIENCE) {
    if (this.#items.length === 0 && !this.#end) {
      const arrival = new Promise((resolve) => (this.#waiting = resolve));
      await within(arrival, () => `${what}; ${this.history()}`, ms);
      this.#waiting = null;
    }
    if (this.#items.length > 0) return this.#items.shift();
    throw new Error(`no more can come (${this.#end}) while waiting for ${what}; ${this.history()}`);
  }

  /** The first item that `accepts`; those before it are dropped. */
  async until(accepts, what, ms = PATIENCE) {
    const deadline = Date.now() + ms;
    for (;;) {
      const item = await this.next(what, Math.max(1, deadline - Date.now()));
      if (accepts(item)) return item;
    }
  }

  history() {
    const last = this.#seen.slice(-12).map((item) => brief(item));
    return `${this.name} has had ${this.#seen.length}: ${last.join(' ⏐ ') || 'nothing'}`;
  }
}

function brief(item) {
  const text = typeof item === 'string' ? item : JSON.stringify(item);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
