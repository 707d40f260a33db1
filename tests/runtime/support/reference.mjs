// The oracle: the reference implementation (npm `socket.io`) with the same apps, settings and addressing of rooms.
// `TARGET=reference` runs the protocol tests against it, which proves that they describe Socket.IO and not merely roomcast.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Server } from 'socket.io';
import msgpack from 'socket.io-msgpack-parser';
import { conformanceApp, echo } from './reference-conformance.mjs';
import { ROOT } from './paths.mjs';

// What the reference itself depends on, so that it is of the same version.
export const requireLikeSocketIo = createRequire(createRequire(import.meta.url).resolve('socket.io'));
const { Server: Engine } = requireLikeSocketIo('engine.io');
const jsonParser = requireLikeSocketIo('socket.io-parser');

const DEFAULTS = {
  PING_INTERVAL_MS: 25_000, PING_TIMEOUT_MS: 60_000, UPGRADE_TIMEOUT_MS: 10_000, CONNECT_TIMEOUT_MS: 45_000,
  MAX_PAYLOAD_BYTES: 1_000_000,
  CLOSE_TIMEOUT_MS: 500, // roomcast's default is 30,000; here it would hold up the end of every test file by as much
  MAX_ATTACHMENTS: 10, ALLOW_EIO3: 'false', TRANSPORTS: 'polling,websocket', CORS_ORIGIN: '', CORS_CREDENTIALS: 'false', COOKIE: '',
  PARSER: 'default', APP: 'chat',
  RECOVERY_MS: 120_000,
};

/** Starts it on `port` of 127.0.0.1, by default a free one, with these settings in place of the defaults. */
export async function startReference({ vars = {}, port = 0 } = {}) {
  const settings = { ...DEFAULTS };
  for (const [name, value] of Object.entries(vars)) {
    if (value === undefined) continue; // the default
    settings[name] = typeof DEFAULTS[name] === 'number' ? Number(value) : String(value);
  }
  const rooms = new Map();
  const engine = settings.APP === 'conformance' ? createEcho(settings) : undefined;
  const roomServer = (name) => {
    if (name === ECHO) return engine.http;
    if (!rooms.has(name)) rooms.set(name, createRoom(settings));
    return rooms.get(name).http;
  };
  const front = createServer((req, res) => {
    const found = route(req, engine);
    if (found.room) return roomServer(found.room).emit('request', req, res);
    res.writeHead(found.status, { 'content-type': found.type ?? 'text/plain' }).end(found.text);
  });
  // Without WebSockets the reference doesn't listen, so that Node hands it upgrades as ordinary requests.
  if (settings.TRANSPORTS.includes('websocket')) front.on('upgrade', (req, socket, head) => {
    const found = route(req, engine);
    if (found.room) return roomServer(found.room).emit('upgrade', req, socket, head);
    socket.end(`HTTP/1.1 ${found.status} Refused\r\nConnection: close\r\n\r\n`);
  });
  await new Promise((resolve) => front.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${front.address().port}`,
    async close() {
      for (const { io } of rooms.values()) io.close().catch(() => {}); // its inner server never listened
      engine?.close();
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
    },
  };
}

/** In place of a room's name: the Engine.IO server without rooms. It is no name that a room can have. */
const ECHO = '/engine.io/';

/** Takes the room out of the URL, and leaves in `req.url` what the room's own server expects. */
function route(req, engine) {
  const { pathname, searchParams } = new URL(req.url, 'http://localhost');
  if (pathname === '/healthz') return { status: 200, type: 'application/json', text: '{"ok":true,"version":"reference"}' };
  if (pathname === '/api/socket') return { status: 200, text: 'ok' };
  if (engine && pathname.startsWith(ECHO)) return { room: ECHO };
  const inPath = /^\/r\/([^/]*)(\/socket\.io\/.*)$/.exec(pathname);
  if (!inPath && !pathname.startsWith('/socket.io/')) return page(pathname) ?? { status: 404, text: 'not found' };
  const room = decodeURIComponent(inPath ? inPath[1] : searchParams.get('room') ?? 'lobby');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(room)) return { status: 400, text: 'A room name has 1 to 64 letters, digits, _ or -.' };
  if (inPath) req.url = req.url.slice(req.url.indexOf('/socket.io/'));
  return { room };
}

/** The files of public/, so that the page can be tried against the oracle as well. */
function page(pathname) {
  const types = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', png: 'image/png' };
  const file = pathname === '/' ? 'index.html' : /^\/r\/[\w-]{1,64}$/.test(pathname) ? 'room.html' : pathname.slice(1);
  const type = types[path.extname(file).slice(1)];
  try {
    return type && { status: 200, type, text: readFileSync(path.join(ROOT, 'public', file)) };
  } catch {
    return undefined;
  }
}

/** The settings of an Engine.IO server in the reference's words. */
const engineOptions = (settings) => ({
  pingInterval: settings.PING_INTERVAL_MS,
  pingTimeout: settings.PING_TIMEOUT_MS,
  upgradeTimeout: settings.UPGRADE_TIMEOUT_MS,
  maxHttpBufferSize: settings.MAX_PAYLOAD_BYTES,
  allowEIO3: settings.ALLOW_EIO3 === 'true',
  transports: settings.TRANSPORTS.split(','),
  ...(settings.COOKIE && { cookie: { name: settings.COOKIE } }),
  // A list of one is the string alone, as it is usually written; the reference tells it to every origin alike.
  ...(settings.CORS_ORIGIN && {
    cors: {
      origin: settings.CORS_ORIGIN.includes(',') ? settings.CORS_ORIGIN.split(',') : settings.CORS_ORIGIN,
      credentials: settings.CORS_CREDENTIALS === 'true',
    },
  }),
});

function parser({ PARSER, MAX_ATTACHMENTS }) {
  if (PARSER === 'msgpack') return msgpack;
  // The limit is an option of the parser only, not of the server.
  class Decoder extends jsonParser.Decoder {
    constructor() {
      super({ maxAttachments: MAX_ATTACHMENTS });
    }
  }
  return { Encoder: jsonParser.Encoder, Decoder };
}

function createRoom(settings) {
  const http = createServer(); // never listens: the front hands it the room's requests
  const io = new Server(http, {
    ...engineOptions(settings), connectTimeout: settings.CONNECT_TIMEOUT_MS, parser: parser(settings),
    ...(settings.RECOVERY_MS > 0 && {
      connectionStateRecovery: { maxDisconnectionDuration: settings.RECOVERY_MS, skipMiddlewares: false },
    }),
  });
  setCloseTimeout(io.engine, settings);
  if (settings.APP === 'conformance') conformanceApp(io);
  else chat(io);
  return { http, io };
}

/** Not an option of the reference, only a field. */
function setCloseTimeout(engine, { CLOSE_TIMEOUT_MS }) {
  engine.on('connection', ({ transport }) => (transport.closeTimeout = CLOSE_TIMEOUT_MS));
}

function createEcho(settings) {
  const http = createServer();
  const engine = new Engine(engineOptions(settings));
  engine.attach(http, { path: ECHO });
  setCloseTimeout(engine, settings);
  echo(engine);
  return { http, close: () => engine.close() };
}

class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The strings under `keys` of a payload, which has to be an object that has them all. */
function strings(payload, ...keys) {
  const isObject = typeof payload === 'object' && payload !== null && !Array.isArray(payload);
  if (!isObject || keys.some((key) => typeof payload[key] !== 'string')) {
    throw new Refusal('invalid_payload', `an object with ${keys} is wanted`);
  }
  return keys.map((key) => payload[key]);
}

const characters = (text) => [...text].length; // of Unicode, not units of UTF-16

function nickname(text) {
  const name = text.trim();
  if (name === '' || characters(name) > 32) throw new Refusal('invalid_name', 'a name has 1 to 32 characters');
  return name;
}

/** Unlike a name, a message is passed on with the blanks around it. */
function checkMessage(text) {
  if (text.trim() === '' || characters(text) > 4_000) throw new Refusal('invalid_message', 'a message has 1 to 4,000 characters');
}

function chat(io) {
  const members = new Map();
  const history = [];
  const remember = (author, text) => {
    const message = { id: history.length + 1, time: Date.now(), author, text };
    history.push(message);
    return message;
  };
  const toOthers = (socket, joined, event, payload) => {
    for (const [id, other] of io.sockets.sockets) {
      if (id !== socket.id && members.has(id) === joined) other.emit(event, payload);
    }
  };
  const handlers = {
    createdMessage(socket, payload) {
      const [author, message] = strings(payload, 'author', 'message');
      nickname(author);
      checkMessage(message);
      remember({ name: author }, message);
      socket.broadcast.emit('newIncomingMessage', { author, message });
      return {};
    },
    join(socket, payload) {
      const name = nickname(strings(payload, 'name')[0]);
      const before = members.get(socket.id);
      members.set(socket.id, name);
      const event = before === undefined ? 'memberJoined' : 'memberRenamed';
      if (name !== before) toOthers(socket, true, event, { id: socket.id, name, time: Date.now() });
      const everybody = [...members].map(([id, known]) => ({ id, name: known, away: false }));
      return { id: socket.id, name, members: everybody, messages: history.slice(-50), more: history.length > 50 };
    },
    message(socket, payload) {
      const [text] = strings(payload, 'text');
      const name = members.get(socket.id);
      if (name === undefined) throw new Refusal('not_joined', 'join first');
      checkMessage(text);
      const message = remember({ id: socket.id, name }, text);
      const { id, time } = message;
      toOthers(socket, true, 'newMessage', message);
      toOthers(socket, false, 'newIncomingMessage', { author: name, message: text });
      return { id, time };
    },
  };
  io.on('connection', (socket) => {
    const handle = (handler) => (...args) => {
      const ack = typeof args.at(-1) === 'function' ? args.pop() : undefined;
      try {
        const answer = handler(socket, args[0]);
        ack?.(answer);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const refusal = { code: error.code, message: error.message };
        if (ack) ack(refusal);
        else socket.emit('error', refusal);
      }
    };
    for (const [event, handler] of Object.entries(handlers)) socket.on(event, handle(handler));
    const unknown = () => {
      throw new Refusal('unknown_event', 'the chat has no such event');
    };
    socket.onAny((event, ...args) => {
      if (!Object.hasOwn(handlers, event)) handle(unknown)(...args);
    });
    socket.on('disconnect', () => {
      const name = members.get(socket.id);
      if (members.delete(socket.id)) toOthers(socket, true, 'memberLeft', { id: socket.id, name, time: Date.now() });
    });
  });
}
