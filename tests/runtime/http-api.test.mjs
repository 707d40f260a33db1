// The HTTP API for backends: what it does to stock clients.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { done, emit, greeted, next, refused, SETTINGS } from './support/http-api.mjs';
import { roomcastOnly, serverFor } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

describe('the HTTP API', { skip: roomcastOnly }, () => {
  const server = serverFor(SETTINGS);

  for (const transport of ['websocket', 'polling']) {
    test(`an emit reaches rooms, sockets and everybody but some: ${transport}`, async (t) => {
      const room = freshRoom();
      const [a, b] = [await greeted(t, server, room, { transport }), await greeted(t, server, room, { transport })];
      await a.call('join', { room: 'x' });
      assert.deepEqual(await emit(server, room, { event: 'broadcast', args: [1, { a: ['é'] }] }), { sockets: 2 });
      for (const peer of [a, b]) assert.deepEqual(await next(peer, 'what all get'), ['broadcast', 1, { a: ['é'] }]);
      assert.deepEqual(await emit(server, room, { event: 'broadcast', args: ['x'], to: 'x' }), { sockets: 1 });
      assert.deepEqual(await next(a, 'what the room gets'), ['broadcast', 'x']);
      assert.deepEqual(await emit(server, room, { event: 'broadcast', args: ['b'], to: [b.socket.id, 'x'], except: ['x'] }), { sockets: 1 });
      assert.deepEqual(await next(b, 'what was for this socket alone'), ['broadcast', 'b']);
      assert.deepEqual(await emit(server, room, { event: 'broadcast', to: 'nobody' }), { sockets: 0 });
      assert.deepEqual(await emit(server, freshRoom(), { event: 'broadcast' }), { sockets: 0 });
      assert.deepEqual(await emit(server, room, { event: 'broadcast', args: ['last'] }), { sockets: 2 });
      for (const peer of [a, b]) assert.deepEqual(await next(peer, 'nothing in between'), ['broadcast', 'last']);
    });
  }

  test('an emit stays in its namespace', async (t) => {
    const room = freshRoom();
    const main = await greeted(t, server, room);
    const custom = main.namespace('/custom');
    await custom.connected();
    await custom.next('the greeting');
    assert.deepEqual(await emit(server, room, { event: 'broadcast', args: [1], namespace: '/custom' }), { sockets: 1 });
    assert.deepEqual(await emit(server, room, { event: 'broadcast', args: [2] }), { sockets: 1 });
    assert.deepEqual(await next(custom, 'its event'), ['broadcast', 1]);
    assert.deepEqual(await next(main, 'its event'), ['broadcast', 2]);
  });

  test('who lost the connection gets it on coming back', async (t) => {
    const room = freshRoom();
    const peer = await greeted(t, server, room);
    peer.socket.io.engine.transport.ws.terminate();
    await peer.life.until((step) => String(step).startsWith('disconnect'), 'the disconnection');
    await eventually(async () => (await done(server, 'GET', `/${room}`)).namespaces['/'].away === 1, 'the loss to be noticed');
    assert.deepEqual(await emit(server, room, { event: 'broadcast', args: ['missed'] }), { sockets: 0 });
    peer.socket.connect();
    await peer.connected('to come back');
    assert.equal(peer.socket.recovered, true);
    assert.deepEqual(await next(peer, 'what was missed'), ['broadcast', 'missed']);
  });

  test('counts: an unused room, people in rooms and namespaces, and an evicted room', async (t) => {
    const room = freshRoom();
    assert.deepEqual(await done(server, 'GET', `/${room}`), { connections: 0, namespaces: {} });
    const [a] = [await greeted(t, server, room), await greeted(t, server, room)];
    await a.namespace('/custom').connected();
    await a.call('join', { room: 'x y' });
    const expected = {
      connections: 2,
      namespaces: {
        '/': { sockets: 2, away: 0, rooms: { 'x y': 1 } },
        '/custom': { sockets: 1, away: 0, rooms: {} },
      },
    };
    assert.deepEqual(await done(server, 'GET', `/${room}`), expected);
    await server.evict(room);
    assert.deepEqual(await done(server, 'GET', `/${room}`), expected);
    assert.deepEqual(await emit(server, room, { event: 'broadcast', to: 'x y' }), { sockets: 1 });
    assert.deepEqual(await next(a, 'the event after the eviction'), ['broadcast']);
  });

  for (const transport of ['websocket', 'polling']) {
    test(`a socket is taken out, and with close the whole connection: ${transport}`, async (t) => {
      const room = freshRoom();
      const peer = await greeted(t, server, room, { transport });
      const custom = peer.namespace('/custom');
      await custom.connected();
      const { id } = custom.socket;
      assert.deepEqual(await done(server, 'DELETE', `/${room}/sockets/${id}`), { disconnected: id });
      assert.equal(await custom.life.next('its end'), 'disconnect: io server disconnect');
      await refused(404, 'unknown_socket', server, 'DELETE', `/${room}/sockets/${id}`);
      assert.deepEqual(await peer.call('message-with-ack', 'still here'), ['still here']);
      await custom.socket.connect();
      await custom.connected('to come anew');
      assert.deepEqual([custom.socket.recovered, custom.socket.id === id], [false, false]);

      const closed = new Promise((resolve) => peer.socket.io.engine.once('close', resolve));
      const main = peer.socket.id;
      assert.deepEqual(await done(server, 'DELETE', `/${room}/sockets/${main}?close=true`), { disconnected: main });
      assert.equal(await peer.life.next('its end'), 'disconnect: io server disconnect');
      assert.equal(await custom.life.next('its end'), 'disconnect: io server disconnect');
      await within(closed, 'the connection to close');
      assert.deepEqual(await done(server, 'GET', `/${room}`), { connections: 0, namespaces: {} });
    });
  }

  test('nobody comes back to a socket that was taken out while its client was away', async (t) => {
    const room = freshRoom();
    const peer = await greeted(t, server, room);
    const { id } = peer.socket;
    peer.socket.io.engine.transport.ws.terminate();
    await eventually(async () => (await done(server, 'GET', `/${room}`)).namespaces['/'].away === 1, 'the loss to be noticed');
    assert.deepEqual(await done(server, 'DELETE', `/${room}/sockets/${id}`), { disconnected: id });
    await server.evict(room);
    await peer.life.until((step) => String(step).startsWith('disconnect'), 'the disconnection');
    peer.socket.connect();
    await peer.connected('to come anew');
    assert.deepEqual([peer.socket.recovered, peer.socket.id === id], [false, false]);
  });

  test('many at once are all done, in an order that all see', async (t) => {
    const room = freshRoom();
    const [a, b] = [await greeted(t, server, room), await greeted(t, server, room, { transport: 'polling' })];
    const count = 30;
    await Promise.all(Array.from({ length: count }, (_, i) => emit(server, room, { event: 'broadcast', args: [i] })));
    const seen = [];
    for (const peer of [a, b]) {
      const numbers = [];
      for (let i = 0; i < count; i += 1) numbers.push((await next(peer, `event ${i}`))[1]);
      seen.push(numbers);
    }
    assert.deepEqual(seen[0], seen[1]);
    assert.deepEqual(new Set(seen[0]).size, count);
  });
});
