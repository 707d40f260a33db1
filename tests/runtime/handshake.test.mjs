// The first request of a client's connection as the app sees it, `socket.handshake` of the reference: its query and its headers, of any
// length that the platform takes; and what is left of them after the room has slept.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import io25 from 'socket.io-client-25';
import { Client, TRANSPORTS } from './support/clients.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { engineUrl, freshRoom, WireSocket } from './support/wire.mjs';

const app = { APP: 'conformance', ...AS_DEPLOYED };
const LENGTHS = [4_000, 4_100, 9_000, 14_000]; // Node, and so the reference, takes 16 KiB of headers
const extraHeaders = { 'x-test': 'kept', 'x-other': 'not kept', 'user-agent': 'a test' };

/** The answer to `handshake` over a raw WebSocket that was opened with this query behind the usual one. */
async function ofQuery(t, server, query) {
  const wire = await WireSocket.open(t, `${engineUrl(server, freshRoom(), { transport: 'websocket' })}&${query}`);
  await wire.next('the open packet');
  wire.send('40');
  await wire.until((next) => next.startsWith('40'), 'the answer to CONNECT');
  wire.send('421["handshake"]');
  return JSON.parse((await wire.until((next) => next.startsWith('431'), 'the ack')).slice(3))[0];
}

describe('row 28: socket.handshake', () => {
  const server = serverFor(app);

  for (const transport of Object.keys(TRANSPORTS)) {
    test(`says what the first request said: ${transport}`, async (t) => {
      const before = Date.now();
      const client = await Client.connect(t, server, freshRoom(), { transport, query: { token: 'a b&c' }, extraHeaders });
      const { first: { time, ...rest }, query, headers, missing } = await client.ask('handshake');
      assert.ok(time >= before && time <= Date.now(), `${time} is no time of this test`);
      assert.deepEqual([rest, missing], [{ secure: false, xdomain: false }, []]);
      const { t: stamp, ...said } = query;
      assert.equal(typeof stamp, transport === 'websocket' ? 'undefined' : 'string', 'the time stamp');
      assert.deepEqual(said, { token: 'a b&c', EIO: '4', transport: TRANSPORTS[transport][0] });
      for (const [name, value] of Object.entries(extraHeaders)) assert.equal(headers[name], value);
      assert.ok(headers.host, 'all headers are there');
    });

    for (const length of LENGTHS) {
      test(`a token of ${length} bytes in the query is there, and what is beside it: ${transport}`, async (t) => {
        const query = { token: 'x'.repeat(length), lang: 'en' };
        const client = await Client.connect(t, server, freshRoom(), { transport, query });
        const shown = (await client.ask('handshake')).query;
        assert.deepEqual([shown.token.length, shown.lang], [length, 'en']);
      });
    }
  }

  test('a header of 9,000 bytes is there', async (t) => {
    const client = await Client.connect(t, server, freshRoom(), { extraHeaders: { authorization: 'x'.repeat(9_000) } });
    assert.equal((await client.ask('handshake')).headers.authorization.length, 9_000);
  });

  const queries = {
    'a=1&a=2': { a: '2' },
    'a&b=&=c': { a: '', b: '', '': 'c' },
    'a=%20+b': { a: '  b' },
    'half=%ED%A0%BD&whole=%F0%9F%98%80': { half: '\ufffd\ufffd\ufffd', whole: '😀' },
    'bad=%E0%A4%A&worse=%': { bad: '\ufffd%A', worse: '%' },
    'b64=1&sid=&j': { b64: '1', sid: '', j: '' },
  };
  for (const [query, expected] of Object.entries(queries)) {
    test(`the query ${query} is read as the reference reads it`, async (t) => {
      assert.deepEqual((await ofQuery(t, server, query)).query, { EIO: '4', transport: 'websocket', ...expected });
    });
  }

  test('of a client that recovers is that of its new connection', async (t) => {
    const client = await Client.connect(t, server, freshRoom(), { query: { n: 1 }, reconnection: true, reconnectionDelay: 20 });
    await client.next('auth');
    const back = new Promise((resolve) => client.socket.once('connect', resolve));
    client.socket.io.opts.query.n = 2;
    client.socket.io.engine.close();
    await back;
    assert.deepEqual([client.socket.recovered, (await client.ask('handshake')).query.n], [true, '2']);
  });
});

describe('the query of a client of Socket.IO 2', () => {
  const server = serverFor({ ...app, ALLOW_EIO3: true });

  for (const length of LENGTHS) {
    test(`is there with a token of ${length} bytes`, async (t) => {
      const socket = io25(server.url, { path: `/r/${freshRoom()}/socket.io/`, transports: ['websocket'], forceNew: true, query: { token: 'x'.repeat(length) } });
      t.after(() => socket.close());
      const { query } = await new Promise((resolve) => socket.emit('handshake', resolve));
      assert.deepEqual([query.token.length, query.EIO, query.transport], [length, '3', 'websocket']);
    });
  }
});

describe('after the room has slept', { skip: roomcastOnly }, () => {
  const server = serverFor(app);

  test('the query and the headers that the app has named are what they were', async (t) => {
    const room = freshRoom();
    const client = await Client.connect(t, server, room, { query: { token: 'x'.repeat(8_000) }, extraHeaders });
    const before = await client.ask('handshake');
    await server.evict(room, 'hibernate');
    const headers = { 'user-agent': 'a test', 'x-test': 'kept' };
    assert.deepEqual(await client.ask('handshake'), { ...before, headers });
  });

  test('a token of 9,000 bytes is named among what is missing, and the rest is there', async (t) => {
    const room = freshRoom();
    const client = await Client.connect(t, server, room, { query: { token: 'x'.repeat(9_000), lang: 'en' }, extraHeaders });
    await server.evict(room, 'hibernate');
    const { query, missing } = await client.ask('handshake');
    assert.deepEqual([query, missing], [{ lang: 'en', EIO: '4', transport: 'websocket' }, ['token']]);
  });
});
