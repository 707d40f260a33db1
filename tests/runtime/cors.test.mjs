// Pages of other origins (1.8): what the answers allow, to whom, and that there is nothing of it unless it is asked for.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { engineUrl, freshRoom, Poller, refusedUpgrade, request, WireSocket } from './support/wire.mjs';

const GOOD = 'https://chat.example';
const ALSO_GOOD = 'http://localhost:5173';
const BAD = 'https://evil.example';

const closed = serverFor(WITHOUT_PINGS);
const open = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: '*' });
const listed = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: `${GOOD},${ALSO_GOOD}` });
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

// Browsers let a page of any origin open a WebSocket, and leave it to the server to refuse. The reference does not.
describe('W8 WebSockets', () => {
  const url = (server) => engineUrl(server, freshRoom(), { transport: 'websocket' });
  const SERVERS = { 'without the setting': closed, 'for all origins': open, 'for a list of origins': listed, 'for one origin': single };

  for (const [name, origins] of Object.entries({
    'without the setting': () => [closed.url, undefined],
    'for all origins': () => [open.url, undefined, BAD, 'null'],
    'for a list of origins': () => [listed.url, undefined, GOOD, ALSO_GOOD],
    'for one origin': () => [single.url, undefined, GOOD],
  })) {
    test(`${name}: those of the own page, of programs and of what is allowed are opened`, async (t) => {
      for (const origin of origins()) {
        const wire = await WireSocket.open(t, url(SERVERS[name]), origin && { origin });
        assert.match(await wire.next('the open packet'), /^0\{/);
      }
    });
  }

  for (const name of ['without the setting', 'for a list of origins', 'for one origin']) {
    test(`${name}: those of other pages are refused`, { skip: roomcastOnly && 'the reference opens them' }, async () => {
      for (const origin of STRANGERS.filter(Boolean)) {
        const { status, headers, body } = await refusedUpgrade(url(SERVERS[name]), { origin });
        assert.deepEqual({ status, body }, { status: 403, body: 'Pages of this origin may not connect here.' });
        assert.match(headers['content-type'], /^text\/plain/);
      }
    });
  }

  test('nor may they take a session over from polling', { skip: roomcastOnly && 'the reference opens them' }, async () => {
    const poller = await Poller.open(listed, freshRoom());
    assert.equal((await refusedUpgrade(poller.url({ transport: 'websocket' }), { origin: BAD })).status, 403);
    assert.match(await poller.connect(), /^40/);
  });
});
