// The HTTP API for backends: every answer that says no, and who is let in.
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { describe, test } from 'node:test';
import { call, done, emit, greeted, LIMIT, next, refused, SETTINGS, TOKEN } from './support/http-api.mjs';
import { roomcastOnly, serverFor } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { engineUrl, freshRoom, request } from './support/wire.mjs';

describe('the HTTP API refuses', { skip: roomcastOnly }, () => {
  const server = serverFor(SETTINGS);

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
    // Nobody reads these. The runtime answers at once and hangs up, which a client that still sends may notice first.
    for (const [method, path, token] of [
      ['POST', `/${room}/emit`, TOKEN], ['POST', `/${room}/emit`, 'other'], ['PUT', `/${room}/emit`, TOKEN], ['DELETE', `/${room}/sockets/a`, TOKEN],
    ]) {
      const sent = call(server, method, path, { token, body: 'x'.repeat(5_000_000) });
      const outcome = await sent.then(({ status }) => status, ({ code }) => code);
      assert.ok([401, 404, 405, 413, 'EPIPE', 'ECONNRESET'].includes(outcome), `${method} ${path}: ${outcome}`);
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
