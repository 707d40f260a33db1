// Engine.IO over HTTP: routing and query (R), handshake (H), error answers (1.2).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertBadRequest } from './support/refusals.mjs';
import { onReference, serverFor } from './support/target.mjs';
import { engineUrl, freshRoom, Poller, request, WireSocket } from './support/wire.mjs';

const server = serverFor();

/** Asserts one of the error answers of Engine.IO: status, content type, and a numeric code with its message. */
function assertEngineError(response, code, message) {
  const { reason, ...body } = JSON.parse(response.body);
  assert.deepEqual({ status: response.status, type: response.headers['content-type'], body }, { status: 400, type: 'application/json', body: { code, message } });
  assert.equal(reason !== undefined, !onReference && code === 0);
}

const UNKNOWN_TRANSPORT = [0, 'Transport unknown'];
const UNKNOWN_SID = [1, 'Session ID unknown'];
const BAD_METHOD = [2, 'Bad handshake method'];
const BAD_VERSION = [5, 'Unsupported protocol version'];

describe('routing and query', () => {
  test('R1 any path below /socket.io/ reaches the server, /socket.io without the slash does not', async () => {
    const below = engineUrl(server, freshRoom());
    below.pathname += 'default/';
    assert.equal((await request(below)).status, 200);
    const bare = engineUrl(server, freshRoom());
    bare.pathname = '/socket.io';
    assert.equal((await request(bare)).status, 404);
  });

  test('R2 parameters that Engine.IO does not know are let through', async () => {
    const { status, body } = await request(engineUrl(server, freshRoom(), { t: 'abc123', colour: 'blue', b64: '1' }));
    assert.equal(status, 200);
    assert.match(body, /^0\{/);
  });

  test('R2 what stands there twice counts the last time', async () => {
    const url = engineUrl(server, freshRoom(), { EIO: '3', transport: 'nothing' });
    url.search += '&EIO=4&transport=polling';
    assert.equal((await request(url)).status, 200);
  });

  for (const version of [undefined, '', '3', '5', '04', '4.0', 'four']) {
    test(`R3 EIO=${version} is not the protocol 4: error 5`, async () => {
      assertEngineError(await request(engineUrl(server, freshRoom(), { EIO: version })), ...BAD_VERSION);
    });
  }

  test('R4 checks come in order: transport, sid, transport of the session, method, upgrade, version', async () => {
    const room = freshRoom();
    const ask = (query, options) => request(engineUrl(server, room, query), options);
    assertEngineError(await ask({ transport: 'abc', sid: 'nobody', EIO: '3' }), ...UNKNOWN_TRANSPORT);
    assertEngineError(await ask({ sid: 'nobody', EIO: '3' }, { method: 'PUT' }), ...UNKNOWN_SID);
    assertEngineError(await ask({ EIO: '3' }, { method: 'POST' }), ...BAD_METHOD);
    assertEngineError(await ask({ transport: 'websocket', EIO: '3' }, { method: 'POST' }), ...BAD_METHOD);
    assertBadRequest(await ask({ transport: 'websocket', EIO: '3' }), /needs a WebSocket handshake/);
  });

  for (const transport of ['webtransport', '__proto__', 'constructor', 'toString', '']) {
    test(`R5 transport=${transport} is error 0`, async () => {
      assertEngineError(await request(engineUrl(server, freshRoom(), { transport })), ...UNKNOWN_TRANSPORT);
    });
  }

  for (const sid of ['__proto__', 'constructor', 'x'.repeat(500), '../..', 'ï½']) {
    test(`R5 sid=${sid.slice(0, 12)} is error 1`, async () => {
      assertEngineError(await request(engineUrl(server, freshRoom(), { sid })), ...UNKNOWN_SID);
    });
  }
});

describe('handshake', () => {
  test('H1 the open packet has exactly its five keys, with the values of the settings', async () => {
    const { handshake, response } = await Poller.open(server, freshRoom());
    assert.match(response.body, /^0\{[^\x1e]*\}$/);
    assert.deepEqual(Object.keys(handshake).sort(), ['maxPayload', 'pingInterval', 'pingTimeout', 'sid', 'upgrades']);
    assert.equal(handshake.pingInterval, 25_000);
    assert.equal(handshake.pingTimeout, 60_000);
    assert.equal(handshake.maxPayload, 1_000_000);
  });

  test('H2 polling offers the upgrade to websocket, websocket offers none', async (t) => {
    const room = freshRoom();
    assert.deepEqual((await Poller.open(server, room)).handshake.upgrades, ['websocket']);
    assert.deepEqual((await WireSocket.session(t, server, room)).handshake.upgrades, []);
  });

  test('H3 ids have 20 base64url characters, all differ, and the Socket.IO id is not the secret engine id', async () => {
    const room = freshRoom();
    const pollers = [await Poller.open(server, room), await Poller.open(server, room)];
    const ids = pollers.map(({ sid }) => sid);
    for (const poller of pollers) ids.push(JSON.parse((await poller.connect()).slice(2)).sid);
    for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{20}$/);
    assert.equal(new Set(ids).size, 4);
  });

  test('H4 a polling answer is plain text, has its length, and is not to be stored', async () => {
    const { response } = await Poller.open(server, freshRoom());
    assert.equal(response.headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(response.headers['content-length'], String(Buffer.byteLength(response.body)));
    assert.equal(response.headers['cache-control'], 'no-store');
  });
});

describe('error answers (1.2)', () => {
  test('code 0: no transport, or an unknown one', async () => {
    assertEngineError(await request(engineUrl(server, freshRoom(), { transport: undefined })), ...UNKNOWN_TRANSPORT);
    assertEngineError(await request(engineUrl(server, freshRoom(), { transport: 'tobi' })), ...UNKNOWN_TRANSPORT);
  });

  test('code 1: a sid never given out, one of another room, one of a closed session', async () => {
    const room = freshRoom();
    assertEngineError(await request(engineUrl(server, room, { sid: 'abcdefghijklmnopqrst' })), ...UNKNOWN_SID);
    const poller = await Poller.open(server, room);
    assertEngineError(await request(engineUrl(server, freshRoom(), { sid: poller.sid })), ...UNKNOWN_SID);
    await poller.post('1');
    assertEngineError(await poller.get(), ...UNKNOWN_SID);
    assertEngineError(await poller.post('40'), ...UNKNOWN_SID);
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    test(`code 2: ${method} can't open a session`, async () => {
      assertEngineError(await request(engineUrl(server, freshRoom()), { method }), ...BAD_METHOD);
    });
  }

  test('code 3: websocket without an upgrade, with and without a sid', async () => {
    const poller = await Poller.open(server, freshRoom());
    assertBadRequest(await request(engineUrl(server, freshRoom(), { transport: 'websocket' })), /needs a WebSocket handshake/);
    assertBadRequest(await request(poller.url({ transport: 'websocket' })), /needs a WebSocket handshake/);
    assert.match(await poller.connect(), /^40/); // it did the session no harm
  });

  test('code 3: HTTP on a session that was opened over websocket', async (t) => {
    const room = freshRoom();
    const wire = await WireSocket.session(t, server, room);
    assertBadRequest(await request(engineUrl(server, room, { sid: wire.sid })), /another transport/);
    await wire.connect();
    await wire.proveAlive();
  });

  test('code 3: a request whose EIO differs from that of its session', async () => {
    const poller = await Poller.open(server, freshRoom());
    assertBadRequest(await request(poller.url({ EIO: '3' })), /another EIO/);
    assertBadRequest(await request(poller.url({ EIO: undefined }), { method: 'POST', body: '40' }), /another EIO/);
    assert.match(await poller.connect(), /^40/);
  });

  for (const method of ['PUT', 'DELETE', 'OPTIONS']) {
    test(`${method} with a valid sid is 405, and the session lives`, async () => {
      const poller = await Poller.open(server, freshRoom());
      const held = poller.get();
      const answer = await request(poller.url(), { method });
      if (onReference) assert.deepEqual({ status: answer.status, body: answer.body }, { status: 500, body: '' });
      else {
        assertBadRequest(answer, /GET and POST/, { expected: 405 });
        assert.equal(answer.headers.allow, 'GET, POST');
      }
      assert.equal((await poller.post('40')).body, 'ok');
      assert.match((await held).body, /^40/);
    });
  }

  test('HEAD with a valid sid takes nothing from its session', async () => {
    const poller = await Poller.open(server, freshRoom());
    await poller.post('40');
    const { status, body } = await request(poller.url(), { method: 'HEAD' });
    assert.deepEqual({ status, body }, { status: onReference ? 500 : 405, body: '' });
    assert.match((await poller.get()).body, /^40/);
  });

  test('P14 JSONP is refused with a sentence, with a session and without', { skip: onReference && 'the reference answers with scripts' }, async () => {
    assertBadRequest(await request(engineUrl(server, freshRoom(), { EIO: '3', j: '0' })), /JSONP is not offered/);
    assertBadRequest(await request(engineUrl(server, freshRoom(), { j: '12' })), /JSONP is not offered/);
    const poller = await Poller.open(server, freshRoom());
    assertBadRequest(await request(poller.url({ j: '1' })), /JSONP is not offered/);
    assertBadRequest(await request(poller.url({ j: '1' }), { method: 'POST', body: 'd=40' }), /JSONP is not offered/);
    assert.match(await poller.connect(), /^40/);
  });

  // What nginx sends for a poll whose `Upgrade` is empty, and what Java's HttpClient sends with each plain request.
  for (const headers of [
    { connection: 'upgrade' },
    { connection: 'upgrade', upgrade: '' },
    { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA' },
  ]) {
    test(`a poll with ${JSON.stringify(headers)} is a plain poll`, { skip: onReference && headers.upgrade && 'the reference takes it for a WebSocket' }, async () => {
      const answer = await request(engineUrl(server, freshRoom()), { headers });
      assert.equal(answer.status, 200, answer.body);
      assert.match(answer.body, /^0\{/);
    });
  }

  test('no CORS headers are given unasked', async () => {
    const { headers } = await request(engineUrl(server, freshRoom()), { headers: { origin: 'https://elsewhere.example' } });
    assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('access-control-')), []);
  });

  test('HEAD is not a way to open sessions', async () => {
    const { status } = await request(engineUrl(server, freshRoom()), { method: 'HEAD' });
    assert.equal(status, 400);
  });
});
