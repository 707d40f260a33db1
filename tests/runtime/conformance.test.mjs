// What the public suites for servers of Engine.IO 4, Engine.IO 3 and Socket.IO 5 check of the engine, in our own words, against
// the conformance app. What is a race there is run in many rounds here. See conformance-messages.test.mjs for the rest.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encode, OldPoller } from './support/eio3.mjs';
import { onReference, serverFor } from './support/target.mjs';
import { sleep } from './support/wait.mjs';
import { ECHO, engineUrl, freshRoom, Poller, request, WireSocket } from './support/wire.mjs';

const INTERVAL = 300;
const TIMEOUT = 200;
const vars = { APP: 'conformance', ALLOW_EIO3: 'true', CORS_ORIGIN: '*', CONNECT_TIMEOUT_MS: 1_000, PING_INTERVAL_MS: INTERVAL };
const server = serverFor({ ...vars, PING_TIMEOUT_MS: TIMEOUT });
// Where a client that answers has to live on: a busy machine may delay its pong by more than the public suites' 200 ms.
const patient = serverFor({ ...vars, PING_TIMEOUT_MS: 5_000, CONNECT_TIMEOUT_MS: 5_000 });

const ROUNDS = 10;

/** Runs `body` in rounds, one after the other: their subject is the order of a few packets, and load would hide it. */
async function rounds(body) {
  for (let round = 0; round < ROUNDS; round += 1) await body(round);
}

for (const [suite, { revision, endpoint, payload }] of Object.entries({
  'Engine.IO 4': { revision: 4, endpoint: () => ECHO, payload: (packet) => packet },
  'Engine.IO 3': { revision: 3, endpoint: () => ECHO, payload: encode },
  'Socket.IO 5': { revision: 4, endpoint: freshRoom, payload: (packet) => packet },
})) {
  const EIO = String(revision);
  const poll = (target) => (revision === 3 ? OldPoller : Poller).open(target, endpoint(), { EIO });
  const session = (t, target) => WireSocket.session(t, target, endpoint(), { EIO });
  const status = async (query, options) => (await request(engineUrl(server, endpoint(), { EIO, ...query }), options)).status;

  /** A WebSocket that the server ends, whether it lets it open or not. */
  const assertEnded = async (t, url) => {
    const wire = new WireSocket(url);
    t.after(() => wire.socket.terminate());
    await wire.end();
  };

  /** That the session goes on over its WebSocket: by an echo, or by an answer to CONNECT. */
  const assertAlive = async (wire) => {
    const [question, answer] = suite === 'Socket.IO 5' ? ['40', /^40\{/] : ['4hello', /^4hello$/];
    wire.send(question);
    assert.match(await wire.until((frame) => !['2', '6'].includes(frame), 'a sign of life'), answer);
  };

  describe(`${suite}: handshake`, () => {
    const assertOpen = ({ sid, ...rest }, upgrades) => {
      assert.equal(typeof sid, 'string');
      assert.deepEqual(rest, { upgrades, pingInterval: INTERVAL, pingTimeout: TIMEOUT, maxPayload: 1_000_000 });
    };

    test('over polling', async () => assertOpen((await poll(server)).handshake, ['websocket']));

    test('over websocket', async (t) => assertOpen((await session(t, server)).handshake, []));

    // With Engine.IO 3 allowed the reference takes every other revision for it. None at all is 3 here too, so that the suite for Engine.IO 4 wants it off.
    test('without a known revision it is refused', { skip: onReference && 'the reference takes it for 3' }, async (t) => {
      for (const version of ['', 'abc', '5']) {
        assert.equal(await status({ EIO: version }), 400, `EIO=${version}`);
        await assertEnded(t, engineUrl(server, endpoint(), { transport: 'websocket', EIO: version }));
      }
    });

    test('without a known transport it is refused', async (t) => {
      for (const transport of [undefined, 'abc']) {
        assert.equal(await status({ transport }), 400, `transport=${transport}`);
        await assertEnded(t, engineUrl(server, endpoint(), { EIO, transport }));
      }
    });

    test('with another method it is refused', async () => {
      for (const method of ['POST', 'PUT']) assert.equal(await status({}, { method }), 400, method);
    });
  });

  describe(`${suite}: heartbeat`, () => {
    test('over polling', async () => {
      const poller = await poll(patient);
      for (let beat = 0; beat < 3; beat += 1) {
        if (revision === 3) assert.equal((await poller.send('2')).status, 200);
        const answer = await poller.get();
        assert.deepEqual({ status: answer.status, body: answer.body }, { status: 200, body: payload(revision === 3 ? '3' : '2') });
        if (revision === 4) assert.equal((await poller.post('3')).status, 200);
      }
    });

    test('over websocket', async (t) => {
      const wire = await session(t, patient);
      for (let beat = 0; beat < 3; beat += 1) {
        if (revision === 3) wire.send('2');
        assert.equal(await wire.next('the heartbeat'), revision === 3 ? '3' : '2');
        if (revision === 4) wire.send('3');
      }
    });

    test('HB6 a polling client that slept interval + timeout finds its session gone', async () => {
      const statuses = await Promise.all(Array.from({ length: ROUNDS }, async () => {
        const poller = await poll(server);
        await sleep(INTERVAL + TIMEOUT);
        return (await (revision === 3 ? poller.send('2') : poller.get())).status;
      }));
      const late = statuses.filter((answer) => answer !== 400).length;
      // The reference has timers only, and one that is a millisecond late lets the client in: now and then it fails its own suite.
      assert.ok(onReference ? late < ROUNDS : late === 0, `answered ${statuses}`);
    });

    test('a WebSocket whose client says nothing is ended soon after the timeout', async (t) => {
      const wires = await Promise.all(Array.from({ length: ROUNDS }, () => session(t, server)));
      const opened = Date.now();
      await Promise.all(wires.map((wire) => wire.end()));
      const took = Date.now() - opened;
      assert.ok(took > INTERVAL && took < 1_900, `the last was ended after ${took} ms; the public suites wait for 2,000`);
    });
  });

  describe(`${suite}: close`, () => {
    test('over polling, the GET just before it: released with a noop', () => rounds(async () => {
      const poller = await poll(patient);
      const answers = [poller.get(), poller.post(payload('1'))];
      assert.equal((await answers[1]).body, 'ok');
      const { status: released, body } = await answers[0];
      assert.deepEqual({ released, body }, { released: 200, body: payload('6') });
      assert.equal((await poller.get()).status, 400);
    }));

    test('over polling, the GET just behind it: released likewise, or refused', () => rounds(async () => {
      const poller = await poll(patient);
      const answers = [poller.post(payload('1')), poller.get()];
      assert.equal((await answers[0]).body, 'ok');
      const late = await answers[1]; // they are two connections: either may be the first to be served
      assert.ok(late.status === 400 || late.body === payload('6'), `the GET was answered ${late.status} ${late.body}`);
      assert.equal((await poller.get()).status, 400);
    }));

    test('over websocket: ended', async (t) => {
      const wires = await Promise.all(Array.from({ length: ROUNDS }, () => session(t, server)));
      for (const wire of wires) wire.send('1');
      await Promise.all(wires.map((wire) => wire.end()));
    });
  });

  describe(`${suite}: upgrade`, () => {
    for (const patiently of [true, false]) {
      /** A session with `2probe` and `5` sent, after the answer to the probe has come or without waiting for it. */
      const upgrade = async (t, between = async () => {}) => {
        const poller = await poll(patient);
        const wire = await WireSocket.open(t, poller.url({ transport: 'websocket' }));
        wire.send('2probe');
        if (patiently) assert.equal(await wire.next('the answer to the probe'), '3probe');
        await between(poller);
        wire.send('5');
        return { poller, wire };
      };
      const probed = async (wire) => patiently || assert.equal(await wire.next('the answer to the probe'), '3probe');
      const how = patiently ? '' : ', though the client did not wait for 3probe';

      test(`the session goes on over the WebSocket${how}`, (t) => rounds(async () => {
        const { wire } = await upgrade(t, async (poller) => {
          if (patiently) assert.equal((await poller.get()).body, payload('6'));
        });
        await probed(wire);
        await assertAlive(wire);
      }));

      test(`a GET right behind the 5 is refused, and does no harm${how}`, (t) => rounds(async () => {
        const { poller, wire } = await upgrade(t);
        const { status: refused, body } = await poller.get();
        assert.equal(refused, 400, `answered ${refused} ${body}`);
        await probed(wire);
        await assertAlive(wire);
      }));

      test(`a second WebSocket right behind the 5 is ended, and does no harm${how}`, (t) => rounds(async () => {
        const { poller, wire } = await upgrade(t);
        await assertEnded(t, poller.url({ transport: 'websocket' }));
        await probed(wire);
        await assertAlive(wire);
      }));
    }
  });
}
