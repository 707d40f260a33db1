// Bytes on raw connections: how each transport carries them (P1, P13, W1), and how strictly packets have to have them (E5 to E8).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { greetedPoller, greetedSocket, nextWithBytes, placeholder } from './support/conformance.mjs';
import { encode, OldPoller } from './support/eio3.mjs';
import { onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { ECHO, freshRoom, Poller, RS, WireSocket } from './support/wire.mjs';

const vars = { ...WITHOUT_PINGS, APP: 'conformance', ALLOW_EIO3: 'true' };
const server = serverFor(vars);
const generous = serverFor({ ...vars, MAX_ATTACHMENTS: 12 });
const strict = serverFor({ ...vars, MAX_ATTACHMENTS: 1 });

const WITHOUT_CODE = { code: 1005, reason: '' };
const BYTES = Buffer.from([0, 1, 2, 127, 128, 255]);
const BASE64 = BYTES.toString('base64');
const ONE = Buffer.from([1]);
const TWO = Buffer.from([2, 2]);

describe('over polling', () => {
  for (const bytes of [BYTES, Buffer.alloc(0), Buffer.from([1]), Buffer.from([1, 2]), Buffer.alloc(10_000, 0xfb)]) {
    test(`P1 ${bytes.length} bytes are b and base64 with its padding, there and back`, async () => {
      const poller = await Poller.open(server, ECHO);
      const payload = ['4a', `b${bytes.toString('base64')}`, '4z'].join(RS);
      assert.equal((await poller.post(payload)).body, 'ok');
      assert.equal((await poller.get()).body, payload);
    });
  }

  test('P1 an event and its attachments, in one payload or in several', async () => {
    const poller = await greetedPoller(server);
    const packets = [`452-["message",${placeholder(0)},${placeholder(1)}]`, `b${BASE64}`, 'bAQ=='];
    const back = [packets[0].replace('message', 'message-back'), ...packets.slice(1)];
    await poller.post(packets.join(RS));
    for (const packet of back) assert.equal(await poller.read(() => true, packet), packet);
    for (const packet of packets) assert.equal((await poller.post(packet)).body, 'ok');
    for (const packet of back) assert.equal(await poller.read(() => true, packet), packet);
  });

  test('P1 base64 is read as Node reads it: in lines, with blanks, base64url, wrong padding, and what is no base64 at all', async () => {
    const lines = Buffer.alloc(300, 0xa7).toString('base64').replace(/.{76}|.+$/g, '$&\n');
    const texts = [lines, `${BASE64}\n`, 'AQ ID', 'AQID\r\nBAUG\r\n', 'AQ-_', 'AQ', 'AQ=', 'AQ==AQID', 'A', '=', '*', 'AQéID', 'AQIDB'];
    for (const text of texts) {
      const bytes = Buffer.from(text, 'base64');
      const poller = await Poller.open(server, ECHO);
      assert.equal((await poller.post(['4a', `b${text}`, '4z'].join(RS))).body, 'ok', text);
      assert.equal((await poller.get()).body, ['4a', `b${bytes.toString('base64')}`, '4z'].join(RS), text);
      const old = await OldPoller.open(server, ECHO, { b64: '1' });
      assert.equal((await old.post(encode(`b4${text}`))).body, 'ok', text);
      assert.equal((await old.get()).body, encode(`b4${bytes.toString('base64')}`), text);
    }
  });

  test('P13 b64=1 changes nothing', async () => {
    const poller = await Poller.open(server, ECHO, { b64: '1' });
    await poller.post(`b${BASE64}`);
    const { headers, body } = await poller.get();
    assert.deepEqual({ type: headers['content-type'], body }, { type: 'text/plain; charset=UTF-8', body: `b${BASE64}` });
  });
});

describe('over websocket', () => {
  const echo = (t, query) => WireSocket.session(t, server, ECHO, query);

  test('W1 a frame of bytes is a message, and comes back as one', async (t) => {
    const wire = await echo(t);
    for (const bytes of [BYTES, Buffer.alloc(0), Buffer.alloc(70_000, 0x34)]) {
      wire.send(bytes);
      assert.deepEqual(await wire.next('the echo'), bytes);
    }
  });

  test('W1 base64 in a text frame may be in lines', async (t) => {
    const wire = await echo(t);
    wire.send('bAQ\nID\n');
    assert.deepEqual(await wire.next('the echo'), Buffer.from([1, 2, 3]));
  });

  test('W1 the text frame b and base64 is the same; the answer is bytes', async (t) => {
    const wire = await echo(t);
    wire.send(`b${BASE64}`);
    assert.deepEqual(await wire.next('the echo'), BYTES);
  });

  test('P13 with b64=1 in the URL of the WebSocket the server sends bytes as text', async (t) => {
    const wire = await echo(t, { b64: '1' });
    wire.send(BYTES);
    assert.equal(await wire.next('the echo'), `b${BASE64}`);
    wire.send('bAQ==');
    assert.equal(await wire.next('the echo'), 'bAQ==');
  });

  for (const [polling, websocket] of [['1', undefined], [undefined, '1']]) {
    test(`P13 of an upgraded session only the URL of the WebSocket counts: b64=${websocket}`, async (t) => {
      const poller = await Poller.open(server, ECHO, { b64: polling });
      const wire = await WireSocket.open(t, poller.url({ transport: 'websocket', b64: websocket }));
      wire.send('2probe');
      assert.equal(await wire.next('the answer to the probe'), '3probe');
      wire.send('5');
      wire.send(BYTES);
      assert.deepEqual(await wire.next('the echo'), websocket ? `b${BASE64}` : BYTES);
    });
  }

  test('U9 an event whose attachments arrive around the switch is whole', async (t) => {
    const poller = await greetedPoller(server);
    await poller.post(`452-["message",${placeholder(0)},${placeholder(1)}]`);
    await poller.post(`b${BASE64}`);
    const wire = await WireSocket.open(t, poller.url({ transport: 'websocket' }));
    wire.send('2probe');
    assert.equal(await wire.next('the answer to the probe'), '3probe');
    wire.send('5');
    wire.send(ONE);
    assert.deepEqual((await nextWithBytes(wire)).data, ['message-back', BYTES, ONE]);
  });
});

describe('packets with attachments', () => {
  /** `[what, header, attachments, data]`: an event or ack, and what the app gets out of it. */
  for (const [what, header, attachments, data] of [
    ['E5 deep ones', `453-["message",{"a":${placeholder(0)},"b":[1,{"c":${placeholder(1)}}]},${placeholder(2)}]`, [ONE, TWO, BYTES],
      [{ a: ONE, b: [1, { c: TWO }] }, BYTES]],
    ['E5 in another order than that of their numbers', `452-["message",${placeholder(1)},${placeholder(0)}]`, [ONE, TWO], [TWO, ONE]],
    ['E6 the same one twice', `451-["message",${placeholder(0)},${placeholder(0)}]`, [ONE], [ONE, ONE]],
    ['E6 one that nothing stands for', `452-["message",${placeholder(1)}]`, [ONE, TWO], [TWO]],
    ['E6 an object that only resembles a placeholder', `451-["message",${placeholder(0)},{"_placeholder":1,"num":7},{"num":0}]`, [ONE],
      [ONE, { _placeholder: 1, num: 7 }, { num: 0 }]],
    ['E7 ten', `4510-["message",${Array.from({ length: 10 }, (_, i) => placeholder(i))}]`, Array(10).fill(ONE), Array(10).fill(ONE)],
  ]) {
    test(`${what} are put in place`, async (t) => {
      const wire = await greetedSocket(t, server);
      for (const frame of [header, ...attachments]) wire.send(frame);
      assert.deepEqual((await nextWithBytes(wire)).data, ['message-back', ...data]);
    });
  }

  test('E6 placeholders in a packet without attachments are plain objects', async (t) => {
    const wire = await greetedSocket(t, server);
    wire.send(`42["message",${placeholder(0)}]`);
    assert.equal(await wire.next('the message back'), `42["message-back",${placeholder(0)}]`);
  });

  test('E5 noops and pongs between the attachments are no packets of Socket.IO', async (t) => {
    const wire = await greetedSocket(t, server);
    for (const frame of [`452-["message",${placeholder(0)},${placeholder(1)}]`, '3', ONE, '6', TWO]) wire.send(frame);
    assert.deepEqual((await nextWithBytes(wire)).data, ['message-back', ONE, TWO]);
  });

  test('E8 the type of an answer follows its own content', async (t) => {
    const wire = await greetedSocket(t, server, { namespace: '/custom' });
    for (const frame of ['451-/custom,7["message-with-ack","no placeholder"]', ONE]) wire.send(frame);
    assert.equal(await wire.next('a plain ack'), '43/custom,7["no placeholder"]');
    for (const frame of [`451-/custom,8["message-with-ack",${placeholder(0)}]`, ONE]) wire.send(frame);
    assert.equal(await wire.next('an ack with bytes'), `461-/custom,8[${placeholder(0)}]`);
    assert.deepEqual(await wire.next('its attachment'), ONE);
  });

  test('E3 E8 an ack with bytes to a question without, and the other way round', async (t) => {
    const wire = await greetedSocket(t, server);
    wire.send('42["emit-with-ack","?"]');
    assert.equal(await wire.next('the question'), '420["question","?"]');
    for (const frame of [`461-0[${placeholder(0)}]`, ONE]) wire.send(frame);
    assert.deepEqual((await nextWithBytes(wire)).data, ['answer', ONE]);
    for (const frame of [`451-["emit-with-ack",${placeholder(0)}]`, TWO]) wire.send(frame);
    assert.deepEqual(await nextWithBytes(wire), { header: '451-1', data: ['question', TWO] });
    wire.send('431["plain"]');
    assert.equal(await wire.next('the answer'), '42["answer","plain"]');
  });

  test('E3 an ack with bytes that nobody waits for is ignored, attachments and all', async (t) => {
    const wire = await greetedSocket(t, server);
    for (const frame of [`461-999[${placeholder(0)}]`, ONE, '42["message","alive"]']) wire.send(frame);
    assert.equal(await wire.next('the message back'), '42["message-back","alive"]');
  });
});

describe('what is too malformed to live', () => {
  const CLOSES = {
    'E5 a text packet where an attachment is due': [`451-["message",${placeholder(0)}]`, '42["message"]'],
    'E5 a header where an attachment is due': [`452-["message",${placeholder(0)}]`, ONE, `451-["message",${placeholder(0)}]`],
    'E5 bytes that no header announced': [ONE],
    'E5 more bytes than the header announced': [`451-["message",${placeholder(0)}]`, ONE, TWO],
    'E7 eleven attachments': [`4511-["message",${placeholder(0)}]`],
    'E7 eleven attachments of an ack': [`4611-0[${placeholder(0)}]`],
    'E7 no attachments': ['450-["message"]'],
    'E7 no attachments of an ack': ['460-0["a"]'],
    'E9 a reserved name': [`451-["disconnect",${placeholder(0)}]`],
    'E1 bytes for a name': [`451-[${placeholder(0)}]`],
    'C6 bytes for a namespace not joined': [`451-/custom,["message",${placeholder(0)}]`, ONE],
  };
  for (const num of ['1', '-1', '0.5', '"0"', '"splice"', '"length"', 'null', 'true', '[0]', '{}', '1e999']) {
    CLOSES[`E6 a placeholder with the number ${num}`] = [`451-["message",${placeholder(num)}]`, ONE];
  }
  const accepted = { 'E6 a placeholder with the number 0.5': onReference && 'the reference puts null in its place' };
  CLOSES['E6 a placeholder without a number'] = ['451-["message",{"_placeholder":true}]', ONE];

  for (const [what, frames] of Object.entries(CLOSES)) {
    test(`${what}, over websocket`, { skip: accepted[what] }, async (t) => {
      const room = freshRoom();
      const [other, wire] = [await greetedSocket(t, server, { room }), await greetedSocket(t, server, { room })];
      for (const frame of frames) wire.send(frame);
      assert.deepEqual(await wire.close(), WITHOUT_CODE);
      other.send('42["message","alive"]');
      assert.equal(await other.next('the message back'), '42["message-back","alive"]');
    });

    test(`${what}, over polling`, { skip: accepted[what] }, async () => {
      const poller = await greetedPoller(server);
      await poller.post(frames.map((frame) => (typeof frame === 'string' ? frame : `b${frame.toString('base64')}`)).join(RS)).catch(() => {});
      const packets = (await poller.get()).body.split(RS);
      assert.equal(packets.at(-1), '1', `the last GET had ${packets}`);
      assert.equal((await poller.get()).status, 400);
    });
  }

  test('E7 MAX_ATTACHMENTS moves the limit', async (t) => {
    const twelve = await greetedSocket(t, generous);
    const header = `4512-["message",${placeholder(11)}]`;
    for (const frame of [header, ...Array(11).fill(ONE), TWO]) twelve.send(frame);
    assert.deepEqual((await nextWithBytes(twelve)).data, ['message-back', TWO]);
    const two = await greetedSocket(t, strict);
    two.send(`452-["message",${placeholder(0)}]`);
    assert.deepEqual(await two.close(), WITHOUT_CODE);
  });
});
