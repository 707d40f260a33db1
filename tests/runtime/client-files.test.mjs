// The stock client as the reference serves it: at the same paths, in the same forms, with source maps.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/browser.mjs';
import { ROOT } from './support/paths.mjs';
import { onReference, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, request } from './support/wire.mjs';

const server = serverFor(WITHOUT_PINGS);
const msgpack = serverFor({ ...WITHOUT_PINGS, PARSER: 'msgpack' });
let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const at = (pathname) => new URL(pathname, server.url);

const manifest = createRequire(import.meta.url).resolve('socket.io-client/package.json');
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
const FORMS = ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js'];

for (const folder of ['/socket.io/', `/r/${freshRoom()}/socket.io/`]) {
  describe(folder.replace(/room-\d+-\d+/, '<room>'), () => {
    for (const file of FORMS) {
      test(`${file} and its map are those of npm`, async () => {
        for (const [name, type] of [[file, /javascript/], [`${file}.map`, /json/]]) {
          const { status, headers, body } = await request(at(folder + name));
          assert.equal(status, 200, name);
          assert.match(headers['content-type'], type);
          // The reference brings a client of its own.
          if (!onReference) assert.equal(body, readFileSync(path.join(path.dirname(manifest), 'dist', name), 'utf8'));
        }
      });
    }

    test('a browser that has a file is told so', async () => {
      const { headers } = await request(at(folder + FORMS[0]));
      const again = await request(at(folder + FORMS[0]), { headers: { 'if-none-match': headers.etag } });
      assert.deepEqual([again.status, again.body], [304, '']);
      assert.match(headers['cache-control'], /^public, max-age=0/);
    });

    test('below its version a file may be kept for ever', { skip: roomcastOnly }, async () => {
      const { status, headers } = await request(at(`${folder}${version}/${FORMS[0]}`));
      assert.equal(status, 200);
      assert.match(headers.etag, /^"/);
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    });
  });
}

test('the pages load the client below the version that is installed', { skip: roomcastOnly }, () => {
  for (const file of ['public/js/room.js', 'public/examples/common.js']) {
    assert.match(readFileSync(path.join(ROOT, file), 'utf8'), new RegExp(`from "/socket\\.io/${version.replaceAll('.', '\\.')}/socket\\.io\\.esm\\.min\\.js"`));
  }
});

for (const [form, theServer] of [['socket.io.js', server], ['socket.io.min.js', server], ['socket.io.msgpack.min.js', msgpack]]) {
  test(`a page with a plain script of ${form}, as in every tutorial, connects`, { skip: roomcastOnly }, async (t) => {
    const page = await browser.newPage();
    t.after(() => page.close());
    const room = freshRoom();
    await page.goto(new URL('/robots.txt', theServer.url).href); // any page of the same origin
    await page.addScriptTag({ url: `/r/${room}/socket.io/${form}` });
    const answer = await page.evaluate(async (room) => {
      const socket = globalThis.io({ path: `/r/${room}/socket.io/`, auth: { name: 'Ada', key: 'a-key-of-16-chars-or-more' } });
      return socket.timeout(5000).emitWithAck('message', { text: 'hello' });
    }, room);
    assert.ok(answer.id, JSON.stringify(answer));
  });
}
