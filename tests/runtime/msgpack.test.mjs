// PARSER=msgpack: each packet of Socket.IO is one message of bytes, a map in MessagePack; no attachments, no text. Both sides
// have to be set to it. The bytes are written out where they are what is tested; elsewhere the parser's own codec makes them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import parser from 'socket.io-msgpack-parser';
import { onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { freshRoom, Poller, RS, WireSocket } from './support/wire.mjs';

const server = serverFor({ ...WITHOUT_PINGS, APP: 'conformance', PARSER: 'msgpack', ALLOW_EIO3: 'true' });

const WITHOUT_CODE = { code: 1005, reason: '' };
const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR] = [0, 1, 2, 3, 4];
const encoder = new parser.Encoder();
const encode = (packet) => encoder.encode({ nsp: '/', ...packet })[0];

/** The packet in a message, as a stock client reads it. */
function decode(message) {
  assert.ok(Buffer.isBuffer(message), `${message} should be bytes`);
  const decoder = new parser.Decoder();
  let decoded;
  decoder.on('decoded', (packet) => (decoded = packet));
  decoder.add(message);
  // The reference writes keys whose value is undefined, as an extension of MessagePack; to leave them out is the same.
  const dropUndefined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
  return dropUndefined(decoded.type === CONNECT ? { ...decoded, data: dropUndefined(decoded.data) } : decoded);
}

const open = (t) => WireSocket.session(t, server, freshRoom());
const next = async (wire, what) => decode(await wire.next(what));

async function connected(t) {
  const wire = await open(t);
  wire.send(encode({ type: CONNECT }));
  const { data, ...packet } = await next(wire, 'CONNECT');
  assert.deepEqual(packet, { type: CONNECT, nsp: '/' });
  assert.deepEqual(Object.keys(data), ['sid']);
  assert.deepEqual(await next(wire, 'the greeting'), { type: EVENT, nsp: '/', data: ['auth', {}] });
  return wire;
}

describe('connect', () => {
  test('the bytes of a packet, as a client writes them', async (t) => {
    const wire = await open(t);
    wire.send(Buffer.from('82a47479706500a36e7370a12f', 'hex')); // {"type":0,"nsp":"/"}
    const answer = await wire.next('CONNECT');
    assert.equal(answer[0] >> 4, 8, 'a short map');
    assert.deepEqual((({ type, nsp }) => ({ type, nsp }))(decode(answer)), { type: CONNECT, nsp: '/' });
    await next(wire, 'the greeting');
    // {"type":2,"data":["message",-1],"nsp":"/"}: the keys may come in any order
    wire.send(Buffer.from('83a47479706502a46461746192a76d657373616765ffa36e7370a12f', 'hex'));
    assert.deepEqual((await next(wire, 'the message back')).data, ['message-back', -1]);
  });

  test('namespaces, auth and refusals', async (t) => {
    const wire = await connected(t);
    wire.send(encode({ type: CONNECT, nsp: '/custom', data: { token: 'abc' } }));
    assert.equal((await next(wire, 'CONNECT')).nsp, '/custom');
    assert.deepEqual(await next(wire, 'the greeting'), { type: EVENT, nsp: '/custom', data: ['auth', { token: 'abc' }] });
    wire.send(encode({ type: CONNECT, nsp: '/nowhere' }));
    assert.deepEqual(await next(wire, 'the refusal'), { type: CONNECT_ERROR, nsp: '/nowhere', data: { message: 'Invalid namespace' } });
    wire.send(encode({ type: CONNECT, nsp: '/admin', data: { token: 'wrong' } }));
    assert.deepEqual(await next(wire, 'the refusal'),
      { type: CONNECT_ERROR, nsp: '/admin', data: { message: 'not authorized', data: { code: 401 } } });
  });

  test('DISCONNECT, from either side', async (t) => {
    const wire = await connected(t);
    wire.send(encode({ type: CONNECT, nsp: '/custom' }));
    await next(wire, 'CONNECT');
    await next(wire, 'the greeting');
    wire.send(encode({ type: EVENT, nsp: '/custom', data: ['kick', { close: false }] }));
    assert.deepEqual((({ type, nsp }) => ({ type, nsp }))(await next(wire, 'DISCONNECT')), { type: DISCONNECT, nsp: '/custom' });
    wire.send(encode({ type: DISCONNECT }));
    wire.send(encode({ type: CONNECT, nsp: '/nowhere' })); // its refusal shows that the DISCONNECT has been dealt with
    assert.equal((await next(wire, 'the refusal')).type, CONNECT_ERROR);
    wire.send(encode({ type: CONNECT }));
    assert.equal((await next(wire, 'the answer to the second CONNECT')).type, CONNECT);
  });
});

describe('events and acks', () => {
  // One of each kind and of each length of MessagePack that its codecs treat differently.
  const VALUES = [
    null, true, false, 0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_296, Number.MAX_SAFE_INTEGER,
    -1, -32, -33, -128, -129, -32_769, -2_147_483_649, 0.5, -1.5e-300,
    '', 'ü', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(256), '漢'.repeat(30_000),
    Buffer.alloc(0), Buffer.from([1, 2, 3]), Buffer.alloc(256, 7), Buffer.alloc(70_000, 8),
    [], [[[]]], Array.from({ length: 16 }, (_, i) => i), {}, { a: { b: [Buffer.from([9])] } },
    Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, i])),
  ];

  test('every kind of value, there and back', async (t) => {
    const wire = await connected(t);
    for (const value of VALUES) {
      wire.send(encode({ type: EVENT, data: ['message', value] }));
      const { type, data } = await next(wire, 'the message back');
      assert.deepEqual({ type, data }, { type: EVENT, data: ['message-back', value] });
    }
  });

  test('E2 an ack has the id of its event, bytes or not', async (t) => {
    const wire = await connected(t);
    for (const [id, args] of [[0, []], [13, ['a', 1]], [4_294_967_296, [Buffer.from([1])]]]) {
      wire.send(encode({ type: EVENT, data: ['message-with-ack', ...args], id }));
      assert.deepEqual(await next(wire, 'the ack'), { type: ACK, nsp: '/', data: args, id });
    }
  });

  test('E3 a question of the server is answered under its id', async (t) => {
    const wire = await connected(t);
    wire.send(encode({ type: EVENT, data: ['emit-with-ack', Buffer.from([1]), 'two'] }));
    const { id, data } = await next(wire, 'the question');
    assert.deepEqual({ id, data }, { id: 0, data: ['question', Buffer.from([1]), 'two'] });
    wire.send(encode({ type: ACK, data: ['unasked'], id: 999 }));
    wire.send(encode({ type: ACK, data: [Buffer.from([2])], id }));
    assert.deepEqual((await next(wire, 'the answer')).data, ['answer', Buffer.from([2])]);
  });

  test('over polling a packet is b and base64', async () => {
    const poller = await Poller.open(server, freshRoom());
    const text = (packet) => `b${encode(packet).toString('base64')}`;
    const read = async () => {
      const packet = await poller.read(() => true, 'a packet');
      assert.equal(packet[0], 'b');
      return decode(Buffer.from(packet.slice(1), 'base64'));
    };
    await poller.post(text({ type: CONNECT }));
    assert.equal((await read()).type, CONNECT);
    assert.deepEqual((await read()).data, ['auth', {}]);
    await poller.post([text({ type: EVENT, data: ['message', 1] }), text({ type: EVENT, data: ['message', Buffer.from([2])] })].join(RS));
    assert.deepEqual((await read()).data, ['message-back', 1]);
    assert.deepEqual((await read()).data, ['message-back', Buffer.from([2])]);
  });
});

describe('what is too malformed to live', () => {
  const CLOSES = {
    'text, as the other parser has it': '40',
    'no MessagePack': Buffer.from([0xc1]),
    'a map that is cut off': Buffer.from('82a47479706500a36e73', 'hex'),
    'an array': Buffer.from('930102a0', 'hex'),
    'a number': Buffer.from([7]),
    'no bytes at all': Buffer.alloc(0),
    'an unknown type': encode({ type: 5, data: ['message'] }),
    'a type that is text': encode({ type: '2', data: ['message'] }),
    'a namespace that is a number': encode({ type: EVENT, nsp: 7, data: ['message'] }),
    'an event without arguments': encode({ type: EVENT }),
    'an event of a map': encode({ type: EVENT, data: { message: 1 } }),
    'an id that is text': encode({ type: EVENT, data: ['message'], id: '1' }),
    'an id between numbers': encode({ type: EVENT, data: ['message'], id: 0.5 }),
    'C2 CONNECT with an array': encode({ type: CONNECT, data: [] }),
    'C6 CONNECT twice': encode({ type: CONNECT }),
    'C6 an event for a namespace not joined': encode({ type: EVENT, nsp: '/custom', data: ['message'] }),
    'DISCONNECT with data': encode({ type: DISCONNECT, data: {} }),
  };
  // The codec of the reference reads these as something, and so takes them.
  const TAKEN = ['a map that is cut off'];

  for (const [what, frame] of Object.entries(CLOSES)) {
    test(`${what} closes`, { skip: onReference && TAKEN.includes(what) && 'the reference’s codec does not notice' }, async (t) => {
      const wire = await connected(t);
      wire.send(frame);
      assert.deepEqual(await wire.close(), WITHOUT_CODE);
    });
  }

  test('E9 reserved names are no events of a client', { skip: onReference && 'this parser of the reference does not look at names' }, async (t) => {
    for (const name of ['connect', 'disconnect', 'disconnecting', 'connect_error', 'newListener', 'removeListener']) {
      const wire = await connected(t);
      wire.send(encode({ type: EVENT, data: [name] }));
      assert.deepEqual(await wire.close(), WITHOUT_CODE, name);
    }
  });

  test('depth, and lengths that are lies, are survived', async (t) => {
    const head = Buffer.from('83a47479706502a36e7370a12fa464617461', 'hex'); // {"type":2,"nsp":"/","data":
    const other = await connected(t);
    for (const tail of [Buffer.alloc(200_000, 0x91), Buffer.from('ddffffffff', 'hex'), Buffer.from('dfffffffff', 'hex'), Buffer.from('c6ffffffff00', 'hex')]) {
      const wire = await connected(t);
      wire.send(Buffer.concat([head, tail]));
      await within(wire.closed, 'the close of the liar', 20_000);
    }
    other.send(encode({ type: EVENT, data: ['message', 'alive'] }));
    assert.deepEqual((await next(other, 'the message back')).data, ['message-back', 'alive']);
  });
});
