// An object that goes out of memory between any two things that its clients do: nobody can tell. Each scenario runs twice, with
// the object left alone and with it evicted before each packet of a client, and all that was said has to be the same.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from './support/clients.mjs';
import { evictingProxy, sameNames } from './support/evicting.mjs';
import { featuresOf } from './support/features.mjs';
import { KINDS } from './support/peers.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { freshRoom } from './support/wire.mjs';

const vars = { ALLOW_EIO3: 'true', PING_INTERVAL_MS: 1_000, PING_TIMEOUT_MS: 20_000 };

/** Runs `scenario` twice, and compares. */
async function twice(t, server, options, scenario) {
  const runs = [];
  for (const evict of [false, true]) {
    const proxy = await evictingProxy(t, server, { ...options, evict });
    const result = sameNames((await scenario(proxy)) ?? null);
    runs.push({ result, connections: await proxy.transcript() });
    if (evict) assert.equal(proxy.evictions, proxy.actions - proxy.rooms.size, 'before each action but the first in a room');
  }
  const [left, evicted] = runs;
  assert.deepEqual(evicted, left);
  return left;
}

for (const [recovery, settings] of Object.entries({ 'with recovery': AS_DEPLOYED, 'without recovery': { RECOVERY_MS: 0 } })) {
  describe(recovery, { skip: roomcastOnly, concurrency: 4 }, () => {
    const json = serverFor({ ...vars, APP: 'conformance', ...settings });
    const msgpack = serverFor({ ...vars, APP: 'conformance', PARSER: 'msgpack', ...settings });
    const chat = serverFor({ ...vars, ...settings });

    test('a conversation in the chat', async (t) => {
      const { connections } = await twice(t, chat, {}, (proxy) => conversation(t, proxy));
      assert.equal(connections.length, 4);
    });

    test('the same names and keys again, in a room with a history', async (t) => {
      const rooms = [freshRoom(), freshRoom()];
      await twice(t, chat, {}, async (proxy) => {
        const room = rooms.pop();
        const first = await conversation(t, proxy, room);
        return [first, await conversation(t, proxy, room)];
      });
    });

    for (const [client, kind] of Object.entries(KINDS)) {
      const packed = Boolean(kind.options?.parser);
      for (const [feature, { run }] of featuresOf(kind).filter(([, { server }]) => !server)) {
        test(`${client}: ${feature}`, async (t) => {
          const { connections } = await twice(t, packed ? msgpack : json, { packed }, (proxy) => run(t, proxy, kind, 'websocket'));
          assert.ok(connections.some(({ sent, received }) => sent.length + received.length > 2), 'nothing was said');
        });
      }
    }
  });
}

/** Whatever people do in a room, one thing after the other; gives all that they were answered and told. */
async function conversation(t, server, room = freshRoom()) {
  const enter = (options) => Client.connect(t, server, room, options);
  const key = (letter) => letter.repeat(16);
  const ada = await enter({ auth: { name: 'Ada', key: key('a') } });
  const [bob, lurker] = [await enter(), await enter()];
  const answers = [];
  const ask = async (client, ...what) => answers.push(await client.ask(...what));

  await ask(ada, 'join', { name: 'Ada', key: key('a') });
  await ask(bob, 'message', { text: 'too early' });
  await ask(bob, 'join', { name: 'Bob', key: key('b') });
  await ask(ada, 'message', { text: 'hello', id: 'one' });
  await ask(ada, 'message', { text: 'hello', id: 'one' });
  for (const text of ['two', 'three']) await ask(bob, 'message', { text });
  await ask(lurker, 'createdMessage', { author: 'Szymon', message: 'from the tutorial' });
  await ask(bob, 'join', { name: 'Bobby', key: key('b') });
  await ask(ada, 'join', { name: '' });
  await ask(ada, 'nobody-knows-this', 1);
  ada.socket.emit('message', { text: '' });
  await ask(bob, 'history', {});
  const { messages } = answers.at(-1);
  await ask(bob, 'history', { before: messages.at(-1).id });
  await ask(bob, 'history', { after: messages[0].id });
  await server.leave(bob);
  const again = await enter({ auth: { name: 'Bob', key: key('b') } });
  await ask(again, 'message', { text: 'back' });
  await ask(ada, 'join', { name: 'Ada' });
  for (const client of [again, lurker]) await server.leave(client);
  await ask(ada, 'message', { text: 'the last' });
  await server.leave(ada);
  return answers;
}
