// What the chat must do at least on this platform, in JavaScript by hand: the packets of the page's protocol, the rows that make it
// durable, and frames gathered as roomcast gathers them. It checks nothing, recovers nobody and pings nobody.
import { DurableObject } from 'cloudflare:workers';

const TABLES = `
  CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL, time INTEGER NOT NULL, author TEXT, name TEXT NOT NULL, client_id TEXT, text TEXT NOT NULL
  );
  CREATE UNIQUE INDEX IF NOT EXISTS message_of_client ON message (author, client_id);
  CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER, receivers TEXT, others TEXT, event TEXT, args TEXT);
  CREATE TABLE IF NOT EXISTS socket (pid TEXT PRIMARY KEY, state TEXT)`;
const MOST_LOOKS = 8;

const random = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(15))));
const open = (sid) => `0${JSON.stringify({ sid, upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000 })}`;

export class ChatRoom extends DurableObject {
  #members = new Map();
  #others = new Set();
  #waiting = [];
  #gathers = false;
  #id = Date.now() * 1_000;
  #number = 0;

  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec(TABLES);
    // Those who were there before the room slept.
    for (const socket of ctx.getWebSockets()) {
      const { pid, id, name } = socket.deserializeAttachment();
      if (pid) this.#enter(socket, { id, name });
    }
  }

  #enter(socket, member) {
    if (member.name) this.#members.set(socket, member);
    else this.#others.add(socket);
  }

  fetch(request) {
    if (request.headers.get('Upgrade') !== 'websocket') return new Response(open(random()));
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment({ sid: random() });
    server.send(open(random()));
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, frame) {
    this.#waiting.push([socket, frame]);
    if (!this.#gathers) this.#gather();
  }

  webSocketClose(socket) {
    this.#members.delete(socket);
    this.#others.delete(socket);
  }

  async #gather() {
    this.#gathers = true;
    for (let looks = 0, known = 0; looks < MOST_LOOKS && known < this.#waiting.length; looks += 1) {
      known = this.#waiting.length;
      await this.ctx.storage.sync();
    }
    this.#gathers = false;
    const frames = this.#waiting;
    this.#waiting = [];
    const sent = this.ctx.storage.transactionSync(() => frames.flatMap(([socket, frame]) => this.#handle(socket, frame)));
    for (const [to, frame] of sent) for (const socket of to) socket.send(frame);
  }

  /** What is sent because of a frame: to whom, and what. */
  #handle(socket, frame) {
    if (frame.startsWith('40')) return this.#connect(socket, frame);
    const packet = /^42(\d*)(.*)$/s.exec(frame);
    if (!packet) return [];
    const [event, said] = JSON.parse(packet[2]);
    const author = this.#members.get(socket);
    const posted = { id: ++this.#id, time: Date.now() };
    this.#exec('INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)', posted.id, ++this.#number, posted.time, author.id, author.name, said.id, said.text);
    const told = this.#tell(socket, 'newMessage', { ...posted, author, text: said.text });
    if (this.#others.size > 0) told.push([this.#others, `42["newIncomingMessage",${JSON.stringify({ author: author.name, message: said.text })}]`]);
    return [...told, [[socket], `43${packet[1]}${JSON.stringify([posted])}`]];
  }

  #connect(socket, frame) {
    const [sid, pid] = [random(), random()];
    const { name } = JSON.parse(frame.slice(2) || '{}');
    const member = { id: sid, name };
    socket.serializeAttachment({ sid, pid, ...member });
    this.#exec('INSERT INTO socket VALUES (?, ?)', pid, JSON.stringify(member));
    const answer = [[socket], `40${JSON.stringify({ sid, pid })}`];
    const told = name ? this.#tell(socket, 'memberJoined', { ...member, time: Date.now() }) : [];
    this.#enter(socket, member);
    return [answer, ...told];
  }

  /** An event for all other members; the log has it first. */
  #tell(from, event, value) {
    const args = JSON.stringify(value);
    this.#exec('INSERT INTO log (time, receivers, others, event, args) VALUES (?, ?, ?, ?, ?)', Date.now(), '["members"]', '["one"]', event, args);
    const to = [...this.#members.keys()].filter((socket) => socket !== from);
    return [[to, `42["${event}",${args},"${this.#id}-offset"]`]];
  }

  #exec(statement, ...values) {
    this.ctx.storage.sql.exec(statement, ...values);
  }
}

export default {
  fetch(request, env) {
    const [, , room] = new URL(request.url).pathname.split('/');
    return room ? env.ROOMS.getByName(room).fetch(request) : new Response('ok');
  },
};
