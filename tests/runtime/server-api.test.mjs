// What the server API has besides events, on the real runtime: an app's tables. handshake.test.mjs has the first request of a connection.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from './support/clients.mjs';
import { roomcastOnly, serverFor } from './support/target.mjs';
import { freshRoom } from './support/wire.mjs';

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
