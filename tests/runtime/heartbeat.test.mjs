// The heartbeat (HB): who answers pings lives on, who doesn't is closed. Time is the subject here, so these tests do sleep;
// what they assert is order and outcome, with generous bounds, and the one exact deadline that clients rely on (HB6).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serverFor } from './support/target.mjs';
import { sleep, within } from './support/wait.mjs';
import { freshRoom, Poller, WireSocket } from './support/wire.mjs';

const INTERVAL = 300;
const TIMEOUT = 200;
const server = serverFor({ PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: TIMEOUT });

// Where a client that answers has to live on: a busy machine may delay its pong by more than the public suite's 200 ms.
const PATIENT_TIMEOUT = 1_200;
const patient = serverFor({ PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: PATIENT_TIMEOUT });

// From an interval of a second on, roomcast lets the runtime take the pongs of WebSockets in its stead, and pings a whole
// room at once: the same promises have to hold there.
const CALM_INTERVAL = 1_000;
const CALM_TIMEOUT = 1_000;
const calm = serverFor({ PING_INTERVAL_MS: CALM_INTERVAL, PING_TIMEOUT_MS: CALM_TIMEOUT });

/** A client that answers every ping, and counts them. */
function answering(wire) {
  const state = { pings: 0 };
  wire.socket.on('message', (data) => {
    if (data.toString() !== '2') return;
    state.pings += 1;
    wire.send('3');
  });
  return state;
}

describe('over websocket', { concurrency: true }, () => {
  test('HB1 the handshake tells the two times', async (t) => {
    const { handshake } = await WireSocket.session(t, server, freshRoom());
    assert.equal(handshake.pingInterval, INTERVAL);
    assert.equal(handshake.pingTimeout, TIMEOUT);
  });

  test('HB1 the server pings, and each pong is followed by another ping', async (t) => {
    const wire = await WireSocket.session(t, patient, freshRoom());
    for (let round = 0; round < 4; round += 1) {
      assert.equal(await wire.next(`ping ${round}`), '2');
      wire.send('3');
    }
    await wire.connect();
  });

  test('HB1 a client that never pongs is closed without a code, after it was pinged', async (t) => {
    const wire = await WireSocket.session(t, server, freshRoom());
    assert.deepEqual(await wire.close(), { code: 1005, reason: '' });
    assert.equal(await wire.next('the ping before the close'), '2');
  });

  test('HB1 a client that pongs once and then no more is closed', async (t) => {
    const wire = await WireSocket.session(t, patient, freshRoom());
    await wire.next('the first ping');
    wire.send('3');
    assert.equal(await wire.next('the second ping'), '2');
    assert.equal((await wire.close()).code, 1005);
  });

  test('HB1 the silent one is closed, those that pong in the same room live on and hear of it', async (t) => {
    const room = freshRoom();
    const [silent, lively] = [await WireSocket.session(t, patient, room), await WireSocket.session(t, patient, room)];
    const heart = answering(lively);
    await lively.connect();
    await lively.proveAlive('lively');
    await silent.connect();
    const id = JSON.parse((await silent.proveAlive('silent')).slice(4))[0].id;
    await silent.close();
    const left = await lively.until((frame) => frame.startsWith('42["memberLeft"'), 'memberLeft');
    assert.equal(JSON.parse(left.slice(2))[1].id, id);
    await sleep(2 * (INTERVAL + PATIENT_TIMEOUT));
    assert.ok(heart.pings >= 3, `only ${heart.pings} pings came`);
    await lively.proveAlive();
  });

  test('HB2 other traffic is no pong', async (t) => {
    const wire = await WireSocket.session(t, server, freshRoom());
    await wire.connect();
    const chatter = setInterval(() => wire.send('421["join",{"name":"chatty"}]'), 40);
    try {
      assert.equal((await wire.close()).code, 1005);
    } finally {
      clearInterval(chatter);
    }
  });

  test('HB2 pongs that nobody asked for do no harm, and start no second heartbeat', async (t) => {
    const wire = await WireSocket.session(t, patient, freshRoom());
    const heart = answering(wire);
    for (let i = 0; i < 50; i += 1) wire.send('3');
    await wire.connect();
    await sleep(5 * INTERVAL);
    await wire.proveAlive();
    assert.ok(heart.pings >= 2 && heart.pings <= 8, `${heart.pings} pings in five intervals`);
  });
});

describe('over websocket, with an interval that lets a room sleep', { concurrency: true }, () => {
  test('HB1 a client that never pongs is closed without a code, after it was pinged', async (t) => {
    const wire = await WireSocket.session(t, calm, freshRoom());
    assert.deepEqual(await wire.close(), { code: 1005, reason: '' });
    assert.equal(await wire.next('the ping before the close'), '2');
  });

  test('HB1 a client that pongs twice and then no more is closed', async (t) => {
    const wire = await WireSocket.session(t, calm, freshRoom());
    for (let round = 0; round < 2; round += 1) {
      assert.equal(await wire.next(`ping ${round}`), '2');
      wire.send('3');
    }
    assert.equal(await wire.next('one more ping'), '2');
    assert.equal((await wire.close()).code, 1005);
  });

  test('HB1 HB2 of a whole room the silent and the chatty are closed, those that pong live on', async (t) => {
    const room = freshRoom();
    const started = Date.now();
    const sessions = await Promise.all(Array.from({ length: 6 }, () => WireSocket.session(t, calm, room)));
    const [silent, chatty, ...lively] = sessions;
    const hearts = lively.map(answering);
    for (const wire of sessions) await wire.connect();
    const chatter = setInterval(() => chatty.send('421["join",{"name":"chatty"}]'), 100);
    t.after(() => clearInterval(chatter));
    await Promise.all([silent.close(), chatty.close()]);
    clearInterval(chatter);
    await sleep(3 * (CALM_INTERVAL + CALM_TIMEOUT));
    const most = Math.ceil((Date.now() - started) / CALM_INTERVAL);
    for (const { pings } of hearts) assert.ok(pings >= 3 && pings <= most, `${pings} pings, of ${most} at most`);
    for (const wire of lively) await wire.proveAlive();
  });
});

describe('over polling', { concurrency: true }, () => {
  test('HB1 a pending GET is released by the ping; the pong keeps the session', async () => {
    const poller = await Poller.open(patient, freshRoom());
    for (let round = 0; round < 3; round += 1) {
      assert.equal((await poller.get()).body, '2');
      assert.equal((await poller.post('3')).body, 'ok');
    }
    assert.match(await poller.connect(), /^40/);
  });

  test('HB1 a client that polls but never pongs is closed', async () => {
    const poller = await Poller.open(server, freshRoom());
    assert.equal((await poller.get()).body, '2');
    assert.equal((await poller.get()).body, '1');
    assert.equal((await poller.get()).status, 400);
  });

  test('HB3 with no GET pending the ping waits for one, and its pong still counts', async () => {
    const poller = await Poller.open(patient, freshRoom());
    await sleep(INTERVAL + PATIENT_TIMEOUT / 4);
    assert.equal((await poller.get()).body, '2');
    await poller.post('3');
    assert.equal((await poller.get()).body, '2');
  });

  test('HB3 a member that vanished from polling is announced as left, though nobody asks', async (t) => {
    const room = freshRoom();
    const lively = await WireSocket.session(t, patient, room);
    answering(lively);
    await lively.connect();
    await lively.proveAlive('lively');
    const poller = await Poller.open(patient, room);
    await poller.connect();
    await poller.post('421["join",{"name":"vanishing"}]');
    await lively.until((frame) => frame.startsWith('42["memberLeft"'), 'memberLeft');
  });
});

describe('the deadline as clients see it', () => {
  for (const [name, ask] of [['GET', (poller) => poller.get()], ['POST', (poller) => poller.post('3')]]) {
    test(`HB6 a polling client that slept interval+timeout after the handshake finds its session gone: ${name}`, async () => {
      // The deadline runs from the ping, and on a busy machine the ping itself may be late: so more than one try.
      const answers = [];
      while (!answers.includes(400) && answers.length < 5) {
        const poller = await Poller.open(server, freshRoom());
        await sleep(INTERVAL + TIMEOUT);
        answers.push((await ask(poller)).status);
      }
      assert.ok(answers.includes(400), `answered ${answers}`);
    });
  }

  test('HB6 a WebSocket is closed after the deadline, not before it', async (t) => {
    const started = Date.now();
    const wire = await WireSocket.session(t, server, freshRoom());
    await within(wire.closed, 'the close');
    const took = Date.now() - started;
    assert.ok(took >= INTERVAL + TIMEOUT - 5, `closed after ${took} ms`);
  });
});
