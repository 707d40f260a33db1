// People in the chat: stock clients with a name and a key each, and a record of all that they were told and when.
import { randomBytes } from 'node:crypto';
import { io } from 'socket.io-client';
import { TRANSPORTS } from './clients.mjs';
import { eventually, PATIENCE, within } from './wait.mjs';

/** The events about people. */
export const PRESENCE = ['memberJoined', 'memberRenamed', 'memberAway', 'memberBack', 'memberLeft'];

/** The secret by which a room knows a person again. */
export const newKey = () => randomBytes(16).toString('base64url');

/** Options of a client that comes back by itself, and soon. */
export const RETURNING = { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 500 };

export const textsOf = (messages) => messages.map(({ text }) => text);

export class Person {
  /**
   * Comes into the room as a member, and goes when the test `t` ends. `key: undefined` is a person without one, `name: undefined`
   * a socket that only listens.
   */
  static async enter(t, server, room, name, options = {}) {
    const person = Person.start(t, server, room, name, options);
    await person.here();
    if (name !== undefined) await person.join();
    return person;
  }

  /** The same without waiting for anything, and without the `join` by which pages ask for the roster. */
  static start(t, server, room, name, { transport = 'websocket', ...options } = {}) {
    const key = 'key' in options ? options.key : newKey();
    delete options.key;
    const socket = io(server.url, {
      path: `/r/${room}/socket.io/`, forceNew: true, reconnection: false, transports: TRANSPORTS[transport],
      auth: name === undefined ? {} : { name, key }, ...options,
    });
    t.after(() => socket.close());
    return new Person(socket, name, key);
  }

  constructor(socket, name, key) {
    Object.assign(this, { socket, name, key });
    this.connects = 0;
    /** Everything that it was told: `{event, data, at}`. */
    this.told = [];
    socket.on('connect', () => (this.connects += 1));
    socket.on('connect_error', (error) => (this.refusal = error));
    socket.onAny((event, data) => this.told.push({ event, data, at: Date.now() }));
  }

  /** Waits until it is connected, for the `connects`th time at least. */
  async here(connects = 1, ms = PATIENCE) {
    await eventually(() => {
      if (this.refusal && !this.socket.active) throw this.refusal;
      return this.socket.connected && this.connects >= connects;
    }, `${this.name} to be connected`, ms);
  }

  /** Emits, and returns the ack's only argument. */
  async ask(event, ...args) {
    const answer = new Promise((resolve) => this.socket.emit(event, ...args, resolve));
    return within(answer, () => `${this.name}'s answer to ${event}; was told ${this.history()}`);
  }

  /** The roster and what was said: the last 50 messages, or the first 50 after the one with the id `after`. */
  async join(after) {
    this.me = await this.ask('join', { name: this.name, key: this.key, after });
    if (typeof this.me?.id !== 'string') throw new Error(`join was answered with ${JSON.stringify(this.me)}`);
    return this.me;
  }

  /** Says it, under the client's own `id` if there is one. */
  async say(text, id) {
    const answer = await this.ask('message', { text, id });
    if (!Number.isInteger(answer?.id)) throw new Error(`"${text}" was answered with ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Its connection is cut without a word, and it doesn't try to come back. Only for WebSockets. */
  vanish() {
    this.socket.io.reconnection(false);
    this.socket.io.engine.transport.ws.terminate();
    return Date.now();
  }

  /** The same client comes back, with what it knows of its last connection. */
  async comeBack() {
    const before = this.connects;
    await eventually(() => !this.socket.connected, `${this.name} to notice that it was cut off`);
    this.socket.connect();
    await this.here(before + 1);
  }

  /** Goes, and says so. */
  leave() {
    this.socket.disconnect();
    return Date.now();
  }

  /** What it was told about people so far, in short: `['memberJoined Ada', …]`. */
  presence() {
    return this.told.filter(({ event }) => PRESENCE.includes(event)).map(({ event, data }) => `${event} ${data.name}`);
  }

  /** What it heard other people say so far. */
  heard() {
    return this.told.filter(({ event }) => event === 'newMessage').map(({ data }) => data);
  }

  /** The first event of that name about the person with that name, or with that text, once it is there: `{event, data, at}`. */
  async hears(event, about, ms = PATIENCE) {
    const found = () => this.told.find((item) => item.event === event && [item.data?.name, item.data?.text, item.data?.message].includes(about));
    try {
      return await eventually(found, `${this.name} to be told ${event} ${about}`, ms);
    } catch (error) {
      error.message += `; was told ${this.history()}`;
      throw error;
    }
  }

  /** Forgets what it was told. */
  forget() {
    this.told.length = 0;
  }

  history() {
    return this.told.slice(-12).map(({ event, data }) => `${event} ${JSON.stringify(data)?.slice(0, 100)}`).join(' ⏐ ') || 'nothing';
  }
}

/** Does something that costs everybody the connection, and waits until they are back by themselves. */
export async function allBackAfter(people, disaster, ms = 2 * PATIENCE) {
  const before = people.map(({ connects }) => connects);
  await disaster();
  await Promise.all(people.map((person, i) => person.here(before[i] + 1, ms)));
}

/** The whole history of a room, oldest first, read page by page from its end. */
export async function wholeHistory(person) {
  const pages = [await person.join()];
  while (pages[0].more) {
    const page = await person.ask('history', { before: pages[0].messages[0].id });
    if (!(page.messages?.length > 0)) throw new Error(`there should be older messages, and the answer is ${JSON.stringify(page)}`);
    pages.unshift(page);
  }
  return pages.flatMap(({ messages }) => messages);
}
