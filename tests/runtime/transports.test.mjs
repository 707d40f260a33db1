// TRANSPORTS, the reference's `transports`: which are offered, by stock clients and on the wire.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { onReference, serverFor, startTarget } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { engineUrl, freshRoom, Poller, refusedUpgrade, request, WireSocket } from './support/wire.mjs';

const vars = { ALLOW_EIO3: 'true' };
const websocketOnly = serverFor({ ...vars, TRANSPORTS: 'websocket' });
const pollingOnly = serverFor({ ...vars, TRANSPORTS: 'polling' });

/** A stock client's first answer: the transport that it ends up on, or the error. */
async function connects(t, server, options) {
  const socket = io(server.url, { path: `/r/${freshRoom()}/socket.io/`, reconnection: false, forceNew: true, ...options });
  t.after(() => socket.disconnect());
  const outcome = new Promise((resolve) => {
    socket.on('connect', () => resolve(socket));
    socket.on('connect_error', resolve);
  });
  return within(outcome, 'the client to connect or to fail');
}

for (const EIO of ['4', '3']) {
  describe(`Engine.IO ${EIO}`, () => {
    test('websocket alone: polling is error 0, WebSocket is as ever', async (t) => {
      const { status, body } = await request(engineUrl(websocketOnly, freshRoom(), { EIO }));
      assert.equal(status, 400);
      const { code, message } = JSON.parse(body);
      assert.deepEqual({ code, message }, { code: 0, message: 'Transport unknown' });
      const wire = await WireSocket.session(t, websocketOnly, freshRoom(), { EIO });
      assert.deepEqual(wire.handshake.upgrades, []);
    });

    test('polling alone: no upgrade is offered, and none is taken', async () => {
      const response = await request(engineUrl(pollingOnly, freshRoom(), { EIO }));
      assert.match(response.body, /"upgrades":\[\]/);
      for (const query of [{}, { sid: JSON.parse(/\{.*\}/.exec(response.body)[0]).sid }]) {
        const refusal = await refusedUpgrade(engineUrl(pollingOnly, freshRoom(), { EIO, transport: 'websocket', ...query }));
        assert.equal(refusal.status, 400);
        assert.match(refusal.body, /Transport unknown/);
      }
    });
  });
}

describe('stock clients', () => {
  test('websocket alone: a client that begins by WebSocket connects, one that begins by polling has its error', async (t) => {
    assert.equal((await connects(t, websocketOnly, { transports: ['websocket'] })).io?.engine.transport.name, 'websocket');
    assert.equal((await connects(t, websocketOnly, {})).message, 'xhr poll error');
    const either = await connects(t, websocketOnly, { tryAllTransports: true });
    assert.equal(either.io?.engine.transport.name, 'websocket');
  });

  test('polling alone: a client connects and stays there', async (t) => {
    const socket = await connects(t, pollingOnly, {});
    assert.equal(socket.io?.engine.transport.name, 'polling');
    assert.equal((await connects(t, pollingOnly, { transports: ['websocket'] })).message, 'websocket error');
  });
});

test('a session goes on where its transport is the one that is offered', async () => {
  const poller = await Poller.open(pollingOnly, freshRoom());
  assert.match(await poller.connect(), /^40\{/);
});

test('a setting that names another transport is an error that names it', { skip: onReference && 'only roomcast has settings' }, async (t) => {
  const server = await startTarget({ vars: { TRANSPORTS: 'websocket,carrier-pigeon' } });
  t.after(() => server.close());
  const { status, body } = await request(engineUrl(server, freshRoom()));
  assert.equal(status, 500);
  assert.match(body, /TRANSPORTS/);
});
