// The second half of what the public suites check, in our own words: messages of Engine.IO 4 and 3 and how sessions end over
// bad ones, then all of Socket.IO 5. See conformance.test.mjs for the engine's handshakes, heartbeats, closes and upgrades.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encode, OldPoller } from './support/eio3.mjs';
import { serverFor } from './support/target.mjs';
import { ECHO, engineUrl, freshRoom, Poller, request, RS, WireSocket } from './support/wire.mjs';

const CONNECT_TIMEOUT = 1_000;
const vars = { APP: 'conformance', ALLOW_EIO3: 'true', CORS_ORIGIN: '*', PING_INTERVAL_MS: 300, CONNECT_TIMEOUT_MS: CONNECT_TIMEOUT };
// As patient as a busy machine needs; conformance.test.mjs is about the public suites' times.
const server = serverFor({ ...vars, PING_TIMEOUT_MS: 5_000 });

const ROUNDS = 10;

async function rounds(body) {
  for (let round = 0; round < ROUNDS; round += 1) await body(round);
}

const notPing = (frame) => !['2', '6'].includes(frame);

for (const [suite, { revision, join, bytes, frame }] of Object.entries({
  'Engine.IO 4': { revision: 4, join: (...packets) => packets.join(RS), bytes: 'bAQIDBA==', frame: [1, 2, 3, 4] },
  'Engine.IO 3': { revision: 3, join: encode, bytes: 'b4AQIDBA==', frame: [4, 1, 2, 3, 4] },
})) {
  const EIO = String(revision);
  const poll = (query) => (revision === 3 ? OldPoller : Poller).open(server, ECHO, { EIO, ...query });
  const session = (t) => WireSocket.session(t, server, ECHO, { EIO });

  describe(`${suite}: messages over polling`, () => {
    for (const [name, packets] of [
      ['one text', ['4hello']], ['several texts', ['4test1', '4test2', '4test3']], ['text and bytes', ['4hello', bytes]],
      ['text outside ASCII', ['4zwei ✓ 漢字 👩‍🚀', '4é']],
    ]) {
      test(`${name}, in one payload there and back`, async () => {
        const poller = await poll(revision === 3 ? { b64: '1' } : {});
        const payload = join(...packets);
        const post = await poller.post(payload);
        assert.deepEqual({ status: post.status, body: post.body }, { status: 200, body: 'ok' });
        const get = await poller.get();
        assert.deepEqual({ status: get.status, body: get.body }, { status: 200, body: payload });
      });
    }

    test('a payload that is none closes the session', () => rounds(async () => {
      const poller = await poll();
      const post = await poller.post('abc').catch(() => ({ status: 'cut off' }));
      assert.ok([400, 'cut off', 200].includes(post.status), `POST answered ${post.status}`);
      assert.equal((await poller.get()).status, 400);
    }));
  });

  describe(`${suite}: messages over websocket`, () => {
    test('text there and back', async (t) => {
      const wire = await session(t);
      wire.send('4hello');
      assert.equal(await wire.until(notPing, 'the echo'), '4hello');
    });

    test('bytes there and back', async (t) => {
      const wire = await session(t);
      wire.send(Buffer.from(frame));
      assert.deepEqual(await wire.until(notPing, 'the echo'), Buffer.from(frame));
    });

    test('a frame that is no packet ends the connection', async (t) => {
      const wires = await Promise.all(Array.from({ length: ROUNDS }, () => session(t)));
      for (const wire of wires) wire.send('abc');
      await Promise.all(wires.map((wire) => wire.end()));
    });
  });

  // The first is surely the one that waits: a session that was opened after it is there already.
  describe(`${suite}: overlapping polls`, () => {
    test('a second GET gets an error, the first a close packet, the session is over', () => rounds(async () => {
      const poller = await poll();
      const first = poller.get();
      await poll();
      assert.ok([400, 500].includes((await poller.get()).status));
      const { status, body } = await first;
      assert.deepEqual({ status, body }, { status: 200, body: join('1') });
      assert.equal((await poller.get()).status, 400);
    }));

    test('a cancelled GET ends the session at once', () => rounds(async () => {
      const poller = await poll();
      const get = poller.get();
      await poll();
      get.abort();
      assert.equal((await poller.get()).status, 400);
    }));
  });
}

describe('Socket.IO 5: connect', () => {
  const open = (t, room = freshRoom()) => WireSocket.session(t, server, room);

  for (const [sent, prefix, auth] of [
    ['40', '', '{}'], ['40{"token":"123"}', '', '{"token":"123"}'],
    ['40/custom,', '/custom,', '{}'], ['40/custom,{"token":"abc"}', '/custom,', '{"token":"abc"}'],
    ['40/dynamic-7', '/dynamic-7,', '{}'],
  ]) {
    test(`${sent} is answered with an id and nothing else, and the app sees its payload`, async (t) => {
      const wire = await open(t);
      wire.send(sent);
      const answer = await wire.until(notPing, 'the answer to CONNECT');
      assert.ok(answer.startsWith(`40${prefix}{`), answer);
      const { sid, ...rest } = JSON.parse(answer.slice(2 + prefix.length));
      assert.deepEqual({ type: typeof sid, rest }, { type: 'string', rest: {} });
      assert.equal(await wire.until(notPing, 'the app’s greeting'), `42${prefix}["auth",${auth}]`);
    });
  }

  for (const name of ['/random', '/dynamic-', '/dynamic-x', '/dynamic-7x', '/customs', '/Custom']) {
    test(`${name} is no namespace`, async (t) => {
      const wire = await open(t);
      wire.send(`40${name}`);
      assert.equal(await wire.until(notPing, 'the refusal'), `44${name},{"message":"Invalid namespace"}`);
    });
  }

  test('/admin is refused without its token, with the data of the refusal, and let in with it', async (t) => {
    const wire = await open(t);
    for (const auth of ['', '{}', '{"token":"wrong"}', '{"token":null}']) {
      wire.send(`40/admin,${auth}`);
      assert.equal(await wire.until(notPing, 'the refusal'), '44/admin,{"message":"not authorized","data":{"code":401}}');
    }
    wire.send('40/admin,{"token":"secret"}');
    assert.match(await wire.until(notPing, 'the answer to CONNECT'), /^40\/admin,\{"sid":/);
  });

  for (const [name, frame] of [['a packet of no type', '4abc'], ['nothing, for too long', undefined]]) {
    test(`${name} ends the connection`, async (t) => {
      const before = Date.now();
      const wires = await Promise.all(Array.from({ length: ROUNDS }, () => open(t)));
      const opened = Date.now();
      if (frame) for (const wire of wires) wire.send(frame);
      else for (const wire of wires) wire.socket.on('message', (data) => data.toString() === '2' && wire.send('3'));
      await Promise.all(wires.map((wire) => wire.end()));
      // The server counts from some moment between the two.
      const [most, least] = [Date.now() - before, Date.now() - opened];
      if (!frame) assert.ok(most >= CONNECT_TIMEOUT && least < 1_900, `the last was ended after ${least} to ${most} ms`);
    });
  }

  test('both at once over one connection, polling too', async () => {
    const poller = await Poller.open(server, freshRoom());
    await poller.post(['40', '40/custom,{"a":1}'].join(RS));
    for (const start of ['40{"sid":', '42["auth",{}]', '40/custom,{"sid":', '42/custom,["auth",{"a":1}]']) {
      assert.ok((await poller.read((packet) => packet !== '2', start)).startsWith(start), start);
    }
    assert.equal((await request(engineUrl(server, freshRoom(), { sid: poller.sid }))).status, 400, 'a session is of one room');
  });
});

describe('Socket.IO 5: connected', () => {
  /** Connected, and greeted by the app. */
  const connected = async (t) => {
    const wire = await WireSocket.session(t, server, freshRoom());
    await wire.connect();
    assert.equal(await wire.until(notPing, 'the greeting'), '42["auth",{}]');
    return wire;
  };

  test('DISCONNECT of the main namespace: no answer, the connection stays', async (t) => {
    const wire = await connected(t);
    wire.send('41');
    assert.equal(await wire.next('nothing but the next ping'), '2');
  });

  test('DISCONNECT of another namespace leaves the main one as it is', (t) => rounds(async () => {
    const wire = await connected(t);
    wire.send('40/custom');
    assert.match(await wire.until(notPing, 'the answer to CONNECT'), /^40\/custom,/);
    assert.equal(await wire.until(notPing, 'the greeting'), '42/custom,["auth",{}]');
    wire.send('41/custom');
    wire.send('42["message","to main"]');
    assert.equal(await wire.until(notPing, 'the message back'), '42["message-back","to main"]');
  }));

  const PLACEHOLDERS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
  for (const [name, sent, received] of [
    ['an event', ['42["message",1,"2",{"3":[true]}]'], ['42["message-back",1,"2",{"3":[true]}]']],
    ['an ack', ['42456["message-with-ack",1,"2",{"3":[false]}]'], ['43456[1,"2",{"3":[false]}]']],
    ['an event with bytes', [`452-["message",${PLACEHOLDERS}]`, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])],
      [`452-["message-back",${PLACEHOLDERS}]`, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]],
    ['an ack with bytes', [`452-789["message-with-ack",${PLACEHOLDERS}]`, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])],
      [`462-789[${PLACEHOLDERS}]`, Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]],
  ]) {
    test(`${name} comes back as it went`, (t) => rounds(async () => {
      const wire = await connected(t);
      for (const packet of sent) wire.send(packet);
      for (const packet of received) assert.deepEqual(await wire.until(notPing, 'what was sent'), packet);
    }));
  }

  for (const [name, packet] of [['of no type', '4abc'], ['with an object for arguments', '42{}'],
    ['with an id that is none', '42abc["message-with-ack",1,"2",{"3":[false]}]']]) {
    test(`a packet ${name} ends the connection`, async (t) => {
      const wires = await Promise.all(Array.from({ length: ROUNDS }, () => connected(t)));
      for (const wire of wires) wire.send(packet);
      await Promise.all(wires.map((wire) => wire.end()));
    });
  }
});
