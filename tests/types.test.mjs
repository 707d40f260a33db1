// The types for clients, public/chat.d.ts: programs that use them, and what a server really sends.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, member } from './runtime/support/clients.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './runtime/support/target.mjs';
import { within } from './runtime/support/wait.mjs';
import { freshRoom } from './runtime/support/wire.mjs';
import { complaints } from './types/compiler.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const samples = join(root, 'tests', 'types');

const server = serverFor(AS_DEPLOYED);

test('a program that uses all of the chat is right, and each mistake is found', () => {
  assert.deepEqual(complaints(['client.ts', 'mistakes.ts'].map((name) => join(samples, name))), []);
});

const TYPES = {
  sent: (event) => `Parameters<ClientToServerEvents['${event}']>[0]`,
  answer: (event) => `Parameters<Parameters<ClientToServerEvents['${event}']>[1]>[0]`,
  told: (event) => `Parameters<ServerToClientEvents['${event}']>`,
};

/** What the compiler has to say of payloads; they are written as literals, so that a field too many is a mistake as well. */
function complaintsOf(observed) {
  const imports = "import type { ClientToServerEvents, ServerToClientEvents } from '../public/chat.js';";
  const lines = observed.map(([kind, event, value]) => `(${JSON.stringify(value)}) satisfies ${TYPES[kind](event)};`);
  const file = join(root, '.tools', 'observed-types.ts');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, [imports, ...lines, ''].join('\n'));
  return complaints([file]);
}

test('what goes over the wire is of these types', { skip: roomcastOnly }, async (t) => {
  const room = freshRoom();
  const observed = [];
  const watch = (client) => {
    client.socket.onAny((event, ...args) => observed.push(['told', event, args]));
    return client;
  };
  const ask = async (client, event, payload, right = true) => {
    const answer = await client.ask(event, payload);
    if (right) observed.push(['sent', event, payload]);
    observed.push(['answer', event, answer]);
    return answer;
  };
  const key = '0123456789abcdef';
  const [ada, guest] = [watch(await member(t, server, room, 'Ada')), watch(await Client.connect(t, server, room))];
  const bob = watch(await Client.connect(t, server, room));
  await ask(bob, 'message', { text: 'too early' });
  await ask(bob, 'join', { name: 'Bob', key });
  const { id } = await ask(bob, 'message', { text: 'Hi!', id: '1' });
  await ask(bob, 'join', { name: 'Bobby', key, after: id - 1 });
  await ask(guest, 'createdMessage', { author: 'Eve', message: 'Hello!' });
  for (const range of [{}, { before: id }, { after: id - 1 }]) await ask(ada, 'history', range);
  const wrong = { join: { name: 7 }, message: { text: '' }, history: { before: 1, after: 1 }, createdMessage: {} };
  for (const [event, payload] of Object.entries(wrong)) {
    await ask(ada, event, payload, false);
    ada.socket.emit(event, payload);
  }
  ada.socket.emit('nonsense');
  const codes = await within((async () => {
    const codes = [];
    while (codes.length < 5) codes.push((await ada.until('error')).code);
    return codes;
  })(), 'the failures as events');
  assert.deepEqual(codes, ['invalid_payload', 'invalid_message', 'invalid_payload', 'invalid_payload', 'unknown_event']);
  bob.socket.disconnect();
  const keyless = await member(t, server, room, 'Cleo');
  keyless.socket.disconnect();
  await ada.until('memberLeft');

  assert.deepEqual(complaintsOf(observed), []);
  const events = new Set(observed.map(([kind, event]) => `${kind} ${event}`));
  assert.deepEqual([...events].filter((event) => event.startsWith('told')).sort(), [
    // Two more are told after ten seconds; they are of the same type as the others of members.
    'told error', 'told memberJoined', 'told memberLeft', 'told memberRenamed', 'told newIncomingMessage', 'told newMessage',
  ]);
  const [[, , [message]]] = observed.filter(([kind, event]) => kind === 'told' && event === 'newMessage');
  const others = [{ ...message, more: 1 }, { ...message, time: '1' }, { ...message, text: undefined }];
  const wrongs = complaintsOf(others.map((other) => ['told', 'newMessage', [other]]));
  assert.equal(wrongs.length, others.length, `the check itself sees what is wrong: ${wrongs.join('\n')}`);
});
