// The way that the README gives: `npm start`, the pages in answer to a GET, and two clients that talk.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { member } from './support/clients.mjs';
import { freePort, start } from './support/processes.mjs';
import { ROOT } from './support/paths.mjs';
import { roomcastOnly } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { freshRoom, request } from './support/wire.mjs';

const BUILD_PATIENCE = 300_000; // `npm start` may have to build the Worker first

test('npm start serves the pages, and a polling and a websocket client exchange messages', { skip: roomcastOnly }, async (t) => {
  const port = await freePort();
  const wrangler = start('npm', ['start'], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port), CI: '1', WRANGLER_SEND_METRICS: 'false' },
  });
  t.after(() => wrangler.stop());
  let ended;
  wrangler.exited.then((how) => (ended = how));
  const server = { url: `http://127.0.0.1:${port}` };
  const at = (pathname) => new URL(pathname, server.url);
  const healthy = () => request(at('/healthz')).then(({ status }) => status === 200, () => false);
  await eventually(async () => {
    if (ended) throw new Error(`npm start ${ended}: ${wrangler.output()}`);
    return healthy();
  }, 'npm start to answer /healthz', BUILD_PATIENCE).catch((error) => {
    throw new Error(`${error.message}; it printed ${wrangler.output()}`);
  });

  for (const pathname of ['/', '/r/lobby', '/socket.io/socket.io.esm.min.js']) {
    assert.equal((await request(at(pathname))).status, 200, pathname);
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
});
