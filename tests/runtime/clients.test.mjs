// Stock clients, as they come from their registries: every transport, old and new, JavaScript and Python, in one room.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { io } from 'socket.io-client';
import { io as io451 } from 'socket.io-client-451';
import { Client, member, programFrom, run, TRANSPORTS } from './support/clients.mjs';
import { AS_DEPLOYED, serverFor } from './support/target.mjs';
import { freshRoom } from './support/wire.mjs';

const server = serverFor(AS_DEPLOYED);
// 2026-11: python-socketio closes its WebSocket before its DISCONNECT is out, so for the server it is gone, and has not left.
const brief = serverFor({ RECOVERY_MS: 1_000 });

describe('socket.io-client', () => {
  for (const transport of Object.keys(TRANSPORTS)) {
    test(`${transport}: connects, is acked, speaks and hears`, async (t) => {
      const room = freshRoom();
      const [client, other] = [await member(t, server, room, 'one', { transport }), await member(t, server, room, 'two')];
      assert.equal(client.transport, transport === 'polling' ? 'polling' : 'websocket');
      assert.equal((await client.next('memberJoined')).name, 'two');
      const { id } = await client.say('from one');
      assert.equal((await other.next('newMessage')).id, id);
      await other.say('from two');
      assert.equal((await client.next('newMessage')).text, 'from two');
    });

    test(`${transport}: a client that disconnects has left`, async (t) => {
      const room = freshRoom();
      const [client, other] = [await member(t, server, room, 'one', { transport }), await member(t, server, room, 'two')];
      const { id } = client.me;
      client.socket.disconnect();
      assert.equal((await other.next('memberLeft')).id, id);
    });
  }

  test('all transports see one another in a room, and nobody in another', async (t) => {
    const [room, elsewhere] = [freshRoom(), freshRoom()];
    const clients = [];
    for (const transport of Object.keys(TRANSPORTS)) clients.push(await member(t, server, room, transport, { transport }));
    const stranger = await member(t, server, elsewhere, 'stranger');
    assert.deepEqual(stranger.me.members.map(({ name }) => name), ['stranger']);
    for (const speaker of clients) {
      await speaker.say(`hello from ${speaker.me.name}`);
      for (const listener of clients.filter((client) => client !== speaker)) {
        const { text, author } = await listener.until('newMessage');
        assert.deepEqual({ text, author }, { text: `hello from ${speaker.me.name}`, author: { id: speaker.me.id, name: speaker.me.name } });
      }
    }
    await (await member(t, server, elsewhere, 'marker')).say('marker');
    await stranger.next('memberJoined', 'nothing of the other room, but the marker');
    assert.equal((await stranger.next('newMessage')).text, 'marker');
  });

  for (const transport of Object.keys(TRANSPORTS)) {
    test(`${transport}: the room by path and the room by query are one`, async (t) => {
      const room = freshRoom();
      const byPath = await member(t, server, room, 'by path', { transport, address: 'path' });
      const byQuery = await member(t, server, room, 'by query', { transport, address: 'query' });
      assert.deepEqual(byQuery.me.members.map(({ name }) => name).sort(), ['by path', 'by query']);
      await byQuery.say('hello');
      await byPath.next('memberJoined');
      assert.equal((await byPath.next('newMessage')).text, 'hello');
    });
  }

  test('a namespace that does not exist is a connect_error, not a lost connection', async (t) => {
    const room = freshRoom();
    const client = await member(t, server, room, 'one');
    const other = client.socket.io.socket('/nowhere');
    const error = await new Promise((resolve) => other.on('connect_error', resolve).connect());
    assert.equal(error.message, 'Invalid namespace');
    await client.say('still here');
  });

  test('a client that leaves and connects again on the same connection has a new id', async (t) => {
    const client = await member(t, server, freshRoom(), 'one');
    const { id } = client.me;
    client.socket.disconnect();
    await new Promise((resolve) => client.socket.once('connect', resolve).connect());
    assert.notEqual((await client.join('one')).id, id);
    assert.equal(client.me.members.length, 1);
  });

  test('a burst emitted before the connection stands arrives in order', async (t) => {
    const room = freshRoom();
    const other = await member(t, server, room, 'other');
    const client = new Client(io(server.url, { path: `/r/${room}/socket.io/`, forceNew: true }));
    t.after(() => client.socket.close());
    const texts = Array.from({ length: 50 }, (_, i) => `m${i}`);
    client.socket.emit('join', { name: 'eager' });
    for (const text of texts) client.socket.emit('message', { text });
    await other.next('memberJoined');
    for (const text of texts) assert.equal((await other.next('newMessage')).text, text);
  });
});

test('1.16 the tutorial: socket.io-client 4.5.1, bare address, createdMessage and newIncomingMessage', async (t) => {
  await fetch(new URL('/api/socket', server.url)); // the answer is ignored, a failed connection is not
  const tutorial = () => Client.connect(t, server, 'lobby', { with: io451, address: 'none', transport: 'upgrade' });
  const [sender, first, second] = [await tutorial(), await tutorial(), await tutorial()];
  const member4 = await member(t, server, 'lobby', 'a member');
  const message = { author: 'Szymon', message: 'hello <b>"world"</b> 👋' };
  sender.socket.emit('createdMessage', message);
  for (const client of [first, second, member4]) assert.deepEqual(await client.next('newIncomingMessage'), message);
  first.socket.emit('createdMessage', { author: 'a', message: 'marker' });
  assert.equal((await sender.next('newIncomingMessage', 'the marker, not the own message')).message, 'marker');
});

describe('python-socketio', () => {
  const script = fileURLToPath(new URL('support/python_client.py', import.meta.url));

  for (const [transports, expected] of [['polling', 'polling'], ['websocket', 'websocket'], ['polling,websocket', 'websocket']]) {
    test(`${transports}: connects, is acked, speaks and hears`, async (t) => {
      const python = programFrom('ROOMCAST_PYTHON', 'a Python that has python-socketio[client]');
      const room = freshRoom();
      const other = await member(t, brief, room, 'node');
      const running = run(t, python, [script, brief.url, room, transports, 'python', 'hello from Python ✓']);
      running.catch((error) => other.events.end(error.message)); // so that a wait for it tells its complaint
      const { id } = await other.next('memberJoined');
      const message = await other.next('newMessage');
      assert.deepEqual({ author: message.author, text: message.text }, { author: { id, name: 'python' }, text: 'hello from Python ✓' });
      const { id: replied } = await other.say('hello from Node');
      const printed = JSON.parse(await running);
      assert.equal(printed.transport, expected);
      assert.deepEqual(printed.joined.members.map(({ name }) => name).sort(), ['node', 'python']);
      assert.equal(printed.sent.id, message.id);
      assert.deepEqual({ id: printed.received.id, text: printed.received.text }, { id: replied, text: 'hello from Node' });
      assert.equal((await other.next('memberLeft')).id, id);
    });
  }
});
