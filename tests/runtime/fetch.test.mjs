// What an app fetches from other servers: answers, timeouts, bounds, service bindings, and a room that is restarted meanwhile.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Client } from './support/clients.mjs';
import { startRoomcast } from './support/server.mjs';
import { AS_DEPLOYED, roomcastOnly } from './support/target.mjs';
import { freshRoom } from './support/wire.mjs';

const ENOUGH = { wait: 5_000, bytes: 1_000 };

/** Another server: it counts what it is asked for, by path. */
function otherServer() {
  const asked = new Map();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    asked.set(pathname, (asked.get(pathname) ?? 0) + 1);
    const text = searchParams.get('text') ?? 'é'.repeat(Number(searchParams.get('characters') ?? 0));
    setTimeout(() => response.writeHead(Number(searchParams.get('status') ?? 200)).end(text), Number(searchParams.get('after') ?? 0));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ server, asked, url: `http://127.0.0.1:${server.address().port}` })));
}

describe('fetches', { skip: roomcastOnly }, () => {
  let other;
  let roomcast;
  before(async () => {
    other = await otherServer();
    const store = async (request) => new Response(`the store has ${new URL(request.url).pathname}`);
    roomcast = await startRoomcast({ vars: { APP: 'conformance', ...AS_DEPLOYED }, services: { STORE: store } });
  });
  after(async () => {
    await roomcast.close();
    other.server.closeAllConnections();
    other.server.close();
  });
  const client = (t) => Client.connect(t, roomcast, freshRoom());

  test('an answer comes with its status and text', async (t) => {
    const { socket } = await client(t);
    const fetched = fetchedBy(socket);
    const ack = await socket.emitWithAck('fetch', { url: `${other.url}/teapot?status=418&text=short`, ...ENOUGH });
    assert.deepEqual(ack, {}, 'the event is answered at once');
    assert.deepEqual(await fetched, [418, 'short']);
  });

  for (const [what, path, limits, why] of [
    ['that takes too long', '/slow?after=5000', { wait: 300 }, 'the answer took too long'],
    ['that is too large', '/large?characters=501', {}, 'the answer is too large'],
  ]) {
    test(`an answer ${what} is an error`, async (t) => {
      const { socket } = await client(t);
      socket.emit('fetch', { url: `${other.url}${path}`, ...ENOUGH, ...limits });
      assert.deepEqual(await fetchedBy(socket), [null, why]);
    });
  }

  test('as many bytes as are allowed are read', async (t) => {
    const { socket } = await client(t);
    socket.emit('fetch', { url: `${other.url}/full?characters=500`, ...ENOUGH });
    assert.deepEqual(await fetchedBy(socket), [200, 'é'.repeat(500)]);
  });

  test('what cannot be sent or reached says why', async (t) => {
    const { socket } = await client(t);
    socket.emit('fetch', { url: 'no url', ...ENOUGH });
    assert.match((await fetchedBy(socket))[1], /^the request can't be sent: /);
    socket.emit('fetch', { method: 'get', url: other.url, ...ENOUGH });
    assert.deepEqual(await fetchedBy(socket), [null, `the request can't be sent: there is no method "get"`]);
    socket.emit('fetch', { url: 'http://127.0.0.1:9/', ...ENOUGH });
    assert.match((await fetchedBy(socket))[1], /^the request failed: /);
    socket.emit('fetch', { url: 'http://store/', binding: 'NOTHING', ...ENOUGH });
    assert.match((await fetchedBy(socket))[1], /^the request can't be sent: .*NOTHING/);
  });

  test('a service binding is asked in place of the internet', async (t) => {
    const { socket } = await client(t);
    socket.emit('fetch', { url: 'http://store/key', binding: 'STORE', ...ENOUGH });
    assert.deepEqual(await fetchedBy(socket), [200, 'the store has /key']);
  });

  test('more than six at once are all answered', async (t) => {
    const { socket } = await client(t);
    const texts = [];
    const all = new Promise((resolve) => socket.on('fetched', (_, text) => texts.push(text) === 20 && resolve()));
    for (let n = 0; n < 20; n++) socket.emit('fetch', { url: `${other.url}/many?text=${n}&after=50`, ...ENOUGH });
    await all;
    assert.deepEqual(texts.map(Number).sort((a, b) => a - b), Array.from({ length: 20 }, (_, n) => n));
  });

  test('a room that is restarted meanwhile says so, and asks nobody twice', async (t) => {
    const { socket } = await client(t);
    const fetched = fetchedBy(socket);
    await socket.emitWithAck('fetch', { url: `${other.url}/restarted?after=1500&text=late`, ...ENOUGH });
    socket.emit('panic', {});
    socket.emit('message', 'the next event finds out');
    assert.deepEqual(await fetched, [null, 'the room lost its memory before it had the answer']);
    assert.equal(other.asked.get('/restarted'), 1);
  });
});

function fetchedBy(socket) {
  return new Promise((resolve) => socket.once('fetched', (status, text) => resolve([status, text])));
}
