// Addresses as people write them, and wrong ones: what a browser is shown, what a program is told, and what search engines may list.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/browser.mjs';
import { roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, request, WireSocket } from './support/wire.mjs';

const server = serverFor(WITHOUT_PINGS);
let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const at = (pathname) => new URL(pathname, server.url);
const ask = (pathname, accept, options = {}) => request(at(pathname), { ...options, headers: accept ? { accept } : {} });
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

describe('other ways to write the address of a room', { skip: roomcastOnly }, () => {
  for (const [written, location] of [['/r/tea/', '../tea'], ['/r/t%65a', 'tea'], ['/r/%74ea/?x=1&y', '../tea?x=1&y']]) {
    test(`${written} leads to /r/tea`, async () => {
      const { status, headers } = await ask(written, BROWSER);
      assert.deepEqual({ status, location: headers.location }, { status: 308, location });
      assert.equal(new URL(headers.location, at(written)).pathname, '/r/tea');
      const page = await fetch(at(written));
      assert.deepEqual([page.status, new URL(page.url).pathname], [200, '/r/tea']);
    });
  }

  test('a percent-encoded name leads to the room’s server, and to its API', async (t) => {
    const room = freshRoom();
    const encoded = `%${room.charCodeAt(0).toString(16)}${room.slice(1)}`;
    const [one, other] = [await WireSocket.session(t, server, room), await WireSocket.open(t, at(`/r/${encoded}/socket.io/?EIO=4&transport=websocket`).href)];
    await one.connect();
    await other.next('the open packet');
    await other.connect();
    other.send('42["createdMessage",{"author":"a","message":"hello"}]');
    assert.match(await one.next('the message'), /hello/);
  });
});

describe('addresses that lead nowhere', { skip: roomcastOnly }, () => {
  const rows = [['/nothing', 404, 'not_found'], ['/r/tea/x', 404, 'not_found'], ['/r', 404, 'not_found'], ['/r/a.b', 400, 'invalid_room'],
    ['/r/', 400, 'invalid_room'], [`/r/${'x'.repeat(65)}`, 400, 'invalid_room'], ['/r/%ff', 400, 'invalid_room'], ['/r/a%20b/socket.io/', 400, 'invalid_room']];

  for (const [pathname, status, code] of rows) {
    test(`${pathname.slice(0, 20)} (${status}) is a page for a browser, JSON or a sentence for a program`, async () => {
      const page = await ask(pathname, BROWSER);
      assert.deepEqual([page.status, page.headers['content-type']], [status, 'text/html; charset=utf-8']);
      assert.match(page.body, /<a href="\/">/, 'there is a way home');
      assert.match(page.headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-/);
      const json = await ask(pathname, 'application/json, */*');
      assert.deepEqual([json.status, json.headers['content-type'], JSON.parse(json.body).error.code], [status, 'application/json', code]);
      for (const accept of [undefined, '*/*']) {
        const text = await ask(pathname, accept);
        assert.deepEqual([text.status, text.headers['content-type']], [status, 'text/plain; charset=utf-8']);
        assert.match(text.body, /^[A-Z][^\n]+\.$/);
      }
      for (const { headers } of [page, json]) {
        assert.equal(headers['x-robots-tag'], 'noindex');
        assert.match(headers['strict-transport-security'], /^max-age=\d+/);
        assert.match(headers.vary, /Accept/, 'caches are told that it depends');
      }
    });
  }

  test('Chromium shows the page styled, without a breach of its policy, and the way home works', async (t) => {
    const page = await browser.newPage();
    t.after(() => page.close());
    const complaints = [];
    page.on('console', (message) => /Content Security Policy/.test(message.text()) && complaints.push(message.text()));
    await page.goto(at('/r/a.b').href);
    assert.equal(await page.locator('h1').textContent(), 'No room can have this name');
    assert.notEqual(await page.locator('main').evaluate((main) => getComputedStyle(main).borderRadius), '0px');
    await page.locator('a').click();
    await page.waitForURL(at('/').href);
    assert.deepEqual(complaints, []);
  });
});

describe('methods of pages', { skip: roomcastOnly }, () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'SEARCH', 'LOCK', 'PURGE', 'MKCOL', 'REPORT']) {
    test(`${method} is 405 and says what is allowed`, async () => {
      for (const pathname of ['/', '/r/tea', '/r/tea/socket.io/socket.io.js']) {
        const { status, headers } = await ask(pathname, undefined, { method });
        assert.deepEqual({ status, allow: headers.allow }, { status: 405, allow: 'GET, HEAD, OPTIONS' }, pathname);
      }
    });
  }

  test('HEAD of a page has its headers and no body', async () => {
    const [head, get] = [await ask('/r/tea', BROWSER, { method: 'HEAD' }), await ask('/r/tea', BROWSER)];
    assert.deepEqual([head.status, head.body, head.headers.etag], [200, '', get.headers.etag]);
  });
});

describe('files that programs ask for', { skip: roomcastOnly }, () => {
  test('/favicon.ico is an icon', async () => {
    const { status, headers, bytes } = await ask('/favicon.ico');
    assert.equal(status, 200);
    assert.match(headers['content-type'], /^image\/(x-icon|vnd\.microsoft\.icon)/);
    assert.deepEqual([...bytes.subarray(0, 6)], [0, 0, 1, 0, 2, 0], 'two images');
  });

  test('/robots.txt keeps search engines out of rooms, and a room’s page says so too', async () => {
    assert.match((await ask('/robots.txt')).body, /^User-agent: \*\nDisallow: \/r\/$/m);
    assert.equal((await ask('/r/tea')).headers['x-robots-tag'], 'noindex');
    assert.equal((await ask('/')).headers['x-robots-tag'], undefined, 'the start page may be listed');
  });

  test('the types of the chat are text', async () => {
    assert.equal((await ask('/chat.d.ts')).headers['content-type'], 'text/plain; charset=utf-8');
  });

  test('pages and files ask browsers to use TLS only', async () => {
    for (const pathname of ['/', '/r/tea', '/css/base.css']) {
      assert.match((await ask(pathname)).headers['strict-transport-security'], /^max-age=31536000/, pathname);
    }
  });
});
