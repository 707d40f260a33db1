// The HTTP API for backends: what it does to stock clients, every answer that it has, and who is let in.
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { describe, test } from 'node:test';
import { KINDS, Peer } from './support/peers.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';
import { engineUrl, freshRoom, request } from './support/wire.mjs';

const STOCK = KINDS['socket.io-client 4.8'];
const TOKEN = 'a-token_of.plain~characters';
const LIMIT = 20_000;
const SETTINGS = { ...WITHOUT_PINGS, ...AS_DEPLOYED, APP: 'conformance', MAX_PAYLOAD_BYTES: LIMIT, API_TOKEN: TOKEN };

/** A request to the API with the token: `{status, headers, json}`. */
async function call(server, method, path, { body, token = TOKEN, headers = {} } = {}) {
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const url = new URL(`/api/rooms${path}`, server.url);
  const answer = await request(url, { method, body, headers: { ...authorization, ...headers } });
  assert.equal(answer.headers['content-type'], 'application/json', `${method} ${path}: ${answer.status} ${answer.body}`);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
  return { status: answer.status, headers: answer.headers, json: JSON.parse(answer.body) };
}

/** A call that is done; its answer. */
async function done(...args) {
  const { status, json } = await call(...args);
  assert.equal(status, 200, JSON.stringify(json));
  return json;
}

/** A call that is refused with this status and code, in a sentence; its headers. */
async function refused(status, code, ...args) {
  const answer = await call(...args);
  assert.deepEqual([answer.status, answer.json.error?.code], [status, code], JSON.stringify([args.slice(1), answer.json]));
  assert.match(answer.json.error.message, /^[^\n]+\.$/);
  assert.deepEqual(Object.keys(answer.json), ['error']);
  return answer.headers;
}

const emit = (server, room, event) => done(server, 'POST', `/${room}/emit`, { body: JSON.stringify(event) });

/** A stock client past its greeting. */
async function greeted(t, server, room, options) {
  const peer = await Peer.open(t, STOCK, server.url, room, options);
  assert.equal((await peer.next('the greeting'))[0], 'auth');
  return peer;
}

/** The next event without its offset, which stands last. */
const next = async (peer, what) => (await peer.next(what)).slice(0, -1);

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

  test('a path that the API doesn’t have, a method that the path doesn’t have, and a query', async () => {
    for (const path of ['', '/tea/', '/tea/rooms', '/tea/emit/', '/tea/emit/x', '/tea/sockets', '/tea/sockets/', '/tea/sockets/a/b', '/tea/debug']) {
      await refused(404, 'unknown_path', server, 'GET', path);
    }
    for (const [path, allow] of [['/tea', 'GET'], ['/tea/emit', 'POST'], ['/tea/sockets/a', 'DELETE'], ['/tea/sockets/debug', 'DELETE']]) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'].filter((method) => method !== allow)) {
        assert.equal((await refused(405, 'wrong_method', server, method, path)).allow, allow);
      }
      const head = await request(new URL(`/api/rooms${path}`, server.url), { method: 'HEAD', headers: { authorization: `Bearer ${TOKEN}` } });
      assert.deepEqual([head.status, head.headers.allow], [405, allow]);
    }
    for (const query of ['close', 'close=', 'close=1', 'close=TRUE', 'clsoe=true', 'close=true&close=true', 'close=true&x=1']) {
      await refused(400, 'invalid_query', server, 'DELETE', `/tea/sockets/a?${query}`);
    }
    await refused(400, 'invalid_query', server, 'POST', '/tea/emit?close=true', { body: '{"event":"m"}' });
    await refused(404, 'unknown_socket', server, 'DELETE', '/tea/sockets/a?close=false');
    await refused(404, 'unknown_socket', server, 'DELETE', '/tea/sockets/debug');
  });

  test('a name that no room may have', async () => {
    for (const room of ['', 'a.b', 'a%20b', '%00', '%C3%A9', 'x'.repeat(65), 'engine.io']) {
      await refused(400, 'invalid_room', server, 'GET', `/${room}`);
      await refused(400, 'invalid_room', server, 'POST', `/${room}/emit`, { body: '{"event":"m"}' });
      await refused(400, 'invalid_room', server, 'DELETE', `/${room}/sockets/a`);
    }
  });

  test('bodies that are none, no JSON, no UTF-8 or something else', async (t) => {
    const room = freshRoom();
    const peer = await greeted(t, server, room);
    const post = (status, code, body) => refused(status, code, server, 'POST', `/${room}/emit`, { body });
    const bytes = (text, ...more) => Buffer.concat([Buffer.from(text), Buffer.from(more)]);
    for (const body of [undefined, '', '{', 'event=m', '{"event":"m"}x', bytes('{"event":"', 0xff, 0x22, 0x7d), bytes('', 0), Buffer.from('{"event":"m"}', 'utf16le')]) {
      await post(400, 'not_json', body);
    }
    for (const body of ['{}', 'null', '[]', '["m"]', '"m"', '{"event":null}', '{"event":"m","args":1}', '{"event":"m","too":"x"}', '{"event":"m","to":[[]]}', '{"event":"m","except":null}']) {
      await post(400, 'invalid_body', body);
    }
    await post(400, 'to_nobody', '{"event":"m","to":[]}');
    for (const event of ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']) {
      await post(400, 'reserved_name', JSON.stringify({ event }));
    }
    for (const namespace of ['/none', '', 'custom', '/custom/']) {
      await post(404, 'unknown_namespace', JSON.stringify({ event: 'm', namespace }));
    }
    assert.deepEqual(await emit(server, room, { event: 'broadcast' }), { sockets: 1 });
    assert.deepEqual(await next(peer, 'nothing before it'), ['broadcast']);
  });

  test('a body as large as a payload may be is taken, and none that is larger', async (t) => {
    const room = freshRoom();
    const peer = await greeted(t, server, room);
    const sized = (bytes) => JSON.stringify({ event: 'broadcast', args: ['x'.repeat(bytes - '{"event":"broadcast","args":[""]}'.length)] });
    assert.deepEqual(await done(server, 'POST', `/${room}/emit`, { body: sized(LIMIT) }), { sockets: 1 });
    assert.equal((await peer.next('the large event'))[1].length, LIMIT - 33);
    await refused(413, 'too_large', server, 'POST', `/${room}/emit`, { body: sized(LIMIT + 1) });
    const chunked = { 'transfer-encoding': 'chunked' };
    await refused(413, 'too_large', server, 'POST', `/${room}/emit`, { body: sized(LIMIT + 1), headers: chunked });
    await refused(413, 'too_large', server, 'POST', `/${room}/emit`, { body: 'x'.repeat(5_000_000), headers: chunked });
    // Nobody reads these.
    for (const [status, code, ...rest] of [
      [401, 'unauthorized', 'POST', `/${room}/emit`, { token: 'other' }],
      [405, 'wrong_method', 'PUT', `/${room}/emit`, {}],
      [404, 'unknown_socket', 'DELETE', `/${room}/sockets/a`, {}],
    ]) {
      const [method, path, options] = rest;
      await refused(status, code, server, method, path, { ...options, body: 'x'.repeat(5_000_000) });
    }
    assert.deepEqual(await peer.call('message-with-ack', 'still here'), ['still here']);
  });

  test('a body that breaks off does nothing, and disturbs nobody', async (t) => {
    const room = freshRoom();
    const peer = await greeted(t, server, room);
    const { hostname, port } = new URL(server.url);
    const head = `POST /api/rooms/${room}/emit HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: 1000\r\n\r\n`;
    const socket = connectTcp(port, hostname);
    t.after(() => socket.destroy());
    await within(new Promise((resolve) => socket.once('connect', resolve)), 'the connection');
    await within(new Promise((resolve) => socket.write(`${head}{"event":"broadcast"}`, resolve)), 'the half of the request');
    assert.deepEqual(await peer.call('message-with-ack', 'meanwhile'), ['meanwhile']);
    socket.destroy();
    assert.deepEqual(await emit(server, room, { event: 'broadcast', args: ['whole'] }), { sockets: 1 });
    assert.deepEqual(await next(peer, 'the whole one'), ['broadcast', 'whole']);
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

  test('who shows no token, or another one, is let in nowhere, whatever else is wrong', async () => {
    const scheme = (authorization) => ({ token: null, headers: { authorization } });
    const wrong = [
      { token: null }, { token: '' }, { token: `${TOKEN}x` }, { token: TOKEN.slice(1) }, { token: TOKEN.toUpperCase() },
      scheme(TOKEN), scheme(`Basic ${TOKEN}`), scheme('Bearer'), scheme(`Bearer ${TOKEN} ${TOKEN}`), scheme(`Bearer é`),
    ];
    for (const options of wrong) {
      for (const [method, path] of [['GET', '/tea'], ['POST', '/tea/emit'], ['DELETE', '/tea/sockets/a'], ['GET', ''], ['PUT', '/a.b/none']]) {
        const headers = await refused(401, 'unauthorized', server, method, path, options);
        assert.equal(headers['www-authenticate'], 'Bearer');
      }
    }
    await done(server, 'GET', '/tea', scheme(`bearer  ${TOKEN}`));
  });

  test('what is beside it is as before', async () => {
    assert.equal((await request(new URL('/api/socket', server.url))).body, 'ok');
    for (const path of ['/api', '/api/', '/api/room', '/api/roomsandmore']) {
      const { status, headers } = await request(new URL(path, server.url));
      assert.equal(status, 404);
      assert.match(headers['content-type'], /^text\/plain/, path);
    }
    const room = freshRoom();
    assert.equal((await request(engineUrl(server, room))).status, 200);
  });
});

for (const [what, token] of [['no token', null], ['an empty token', ''], ['a blank token', ' ']]) {
  describe(`the HTTP API with ${what}`, { skip: roomcastOnly }, () => {
    const server = serverFor({ API_TOKEN: token });

    test('is off, and says what turns it on', async () => {
      for (const shown of [null, '', ' ', TOKEN]) {
        for (const [method, path] of [['GET', '/tea'], ['POST', '/tea/emit'], ['DELETE', '/tea/sockets/a'], ['GET', '/none/of/these']]) {
          await refused(404, 'api_off', server, method, path, { token: shown });
        }
      }
      const { json } = await call(server, 'GET', '/tea');
      assert.match(json.error.message, /API_TOKEN/);
    });
  });
}

describe('the HTTP API of a room that can’t', { skip: roomcastOnly }, () => {
  const broken = serverFor({ API_TOKEN: TOKEN, PING_INTERVAL_MS: 'often' });
  test('start says why', async () => {
    await refused(500, 'broken', broken, 'GET', '/tea');
    assert.match((await call(broken, 'GET', '/tea')).json.error.message, /PING_INTERVAL_MS/);
    await refused(401, 'unauthorized', broken, 'GET', '/tea', { token: null });
  });

  const large = serverFor({ ...SETTINGS, MAX_PAYLOAD_BYTES: 5_000_000, MAX_BUFFERED_BYTES: 20_000_000 });
  test('store an event says so, and nobody gets it', async (t) => {
    const room = freshRoom();
    const peer = await greeted(t, large, room);
    const body = JSON.stringify({ event: 'broadcast', args: ['x'.repeat(3_000_000)] });
    await refused(507, 'storage', large, 'POST', `/${room}/emit`, { body });
    assert.deepEqual(await emit(large, room, { event: 'broadcast', args: ['small'] }), { sockets: 1 });
    assert.deepEqual(await next(peer, 'the small one alone'), ['broadcast', 'small']);
  });
});
