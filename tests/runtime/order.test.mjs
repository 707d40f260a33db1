// Completeness and order under load: what everybody in a room has seen in the end is one and the same history.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, TRANSPORTS } from './support/clients.mjs';
import { AS_DEPLOYED, serverFor } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

const CLIENTS = 20;
const MESSAGES = 50;
const LOAD_PATIENCE = 60_000;
const server = serverFor(AS_DEPLOYED);

/** Records what a client gets to know, in the order in which it does: messages of others, and its own when acked. */
function record(client) {
  const history = [];
  let full;
  const complete = new Promise((resolve) => (full = resolve));
  const add = (id, text) => {
    history.push({ id, text });
    if (history.length === CLIENTS * MESSAGES) full();
  };
  client.socket.on('newMessage', ({ id, text }) => add(id, text));
  return { client, history, complete, add };
}

test(`${CLIENTS} clients on mixed transports × ${MESSAGES} messages: all complete, in one order, none twice`, async (t) => {
  const room = freshRoom();
  const ways = Object.keys(TRANSPORTS);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, i) =>
    Client.connect(t, server, room, { transport: ways[i % ways.length], address: i % 2 ? 'path' : 'query' })));
  await Promise.all(clients.map((client, i) => client.join(`client ${i}`)));
  const records = clients.map(record);

  await Promise.all(records.map(async ({ client, add }, i) => {
    for (let n = 0; n < MESSAGES; n += 1) {
      const text = `${i}/${n}`;
      // Bursts of ten at once, then a wait for their acks: within a burst nothing paces the client.
      const acked = within(new Promise((resolve) => client.socket.emit('message', { text }, (answer) => {
        add(answer.id, text);
        resolve();
      })), `the ack of ${text}`, LOAD_PATIENCE);
      if (n % 10 === 9) await acked;
      else acked.catch(() => {});
    }
  }));
  await Promise.all(records.map(({ complete, history }, i) =>
    within(complete, () => `client ${i} to be told everything; it has ${history.length}`, LOAD_PATIENCE)));

  const [{ history: reference }] = records;
  assert.equal(new Set(reference.map(({ id }) => id)).size, CLIENTS * MESSAGES, 'ids are unique');
  assert.equal(new Set(reference.map(({ text }) => text)).size, CLIENTS * MESSAGES, 'no message came twice');
  for (let i = 1; i < reference.length; i += 1) assert.ok(reference[i].id > reference[i - 1].id, 'ids grow as they arrive');
  for (const { history } of records) assert.deepEqual(history, reference);
  for (let i = 0; i < CLIENTS; i += 1) {
    const own = reference.filter(({ text }) => text.startsWith(`${i}/`)).map(({ text }) => text);
    assert.deepEqual(own, Array.from({ length: MESSAGES }, (_, n) => `${i}/${n}`), `client ${i} is heard in its own order`);
  }
});
