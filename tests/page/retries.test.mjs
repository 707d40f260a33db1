// The page's connection with the client as browsers get it: what is written arrives once, whatever happens on the way.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Server } from 'socket.io';
import { WebSocket } from 'ws';
import { Connection } from '../../public/js/connection.js';
import { eventually } from '../runtime/support/wait.mjs';
import { recorder } from './support/page.mjs';

// Browsers have one; and their bundle of the client is not the one that Node imports: it lacks a guard against second answers.
globalThis.WebSocket ??= WebSocket;
const { io } = await import('../../public/socket.io/socket.io.esm.min.js');

/** A room that answers `join` and `message`, and notes each message that it gets. `answers(text)` may refuse to answer. */
async function startRoom(t, { port = 0, answers = () => true } = {}) {
  const http = createServer();
  const server = new Server(http, { path: '/r/tea/socket.io/', connectionStateRecovery: {} });
  const room = { got: [], cut: () => server.engine.close() };
  server.on('connection', (socket) => {
    socket.on('join', (_, ack) => ack({ id: 'ada', members: [], messages: [], more: false }));
    socket.on('message', ({ id, text }, ack) => {
      const first = room.got.findIndex((message) => message.id === id);
      room.got.push({ id, text });
      if (answers(text)) ack({ id: first < 0 ? room.got.length : first + 1, time: 1 });
      else socket.conn.close();
    });
  });
  await new Promise((resolve) => http.listen(port, '127.0.0.1', resolve));
  room.port = http.address().port;
  room.close = () => new Promise((resolve) => server.close(resolve));
  t.after(room.close);
  return room;
}

function enter(t, port) {
  const page = recorder();
  const connect = (options) => io(`http://127.0.0.1:${port}`, { ...options, forceNew: true });
  const me = { name: 'Ada', key: 'k'.repeat(22) };
  const room = new Connection(connect, 'tea', me, page.handlers, { transports: ['websocket'], reconnectionDelay: 20, reconnectionDelayMax: 50 });
  t.after(() => room.close());
  room.open();
  return { room, page };
}

const sent = (page) => page.told('outgoing').filter(({ state }) => state === 'sent').map(({ text }) => text);
const online = ({ told }) => eventually(() => told('state').at(-1).state === 'online', 'the connection');
const TEXTS = ['one', 'two', 'three'];

test('what is written before the room can be reached is sent in order, once', async (t) => {
  const { port, close } = await startRoom(t);
  await close();
  const { room, page } = enter(t, port);
  for (const text of TEXTS) room.send(text);
  await eventually(() => page.told('state').at(-1).state === 'offline', 'an attempt to fail');
  const { got } = await startRoom(t, { port });
  await eventually(() => sent(page).length === 3, 'all to be sent');
  assert.deepEqual(got.map(({ text }) => text), TEXTS);
  assert.deepEqual(sent(page), TEXTS);
});

test('what was taken but not answered is sent again under its id', async (t) => {
  let cuts = 2;
  const { port, got } = await startRoom(t, { answers: (text) => text !== 'two' || (cuts -= 1) < 0 });
  const { room, page } = enter(t, port);
  await online(page);
  for (const text of TEXTS) room.send(text);
  await eventually(() => sent(page).length === 3, 'all to be sent');
  assert.deepEqual(got.map(({ text }) => text), ['one', 'two', 'two', 'two', 'three']);
  assert.equal(new Set(got.map(({ id }) => id)).size, 3);
  assert.deepEqual(sent(page), TEXTS);
});

test('what is written just as the client finds that the connection has died is sent once, and so is what follows', async (t) => {
  const { port, got } = await startRoom(t);
  const { room, page } = enter(t, port);
  await online(page);
  // As after a computer's sleep: the time for the next ping is long past, and the first to ask is who sends.
  const { now } = Date;
  Date.now = () => now() + 3_600_000;
  for (const text of TEXTS) room.send(text);
  Date.now = now;
  await eventually(() => sent(page).length === 3, 'all to be sent');
  await online(page);
  assert.deepEqual(got.map(({ text }) => text), TEXTS);
});
