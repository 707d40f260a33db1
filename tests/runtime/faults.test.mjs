// What surrounds the core fails: the room can't start, its alarm can't be set or takes for ever, a WebSocket isn't accepted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failingServerFor } from './support/faults.mjs';
import { call, TOKEN } from './support/http-api.mjs';
import { AS_DEPLOYED, roomcastOnly, WITHOUT_PINGS } from './support/target.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { engineUrl, freshRoom, Poller, refusedUpgrade, request, WireSocket } from './support/wire.mjs';

const occurrences = (text, word) => text.split(word).length - 1;

describe('a room that can’t start', { skip: roomcastOnly }, () => {
  const server = failingServerFor({ ...AS_DEPLOYED, APP: 'conformance', API_TOKEN: TOKEN, PING_INTERVAL_MS: 2_000, CORS_ORIGIN: '*' });

  test('answers 503 in JSON and works as soon as it can start, without a restart', async (t) => {
    const room = freshRoom();
    t.after(() => server.faults());
    await server.faults({ sql: 'fail' });
    for (let round = 0; round < 2; round += 1) {
      const { status, headers, body } = await request(engineUrl(server, room), { headers: { origin: 'https://elsewhere.example' } });
      assert.deepEqual([status, headers['content-type'], headers['retry-after']], [503, 'application/json', '1']);
      assert.equal(headers['access-control-allow-origin'], '*');
      const { code, message } = JSON.parse(body);
      assert.equal(code, 'unavailable');
      assert.doesNotMatch(message, /fire/, 'the reason is for the log');
      const refusal = await refusedUpgrade(engineUrl(server, room, { transport: 'websocket' }));
      assert.equal(refusal.status, 503);
      const api = await call(server, 'GET', `/${room}`);
      assert.deepEqual([api.status, api.json.error.code, api.headers['retry-after']], [503, 'unavailable', '1']);
    }
    assert.equal(occurrences(server.output(), 'a turn is lost: the room\'s storage failed: the disk is on fire'), 1, server.output());
    await server.faults();
    assert.match(await (await Poller.open(server, room)).connect(), /^40/);
    await (await WireSocket.session(t, server, room)).connect();
    assert.equal((await call(server, 'GET', `/${room}`)).json.connections, 2);
  });

});

describe('a room that can’t start again', { skip: roomcastOnly }, () => {
  const server = failingServerFor({ ...AS_DEPLOYED, APP: 'conformance', PING_INTERVAL_MS: 2_000 });

  test('closes the WebSockets that speak to it, and tries again at longer and longer intervals', async (t) => {
    const room = freshRoom();
    t.after(() => server.faults());
    const [speaker, listener] = [await WireSocket.session(t, server, room), await WireSocket.session(t, server, room)];
    for (const wire of [speaker, listener]) await wire.connect();
    await speaker.until((frame) => frame === '2', 'a ping, after which the alarm for the next one is set');
    speaker.send('42["panic"]');
    await sleep(200); // nothing tells when the room is gone
    await server.faults({ sql: 'fail' });
    speaker.send('42["message","who is there?"]');
    assert.deepEqual(await speaker.close(), { code: 1011, reason: '' });
    // That the speaker is gone is lost as well, so the first interval is one or two seconds.
    const intervals = [];
    const tried = (after) => async () => {
      intervals.push(...(await server.faults({ sql: 'fail' })).map(({ in: ms }) => ms));
      return intervals.some((ms) => ms > after - 500 && ms <= after);
    };
    await eventually(tried(4_000), 'a try after four seconds');
    await eventually(tried(8_000), 'a try after eight seconds');
    assert.deepEqual(intervals, intervals.toSorted((a, b) => a - b));
    await server.faults();
    listener.send('427["message-with-ack","back"]');
    assert.match(await listener.until((frame) => frame.startsWith?.('437'), 'the ack'), /back/);
  });
});

describe('a turn that can’t be committed', { skip: roomcastOnly }, () => {
  const server = failingServerFor({ ...AS_DEPLOYED, APP: 'conformance', API_TOKEN: TOKEN, RECOVERY_MS: 120_000 });

  test('is sent to nobody: who sent it comes back, requests get 503, others go on and nothing that was acked is lost', async (t) => {
    const room = freshRoom();
    t.after(() => server.faults());
    const [speaker, listener] = [await WireSocket.session(t, server, room), await WireSocket.session(t, server, room)];
    for (const wire of [speaker, listener]) await wire.connect();
    const poller = await Poller.open(server, room);
    await poller.connect();
    const waiting = request(poller.url());
    speaker.send('421["broadcast","before"]');
    assert.match(await listener.until((frame) => frame.startsWith?.('42["broadcast"'), 'what came before'), /before/);
    await speaker.until((frame) => frame.startsWith?.('431'), 'the ack');
    assert.match((await waiting).body, /before/);

    const held = request(poller.url());
    await sleep(100); // until it waits
    await server.faults({ commit: 'fail' });
    speaker.send('422["broadcast","lost"]');
    assert.deepEqual(await speaker.close(), { code: 1011, reason: '' });
    const { status, headers } = await held;
    assert.deepEqual([status, headers['content-type'], headers['retry-after']], [503, 'application/json', '1']);
    await server.faults();

    const again = await WireSocket.session(t, server, room);
    await again.connect();
    again.send('423["broadcast","after"]');
    await again.until((frame) => frame.startsWith?.('433'), 'the ack');
    const next = await listener.until((frame) => frame.startsWith?.('42["broadcast"'), 'what came after');
    assert.match(next, /after/, 'what was lost was sent to nobody');
  });
});

describe('an alarm that can’t be set', { skip: roomcastOnly }, () => {
  const server = failingServerFor({ APP: 'conformance', API_TOKEN: TOKEN, ...WITHOUT_PINGS });

  test('takes for ever: nobody waits for it', async (t) => {
    const room = freshRoom();
    await server.faults({ alarm: 'hang' });
    const poller = await Poller.open(server, room);
    assert.match(await poller.connect(), /^40/);
    const wire = await WireSocket.session(t, server, room);
    await wire.connect();
    wire.send('427["message-with-ack","hello"]');
    assert.match(await wire.until((frame) => frame.startsWith?.('437'), 'the ack'), /hello/);
    assert.equal((await call(server, 'GET', `/${room}`)).status, 200);
    assert.deepEqual(Object.keys((await server.faults())[0]), ['in', 'allowUnconfirmed'], 'and what is sent waits for no confirmation');
  });

  test('fails: is logged once and tried again, until it is set', async (t) => {
    const room = freshRoom();
    await server.faults({ alarm: 'fail' });
    const logged = occurrences(server.output(), 'no alarm today');
    const wire = await WireSocket.session(t, server, room);
    await wire.connect();
    const tries = (await server.faults({ alarm: 'fail' })).length;
    assert.ok(tries >= 1);
    await sleep(500);
    assert.equal((await server.faults({ alarm: 'fail' })).length, 0, 'not without an end');
    await eventually(async () => (await server.faults({ alarm: 'fail' })).length > 0, 'another try by itself');
    await wire.proveAlive();
    assert.equal(occurrences(server.output(), 'no alarm today'), logged + 1, server.output());
    await server.faults();
    await eventually(async () => (await server.faults()).length > 0, 'the last try');
    await sleep(6_000);
    assert.deepEqual(await server.faults(), [], 'it is set');
  });
});

describe('a WebSocket that can’t be accepted', { skip: roomcastOnly }, () => {
  const server = failingServerFor({ APP: 'conformance', API_TOKEN: TOKEN, ...WITHOUT_PINGS });
  const connections = async (room) => (await call(server, 'GET', `/${room}`)).json.connections;

  test('is answered with 503 and leaves no session behind', async () => {
    const room = freshRoom();
    await server.faults({ accept: 'fail' });
    assert.equal((await refusedUpgrade(engineUrl(server, room, { transport: 'websocket' }))).status, 503);
    assert.equal(await connections(room), 0);
    await server.faults();
  });

  test('does not harm the session that wanted to move to it, which may try again', async (t) => {
    const room = freshRoom();
    const poller = await Poller.open(server, room);
    await poller.connect();
    await server.faults({ accept: 'fail' });
    assert.equal((await refusedUpgrade(poller.url({ transport: 'websocket' }))).status, 503);
    await server.faults();
    await poller.post('427["message-with-ack","still here"]');
    await poller.read((packet) => packet.startsWith('437'), 'the ack');
    const wire = await WireSocket.open(t, poller.url({ transport: 'websocket' }));
    wire.send('2probe');
    assert.equal(await wire.next('the answer to the probe'), '3probe');
    assert.equal(await connections(room), 1);
  });
});
