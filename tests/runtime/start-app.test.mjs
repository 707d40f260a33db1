// `npm start -- --app <name>`: refuses what it doesn't know in one line, and runs an example on the port that it is given.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Client } from './support/clients.mjs';
import { npmStart } from './support/npm-start.mjs';
import { ROOT } from './support/paths.mjs';
import { roomcastOnly } from './support/target.mjs';
import { PATIENCE } from './support/wait.mjs';
import { freshRoom, request } from './support/wire.mjs';

const EXAMPLES = ['dashboard', 'echo', 'game', 'tutorial', 'whiteboard'];

/** What it prints on the way to its end. */
function refused(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'scripts/start.mjs'), ...args],
    { encoding: 'utf8', timeout: PATIENCE, env: { ...process.env, npm_lifecycle_event: '' } });
  assert.equal(status, 1, stdout + stderr);
  assert.equal(stdout, '');
  return stderr.trim();
}

test('each example has its page, its server and its name in the settings', () => {
  const folders = readdirSync(path.join(ROOT, 'public/examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(folders.map(({ name }) => name).sort(), EXAMPLES);
  for (const name of EXAMPLES) {
    assert.ok(existsSync(path.join(ROOT, `public/examples/${name}/index.html`)), name);
    assert.ok(existsSync(path.join(ROOT, `src/examples/${name}.rs`)), name);
    assert.match(readFileSync(path.join(ROOT, 'wrangler.toml'), 'utf8'), new RegExp(`^#.*"${name}"`, 'm'));
  }
});

test('a name that is none, and other arguments, are refused in one line', () => {
  const list = `it is one of chat, ${EXAMPLES.join(', ')}.`;
  assert.equal(refused('--app', 'paint'), `roomcast: there is no app 'paint': ${list}`);
  assert.equal(refused('--app', ''), `roomcast: there is no app '': ${list}`);
  for (const args of [['--app'], ['--ap', 'echo'], ['echo']]) {
    const line = refused(...args);
    assert.match(line, /^roomcast: .*: npm start takes only '-- --app <name>'\.$/);
  }
});

test('npm start -- --app echo runs the echo', { skip: roomcastOnly }, async (t) => {
  const page = (url) => request(new URL('/r/echo', url)).then(({ status, body }) => status === 200 && body, () => undefined);
  const server = await npmStart(t, ['--', '--app', 'echo'], page, 'npm start to serve the room\'s page');
  assert.match(server.found, /<title>Echo<\/title>/);
  const start = await request(new URL('/', server.url));
  assert.equal(start.body, server.found, 'the app has its page at / too');
  assert.ok(server.output().includes(`open ${server.url}/r/echo`), server.output());
  const client = await Client.connect(t, server, freshRoom());
  client.socket.emit('message', 'hello');
  assert.equal(await client.next('message'), 'hello');
  client.socket.close(); // before the server goes: it would try to come back
});
