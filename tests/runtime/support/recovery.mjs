// Clients of the conformance app that lose their connection and come back (1.11), packet by packet.
import assert from 'node:assert/strict';
import { nextWithBytes } from './conformance.mjs';
import { eventually, within } from './wait.mjs';
import { freshRoom, Poller, WireSocket } from './wire.mjs';

/** Raw connections are no client that is known to recover: so they say that they do. */
const RECOVERING = { recovery: '1' };

/** Both ways to be connected, with one face: `send`, `next` (bytes are Buffers), `lose`, `sid`. Pings are answered, unless `silent`. */
const LINES = {
  websocket: async (t, server, room, { query, silent = false }) => {
    const wire = await WireSocket.session(t, server, room, { ...RECOVERING, ...query });
    if (!silent) wire.socket.on('message', (data, isBinary) => !isBinary && data.toString() === '2' && wire.send('3'));
    const next = (what, ms) => wire.until((frame) => frame !== '2' && frame !== '6', what, ms);
    /** Without a word, as when a network goes. */
    const lose = async () => {
      wire.socket.terminate();
      await within(wire.gone, 'the WebSocket to be gone');
    };
    return Object.assign(wire, { next, lose });
  },
  polling: async (_, server, room, { query }) => {
    const poller = await Poller.open(server, room, { ...RECOVERING, ...query });
    const next = async (what) => {
      let packet = await poller.read(() => true, what);
      while (packet === '2') {
        await poller.post('3');
        packet = await poller.read(() => true, what);
      }
      return packet[0] === 'b' ? Buffer.from(packet.slice(1), 'base64') : packet;
    };
    const lose = () => poller.post('1'); // the engine's close: a poll that never comes again is noticed much later
    return Object.assign(poller, { send: (packet) => poller.post(packet), next, lose });
  },
};

export const TRANSPORTS = Object.keys(LINES);

/** A new connection, in no namespace yet. */
export const connection = (t, server, room, { transport = 'websocket', ...options } = {}) => LINES[transport](t, server, room, options);

const prefixOf = (namespace) => (namespace === '/' ? '' : `${namespace},`);

/** Sends CONNECT, and resolves with `{sid, pid, missed}`: what the answer has, and the packets that came before it. */
export async function connect(line, auth, namespace = '/') {
  const prefix = prefixOf(namespace);
  await line.send(`40${prefix}${auth === undefined ? '' : JSON.stringify(auth)}`);
  const missed = [];
  for (;;) {
    const packet = await line.next('the answer to CONNECT');
    if (typeof packet === 'string' && packet.startsWith(`40${prefix}{`)) {
      return { ...JSON.parse(packet.slice(2 + prefix.length)), missed };
    }
    missed.push(packet);
  }
}

/** The events in packets that have come, each as `[name, …arguments]` without its offset, and the last offset. */
export async function eventsIn(packets) {
  const rest = [...packets];
  const events = [];
  let offset;
  while (rest.length > 0) {
    const { header, data } = await nextWithBytes({ next: async () => rest.shift() });
    offset = takeOffset(header, data);
    events.push(data);
  }
  return { events, offset };
}

function takeOffset(header, data) {
  assert.match(header, /^4[25](\d+-)?(\/[^,]*,)?$/, 'an event that asks for no ack');
  const offset = data.pop();
  assert.ok(typeof offset === 'string' && offset !== '', `${JSON.stringify(data)} should have an offset behind it`);
  return offset;
}

/** That the server closes a connection, or has: what was on its way may still come. */
export async function assertClosed(line) {
  if (line.close) return line.close();
  return eventually(async () => (await line.get()).status === 400, 'the session to be unknown');
}

/** One socket: in one namespace of a connection of its own. */
export class Person {
  #acks = 0;

  /** Connects, and takes the greeting. */
  static async open(t, server, { room = freshRoom(), namespace = '/', auth, ...options } = {}) {
    const line = await connection(t, server, room, options);
    return new Person({ t, server, room, namespace, line }, await connect(line, auth, namespace)).greeted();
  }

  constructor(place, { sid, pid, missed }) {
    Object.assign(this, place, { sid, pid, packets: missed });
  }

  async greeted() {
    assert.deepEqual(this.packets, [], 'nothing comes before CONNECT');
    assert.equal((await this.event('the greeting'))[0], 'auth');
    return this;
  }

  /** Another connection of the same room, with the pid and the offset (`null` for none): whatever comes of it. */
  async reconnect({ transport, silent, offset = this.offset, auth, pid = this.pid } = {}) {
    const { t, server, room, namespace } = this;
    const line = await connection(t, server, room, { transport, silent });
    const answer = await connect(line, { pid, ...(offset !== null && { offset }), ...auth }, namespace);
    return new Person({ t, server, room, namespace, line }, answer);
  }

  /** The same person on another connection: recovered, with what it missed in `missed`. */
  async back(options = {}) {
    const person = await this.reconnect(options);
    assert.deepEqual({ sid: person.sid, pid: person.pid }, { sid: this.sid, pid: this.pid }, 'the socket should be recovered');
    const { events, offset } = await eventsIn(person.packets);
    return Object.assign(person, { missed: events, offset: offset ?? this.offset });
  }

  /** Tries to come back, and must be somebody else: nothing missed, another sid and pid, in no room, with no data. */
  async fresh(options) {
    const person = await this.reconnect(options);
    assert.notEqual(person.sid, this.sid, 'the sid should be new');
    assert.notEqual(person.pid, this.pid, 'the pid should be new');
    await person.greeted();
    assert.deepEqual(await person.rooms(), []);
    assert.equal(await person.ask('data?'), null);
    return person;
  }

  /** Loses the connection without a word. */
  async lose() {
    await this.line.lose();
    return this;
  }

  async emit(event, ...args) {
    await this.line.send(`42${prefixOf(this.namespace)}${JSON.stringify([event, ...args])}`);
  }

  /** Emits, and resolves with the only argument of the ack, which has to be the next packet that comes. */
  async ask(event, ...args) {
    const id = (this.#acks += 1);
    const prefix = prefixOf(this.namespace);
    await this.line.send(`42${prefix}${id}${JSON.stringify([event, ...args])}`);
    const packet = await this.line.next(`the ack of ${event}`);
    assert.ok(String(packet).startsWith(`43${prefix}${id}[`), `${packet} should be the ack of ${event}`);
    const answers = JSON.parse(packet.slice(2 + prefix.length + String(id).length));
    assert.equal(answers.length, 1, packet);
    return answers[0];
  }

  /** The next packet, which has to be an event with an offset: `[name, …arguments]`. */
  async event(what = 'an event') {
    const { header, data } = await nextWithBytes({ next: () => this.line.next(what) });
    this.offset = takeOffset(header, data);
    return data;
  }

  join(room) {
    return this.ask('join', { room });
  }

  /** Those of these rooms that it is in: whose events it gets. All others in them get them as well. */
  async rooms(among = ['tea', 'cake', 'milk']) {
    for (const room of among) await this.emit('to', { room, event: 'in', data: room });
    await this.emit('message', 'all');
    const rooms = [];
    for (;;) {
      const [event, room] = await this.event('the events of rooms');
      if (event === 'message-back') return rooms;
      assert.equal(event, 'in');
      rooms.push(room);
    }
  }

  /** Has everybody else in the namespace told `data`. */
  async tell(...data) {
    for (const each of data) await this.emit('broadcast', each);
    await this.ask('message-with-ack', 'told'); // by now they are on their way
  }

  /** Asserts that these broadcasts, and nothing else, are what comes next. */
  async hears(...data) {
    for (const each of data) assert.deepEqual(await this.event(`the broadcast of ${each}`), ['broadcast', each]);
    assert.equal(await this.ask('message-with-ack', 'nothing else'), 'nothing else');
  }
}

/** Somebody who is going to be away, and somebody who stays and talks. */
export async function pair(t, server, options = {}) {
  const room = freshRoom();
  const away = await Person.open(t, server, { room, ...options });
  return { room, away, here: await Person.open(t, server, { room, namespace: options.namespace }) };
}

/** The same broadcasts as they are replayed. */
export const broadcasts = (...data) => data.map((each) => ['broadcast', each]);
