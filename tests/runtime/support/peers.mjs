// Stock Socket.IO clients of four major protocol eras behind one face, talking to the conformance app.
import { createServer, connect as connectTcp } from 'node:net';
import { io } from 'socket.io-client';
import io25 from 'socket.io-client-25';
import { io as io31 } from 'socket.io-client-31';
import { io as io451 } from 'socket.io-client-451';
import msgpackParser from 'socket.io-msgpack-parser';
import { TRANSPORTS } from './clients.mjs';
import { Inbox, within } from './wait.mjs';

/**
 * `old`: before `auth` and `connect_error` with data; there the query and the event `error` stand in for them. `recovers`: it
 * comes back as the socket that it was (1.11).
 */
export const KINDS = {
  'socket.io-client 4.8': { io, recovers: true },
  'socket.io-client 4.5': { io: io451 },
  'socket.io-client 3.1': { io: io31 },
  'socket.io-client 2.5': { io: io25, old: true },
  'socket.io-client 4.8 msgpack': { io, options: { parser: msgpackParser }, recovers: true },
};

const EVENTS = ['auth', 'message-back', 'answer', 'broadcast'];

/** One socket: one namespace on one connection. */
export class Peer {
  /** Connects on a connection of its own, which ends with the test `t`. `url` may be that of a proxy. */
  static async open(t, kind, url, room, { transport = 'websocket', ...rest } = {}) {
    const peer = Peer.start(t, kind, url, room, { transport, ...rest });
    await peer.connected(`a ${transport} client to connect`);
    if (transport === 'upgrade') await within(peer.upgraded, 'the client to upgrade');
    return peer;
  }

  /** The same, without waiting for anything: for connections that are going to be refused. */
  static start(t, kind, url, room, { transport = 'websocket', namespace = '/', auth, ...options } = {}) {
    const socket = kind.io(url + namespace, {
      path: `/r/${room}/socket.io/`, forceNew: true, reconnection: false, transports: TRANSPORTS[transport],
      ...credentials(kind, auth), ...kind.options, ...options,
    });
    t.after(() => socket.io.engine?.close());
    t.after(() => socket.close());
    return new Peer(kind, socket);
  }

  constructor(kind, socket) {
    this.kind = kind;
    this.socket = socket;
    this.answer = [];
    this.events = new Inbox('the client');
    this.life = new Inbox('the connection of the client');
    this.beats = new Inbox('the heart of the client');
    this.upgraded = new Promise((resolve) => socket.io.once('open', () => {
      socket.io.engine.once('upgrade', resolve);
      // Who begins a beat depends on the protocol: what comes from the server proves it either way.
      socket.io.engine.on('packet', ({ type }) => ['ping', 'pong'].includes(type) && this.beats.push('beat'));
    }));
    socket.on('connect', () => this.life.push('connect'));
    socket.on('disconnect', (reason) => this.life.push(`disconnect: ${reason}`));
    const refusal = kind.old ? (data) => ({ data }) : ({ message, data }) => ({ message, data });
    socket.on(kind.old ? 'error' : 'connect_error', (error) => this.life.push({ refused: refusal(error) }));
    for (const event of EVENTS) socket.on(event, (...args) => this.events.push([event, ...args]));
    socket.on('question', (...args) => {
      const ack = args.pop();
      this.events.push(['question', ...args]);
      ack(...this.answer);
    });
  }

  /** Another namespace on the same connection. */
  namespace(name, auth) {
    return new Peer(this.kind, this.socket.io.socket(name, credentials(this.kind, auth)));
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }

  emit(event, ...args) {
    this.socket.emit(event, ...args);
  }

  /** Emits, and returns the arguments of the ack. */
  call(event, ...args) {
    const answer = new Promise((resolve) => this.socket.emit(event, ...args, (...answers) => resolve(answers)));
    return within(answer, () => `the ack of ${event}; ${this.events.history()}; ${this.life.history()}`);
  }

  /** The next event, name first. */
  next(what) {
    return this.events.next(what);
  }

  async connected(what = 'the client to connect') {
    const step = await this.life.next(what);
    if (step !== 'connect') throw new Error(`expected ${what}; ${this.life.history()}`);
  }

  /** What came in place of a connection. */
  async refused() {
    return (await this.life.next('the refusal')).refused;
  }
}

const credentials = (kind, auth) => auth && (kind.old ? { query: auth } : { auth });

/** Byte strings of any kind as `{bytes: hex}`, at any depth, so that what clients of different make got compares equal. */
export function plain(value) {
  if (value instanceof ArrayBuffer) return { bytes: Buffer.from(value).toString('hex') };
  if (ArrayBuffer.isView(value)) return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/**
 * A TCP proxy in front of `server`, for connections that are cut in the middle: neither side says goodbye. From `cut()` to
 * `restore()` there is no way through: a polling client that has no request under way at the cut notices by its next one.
 * With `halfOpen` the server isn't told: for it they are still there when the client comes back.
 */
export async function cuttable(t, server, { halfOpen = false } = {}) {
  const { hostname, port } = new URL(server.url);
  const [nears, fars] = [new Set(), new Set()];
  let down = false;
  const proxy = createServer((near) => {
    if (down) return near.destroy();
    const far = connectTcp(port, hostname);
    for (const [from, to, open] of [[near, far, nears], [far, near, fars]]) {
      open.add(from);
      from.on('error', () => {}); // a cut connection; its "close" follows
      from.on('close', () => {
        open.delete(from);
        if (from === near && halfOpen) far.resume(); // what it is still sent goes nowhere
        else to.destroy();
      });
      from.pipe(to);
    }
  });
  const cut = () => {
    down = true;
    nears.forEach((socket) => socket.destroy());
  };
  const restore = () => (down = false);
  t.after(() => {
    proxy.close();
    cut();
    fars.forEach((socket) => socket.destroy());
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${proxy.address().port}`, cut, restore };
}
