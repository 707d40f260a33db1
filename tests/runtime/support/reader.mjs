// A client of the conformance app that can stop reading, and that keeps of what it reads only what tells messages apart.
import { WebSocket } from 'ws';
import { eventually, PATIENCE, within } from './wait.mjs';
import { engineUrl, request } from './wire.mjs';

export class Reader {
  #wanted = Infinity;
  #arrived;

  /** Connects in the namespace `/`, as a client that recovers; with `{pid, offset}` of an earlier connection it asks to go on where that ended. */
  static async enter(t, server, room, last) {
    const url = engineUrl(server, room, { transport: 'websocket', recovery: 1 });
    url.protocol = 'ws:';
    const reader = new Reader(server, room, new WebSocket(url, { perMessageDeflate: false }));
    t.after(() => reader.ws.terminate());
    await within(reader.open, 'the WebSocket to open');
    reader.ws.send(`40${last ? JSON.stringify(last) : ''}`);
    await eventually(() => reader.session, 'the answer to CONNECT');
    return reader;
  }

  constructor(server, room, ws) {
    Object.assign(this, { server, room, ws });
    /** The tags of the broadcasts that it read, in order. */
    this.tags = [];
    /** How many of them came before the answer to CONNECT. */
    this.replayed = 0;
    this.open = new Promise((resolve, reject) => {
      ws.on('open', resolve);
      ws.on('error', reject);
    });
    this.closed = new Promise((resolve) => ws.on('close', resolve));
    this.closed.then(() => (this.ended = true));
    ws.on('message', (data) => this.#read(data.toString()));
  }

  #read(frame) {
    if (frame === '2') this.ws.send('3');
    else if (frame.startsWith('0{')) this.engineId = JSON.parse(frame.slice(1)).sid;
    else if (frame.startsWith('40{')) {
      this.session = JSON.parse(frame.slice(2));
      this.replayed = this.tags.length;
    } else if (frame.startsWith('42[')) {
      const [event, tag, ...rest] = JSON.parse(frame.slice(2));
      this.offset = rest.at(-1) ?? tag;
      if (event === 'broadcast') this.tags.push(tag);
      if (this.tags.length >= this.#wanted) this.#arrived();
    }
  }

  /** What it would say to go on where this connection ended. */
  get last() {
    return { pid: this.session.pid, offset: this.offset };
  }

  /** Tells all others; what they get is the tag and so many bytes. */
  broadcast(tag, bytes) {
    this.ws.send(`42["broadcast",${JSON.stringify(tag)},"${'x'.repeat(bytes)}"]`);
  }

  /** Stops reading: what the server sends piles up on the way. */
  pause() {
    this.ws.pause();
  }

  resume() {
    this.ws.resume();
  }

  /** Whether the server still has this connection, asked from another one: a request by its id is refused differently. */
  async known() {
    const { status, body } = await request(engineUrl(this.server, this.room, { sid: this.engineId }));
    const { code } = JSON.parse(body);
    if (status !== 400 || ![1, 3].includes(code)) throw new Error(`answered ${status} ${body}`);
    return code === 3; // "Bad request", while an id that isn't known is code 1
  }

  /** Waits until it has read so many broadcasts. */
  async has(count, ms = PATIENCE) {
    if (this.tags.length >= count) return;
    const arrival = new Promise((resolve) => (this.#arrived = resolve));
    this.#wanted = count;
    await within(arrival, () => `broadcast number ${count}; ${this.tags.length} came, and the connection is ${this.ended ? 'closed' : 'open'}`, ms);
    this.#wanted = Infinity;
  }
}
