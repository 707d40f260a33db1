// Socket.IO on raw connections: connect and namespaces (C), events and acks (E), and what is too malformed to live (1.10).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, Poller, RS, WireSocket } from './support/wire.mjs';

const CONNECT_TIMEOUT = 700;
const server = serverFor(WITHOUT_PINGS);
const impatient = serverFor({ ...WITHOUT_PINGS, CONNECT_TIMEOUT_MS: CONNECT_TIMEOUT });

const WITHOUT_CODE = { code: 1005, reason: '' };
const session = (t, room = freshRoom()) => WireSocket.session(t, server, room);

async function connected(t, room) {
  const wire = await session(t, room);
  await wire.connect();
  return wire;
}

const parse = (packet, header) => {
  assert.ok(packet.startsWith(header), `${packet} should start with ${header}`);
  return JSON.parse(packet.slice(header.length));
};

describe('connect', () => {
  test('C1 nothing is joined before CONNECT; its answer has the key sid and no other', async (t) => {
    const wire = await session(t);
    wire.send('40');
    const answer = parse(await wire.next('the answer to CONNECT'), '40');
    assert.deepEqual(Object.keys(answer), ['sid']);
    assert.match(answer.sid, /^[A-Za-z0-9_-]{20}$/);
  });

  for (const payload of ['{}', '{"token":"abc"}', '{"nested":{"a":[1,null]}}']) {
    test(`C2 40${payload} is accepted`, async (t) => {
      const wire = await session(t);
      wire.send(`40${payload}`);
      parse(await wire.next('the answer to CONNECT'), '40');
    });
  }

  for (const payload of ['[]', '"a"', '{', 'true', 'null x', '{}x']) {
    test(`C2 40${payload} closes`, async (t) => {
      const wire = await session(t);
      wire.send(`40${payload}`);
      assert.deepEqual(await wire.close(), WITHOUT_CODE);
    });
  }

  for (const [packet, name] of [['40/nowhere', '/nowhere'], ['40/nowhere,', '/nowhere'], ['40/no-where,{"a":1}', '/no-where']]) {
    test(`C4 ${packet} is refused as an invalid namespace, the connection stays`, async (t) => {
      const wire = await session(t);
      wire.send(packet);
      assert.deepEqual(parse(await wire.next('CONNECT_ERROR'), `44${name},`), { message: 'Invalid namespace' });
      await wire.connect();
      await wire.proveAlive();
    });
  }

  for (const [name, begin, packet] of [
    ['CONNECT twice', connected, '40'],
    ['an event before CONNECT', session, '42["join",{"name":"a"}]'],
    ['an ack before CONNECT', session, '431[]'],
    ['DISCONNECT before CONNECT', session, '41'],
    ['CONNECT_ERROR from the client', connected, '44{"message":"no"}'],
    ['an event for a namespace not joined', connected, '42/nowhere,["join",{"name":"a"}]'],
    ['DISCONNECT from a namespace not joined', connected, '41/nowhere,'],
  ]) {
    test(`C6 ${name} closes the whole connection`, async (t) => {
      const wire = await begin(t);
      wire.send(packet);
      assert.deepEqual(await wire.close(), WITHOUT_CODE);
    });
  }

  test('C6 an event after DISCONNECT closes the whole connection', async (t) => {
    const wire = await connected(t);
    wire.send('41');
    wire.send('40/probe,'); // its refusal shows that the DISCONNECT has been dealt with
    await wire.next('the refusal');
    wire.send('42["join",{"name":"a"}]');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });

  test('C7 a connection that joins nothing in time is closed, over both transports', async (t) => {
    const room = freshRoom();
    const poller = await Poller.open(impatient, room);
    const wire = await WireSocket.session(t, impatient, room);
    const get = poller.get();
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
    assert.equal((await get).body, '1');
    assert.equal((await poller.get()).status, 400);
  });

  test('C7 a refused CONNECT does not stop that clock, a joined namespace does for good', async (t) => {
    const room = freshRoom();
    const [refused, joined, left] = await Promise.all([1, 2, 3].map(() => WireSocket.session(t, impatient, room)));
    refused.send('40/nowhere,');
    await joined.connect();
    await left.connect();
    left.send('41');
    await refused.close();
    await joined.proveAlive();
    await left.connect();
    await left.proveAlive();
  });

  test('C11 DISCONNECT gets no answer, the member has left, and the connection may CONNECT again', async (t) => {
    const room = freshRoom();
    const [witness, wire] = [await connected(t, room), await connected(t, room)];
    await witness.proveAlive('witness');
    const [{ id }] = parse(await wire.proveAlive('leaver'), '4377');
    wire.send('41');
    const left = await witness.until((frame) => frame.startsWith('42["memberLeft"'), 'memberLeft');
    assert.equal(parse(left, '42')[1].id, id);
    wire.send('40');
    const again = parse(await wire.next('nothing but the answer to the second CONNECT'), '40');
    assert.notEqual(again.sid, id);
    const [{ members }] = parse(await wire.proveAlive('back'), '4377');
    assert.deepEqual(members.map(({ name }) => name).sort(), ['back', 'witness']);
  });
});

describe('events and acks', () => {
  test('E1 an event may have a number for a name; the chat does not know it', async (t) => {
    const wire = await connected(t);
    wire.send('42[1]');
    const [event, error] = parse(await wire.next('the error event'), '42');
    assert.equal(event, 'error');
    assert.equal(error.code, 'unknown_event');
    wire.send('425[1]');
    assert.equal(parse(await wire.next('the ack'), '435')[0].code, 'unknown_event');
  });

  for (const id of [0, 13, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
    test(`E2 E4 an event with the id ${id} is acked under that id, once`, async (t) => {
      const wire = await connected(t);
      wire.send(`42${id}["join",{"name":"a"}]`);
      assert.equal(parse(await wire.next('the ack'), `43${id}`).length, 1);
      await wire.proveAlive();
    });
  }

  test('E2 the name of the namespace may be written out', async (t) => {
    const wire = await connected(t);
    wire.send('42/,5["join",{"name":"a"}]');
    parse(await wire.next('the ack'), '435');
  });

  for (const packet of ['43', '43[]', '43999[]', '430["what"]']) {
    test(`E3 ${packet}, an ack for nothing, is ignored`, async (t) => {
      const wire = await connected(t);
      wire.send(packet);
      await wire.proveAlive();
    });
  }

  for (const name of ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']) {
    test(`E9 the reserved name ${name} closes`, async (t) => {
      const wire = await connected(t);
      wire.send(`42["${name}"]`);
      assert.deepEqual(await wire.close(), WITHOUT_CODE);
    });
  }

  for (const name of ['connection', 'error', '__proto__', 'constructor', '']) {
    test(`E9 the name "${name}" is an ordinary one`, async (t) => {
      const wire = await connected(t);
      wire.send(`427["${name}"]`);
      assert.equal(parse(await wire.next('the ack'), '437')[0].code, 'unknown_event');
    });
  }

  test('E12 an event that follows DISCONNECT in one payload is not delivered', async (t) => {
    const room = freshRoom();
    const witness = await connected(t, room);
    const poller = await Poller.open(server, room);
    await poller.connect();
    await poller.post(['41', '42["createdMessage",{"author":"a","message":"too late"}]'].join(RS)).catch(() => {});
    const marker = await connected(t, room);
    marker.send('42["createdMessage",{"author":"a","message":"marker"}]');
    assert.match(await witness.next('the marker'), /marker/);
  });
});

describe('strictness (1.10)', () => {
  const CLOSES = [
    '4abc', '4', '42{}', '42[]', '42[null]', '42[true]', '42[["join"]]', '42[{"toString":"join"}]', '42["join"', '42"join"',
    '421.5["join"]', '42abc["join"]', '42-1["join"]', '41{}', '41[]', '43{}', '43"a"', '47["join"]', '4-1',
    '45-["a"]', '450-["a"]', '451.23-["a"]', '45a-["a"]', '4511-["a"]', '45["a"]', '46-[]', '460-1[]',
  ];
  for (const packet of CLOSES) {
    test(`${packet} closes its connection, and disturbs nobody else in the room`, async (t) => {
      const room = freshRoom();
      const [other, wire] = [await connected(t, room), await connected(t, room)];
      wire.send(packet);
      assert.deepEqual(await wire.close(), WITHOUT_CODE);
      await other.proveAlive();
    });
  }

  test('42 without a payload closes', { skip: onReference && 'the reference takes it for an event without a name' }, async (t) => {
    const wire = await connected(t);
    wire.send('42');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });

  test('a text message while attachments are due closes', async (t) => {
    const wire = await connected(t);
    wire.send('451-["message",{"_placeholder":true,"num":0}]');
    wire.send('42["join",{"name":"a"}]');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });

  test('the same over polling: the session is over, the POST itself is ok or cut off', async () => {
    for (const packet of ['4abc', '42[]', '42["disconnect"]', '40[]']) {
      const poller = await Poller.open(server, freshRoom());
      await poller.connect();
      await poller.post(packet).catch(() => {});
      assert.equal((await poller.get()).body, `6${RS}1`, packet);
      assert.equal((await poller.get()).status, 400, packet);
    }
  });

  test('a deep payload and a long run of digits are survived', async (t) => {
    const room = freshRoom();
    const other = await connected(t, room);
    for (const packet of [`42["join",${'['.repeat(100_000)}`, `42${'1'.repeat(500_000)}["join"`, `42["join",${'[{"a":'.repeat(50_000)}`]) {
      const wire = await connected(t, room);
      wire.send(packet);
      await wire.close();
    }
    await other.proveAlive();
  });
});
