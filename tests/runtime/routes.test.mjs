// What the Worker serves besides Socket.IO itself: the two forms of a room's address, names, small routes, pages, settings.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from './support/paths.mjs';
import { onReference, roomcastOnly, serverFor, startTarget, WITHOUT_PINGS } from './support/target.mjs';
import { engineUrl, freshRoom, refusedUpgrade, request, WireSocket } from './support/wire.mjs';

const server = serverFor(WITHOUT_PINGS);
const at = (pathname) => new URL(pathname, server.url);
const HANDSHAKE = 'EIO=4&transport=polling';

describe('the address of a room', () => {
  test('the path and the query lead to the same room', async (t) => {
    const room = freshRoom();
    const byPath = await WireSocket.session(t, server, room);
    const byQuery = await WireSocket.open(t, at(`/socket.io/?room=${room}&EIO=4&transport=websocket`));
    await byPath.connect();
    await byQuery.next('the open packet');
    await byQuery.connect();
    byQuery.send('42["createdMessage",{"author":"a","message":"by query"}]');
    assert.match(await byPath.next('the message'), /by query/);
  });

  test('a sid of the path form is known under the query form', async () => {
    const room = freshRoom();
    const { body } = await request(engineUrl(server, room));
    const { sid } = JSON.parse(body.slice(1));
    const answer = await request(at(`/socket.io/?room=${room}&${HANDSHAKE}&sid=${sid}`), { method: 'POST', body: '40' });
    assert.equal(answer.body, 'ok');
  });

  test('the bare /socket.io/ is the room lobby', async () => {
    const { body } = await request(at(`/socket.io/?${HANDSHAKE}`));
    const { sid } = JSON.parse(body.slice(1));
    assert.equal((await request(engineUrl(server, 'lobby', { sid }), { method: 'POST', body: '40' })).body, 'ok');
    const elsewhere = await request(engineUrl(server, freshRoom(), { sid }), { method: 'POST', body: '40' });
    assert.equal(elsewhere.status, 400);
  });

  for (const name of ['a', 'A-Z_09', 'x'.repeat(64), '-', '0']) {
    test(`the name ${name.slice(0, 10)} (${name.length}) is good, in both forms`, async () => {
      assert.equal((await request(at(`/r/${name}/socket.io/?${HANDSHAKE}`))).status, 200);
      assert.equal((await request(at(`/socket.io/?room=${name}&${HANDSHAKE}`))).status, 200);
    });
  }

  for (const name of ['x'.repeat(65), 'a%20b', 'a.b', '%C3%A9', 'a%2Fb', 'a+b', '%00', '%F0%9F%98%80']) {
    test(`the name ${name.slice(0, 12)} (${name.length}) is refused in one plain sentence, in both forms`, async () => {
      for (const url of [at(`/r/${name}/socket.io/?${HANDSHAKE}`), at(`/socket.io/?room=${name}&${HANDSHAKE}`)]) {
        const { status, headers, body } = await request(url);
        assert.equal(status, 400, `${url} answered ${status}`);
        assert.match(headers['content-type'], /^text\/plain/);
        assert.match(body.trim(), /^[^\n]+\.$/);
      }
    });
  }

  test('an empty name is refused in the query', async () => {
    assert.equal((await request(at(`/socket.io/?room=&${HANDSHAKE}`))).status, 400);
  });

  test('a bad name is refused for a WebSocket too', async () => {
    assert.equal((await refusedUpgrade(at('/r/a.b/socket.io/?EIO=4&transport=websocket'))).status, 400);
  });
});

describe('small routes', () => {
  test('/healthz says ok and the version', async () => {
    const { status, headers, body } = await request(at('/healthz'));
    assert.equal(status, 200);
    assert.match(headers['content-type'], /^application\/json/);
    const { ok, version, ...rest } = JSON.parse(body);
    assert.equal(ok, true);
    assert.deepEqual(rest, {});
    if (onReference) return; // it has a version of its own
    const manifest = readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8');
    assert.equal(version, /^version\s*=\s*"([^"]+)"/m.exec(manifest)[1]);
  });

  test('/api/socket answers ok, as the tutorial wants it', async () => {
    const { status, headers, body } = await request(at('/api/socket'));
    assert.deepEqual({ status, body: body.trim() }, { status: 200, body: 'ok' });
    assert.match(headers['content-type'], /^text\/plain/);
  });

  for (const pathname of ['/nothing-here', '/api/other', '/r', '/r/a/b', '/r/a/socket.io', '/healthz/x', '/%']) {
    test(`${pathname} is a plain 404`, async () => {
      const { status, headers } = await request(at(pathname));
      assert.equal(status, 404);
      assert.match(headers['content-type'] ?? 'text/plain', /^text\/plain/);
    });
  }
});

describe('pages and scripts', () => {
  test('/ is the landing page, /r/<room> the page of the room, at its own URL', async () => {
    for (const pathname of ['/', `/r/${freshRoom()}`]) {
      const { status, headers, body } = await request(at(pathname));
      assert.equal(status, 200, `${pathname} answered ${status} to ${headers.location}`);
      assert.match(headers['content-type'], /^text\/html/);
      assert.match(body, /^<!doctype html>/i);
    }
    const [landing, room] = [await request(at('/')), await request(at('/r/a'))];
    assert.notEqual(landing.body, room.body);
  });

  test('an example shows its page at / and at /r/<room>, with the headers that public/_headers has for it', { skip: roomcastOnly }, async (t) => {
    const board = await startTarget({ vars: { APP: 'whiteboard' } });
    t.after(() => board.close());
    const pages = await Promise.all(['/', `/r/${freshRoom()}`, '/examples/whiteboard/'].map((pathname) => request(new URL(pathname, board.url))));
    for (const { status, headers, body } of pages) {
      assert.equal(status, 200);
      assert.match(body, /<title>Whiteboard<\/title>/);
      assert.match(headers['content-security-policy'], /^default-src 'self';/);
      assert.equal(headers['content-security-policy'], pages[2].headers['content-security-policy']);
    }
  });
});

describe('settings', { skip: roomcastOnly }, () => {
  const withServer = async (vars, use) => {
    const other = await startTarget({ vars });
    try {
      await use(other);
    } finally {
      await other.close();
    }
  };

  // The last one is the chat's own.
  for (const [name, value] of [['PING_INTERVAL_MS', '25s'], ['MAX_CONNECTIONS', '-1'], ['MAX_PAYLOAD_BYTES', ''], ['HISTORY_MESSAGES', '0']]) {
    test(`${name}="${value}" is a 500 that names the setting, /healthz included`, async () => {
      await withServer({ [name]: value }, async (broken) => {
        for (const url of [engineUrl(broken, freshRoom()), new URL('/healthz', broken.url)]) {
          const { status, headers, body } = await request(url);
          assert.equal(status, 500, `${url} answered ${status} ${body}`);
          assert.match(headers['content-type'], /^text\/plain/);
          assert.match(body, new RegExp(name));
        }
      });
    });
  }

  test('MAX_CONNECTIONS sessions fit in a room, one more is refused, and one that left makes place', async (t) => {
    await withServer({ MAX_CONNECTIONS: 2 }, async (small) => {
      const room = freshRoom();
      const [first, second] = [await WireSocket.session(t, small, room), await WireSocket.session(t, small, room)];
      await first.connect();
      assert.ok((await request(engineUrl(small, room))).status >= 400);
      assert.ok((await refusedUpgrade(engineUrl(small, room, { transport: 'websocket' }))).status >= 400);
      assert.equal((await request(engineUrl(small, freshRoom()))).status, 200, 'another room is not full');
      second.send('1');
      await second.close();
      assert.equal((await request(engineUrl(small, room))).status, 200);
      await first.proveAlive();
    });
  });
});
