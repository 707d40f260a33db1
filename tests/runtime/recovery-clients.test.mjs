// Recovery (1.11) as users of the stock client see it: `socket.recovered`, `socket.id`, and each event exactly once, in order.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TRANSPORTS } from './support/clients.mjs';
import { cuttable, KINDS, Peer, plain } from './support/peers.mjs';
import { Person } from './support/recovery.mjs';
import { AS_DEPLOYED, onReference, roomcastOnly, serverFor } from './support/target.mjs';
import { sleep, within } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

const KIND = KINDS['socket.io-client 4.8'];
const BYTES = Buffer.from([0, 1, 127, 128, 255]);
const RETURNING = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };
// A poll that is cut off in between two requests is noticed by the next one, or by the client's clock.
const app = { APP: 'conformance', PING_INTERVAL_MS: 1_000, PING_TIMEOUT_MS: 5_000, ...AS_DEPLOYED };

/** A client behind a proxy, and somebody in the same namespace who stays. */
async function scene(t, server, { transport, halfOpen, namespace = '/', ...options }) {
  const room = freshRoom();
  const proxy = await cuttable(t, server, { halfOpen });
  const peer = await Peer.open(t, KIND, proxy.url, room, { transport, namespace, ...RETURNING, ...options });
  assert.equal((await peer.next('the greeting'))[0], 'auth');
  assert.equal(peer.socket.recovered, false);
  const here = await Person.open(t, server, { room, namespace });
  return { room, proxy, peer, here };
}

/** Cuts the connection, does `meanwhile`, and waits until the client is back. */
async function interrupt({ proxy, peer }, meanwhile = async () => {}) {
  // The reference recovers only whom it knows to be gone, so there has to be a poll that can be cut off.
  if (onReference) await sleep(100);
  proxy.cut();
  await peer.life.until((step) => step.startsWith?.('disconnect'), 'the loss of the connection');
  await meanwhile();
  proxy.restore();
  await peer.life.until((step) => step === 'connect', 'the client to connect again');
}

/** The next events, but for greetings, without their offsets. */
async function heard(peer, count) {
  const events = [];
  while (events.length < count) {
    const event = await peer.next(`event ${events.length + 1} of ${count}`);
    if (event[0] === 'auth') continue;
    assert.equal(typeof event.pop(), 'string', 'the offset');
    events.push(event);
  }
  return events;
}

/** That nothing more comes: what the client asks for now is the next that it gets. */
async function assertNoMore(peer) {
  peer.emit('message', 'the last');
  assert.deepEqual(await heard(peer, 1), [['message-back', 'the last']]);
}

const said = (...data) => data.map((each) => ['broadcast', each]);

for (const transport of Object.keys(TRANSPORTS)) {
  describe(`over ${transport}`, { concurrency: 2 }, () => {
    const server = serverFor(app);

    test('1.11.5 recovered: the same id, rooms and data, what was missed and what comes, once and in order', async (t) => {
      const here = await scene(t, server, { transport });
      const { peer } = here;
      const { id } = peer.socket;
      await peer.call('join', { room: 'tea' });
      await peer.call('data', { value: 7 });
      await here.here.tell('heard');
      assert.deepEqual(await heard(peer, 1), said('heard'));
      await interrupt(here, () => here.here.tell('missed 1', 'missed 2'));
      assert.deepEqual([peer.socket.recovered, peer.socket.id], [true, id]);
      await here.here.ask('to', { room: 'tea', event: 'broadcast', data: 'live' });
      assert.deepEqual(await heard(peer, 3), said('missed 1', 'missed 2', 'live'));
      assert.deepEqual(await peer.call('data?'), [7]);
      await assertNoMore(peer);
    });

    test('1.11.5 five times in a row', async (t) => {
      const here = await scene(t, server, { transport });
      const { id } = here.peer.socket;
      for (let round = 0; round < 5; round += 1) {
        await interrupt(here, () => here.here.tell(round, 'missed'));
        assert.deepEqual([here.peer.socket.recovered, here.peer.socket.id], [true, id], `round ${round}`);
        assert.deepEqual(await heard(here.peer, 2), said(round, 'missed'));
      }
      await assertNoMore(here.peer);
    });

    test('1.11.6 with bytes', async (t) => {
      const here = await scene(t, server, { transport });
      const other = await Peer.open(t, KIND, server.url, here.room);
      await interrupt(here, () => {
        other.emit('broadcast', BYTES, { deep: [BYTES] });
        return other.call('message-with-ack');
      });
      assert.deepEqual(plain(await heard(here.peer, 1)), plain([['broadcast', BYTES, { deep: [BYTES] }]]));
      assert.equal(here.peer.socket.recovered, true);
    });

    test('what the client says meanwhile is heard once it is back, once', async (t) => {
      const here = await scene(t, server, { transport });
      await interrupt(here, async () => {
        for (const each of [1, 2, 3]) here.peer.emit('broadcast', each);
      });
      for (const each of [1, 2, 3]) assert.deepEqual(await here.here.event(), ['broadcast', each]);
      await here.peer.call('message-with-ack');
      await here.here.hears();
      assert.equal(here.peer.socket.recovered, true);
    });

    const TOO_EARLY = onReference && 'the reference takes it for a new client';
    test('a server that doesn’t know yet that the client was gone', { skip: TOO_EARLY }, async (t) => {
      const here = await scene(t, server, { transport, halfOpen: true });
      const { id } = here.peer.socket;
      for (const round of [1, 2, 3]) {
        await interrupt(here, () => here.here.tell(round));
        assert.deepEqual([here.peer.socket.recovered, here.peer.socket.id], [true, id], `round ${round}`);
        assert.deepEqual(await heard(here.peer, 1), said(round));
      }
      await assertNoMore(here.peer);
    });

    test('an object whose connections were all closed', { skip: roomcastOnly }, async (t) => {
      const { room, peer, here } = await scene(t, server, { transport });
      const { id } = peer.socket;
      await here.tell('heard');
      assert.deepEqual(await heard(peer, 1), said('heard'));
      await server.evict(room, 'close');
      const again = await here.back();
      await again.tell('whether missed or not');
      assert.deepEqual(await heard(peer, 1), said('whether missed or not'));
      assert.equal(peer.socket.id, id);
      await assertNoMore(peer);
    });
  });
}

describe('1.11.7 no recovery', () => {
  const server = serverFor(app);
  const brief = serverFor({ ...app, RECOVERY_MS: 700 });

  const connectedAgain = async (peer) => {
    await peer.life.until((step) => step === 'connect', 'the client to connect again');
    assert.equal((await peer.next('the greeting'))[0], 'auth');
  };

  for (const close of [false, true]) {
    for (const before of onReference ? [false] : [false, true]) { // the reference forgets nothing that it restored once
      test(`after a kick (connection and all: ${close}; recovered before: ${before})`, async (t) => {
        const here = await scene(t, server, {});
        const { peer } = here;
        if (before) await interrupt(here);
        const { id } = peer.socket;
        assert.equal(peer.socket.recovered, before);
        await peer.call('join', { room: 'tea' });
        peer.emit('kick', { close });
        await peer.life.until((step) => step === 'disconnect: io server disconnect', 'the kick');
        await here.here.tell('not for it');
        peer.socket.connect();
        await peer.life.until((step) => step === 'connect', 'the client to connect again');
        assert.equal(peer.socket.recovered, false);
        assert.notEqual(peer.socket.id, id);
        assert.equal((await peer.next('the greeting'))[0], 'auth');
        await here.here.ask('to', { room: 'tea', event: 'broadcast', data: 'not for it' });
        await assertNoMore(peer);
      });
    }
  }

  test('after the client’s own disconnect', async (t) => {
    const { peer, here } = await scene(t, server, {});
    const { id } = peer.socket;
    peer.socket.disconnect();
    await here.tell('not for it');
    peer.socket.connect();
    await connectedAgain(peer);
    assert.equal(peer.socket.recovered, false);
    assert.notEqual(peer.socket.id, id);
    await assertNoMore(peer);
  });

  test('1.11.8 when the time is over', async (t) => {
    const here = await scene(t, brief, {});
    const { id } = here.peer.socket;
    await interrupt(here, async () => {
      await here.here.tell('missed for good');
      await sleep(1_200);
    });
    assert.equal(here.peer.socket.recovered, false);
    assert.notEqual(here.peer.socket.id, id);
    assert.equal((await here.peer.next('the greeting'))[0], 'auth');
    await assertNoMore(here.peer);
  });

  test('1.11.4 with a pid of its own in auth, which goes before the client’s', async (t) => {
    const here = await scene(t, server, { auth: { pid: 'mine' } });
    const { id } = here.peer.socket;
    await interrupt(here);
    assert.equal(here.peer.socket.recovered, false);
    assert.notEqual(here.peer.socket.id, id);
  });
});

describe('auth and namespaces', () => {
  const server = serverFor(app);

  test('1.11.4 the connect check runs again: with the token of before it is recovered, with another one refused', async (t) => {
    let token = 'secret';
    const [room, proxy] = [freshRoom(), await cuttable(t, server)];
    const peer = await Peer.open(t, KIND, proxy.url, room, { namespace: '/admin', auth: (answer) => answer({ token }), ...RETURNING });
    const { id } = peer.socket;
    await peer.next('the greeting');
    await interrupt({ proxy, peer });
    assert.deepEqual([peer.socket.recovered, peer.socket.id], [true, id]);
    token = 'another';
    proxy.cut();
    await peer.life.until((step) => step.startsWith?.('disconnect'), 'the loss of the connection');
    proxy.restore();
    const { refused } = await peer.life.until((step) => step.refused?.data, 'the refusal');
    assert.deepEqual(refused, { message: 'not authorized', data: { code: 401 } });
    assert.equal(peer.socket.connected, false);
  });

  test('1.11.6 each namespace of a connection is recovered on its own', async (t) => {
    const here = await scene(t, server, {});
    const others = {};
    for (const name of ['/custom', '/dynamic-7']) {
      const peer = here.peer.namespace(name);
      t.after(() => peer.socket.close());
      await peer.connected();
      await peer.next('the greeting');
      others[name] = { peer, id: peer.socket.id, says: await Person.open(t, server, { room: here.room, namespace: name }) };
    }
    others['/'] = { peer: here.peer, id: here.peer.socket.id, says: here.here };
    await interrupt(here, async () => {
      for (const [name, { says }] of Object.entries(others)) await says.tell(`missed in ${name}`);
    });
    for (const [name, { peer, id }] of Object.entries(others)) {
      assert.deepEqual(await heard(peer, 1), said(`missed in ${name}`));
      await within(new Promise((resolve) => (peer.socket.connected ? resolve() : peer.socket.once('connect', resolve))), name);
      assert.deepEqual([peer.socket.recovered, peer.socket.id], [true, id]);
      await assertNoMore(peer);
    }
  });
});

describe('a client that had no event yet', { skip: onReference && 'the reference finds no session without an offset' }, () => {
  const server = serverFor({ ...app, APP: 'chat' });

  test('1.11.4 is recovered, and gets what it missed', async (t) => {
    const room = freshRoom();
    const proxy = await cuttable(t, server);
    const [lurker, other] = [await Peer.open(t, KIND, proxy.url, room, RETURNING), await Peer.open(t, KIND, server.url, room)];
    const { id } = lurker.socket;
    const got = new Promise((resolve) => lurker.socket.on('newIncomingMessage', resolve));
    await interrupt({ proxy, peer: lurker }, () => other.call('createdMessage', { author: 'Szymon', message: 'missed' }));
    assert.deepEqual([lurker.socket.recovered, lurker.socket.id], [true, id]);
    assert.deepEqual(await within(got, 'the missed message'), { author: 'Szymon', message: 'missed' });
  });
});
