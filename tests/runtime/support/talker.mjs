// Somebody who talks through every disaster, as a page does: a stock client that sends each message until it is answered,
// takes what recovery gives it, and where there was none asks the history for what it missed. It keeps account of all it saw.
import { io } from 'socket.io-client';
import { TRANSPORTS } from './clients.mjs';
import { newKey, RETURNING } from './people.mjs';
import { sleep } from './wait.mjs';

export class Talker {
  #caughtUp = null;
  #again = false;
  /** The newest message that it saw; it has seen all before that one. */
  #last = 0;
  /** Whether an answer came on this connection. */
  #answered = false;

  constructor(t, server, room, name, transport) {
    Object.assign(this, { name, transport, key: newKey() });
    this.sent = 0;
    /** The ids of its own messages, by their number: from the answers. */
    this.own = new Map();
    /** What others said, in the order in which it came to know it. */
    this.others = [];
    /** What should not have happened. */
    this.faults = [];
    this.connects = 0;
    this.recovered = 0;
    this.fresh = 0;
    this.socket = io(server.url, {
      path: `/r/${room}/socket.io/`, forceNew: true, transports: TRANSPORTS[transport], auth: { name, key: this.key },
      ...RETURNING, timeout: 5_000, retries: 1_000_000, ackTimeout: 10_000,
    });
    t.after(() => this.socket.close());
    // The client keeps events that came before a CONNECT which never came, and would add them to those of the next try.
    this.socket.io.on('close', () => (this.socket.receiveBuffer = []));
    this.socket.on('connect', () => this.#connected());
    this.socket.on('connect_error', (error) => error.data && this.faults.push(`refused: ${JSON.stringify(error.data)}`));
    this.socket.on('newMessage', (message) => {
      if (message.author.name === name) this.faults.push(`it was told its own message ${message.text}`);
      else if (this.#caughtUp) this.#caughtUp.push(message);
      else this.#take(message);
    });
  }

  /** Says numbered messages, one each 200 to 400 ms, for so many milliseconds. */
  async talk(random, ms) {
    const end = Date.now() + ms;
    while (Date.now() < end) {
      this.#say(this.sent);
      this.sent += 1;
      await sleep(200 + random.below(201));
    }
  }

  /** Connected, everything answered, nothing to catch up with. */
  get settled() {
    return this.socket.connected && this.own.size === this.sent && !this.#caughtUp;
  }

  #say(n) {
    this.socket.emit('message', { text: `${this.name}/${n}`, id: `m-${n}` }, (error, answer) => {
      if (error || !Number.isInteger(answer?.id)) return this.faults.push(`message ${n}: ${error ?? JSON.stringify(answer)}`);
      if (this.own.has(n)) this.faults.push(`message ${n} was answered twice`);
      this.own.set(n, answer.id);
      const own = { id: answer.id, mine: true };
      if (this.#caughtUp) this.#caughtUp.push(own);
      else this.#take(own);
      this.#answered = true;
    });
  }

  #take({ id, mine, author, text }) {
    // One message is under way at a time; the first answer on a connection may be that of a message from the one before.
    const late = mine && !this.#answered;
    if (id <= this.#last && !late) this.faults.push(`${mine ? 'the answer' : 'the message'} ${id} came after ${this.#last}`);
    this.#last = Math.max(this.#last, id);
    if (!mine) this.others.push({ id, text, by: author.name });
  }

  #connected() {
    this.connects += 1;
    this.#answered = false;
    if (this.socket.recovered) this.recovered += 1;
    else if (this.connects > 1) {
      this.fresh += 1;
      if (this.#caughtUp) this.#again = true;
      else this.#catchUp().catch((error) => this.faults.push(`catching up: ${error.message}`));
    }
  }

  /** What was said since its last message comes from the history; what is said meanwhile waits, and may be in the history too. */
  async #catchUp() {
    this.#caughtUp = [];
    const pages = [];
    let after = this.#last;
    do {
      this.#again = false;
      let event = 'join';
      let page;
      do {
        page = await this.#ask(event, event === 'join' ? { name: this.name, key: this.key, after } : { after });
        if (!Array.isArray(page.messages)) throw new Error(`${event} was answered with ${JSON.stringify(page)}`);
        pages.push(...page.messages);
        after = page.messages.at(-1)?.id ?? after;
        event = 'history';
      } while (page.more);
    } while (this.#again);
    const live = this.#caughtUp.filter(({ mine }) => !mine);
    if (new Set(live.map(({ id }) => id)).size !== live.length) this.faults.push('a message came twice while catching up');
    this.#caughtUp = null;
    const known = new Set(pages.map(({ id }) => id));
    const others = [...pages.filter(({ author }) => author.name !== this.name), ...live.filter(({ id }) => !known.has(id))];
    for (const message of others) this.#take(message);
    this.#last = Math.max(this.#last, after, ...this.own.values());
  }

  #ask(event, data) {
    return new Promise((resolve, reject) => {
      this.socket.emit(event, data, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }
}
