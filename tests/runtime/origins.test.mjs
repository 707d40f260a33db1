// Whose pages may open a WebSocket. Browsers let a page of any origin do so and leave it to the server to refuse; the reference
// doesn't. Origins are compared by what they mean, and behind a proxy other headers show that a page is the server's own.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onReference, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { engineUrl, freshRoom, Poller, refusedUpgrade, request, WireSocket } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

const GOOD = 'https://chat.example';
const BAD = 'https://evil.example';
const STRANGERS = [BAD, `${GOOD}.evil.example`, GOOD.replace('https', 'http'), `${GOOD}:8443`, 'null'];

const closed = serverFor(WITHOUT_PINGS);
const open = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: '*' });
const listed = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: `${GOOD},http://localhost:5173` });
const single = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: GOOD });

const url = (server) => engineUrl(server, freshRoom(), { transport: 'websocket' });

async function assertOpens(t, server, headers, what) {
  const wire = await WireSocket.open(t, url(server), headers);
  assert.match(await wire.next(`the open packet for ${what ?? JSON.stringify(headers)}`), /^0\{/);
}

async function assertRefused(server, headers) {
  assert.equal((await refusedUpgrade(url(server), headers)).status, 403, JSON.stringify(headers));
}

describe('W8 origins', () => {
  const SERVERS = { 'without the setting': closed, 'for all origins': open, 'for a list of origins': listed, 'for one origin': single };

  for (const [name, origins] of Object.entries({
    'without the setting': () => [closed.url, undefined],
    'for all origins': () => [open.url, undefined, BAD, 'null'],
    'for a list of origins': () => [listed.url, undefined, GOOD, 'http://localhost:5173'],
    'for one origin': () => [single.url, undefined, GOOD],
  })) {
    test(`${name}: WebSockets of the own page, of programs and of what is allowed are opened`, async (t) => {
      for (const origin of origins()) await assertOpens(t, SERVERS[name], origin && { origin });
    });
  }

  for (const name of ['without the setting', 'for a list of origins', 'for one origin']) {
    test(`${name}: those of other pages are refused`, { skip: roomcastOnly && 'the reference opens them' }, async () => {
      for (const origin of STRANGERS) {
        const { status, headers, body } = await refusedUpgrade(url(SERVERS[name]), { origin });
        assert.equal(status, 403);
        assert.match(headers['content-type'], /^text\/plain/);
        assert.ok(body.startsWith(`Pages of ${origin} may not connect here.`), body);
        assert.match(body, /PUBLIC_ORIGIN.*CORS_ORIGIN/, 'it says what to set');
      }
    });
  }
});

// Each row is what a client or a proxy sends: the origin is the server's own, and one side alone spells the default port.
describe('W8 an origin that is written in another way is the same', () => {
  for (const [who, host, origin] of [
    ['Swift (Starscream), TLS', 'chat.example:443', 'wss://chat.example'],
    ['Swift (Starscream), plain', 'chat.example:80', 'ws://chat.example'],
    ['React Native on Android with socket.io-client 4.7', 'chat.example', 'https://chat.example:443'],
    ['a browser behind Host $host:$server_port', 'chat.example:443', 'https://chat.example'],
    ['the same without TLS', 'chat.example:80', 'http://chat.example'],
    ['a host in upper case', 'Chat.Example', 'https://chat.example'],
    ['a host with a dot at its end', 'chat.example.', 'https://chat.example'],
    ['an address of IPv6', '[::1]:8787', 'http://[::1]:8787'],
    ['a plain browser', 'chat.example', 'https://chat.example'],
  ]) {
    test(`${who}: Host ${host}, Origin ${origin}`, (t) => assertOpens(t, closed, { host, origin }));
  }

  for (const [host, origin] of [
    ['chat.example:443', 'http://chat.example'],
    ['chat.example:8443', 'https://chat.example'],
    ['chat.example', 'https://chat.example:8443'],
    ['chat.example', 'https://chat.example@evil.example'],
  ]) {
    test(`Host ${host} is not Origin ${origin}`, { skip: roomcastOnly }, () => assertRefused(closed, { host, origin }));
  }
});

describe('W8 patterns', { skip: roomcastOnly && 'there it takes a regular expression' }, () => {
  const below = serverFor({ ...WITHOUT_PINGS, CORS_ORIGIN: 'https://*.chat.example, http://localhost:*, wss://Other.example:443/' });

  test('hosts below a name, all ports, and other spellings of an entry may connect, and read answers', async (t) => {
    for (const origin of ['https://a.chat.example', 'https://a.b.chat.example', 'http://localhost:3000', 'https://other.example']) {
      await assertOpens(t, below, { origin });
      const { headers } = await request(engineUrl(below, freshRoom()), { headers: { origin } });
      assert.equal(headers['access-control-allow-origin'], origin);
    }
  });

  test('others may not', async () => {
    for (const origin of ['https://chat.example', 'https://evilchat.example', 'https://a.chat.example:8443', 'https://localhost:3000']) {
      await assertRefused(below, { origin });
      const { headers } = await request(engineUrl(below, freshRoom()), { headers: { origin } });
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  });
});

describe('W8 behind a proxy that passes on another Host', () => {
  const host = 'inner.example:9000';
  const origin = 'https://chat.example';
  const named = serverFor({ ...WITHOUT_PINGS, PUBLIC_ORIGIN: 'https://Chat.example:443, https://www.chat.example' });

  test('the page is the own one where PUBLIC_ORIGIN names it', async (t) => {
    for (const own of [origin, 'https://www.chat.example']) await assertOpens(t, named, { host, origin: own });
    if (!onReference) await assertRefused(named, { host, origin: BAD });
  });

  test('or where the browser says that it is (Sec-Fetch-Site)', async (t) => {
    await assertOpens(t, closed, { host, origin, 'sec-fetch-site': 'same-origin' });
    if (onReference) return;
    for (const site of ['same-site', 'cross-site', 'none']) await assertRefused(closed, { host, origin, 'sec-fetch-site': site });
  });

  test('or where the proxy passes the name on (X-Forwarded-Host)', async (t) => {
    for (const forwarded of ['chat.example', 'chat.example:443', 'chat.example, second.example']) {
      await assertOpens(t, closed, { host, origin, 'x-forwarded-host': forwarded });
    }
    if (onReference) return;
    for (const forwarded of ['evil.example', 'evil.example, chat.example', '']) {
      await assertRefused(closed, { host, origin, 'x-forwarded-host': forwarded });
    }
  });

  test('or where it carries on a session that it has begun by polling: only who could read the answer knows its id', async (t) => {
    const poller = await Poller.open(closed, freshRoom());
    const wire = await WireSocket.open(t, poller.url({ transport: 'websocket' }), { host, origin });
    wire.send('2probe');
    assert.equal(await wire.next('the answer to the probe'), '3probe');
    if (onReference) return;
    // The last one counts: these carry nothing on.
    for (const query of ['sid=', 'sid=S&sid=']) {
      const bare = engineUrl(closed, freshRoom(), { transport: 'websocket' });
      assert.equal((await refusedUpgrade(`${bare}&${query}`, { host, origin })).status, 403, query);
    }
  });

  test('else it is refused, and the log says once what to set', { skip: roomcastOnly }, async (t) => {
    const server = await startWorkerd({ vars: WITHOUT_PINGS });
    t.after(() => server.close());
    for (const other of [origin, BAD, origin]) await assertRefused(server, { host, origin: other });
    const told = server.output().match(/may not connect here\..*PUBLIC_ORIGIN.*CORS_ORIGIN/g) ?? [];
    assert.equal(told.length, 1, server.output());
  });
});
