// Raw requests and raw WebSockets: what a client library would hide (statuses, headers, framing, close codes) in full view.
import http from 'node:http';
import { WebSocket } from 'ws';
import { Inbox, PATIENCE, within } from './wait.mjs';

/** Joins the packets of one polling payload. */
export const RS = '\x1e';

let rooms = 0;
/** A room nobody else uses, so that tests can't meet one another. */
export const freshRoom = () => `room-${process.pid}-${++rooms}`;

/** In place of a room: the Engine.IO server of the conformance app, which sends back what it is sent. */
export const ECHO = '/engine.io/';

/** The URL of a room's Engine.IO endpoint with these query parameters added to the usual ones; `undefined` leaves one out. */
export function engineUrl(server, room, query = {}) {
  const url = new URL(room === ECHO ? ECHO : `/r/${room}/socket.io/`, server.url);
  for (const [name, value] of Object.entries({ EIO: '4', transport: 'polling', ...query })) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/**
 * One HTTP exchange on a connection of its own. Besides being the promise of `{status, headers, body, bytes}` the result has
 * `abort()`, `reset()` that ends the connection with a TCP reset, and with `slow: true` leaves the body open for `write(text)` and `finish(text)`.
 */
export function request(url, { method = 'GET', headers = {}, body, slow = false, patience = PATIENCE } = {}) {
  const outgoing = http.request(url, { method, headers, agent: false });
  const answer = new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: incoming.statusCode, headers: incoming.headers, body: bytes.toString(), bytes });
      });
    });
  });
  if (slow) outgoing.write(body ?? '');
  else outgoing.end(body);
  const result = within(answer, `the answer to ${method} ${url}`, patience);
  result.catch(() => {}); // whoever cares awaits it; an aborted one may have nobody
  return Object.assign(result, {
    abort: () => outgoing.destroy(),
    reset: () => outgoing.socket.resetAndDestroy(),
    write: (text) => outgoing.write(text),
    finish: (text) => outgoing.end(text),
  });
}

/** A polling session: opened by `Poller.open`, then driven request by request. */
export class Poller {
  #packets = [];

  /** The packets of an answer. */
  static parse({ body }) {
    return body.split(RS);
  }

  static async open(server, room, query = {}) {
    const response = await request(engineUrl(server, room, query));
    if (response.status !== 200) throw new Error(`handshake refused: ${response.status} ${response.body}`);
    const poller = new this();
    Object.assign(poller, { server, room, query, response });
    poller.handshake = JSON.parse(this.parse(response)[0].slice(1));
    poller.sid = poller.handshake.sid;
    return poller;
  }

  /** Where its requests go: with the query with which it was opened, as clients do. */
  url(query = {}) {
    return engineUrl(this.server, this.room, { ...this.query, sid: this.sid, ...query });
  }

  get(options) {
    return request(this.url(), options);
  }

  post(body, options = {}) {
    const headers = { 'content-type': 'text/plain;charset=UTF-8', ...options.headers };
    return request(this.url(), { method: 'POST', body, ...options, headers });
  }

  /** The next packet that `accepts`, over as many GETs as it takes; pings met on the way are answered. */
  async read(accepts, what) {
    const seen = [];
    const deadline = Date.now() + PATIENCE;
    while (Date.now() < deadline) {
      while (this.#packets.length > 0) {
        const packet = this.#packets.shift();
        seen.push(packet);
        if (accepts(packet)) return packet;
        if (packet === '2') await this.post('3');
      }
      const response = await this.get();
      const { status, body } = response;
      if (status !== 200) throw new Error(`polling ended with ${status} ${body} while waiting for ${what}; had ${seen}`);
      this.#packets = this.constructor.parse(response);
    }
    throw new Error(`polled ${PATIENCE} ms for ${what}; had ${seen.join(' ⏐ ')}`);
  }

  /** Joins the main namespace, and returns the CONNECT packet of the server. */
  async connect() {
    await this.post('40');
    return this.read((packet) => packet.startsWith('40'), 'the answer to CONNECT');
  }
}

/** A raw WebSocket. `next()` gives its frames in order, `closed` resolves with `{code, reason}`. */
export class WireSocket {
  /** Opens one, and closes it when the test `t` ends. */
  static async open(t, url, headers, protocols) {
    const wire = new WireSocket(url, headers, protocols);
    t.after(() => wire.socket.terminate());
    await within(wire.opened, `the WebSocket ${url} to open`);
    return wire;
  }

  /** A session of its own over WebSocket: opened, and its open packet parsed. */
  static async session(t, server, room, query = {}) {
    const wire = await WireSocket.open(t, engineUrl(server, room, { transport: 'websocket', ...query }));
    wire.open = await wire.next('the open packet');
    wire.handshake = JSON.parse(wire.open.slice(1));
    wire.sid = wire.handshake.sid;
    return wire;
  }

  constructor(url, headers = {}, protocols = []) {
    const target = new URL(url);
    target.protocol = 'ws:';
    this.socket = new WebSocket(target, protocols, { perMessageDeflate: false, headers });
    this.frames = new Inbox('the WebSocket');
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve);
      this.socket.on('error', reject);
      this.socket.on('unexpected-response', (_, incoming) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () => {
          const refusal = { status: incoming.statusCode, headers: incoming.headers, body: Buffer.concat(chunks).toString() };
          reject(Object.assign(new Error(`upgrade refused: ${refusal.status} ${refusal.body}`), { refusal }));
          this.socket.terminate();
        });
      });
    });
    this.opened.catch(() => {});
    this.gone = new Promise((resolve) => this.socket.on('close', resolve));
    this.closed = new Promise((resolve) => {
      const end = (code, reason) => {
        this.frames.end(`closed with ${code}`);
        resolve({ code, reason: reason.toString() });
      };
      this.socket.on('close', end);
      // 2026-11: workerd completes the closing handshake, but leaves the TCP connection of a client that never sent a
      // frame open (any Durable Object does, not only ours). `ws` would wait 30 s for its end; browsers wait two.
      this.socket.on('open', () => this.socket._receiver.on('conclude', end));
    });
    this.socket.on('message', (data, isBinary) => this.frames.push(isBinary ? data : data.toString()));
  }

  send(frame) {
    this.socket.send(frame);
  }

  /** The next frame. Noops are passed over: they mean nothing, and the platform itself answers each pong with one. */
  next(what, ms) {
    return this.frames.until((frame) => frame !== '6', what, ms);
  }

  until(accepts, what, ms) {
    return this.frames.until(accepts, what, ms);
  }

  /** How the server closed it. */
  close(what = 'the server to close the WebSocket', ms) {
    return within(this.closed, () => `${what}; ${this.frames.history()}`, ms);
  }

  /** Waits until the TCP connection itself has ended: what `ws` calls "close", and most programs wait for. */
  end(what = 'the end of the TCP connection', ms) {
    return within(this.gone, () => `${what}; ${this.frames.history()}`, ms);
  }

  /** Joins the main namespace, and returns the CONNECT packet of the server. */
  async connect() {
    this.send('40');
    return this.until((frame) => frame.startsWith?.('40'), 'the answer to CONNECT');
  }

  /** Shows that the connection is alive and in the namespace: an event asked for an ack, and it came. */
  async proveAlive(name = 'alive') {
    this.send(`4277["join",${JSON.stringify({ name })}]`);
    return this.until((frame) => frame.startsWith?.('4377['), 'the ack of a connection that should be alive');
  }
}

/** A WebSocket upgrade that the server must refuse at the level of HTTP: `{status, headers, body}` of the refusal. */
export async function refusedUpgrade(url, headers) {
  const wire = new WireSocket(url, headers);
  try {
    await within(wire.opened, `the refusal of ${url}`);
  } catch (error) {
    if (error.refusal) return error.refusal;
    throw error;
  } finally {
    wire.socket.terminate();
  }
  throw new Error(`${url} should have been refused, and was opened`);
}
