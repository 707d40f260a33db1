// Clients that send again what isn't acknowledged, and what counts as an acknowledgement for them. A stock client without an
// `ackTimeout` takes the answer's first argument for an error unless it is null: so null is an answer like any other.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from './support/clients.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

describe('retries', { skip: roomcastOnly }, () => {
  const server = serverFor({ APP: 'conformance', ...AS_DEPLOYED });

  /** Sends an event with retries; resolves to the answer, and how often the event left. */
  async function send(t, options, event) {
    const { socket } = await Client.connect(t, server, freshRoom(), { retries: 3, ...options });
    let sent = 0;
    socket.io.engine.on('packetCreate', ({ type, data }) => (sent += Number(type === 'message' && data.includes(event))));
    const answer = new Promise((resolve) => socket.emit(event, (...args) => resolve(args)));
    return { answer: await within(answer, 'the answer'), sent };
  }

  test('an event that is answered with null is sent once', async (t) => {
    assert.deepEqual(await send(t, {}, 'data?'), { answer: [null], sent: 1 });
  });

  test('with an ackTimeout any answer will do', async (t) => {
    assert.deepEqual(await send(t, { ackTimeout: 5_000 }, 'data?'), { answer: [null, null], sent: 1 });
    assert.deepEqual(await send(t, { ackTimeout: 5_000 }, 'whatever'), { answer: [null, {}], sent: 1 });
  });

  test('without one, an answer that is not null is an error to the client, and the event is sent four times', async (t) => {
    assert.deepEqual(await send(t, {}, 'whatever'), { answer: [{}], sent: 4 });
  });
});
