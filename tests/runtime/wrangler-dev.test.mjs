// The way that the README gives: `npm start`, the pages in answer to a GET, and two clients that talk.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { member } from './support/clients.mjs';
import { npmStart } from './support/npm-start.mjs';
import { ROOT } from './support/paths.mjs';
import { roomcastOnly } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { freshRoom, request } from './support/wire.mjs';

test('npm start serves the pages, and a polling and a websocket client exchange messages', { skip: roomcastOnly }, async (t) => {
  const healthy = (url) => request(new URL('/healthz', url)).then(({ status }) => status === 200, () => false);
  const server = await npmStart(t, [], healthy, 'npm start to answer /healthz');

  for (const pathname of ['/', '/r/lobby', '/socket.io/socket.io.esm.min.js']) {
    assert.equal((await request(new URL(pathname, server.url))).status, 200, pathname);
  }
  const room = freshRoom();
  const polling = await member(t, server, room, 'polling', { transport: 'polling' });
  const websocket = await member(t, server, room, 'websocket');
  await polling.next('memberJoined');
  await polling.say('by polling');
  assert.equal((await websocket.next('newMessage')).text, 'by polling');
  await websocket.say('by websocket');
  assert.equal((await polling.next('newMessage')).text, 'by websocket');
  for (const client of [polling, websocket]) client.socket.close(); // before the server goes: they would try to come back

  const added = path.join(ROOT, `public/added-${process.pid}.txt`);
  t.after(() => rmSync(added, { force: true }));
  writeFileSync(added, 'a new file');
  const shown = () => request(new URL(`/${path.basename(added)}`, server.url)).then(({ status, body }) => status === 200 && body, () => false);
  assert.equal(await eventually(shown, 'a new file to be served', 60_000), 'a new file');
});
