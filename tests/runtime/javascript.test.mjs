// Values as JavaScript has them: one kind of number however it is written, and texts with half of a surrogate pair.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import parser from 'socket.io-msgpack-parser';
import { Client } from './support/clients.mjs';
import { AS_DEPLOYED, onReference, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, WireSocket } from './support/wire.mjs';

const app = { ...WITHOUT_PINGS, APP: 'conformance' };
const HALF = '\ud800'; // JSON.stringify writes it as its escape
/** What an app reads: a text of Rust has no half pairs. */
const read = (text) => (onReference ? text : text.toWellFormed());

describe('half of a surrogate pair', () => {
  const server = serverFor(app);
  const recovering = serverFor({ ...app, ...AS_DEPLOYED });

  for (const transport of ['websocket', 'polling']) {
    test(`from a stock client over ${transport}, in its auth and its events, is data`, async (t) => {
      const auth = { name: `a${HALF}`, [HALF]: 1 };
      const client = await Client.connect(t, server, freshRoom(), { transport, auth });
      assert.deepEqual(await client.next('auth'), auth, 'the auth is passed on as it was sent');
      assert.equal(await client.ask('message-with-ack', HALF), HALF, 'and so is an argument');
      assert.deepEqual(await client.ask('data', { value: HALF }), {});
      assert.equal(await client.ask('data?'), read(HALF), 'what the app has read');
      client.socket.emit(`name${HALF}`, 1);
      assert.equal(await client.ask('message-with-ack', 'still here'), 'still here');
    });
  }

  test('in the auth of a namespace’s middleware does not hide the rest of it', async (t) => {
    const wire = await WireSocket.session(t, server, freshRoom());
    wire.send(String.raw`40/admin,{"name":"\ud800","token":"secret"}`);
    assert.match(await wire.next('the answer to CONNECT'), /^40\/admin,\{"sid"/);
  });

  test('in the auth of a client that recovers does not hide its pid', async (t) => {
    const client = await Client.connect(t, recovering, freshRoom(), { auth: { name: HALF }, reconnection: true, reconnectionDelay: 20 });
    await client.next('auth');
    const { id } = client.socket;
    const back = new Promise((resolve) => client.socket.once('connect', resolve));
    client.socket.io.engine.close();
    await back;
    assert.deepEqual([client.socket.recovered, client.socket.id], [true, id]);
  });
});

/** What the npm package makes of a value on its way: MessagePack has no half pairs, so its encoder writes something else. */
const throughMsgpack = (value) => {
  const decoder = new parser.Decoder();
  let decoded;
  decoder.on('decoded', ({ data }) => (decoded = data[0]));
  decoder.add(new parser.Encoder().encode({ type: 2, nsp: '/', data: [value] })[0]);
  return decoded;
};

for (const PARSER of ['default', 'msgpack']) {
  describe(`half of a surrogate pair from a stock client with the ${PARSER} parser`, () => {
    const server = serverFor({ ...app, PARSER });
    const options = PARSER === 'msgpack' ? { parser } : {};
    const arrived = (value) => (PARSER === 'msgpack' ? throughMsgpack(value) : value);
    const values = {
      'at the end': 'Christina😀'.slice(0, 10), 'at the start': '😀!'.slice(1), alone: HALF, 'in a long text': `${'é'.repeat(40)}${HALF}!`,
      'the wrong way round': '\ude00\ud83d', 'as a key': { [`a${HALF}`]: 1 }, nested: [[{ b: [HALF] }], '\udfff'], 'beside a whole pair': `${HALF}😀`,
    };
    for (const [where, value] of Object.entries(values)) {
      test(`${where} arrives in auth, argument, ack and broadcast, and the connection stays`, async (t) => {
        const room = freshRoom();
        const [one, other] = [await Client.connect(t, server, room, { auth: { value, key: 'kept' }, ...options }), await Client.connect(t, server, room, options)];
        assert.deepEqual(await one.next('auth'), { value: arrived(value), key: 'kept' });
        await other.next('auth');
        one.socket.emit('broadcast', value);
        assert.deepEqual(await other.next('broadcast'), arrived(value));
        assert.deepEqual(await one.ask('message-with-ack', value), arrived(value));
        other.socket.on('question', (...args) => args.pop()(value));
        other.socket.emit('emit-with-ack', value);
        assert.deepEqual(await other.until('answer'), arrived(value));
        assert.equal(one.socket.connected && other.socket.connected, true);
      });
    }

    test('in the names of events and rooms names the same to all', async (t) => {
      const room = freshRoom();
      const [one, other] = [await Client.connect(t, server, room, options), await Client.connect(t, server, room, options)];
      await other.next('auth');
      await other.ask('join', { room: `r${HALF}` });
      await one.ask('to', { room: `r${HALF}`, event: `e${HALF}`, data: HALF });
      const name = arrived(`e${HALF}`);
      assert.deepEqual(await other.events.next('the event'), [read(name), read(arrived(HALF))], 'the app has read them');
    });
  });
}

describe('half of a surrogate pair in the names that the chat is shown', () => {
  const server = serverFor({ APP: 'chat' });

  test('in the auth joins under the name that join gives, with U+FFFD, and the key counts', { skip: roomcastOnly }, async (t) => {
    const room = freshRoom();
    const name = 'Christina😀'.slice(0, 10);
    const auth = { name, key: 'a-key-of-16-chars-or-more' };
    const shown = await Client.connect(t, server, room, { auth });
    assert.equal((await shown.ask('message', { text: 'hello' })).code, undefined, 'it has joined');
    const asked = await Client.connect(t, server, room);
    const answer = await asked.ask('join', auth);
    assert.equal(answer.name, 'Christina\ufffd');
    assert.deepEqual(answer.members.map((member) => member.name), ['Christina\ufffd'], 'one person, by its key');
  });
});

describe('whole numbers', () => {
  const server = serverFor(app);

  for (const wait of ['5', '5.0', '5e0', '0.5e1', '-0', '-0.0']) {
    test(`${wait} is an integer`, async (t) => {
      const wire = await WireSocket.session(t, server, freshRoom());
      await wire.connect();
      wire.send(`421["data",{"value":[${wait},"x"],"wait":${wait}}]`);
      await wire.until((next) => next === '431[{}]', 'the ack');
      wire.send('422["data?"]');
      const packet = await wire.until((next) => next.startsWith('432'), 'the ack');
      assert.deepEqual(JSON.parse(packet.slice(3)), [[Number(wait) + 0, 'x']]);
    });
  }
});

describe('MessagePack', () => {
  const server = serverFor({ ...app, PARSER: 'msgpack' });

  test('bytes in the auth of a stock client reach the app, here as a list of numbers', async (t) => {
    const client = await Client.connect(t, server, freshRoom(), { parser, auth: { key: Buffer.from([1, 2, 255]), name: 'Ada' } });
    const { key, name } = await client.next('auth');
    assert.deepEqual([onReference ? [...key] : key, name], [[1, 2, 255], 'Ada']);
  });

  test('floats that are whole are integers, and bytes that are no text are replaced', async (t) => {
    const wire = await WireSocket.session(t, server, freshRoom());
    const next = async () => {
      const decoder = new parser.Decoder();
      let decoded;
      decoder.on('decoded', (packet) => (decoded = packet));
      decoder.add(await wire.next('a packet'));
      return decoded;
    };
    const send = (packet) => wire.send(new parser.Encoder().encode(packet)[0]);
    send({ type: 0, nsp: '/' });
    await next();
    await next();
    // {type: 2, nsp: "/", id: 7.0, data: ["data", {value: <80>, wait: 5.0}]}
    const five = `cb${Buffer.from(new Float64Array([5]).buffer).reverse().toString('hex')}`;
    const text = (value) => (0xa0 + value.length).toString(16) + Buffer.from(value).toString('hex');
    wire.send(Buffer.from([
      '84', text('type'), '02', text('nsp'), text('/'), text('id'), five.replace('14', '1c'),
      text('data'), '92', text('data'), '82', text('value'), 'a180', text('wait'), five,
    ].join(''), 'hex'));
    assert.deepEqual(await next(), { type: 3, nsp: '/', id: 7, data: [{}] });
    send({ type: 2, nsp: '/', id: 8, data: ['data?'] });
    assert.deepEqual(await next(), { type: 3, nsp: '/', id: 8, data: ['\ufffd'] });
  });
});
