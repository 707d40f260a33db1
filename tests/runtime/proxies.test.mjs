// Stock clients and a real browser through real proxies, in front of workerd alone. All clients send the origin that a browser
// would: the one at which they reach the proxy.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/browser.mjs';
import { TRANSPORTS } from './support/clients.mjs';
import { ROOT } from './support/paths.mjs';
import { KINDS, Peer, plain } from './support/peers.mjs';
import { freePort } from './support/processes.mjs';
import { PROXIES, startProxies } from './support/proxies.mjs';
import { onReference, roomcastOnly, startTarget } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { startWorkerd } from './support/workerd.mjs';
import { engineUrl, freshRoom, Poller, refusedUpgrade, request } from './support/wire.mjs';

const KIND = KINDS['socket.io-client 4.8'];
const vars = { APP: 'conformance', RECOVERY_MS: 0 };
const start = (more) => (onReference ? startTarget({ vars: { ...vars, ...more } }) : startWorkerd({ vars: { ...vars, ...more } }));
const CHANGED = 'nginx, Host of the upstream';
const WITHOUT_PORT = 'nginx, Host $host without the port';

/** The proxies of these names, in front of a server of their own: `{name: url}`. */
function proxied(names, settings = () => ({})) {
  const urls = {};
  let stop;
  let server;
  before(async () => {
    const ports = {};
    for (const name of names) {
      ports[name] = await freePort();
      urls[name] = `http://127.0.0.1:${ports[name]}`;
    }
    server = await start(settings(urls));
    stop = await startProxies(server.url, ports);
    urls.upstream = server.url;
  });
  after(async () => {
    await stop?.();
    await server?.close();
  });
  return urls;
}

const optionsFor = (url, room, below = '') => ({ path: `${below}/r/${room}/socket.io/`, extraHeaders: { origin: url } });

/** Opens a client through the proxy at `url`, and has it say and hear something over the transport that it is to have in the end. */
async function speaks(t, url, transport, below) {
  const room = freshRoom();
  const peer = await Peer.open(t, KIND, url, room, { transport, ...optionsFor(url, room, below) });
  assert.deepEqual(await peer.call('message-with-ack', 'hello', Buffer.from([1, 2, 255])).then(plain), ['hello', { bytes: '0102ff' }]);
  assert.equal(peer.transport, transport === 'polling' ? 'polling' : 'websocket');
}

describe('through proxies', () => {
  const urls = proxied(PROXIES);

  const WHOLE = ['nginx, Host $http_host', 'nginx below /chat/', 'Caddy', 'HAProxy', 'nginx as documented', 'Caddy as documented', 'HAProxy as documented'];
  for (const name of WHOLE) {
    for (const transport of Object.keys(TRANSPORTS)) {
      test(`${name}: ${transport}`, (t) => speaks(t, urls[name], transport, name.includes('/chat/') ? '/chat' : ''));
    }
  }

  for (const name of WHOLE.filter((each) => each.endsWith('documented'))) {
    test(`${name}: a WebSocket of another origin is refused`, { skip: roomcastOnly && 'the reference opens it' }, () => refusesOthers(urls[name]));
  }

  for (const name of [CHANGED, WITHOUT_PORT]) {
    for (const transport of ['polling', 'upgrade']) {
      test(`${name}: ${transport}`, (t) => speaks(t, urls[name], transport));
    }

    test(`${name}: a WebSocket alone is refused with what to set`, { skip: roomcastOnly && 'the reference opens it' }, async () => {
      const { status, body } = await refusedUpgrade(engineUrl({ url: urls[name] }, freshRoom(), { transport: 'websocket' }), { origin: urls[name] });
      assert.equal(status, 403);
      assert.match(body, /PUBLIC_ORIGIN/);
    });
  }

  test('nginx, HTTP/1.0: polling', (t) => speaks(t, urls['nginx, HTTP/1.0'], 'polling'));

  test('nginx, HTTP/1.0: a client that tries to upgrade goes on polling', (t) => staysPolling(t, urls['nginx, HTTP/1.0']));

  test('nginx, HTTP/1.0: a WebSocket alone is refused', async () => {
    const url = engineUrl({ url: urls['nginx, HTTP/1.0'] }, freshRoom(), { transport: 'websocket' });
    assert.equal((await refusedUpgrade(url, {})).status, 400);
  });

  test('nginx keeps bodies back until they are whole: events of 200 kB both ways', async (t) => {
    const room = freshRoom();
    const peer = await Peer.open(t, KIND, urls[CHANGED], room, { transport: 'polling', ...optionsFor(urls[CHANGED], room) });
    const long = ['x'.repeat(200_000), Buffer.alloc(150_000, 7)];
    assert.deepEqual(plain(await peer.call('message-with-ack', ...long)), plain(long));
  });

  test('a poll with "Connection: upgrade" and an empty "Upgrade" is a poll', async () => {
    const headers = { connection: 'upgrade', upgrade: '' };
    assert.equal((await request(engineUrl({ url: urls.upstream }, freshRoom()), { headers })).status, 200);
    const poller = await Poller.open({ url: urls.upstream }, freshRoom());
    assert.equal((await poller.post('40', { headers })).status, 200);
    const { status, body } = await poller.get({ headers });
    assert.equal(status, 200);
    assert.match(body, /^40/);
  });
});

async function refusesOthers(url) {
  const upgrade = refusedUpgrade(engineUrl({ url }, freshRoom(), { transport: 'websocket' }), { origin: 'http://evil.example' });
  assert.equal((await upgrade).status, 403);
}

/** A client that begins by polling: its upgrade fails, and it is none the worse for that. */
async function staysPolling(t, url) {
  const room = freshRoom();
  const peer = Peer.start(t, KIND, url, room, { transport: 'upgrade', ...optionsFor(url, room) });
  const failed = new Promise((resolve) => peer.socket.io.once('open', () => peer.socket.io.engine.once('upgradeError', resolve)));
  await peer.connected();
  await within(failed, 'the upgrade to fail');
  assert.deepEqual(await peer.call('message-with-ack', 'still here'), ['still here']);
  assert.equal(peer.transport, 'polling');
}

describe('with PUBLIC_ORIGIN', () => {
  const urls = proxied([CHANGED], (origins) => ({ PUBLIC_ORIGIN: origins[CHANGED] }));

  for (const transport of Object.keys(TRANSPORTS)) {
    test(`${CHANGED}: ${transport}`, (t) => speaks(t, urls[CHANGED], transport));
  }

  test('a WebSocket of another origin is refused', { skip: roomcastOnly && 'the reference opens it' }, () => refusesOthers(urls[CHANGED]));
});

describe('Chromium', () => {
  const urls = proxied(['nginx, Host $http_host', CHANGED, 'nginx as documented']);
  const bundle = path.join(ROOT, 'node_modules/socket.io-client/dist/socket.io.min.js');
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser?.close());

  /** A page at the proxy's address, in which a client connects as clients do: the transport that it has after its upgrade, or its failure. */
  async function transportOf(t, url) {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    // An error's text is page enough. 2026-11: one that Playwright answers itself gets no WebSocket to this machine.
    await page.goto(engineUrl({ url }, freshRoom(), { transport: 'none' }).href);
    await page.addScriptTag({ path: bundle });
    return within(page.evaluate(inPage, `/r/${freshRoom()}/socket.io/`), 'the client in the page');
  }

  // 2026-11: Chromium 156 sends no Sec-Fetch-Site with a WebSocket; that the session was begun by polling is what lets it in.
  for (const name of ['nginx, Host $http_host', CHANGED, 'nginx as documented']) {
    test(`${name}: a page of its origin has WebSockets`, async (t) => {
      assert.deepEqual(await transportOf(t, urls[name]), { transport: 'websocket', answer: 'hello' });
    });
  }
});

/** Runs in the page. */
async function inPage(address) {
  const socket = globalThis.io({ path: address, reconnection: false });
  const upgraded = new Promise((resolve) => socket.io.once('open', () => socket.io.engine.once('upgrade', resolve).once('upgradeError', resolve)));
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  await upgraded;
  const answer = await socket.timeout(5_000).emitWithAck('message-with-ack', 'hello');
  const transport = socket.io.engine.transport.name;
  socket.disconnect();
  return { transport, answer };
}
