// What the server API knows of a client beyond its events, on the real runtime: the first request of its connection.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client, TRANSPORTS } from './support/clients.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { freshRoom } from './support/wire.mjs';

const options = {
  query: { token: 'a b&c' },
  extraHeaders: { 'x-test': 'kept', 'x-other': 'not kept', 'user-agent': 'a test' },
};

describe('row 28: socket.handshake', { skip: roomcastOnly }, () => {
  const server = serverFor({ APP: 'conformance', ...AS_DEPLOYED });

  for (const transport of Object.keys(TRANSPORTS)) {
    test(`says what the first request said: ${transport}`, async (t) => {
      const before = Date.now();
      const { query: { token }, extraHeaders } = options;
      const client = await Client.connect(t, server, freshRoom(), { transport, query: { token }, extraHeaders });
      const { time, ...rest } = await client.ask('handshake');
      assert.ok(time >= before && time <= Date.now(), `${time} is no time of this test`);
      const headers = { 'user-agent': 'a test', 'x-test': 'kept' };
      assert.deepEqual(rest, { secure: false, xdomain: false, query: { token }, headers });
    });
  }

  test('outlives the room\'s memory', async (t) => {
    const room = freshRoom();
    const client = await Client.connect(t, server, room, { extraHeaders: options.extraHeaders });
    const before = await client.ask('handshake');
    assert.equal(before.headers['x-test'], 'kept');
    await server.evict(room, 'hibernate');
    assert.deepEqual(await client.ask('handshake'), before);
  });
});

describe('an app\'s tables', { skip: roomcastOnly }, () => {
  const server = serverFor({ APP: 'conformance' });

  test('one script makes tables and a trigger, and rows have numbers below zero and fractions', async (t) => {
    const room = freshRoom();
    const client = await Client.connect(t, server, room);
    assert.deepEqual(await client.ask('measure', { amount: 2 }), [2, 2, 'm;s']);
    assert.deepEqual(await client.ask('measure', { amount: -4.5 }), [null, -2.5, 'm;s']);
    await server.evict(room, 'hibernate');
    assert.deepEqual(await client.ask('measure', { amount: -0.5 }), [-3, -3, 'm;s'], 'made once');
  });
});
