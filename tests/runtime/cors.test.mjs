// Pages of other origins (1.8): what the answers allow, to whom, and that there is nothing of it unless it is asked for.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { roomcastOnly, serverFor, startTarget, WITHOUT_PINGS } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { engineUrl, freshRoom, Poller, request } from './support/wire.mjs';

const GOOD = 'https://chat.example';
const ALSO_GOOD = 'http://localhost:5173';
const BAD = 'https://evil.example';

const closed = serverFor(WITHOUT_PINGS);
const open = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: '*' });
const listed = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: `${GOOD},${ALSO_GOOD}` });
const trusting = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: `${GOOD},${ALSO_GOOD}`, CORS_CREDENTIALS: 'true' });
const single = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: GOOD });

/** The headers of an answer that have to do with CORS. */
function corsHeaders({ headers }) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name === 'vary' || name.startsWith('access-control-')));
}

const ask = (server, origin, query, options = {}) =>
  request(engineUrl(server, freshRoom(), query), { ...options, headers: { ...(origin && { origin }), ...options.headers } });

const preflight = (server, origin, headers = {}) => ask(server, origin, {}, {
  method: 'OPTIONS', headers: { 'access-control-request-method': 'POST', ...headers },
});

const METHODS = 'GET,HEAD,PUT,PATCH,POST,DELETE';

describe('without the setting', () => {
  test('CVE-2020-28481 GHSA-fxwf-4rqh-v8g3: nothing is allowed to other origins by default', async () => {
    assert.deepEqual(corsHeaders(await ask(closed, BAD)), {});
    assert.deepEqual(corsHeaders(await ask(closed, BAD, { transport: 'abc' })), {});
  });

  test('1.8 a preflight is an error like any other OPTIONS', async () => {
    const answer = await preflight(closed, BAD);
    assert.deepEqual({ status: answer.status, body: JSON.parse(answer.body) }, { status: 400, body: { code: 2, message: 'Bad handshake method' } });
    assert.deepEqual(corsHeaders(answer), {});
  });
});

describe('for all origins', () => {
  for (const origin of [BAD, undefined, 'null']) {
    test(`1.8 an answer to ${origin} allows *`, async () => {
      assert.deepEqual(corsHeaders(await ask(open, origin)), { 'access-control-allow-origin': '*' });
    });
  }

  test('1.8 so do the answers to POSTs, to polls, and to requests that fail', async () => {
    const poller = await Poller.open(open, freshRoom());
    const headers = { origin: BAD };
    const get = poller.get({ headers });
    const answers = [
      await poller.post('40', { headers }), await get,
      await poller.post('40', { headers: { ...headers, 'content-type': 'application/octet-stream' } }), // 400 without a body
      await ask(open, BAD, { transport: 'abc' }), await ask(open, BAD, { sid: 'nobody' }),
      await ask(open, BAD, { EIO: '3' }), await ask(open, BAD, {}, { method: 'POST' }),
    ];
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 400, 400, 400, 400, 400]);
    for (const answer of answers) assert.deepEqual(corsHeaders(answer), { 'access-control-allow-origin': '*' });
  });

  test('1.8 so does the client’s bundle, which a page of another origin imports', async () => {
    const bundle = await request(new URL('/socket.io/socket.io.esm.min.js', open.url), { headers: { origin: BAD } });
    assert.equal(bundle.status, 200);
    assert.equal(bundle.headers['access-control-allow-origin'], '*');
  });

  test('1.8 a preflight is answered 204, without a body, and allows what is asked for', async () => {
    const answer = await preflight(open, BAD, { 'access-control-request-headers': 'x-one,content-type' });
    assert.deepEqual({ status: answer.status, body: answer.body }, { status: 204, body: '' });
    assert.ok(['0', undefined].includes(answer.headers['content-length']), 'HTTP lets a 204 do without its length');
    assert.deepEqual(corsHeaders(answer), {
      'access-control-allow-origin': '*', 'access-control-allow-methods': METHODS,
      'access-control-allow-headers': 'x-one,content-type', vary: 'Access-Control-Request-Headers',
    });
  });

  test('1.8 a preflight for a session, or one that names no headers', async () => {
    const poller = await Poller.open(open, freshRoom());
    for (const url of [poller.url(), engineUrl(open, freshRoom(), { sid: 'nobody', transport: 'abc' })]) {
      const answer = await request(url, { method: 'OPTIONS', headers: { origin: BAD } });
      assert.equal(answer.status, 204);
      assert.deepEqual(corsHeaders(answer), {
        'access-control-allow-origin': '*', 'access-control-allow-methods': METHODS, vary: 'Access-Control-Request-Headers',
      });
    }
    assert.match(await poller.connect(), /^40/);
  });
});

const STRANGERS = [BAD, `${GOOD}.evil.example`, GOOD.replace('https', 'http'), `${GOOD}:8443`, 'null', undefined];
const asked = { 'access-control-request-headers': 'x-one' };
const allowed = {
  'access-control-allow-methods': METHODS, 'access-control-allow-headers': 'x-one', vary: 'Origin, Access-Control-Request-Headers',
};

describe('for a list of origins', () => {
  for (const origin of [GOOD, ALSO_GOOD]) {
    test(`1.8 ${origin} is allowed by name`, async () => {
      for (const query of [{}, { transport: 'abc' }]) {
        assert.deepEqual(corsHeaders(await ask(listed, origin, query)), { 'access-control-allow-origin': origin, vary: 'Origin' });
      }
    });
  }

  for (const origin of STRANGERS) {
    test(`1.8 ${origin} is not, and caches are told that it depends`, async () => {
      assert.deepEqual(corsHeaders(await ask(listed, origin)), { vary: 'Origin' });
    });
  }

  test('1.8 a preflight', async () => {
    assert.deepEqual(corsHeaders(await preflight(listed, GOOD, asked)), { 'access-control-allow-origin': GOOD, ...allowed });
    const bad = await preflight(listed, BAD, asked);
    assert.equal(bad.status, 204);
    assert.deepEqual(corsHeaders(bad), allowed);
  });
});

test('1.8 a single origin is told to all, which a browser takes for a no if it is not its own', async () => {
  const told = { 'access-control-allow-origin': GOOD };
  for (const origin of [GOOD, ...STRANGERS]) assert.deepEqual(corsHeaders(await ask(single, origin)), { ...told, vary: 'Origin' });
  for (const origin of [GOOD, BAD]) assert.deepEqual(corsHeaders(await preflight(single, origin, asked)), { ...told, ...allowed });
});

describe('with credentials', () => {
  const CREDENTIALS = { 'access-control-allow-credentials': 'true' };

  test('CORS_CREDENTIALS a listed origin may send them: answers, errors and the preflight say so', async () => {
    for (const query of [{}, { transport: 'abc' }, { sid: 'nobody' }]) {
      const headers = corsHeaders(await ask(trusting, GOOD, query));
      assert.deepEqual(headers, { 'access-control-allow-origin': GOOD, vary: 'Origin', ...CREDENTIALS });
    }
    const answer = await preflight(trusting, GOOD, asked);
    assert.deepEqual(corsHeaders(answer), { 'access-control-allow-origin': GOOD, ...CREDENTIALS, ...allowed });
  });

  test('CORS_CREDENTIALS an origin that is not listed is not allowed with them either', async () => {
    assert.equal((await ask(trusting, BAD)).headers['access-control-allow-origin'], undefined);
  });

  test('CORS_CREDENTIALS the stock client polls with withCredentials', async (t) => {
    const socket = io(trusting.url, { path: `/r/${freshRoom()}/socket.io/`, transports: ['polling'], withCredentials: true, forceNew: true });
    t.after(() => socket.close());
    await within(new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject)), 'the connection');
  });
});

describe('the Worker’s own answers', { skip: roomcastOnly }, () => {
  const told = { 'access-control-allow-origin': GOOD, 'access-control-allow-credentials': 'true' };
  const rows = {
    'a bad room name': ['/r/a.b/socket.io/?EIO=4&transport=polling', {}, 400],
    'a bad room name in the query': ['/socket.io/?room=a.b&EIO=4&transport=polling', {}, 400],
    'a bad room name of a page': ['/r/a.b', {}, 400],
    'an unknown path': ['/nothing', {}, 404],
    'counters that are off': ['/r/a/debug', {}, 404],
    'the health': ['/healthz', {}, 200],
    'the way to a page': ['/r/a/', {}, 308],
    'a page that is posted to': ['/r/a', { method: 'POST' }, 405],
    'an API that is off': ['/api/rooms/a', {}, 404],
  };
  for (const [what, [path, options, status]] of Object.entries(rows)) {
    test(`1.8 ${what} (${status}) can be read by a listed origin`, async () => {
      const answer = await request(new URL(path, trusting.url), { ...options, headers: { origin: GOOD } });
      assert.equal(answer.status, status);
      for (const [name, value] of Object.entries(told)) assert.equal(answer.headers[name], value, name);
      assert.match(answer.headers.vary, /^Origin/);
    });
  }

  test('1.8 a refusal of the room itself can be read too', async () => {
    const room = freshRoom();
    const full = await startTarget({ vars: { CORS_ORIGIN: GOOD, MAX_CONNECTIONS: 1 } });
    try {
      await Poller.open(full, room);
      const answer = await request(engineUrl(full, room), { headers: { origin: GOOD } });
      assert.equal(answer.status, 403);
      assert.equal(answer.headers['access-control-allow-origin'], GOOD);
    } finally {
      await full.close();
    }
  });

  for (const path of ['/', '/r/a', '/r/a/', '/r/a.b', '/r/a/debug', '/healthz', '/api/rooms/a', '/api/socket', '/nothing', '/r/a/socket.io/socket.io.js']) {
    test(`1.8 OPTIONS of ${path} is a preflight like that of a room`, async () => {
      const headers = { origin: GOOD, 'access-control-request-method': 'POST', ...asked };
      const answer = await request(new URL(path, trusting.url), { method: 'OPTIONS', headers });
      assert.equal(answer.status, 204);
      assert.deepEqual(corsHeaders(answer), { ...told, ...allowed });
    });
  }

  test('without the setting, OPTIONS of a page says what may be done with it', async () => {
    for (const path of ['/', '/r/a', '/r/a/socket.io/socket.io.js']) {
      const { status, headers } = await request(new URL(path, closed.url), { method: 'OPTIONS', headers: { origin: GOOD } });
      assert.deepEqual({ status, allow: headers.allow }, { status: 204, allow: 'GET, HEAD, OPTIONS' }, path);
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  });
});
