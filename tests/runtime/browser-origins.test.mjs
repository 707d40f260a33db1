// A page of another site in a real browser, which withholds an answer unless its headers allow it: origins, credentials and
// subprotocols, over each transport.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/browser.mjs';
import { TRANSPORTS } from './support/clients.mjs';
import { freePort } from './support/processes.mjs';
import { startTarget, onReference, roomcastOnly } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

let browser;
let server;
let pages;
/** Two origins of the same pages: the server lists the first. */
const origins = {};

before(async () => {
  const port = await freePort();
  Object.assign(origins, { listed: `http://localhost:${port}`, other: `http://127.0.0.1:${port}` });
  pages = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>a page</title>'));
  await new Promise((resolve) => pages.listen(port, resolve));
  const vars = { APP: 'conformance', CORS_ORIGIN: `https://other.example,${origins.listed}`, CORS_CREDENTIALS: 'true' };
  [server, browser] = [await startTarget({ vars }), await launch()];
});
after(async () => {
  await browser?.close();
  await server?.close();
  pages?.close();
  pages?.closeAllConnections();
});

/** A page of this origin that has loaded the client from the server. */
async function pageOf(t, origin) {
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(origin);
  await page.addScriptTag({ url: `${server.url}/socket.io/socket.io.min.js` });
  return page;
}

/** Connects in the page: the transport in the end, with the answer to an event, or the error. */
const connect = (page, options) => within(page.evaluate(inPage, [server.url, { path: `/r/${freshRoom()}/socket.io/`, ...options }]), 'the client in the page');

async function inPage([url, options]) {
  const socket = globalThis.io(url, { reconnection: false, forceNew: true, ...options });
  const upgrading = (options.transports ?? []).length > 1;
  const settled = new Promise((resolve) => socket.io.once('open', () => {
    if (!upgrading) return resolve();
    socket.io.engine.once('upgrade', resolve).once('upgradeError', resolve);
  }));
  try {
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
    await settled;
    const answer = await socket.timeout(5_000).emitWithAck('message-with-ack', 'hello');
    return { transport: socket.io.engine.transport.name, answer };
  } catch (error) {
    return { error: error.message };
  } finally {
    socket.disconnect();
  }
}

describe('a page of a listed origin', () => {
  for (const [transport, transports] of Object.entries(TRANSPORTS)) {
    const expected = { transport: transport === 'polling' ? 'polling' : 'websocket', answer: 'hello' };

    test(`matrix: Chromium ${transport}: credentials`, async (t) => {
      const page = await pageOf(t, origins.listed);
      assert.deepEqual(await connect(page, { transports, withCredentials: true }), expected);
    });

    test(`matrix: Chromium ${transport}: subprotocol`, async (t) => {
      const page = await pageOf(t, origins.listed);
      assert.deepEqual(await connect(page, { transports, protocols: ['chat.v1', 'chat.v2'] }), expected);
    });
  }

  test('reads why a request was refused, with credentials too', { skip: roomcastOnly }, async (t) => {
    const page = await pageOf(t, origins.listed);
    const statuses = await page.evaluate(async (url) => {
      const paths = ['/r/a.b/socket.io/?EIO=4&transport=polling', '/r/a/socket.io/?EIO=4&transport=polling&sid=none', '/nothing', '/r/a.b', '/api/rooms/a'];
      return Promise.all(paths.map(async (path) => (await fetch(url + path, { credentials: 'include' })).status));
    }, server.url);
    assert.deepEqual(statuses, [400, 400, 404, 400, 404]);
  });
});

describe('a page of another origin', () => {
  test('polls in vain', async (t) => {
    const page = await pageOf(t, origins.other);
    assert.deepEqual(await connect(page, { transports: ['polling'] }), { error: 'xhr poll error' });
  });

  test('has no WebSocket', { skip: onReference && 'the reference opens it' }, async (t) => {
    const page = await pageOf(t, origins.other);
    assert.deepEqual(await connect(page, { transports: ['websocket'] }), { error: 'websocket error' });
  });
});
