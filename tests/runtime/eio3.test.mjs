// Engine.IO 3, which clients of Socket.IO 1 and 2 speak: payloads with lengths, a heartbeat that the client begins, and a main
// namespace that is joined unasked (C12). Only where ALLOW_EIO3 is set; without it see R3 in wire-http.test.mjs.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placeholder } from './support/conformance.mjs';
import { decode, decodeBytes, encode, encodeBytes, OldPoller } from './support/eio3.mjs';
import { assertBadRequest, assertBadUpgrade } from './support/refusals.mjs';
import { onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { sleep } from './support/wait.mjs';
import { ECHO, freshRoom, Poller, refusedUpgrade, request, WireSocket } from './support/wire.mjs';

const LIMIT = 20_000;
const vars = { APP: 'conformance', ALLOW_EIO3: 'true' };
const server = serverFor({ ...vars, ...WITHOUT_PINGS, MAX_PAYLOAD_BYTES: LIMIT });
const INTERVAL = 300;
const TIMEOUT = 400;
const beating = serverFor({ ...vars, PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: TIMEOUT });

const TEXT = 'zwei ✓ 漢字 👩‍🚀';
const BYTES = Buffer.from([0, 1, 2, 127, 128, 255]);
const OCTETS = { headers: { 'content-type': 'application/octet-stream' } };
const WITHOUT_CODE = { code: 1005, reason: '' };

const echo = (query) => OldPoller.open(server, ECHO, query);
const session = (t, room = freshRoom(), target = server) => WireSocket.session(t, target, room, { EIO: '3' });

/** Until the session is over; what came before a bad packet may be answered first, and then comes the close. */
async function drained(poller) {
  const answers = [];
  while (answers.length < 4 && answers.at(-1)?.status !== 400) answers.push(await poller.get());
  assert.ok(answers.length < 4, `the session goes on: ${answers.map(({ status, body }) => `${status} ${body}`)}`);
}

async function assertGone(poller) {
  const { status, body } = await poller.get();
  assert.deepEqual({ status, body }, { status: 400, body: '{"code":1,"message":"Session ID unknown"}' });
}

describe('payloads of text', () => {
  test('the handshake is one, with the same headers as ever', async () => {
    const { response, handshake } = await echo();
    assert.deepEqual(Object.keys(handshake).sort(), ['maxPayload', 'pingInterval', 'pingTimeout', 'sid', 'upgrades']);
    const [length, packet] = /^(\d+):(.*)$/s.exec(response.body).slice(1);
    assert.equal(Number(length), packet.length);
    const { 'content-type': type, 'cache-control': cache, 'content-length': size } = response.headers;
    assert.deepEqual({ type, cache, size }, { type: 'text/plain; charset=UTF-8', cache: 'no-store', size: String(response.bytes.length) });
  });

  test('a POST is answered ok as ever; a length counts UTF-16 units', async () => {
    const poller = await echo();
    const payload = encode('4a', `4${TEXT}`, '4');
    assert.ok(payload.includes(`${TEXT.length + 1}:4${TEXT}`));
    const post = await poller.post(payload);
    assert.deepEqual({ status: post.status, type: post.headers['content-type'], body: post.body }, { status: 200, type: 'text/html', body: 'ok' });
    assert.equal((await poller.get()).body, payload);
  });

  test('b64=1: bytes are b, the type and base64, in text', async () => {
    const poller = await echo({ b64: '1' });
    const payload = encode('4a', `b4${BYTES.toString('base64')}`);
    await poller.post(payload);
    const { headers, body } = await poller.get();
    assert.deepEqual({ type: headers['content-type'], body }, { type: 'text/plain; charset=UTF-8', body: payload });
  });

  test('text alone is a payload of text for clients that take bytes, too', async () => {
    const poller = await echo();
    await poller.post(encode('4a', `4${TEXT}`));
    assert.equal((await poller.get()).headers['content-type'], 'text/plain; charset=UTF-8');
  });

  for (const payload of ['abc', '', '3:4a', '2:4a3:4', '2:4ax', 'x2:4a', ':4a', '2', '2:xx', '1.5:4a', '-1:4', '2:4a99999999999999999999:4']) {
    test(`P8 the payload ${JSON.stringify(payload)} closes the session`, async () => {
      const poller = await echo();
      const post = await poller.post(payload).catch(() => ({ status: 'cut off' }));
      assert.ok([200, 400, 'cut off'].includes(post.status), `POST answered ${post.status}`);
      await drained(poller);
      await assertGone(poller);
    });
  }

  test('P12 the limit is that of Engine.IO 4', async () => {
    const poller = await echo();
    const full = encode(`4${'x'.repeat(LIMIT - 7)}`);
    assert.equal(full.length, LIMIT);
    assert.equal((await poller.post(full)).status, 200);
    assert.equal((await poller.get()).body, full);
    assert.equal((await poller.post(`${full} `)).status, 413);
    assert.equal((await poller.send('4a')).body, 'ok');
  });
});

describe('payloads of bytes', () => {
  test('a client without b64 gets one as soon as there are bytes in it', async () => {
    const poller = await echo();
    await poller.post(encode('4a', `b4${BYTES.toString('base64')}`));
    const { headers, bytes } = await poller.get();
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.equal(headers['content-length'], String(bytes.length));
    assert.deepEqual(bytes, encodeBytes('4a', Buffer.from([4, ...BYTES])));
  });

  test('a client may post one', async () => {
    const poller = await echo();
    const big = Buffer.alloc(12_345, 0xfe);
    const payload = encodeBytes('4a', Buffer.from([4, ...BYTES]), Buffer.from([4, ...big]));
    assert.equal((await poller.post(payload, OCTETS)).body, 'ok');
    assert.deepEqual(decodeBytes((await poller.get()).bytes), ['4a', Buffer.from([4, ...BYTES]), Buffer.from([4, ...big])]);
  });

  test('text in it is counted in bytes of UTF-8, both ways', async () => {
    const poller = await echo();
    const payload = encodeBytes(`4${TEXT}`, Buffer.from([4, 1]));
    await poller.post(payload, OCTETS);
    assert.deepEqual((await poller.get()).bytes, payload);
  });

  for (const [name, payload] of [
    ['a length without its end', Buffer.from([0, 2])], ['a length beyond the payload', Buffer.from([0, 9, 255, 0x34, 0x61])],
    ['a digit above nine', Buffer.from([1, 77, 255, 4, 1])], ['a type that is none', Buffer.from([1, 2, 255, 9, 1])],
  ]) {
    test(`P8 ${name} closes the session`, { skip: onReference && 'the reference makes of it what it can' }, async () => {
      const poller = await echo();
      await poller.post(payload, OCTETS).catch(() => {});
      await drained(poller);
      await assertGone(poller);
    });
  }
});

describe('the heartbeat', () => {
  test('HB5 a ping is answered at once, over both transports', async (t) => {
    const poller = await echo();
    await poller.send('2');
    assert.equal((await poller.get()).body, '1:3');
    const wire = await session(t, ECHO);
    for (let beat = 0; beat < 5; beat += 1) {
      wire.send('2');
      assert.equal(await wire.next('the pong'), '3');
    }
  });

  test('HB5 the server begins none, and a client that does lives on', async (t) => {
    const wire = await session(t, ECHO, beating);
    for (let beat = 0; beat < 5; beat += 1) {
      await sleep(INTERVAL);
      wire.send('2');
      assert.equal(await wire.next('the pong, and no ping of the server'), '3');
    }
  });

  test('HB5 who sends none within interval and timeout is closed', async (t) => {
    const poller = await OldPoller.open(beating, ECHO);
    const wire = await session(t, ECHO, beating);
    const started = Date.now();
    assert.equal((await poller.get()).body, '1:1');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
    const took = Date.now() - started;
    assert.ok(took >= INTERVAL + TIMEOUT - 100, `closed after ${took} ms`);
    await assertGone(poller);
  });

  test('P9 a pong of the client goes the wrong way', async (t) => {
    const poller = await echo();
    await poller.send('3').catch(() => {});
    await drained(poller);
    await assertGone(poller);
    // Where the room may sleep the platform takes the pongs of all its WebSockets, and nobody hears of this one.
    const wire = await session(t, ECHO, beating);
    wire.send('3');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });
});

describe('websocket and the upgrade', () => {
  test('W1 a frame of bytes has the type as its first byte; b4 in text is the same', async (t) => {
    const wire = await session(t, ECHO);
    const frame = Buffer.from([4, ...BYTES]);
    wire.send(frame);
    assert.deepEqual(await wire.next('the echo'), frame);
    wire.send(`b4${BYTES.toString('base64')}`);
    assert.deepEqual(await wire.next('the echo'), frame);
  });

  test('P13 with b64=1 bytes come as text', async (t) => {
    const wire = await WireSocket.session(t, server, ECHO, { EIO: '3', b64: '1' });
    wire.send(Buffer.from([4, ...BYTES]));
    assert.equal(await wire.next('the echo'), `b4${BYTES.toString('base64')}`);
  });

  test('U1 probe, noop, switch', async (t) => {
    const poller = await echo();
    const wire = await WireSocket.open(t, poller.url({ transport: 'websocket' }));
    const get = poller.get();
    wire.send('2probe');
    assert.equal(await wire.next('the answer to the probe'), '3probe');
    assert.equal((await get).body, '1:6');
    wire.send('5');
    wire.send('4hello');
    assert.equal(await wire.next('the echo'), '4hello');
  });

  test('P4 P7 overlap and close are told in its framing', async () => {
    const overlapping = await echo();
    const first = overlapping.get();
    await sleep(50); // nothing on the wire tells that it waits there
    assert.equal((await overlapping.get()).status, 400);
    assert.equal((await first).body, '1:1');
    const closing = await echo();
    const get = closing.get();
    await sleep(50);
    assert.equal((await closing.send('1')).body, 'ok');
    assert.equal((await get).body, '1:6');
    await assertGone(closing);
  });

  test('U10 a session keeps its revision, whichever it is', async () => {
    const [old, current] = [await echo(), await Poller.open(server, ECHO)];
    for (const [poller, other] of [[old, '4'], [current, '3'], [current, undefined]]) {
      for (const options of [{}, { method: 'POST', body: '4a' }]) {
        assertBadRequest(await request(poller.url({ EIO: other }), options), /another EIO/);
      }
      assertBadUpgrade(await refusedUpgrade(poller.url({ EIO: other, transport: 'websocket' })), /another EIO/);
    }
    await old.send('4a');
    assert.equal((await old.get()).body, '2:4a');
    await current.post('4a');
    assert.equal((await current.get()).body, '4a');
  });
});

describe('C12 Socket.IO 2', () => {
  test('the main namespace is joined unasked: CONNECT without a payload', async (t) => {
    const wire = await session(t);
    assert.equal(await wire.next('CONNECT'), '40');
    assert.equal(await wire.next('the greeting'), '42["auth",{}]');
  });

  test('over polling it comes with the next GET', async () => {
    const poller = await OldPoller.open(server, freshRoom());
    const packets = [];
    while (packets.length < 2) packets.push(...decode((await poller.get()).body));
    assert.deepEqual(packets, ['40', '42["auth",{}]']);
  });

  const joined = async (t) => {
    const wire = await session(t);
    await wire.next('CONNECT');
    await wire.next('the greeting');
    return wire;
  };

  for (const [sent, name, auth] of [
    ['40/custom', '/custom', '{}'], ['40/custom,', '/custom', '{}'], ['40/dynamic-7', '/dynamic-7', '{}'],
    ['40/custom?token=a%20b&n=1', '/custom', '{"token":"a b","n":"1"}'], ['40/admin?token=secret,', '/admin', '{"token":"secret"}'],
  ]) {
    test(`${sent}: the query stands for auth`, async (t) => {
      const wire = await joined(t);
      wire.send(sent);
      assert.equal(await wire.next('CONNECT'), `40${name},`);
      assert.equal(await wire.next('the greeting'), `42${name},["auth",${auth}]`);
      wire.send(`42${name},["message","hello"]`);
      assert.equal(await wire.next('the message back'), `42${name},["message-back","hello"]`);
    });
  }

  test('a refusal is the error’s data, or its message', async (t) => {
    const wire = await joined(t);
    wire.send('40/admin?token=wrong');
    assert.equal(await wire.next('the refusal'), '44/admin,{"code":401}');
    wire.send('40/nowhere');
    assert.equal(await wire.next('the refusal'), '44/nowhere,{"message":"Invalid namespace"}');
    wire.send('42["message","alive"]');
    assert.equal(await wire.next('the message back'), '42["message-back","alive"]');
  });

  test('events and acks with bytes', async (t) => {
    const wire = await joined(t);
    wire.send(`451-7["message-with-ack",${placeholder(0)}]`);
    wire.send(Buffer.from([4, ...BYTES]));
    assert.equal(await wire.next('the ack'), `461-7[${placeholder(0)}]`);
    assert.deepEqual(await wire.next('its attachment'), Buffer.from([4, ...BYTES]));
  });

  test('C11 DISCONNECT and kick go as ever', async (t) => {
    const wire = await joined(t);
    wire.send('40/custom');
    await wire.next('CONNECT');
    await wire.next('the greeting');
    wire.send('42/custom,["kick",{"close":false}]');
    assert.equal(await wire.next('DISCONNECT'), '41/custom,');
    wire.send('42["kick",{"close":true}]');
    assert.equal(await wire.next('DISCONNECT'), '41');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });
});
