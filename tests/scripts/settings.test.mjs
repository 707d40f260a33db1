// Wrong settings are found by the build and by `npm start`, each with its sentence, before anything is served or deployed.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { meant } from '../../scripts/settings.mjs';
import { textOf } from '../docs/markdown.mjs';
import { wranglerConfig } from '../runtime/support/server.mjs';
import { roomcastOnly } from '../runtime/support/target.mjs';
import { checkout, node } from './support/checkout.mjs';

const BUILD = 'scripts/build.mjs';
const START = 'scripts/start.mjs';
const WRANGLER = 'node_modules/wrangler/bin/wrangler.js';

/** Writes a wrangler.toml where these lines of [vars] stand in place of those that begin like them, or besides. */
function set(folder, ...lines) {
  const file = path.join(folder, 'wrangler.toml');
  let text = readFileSync(file, 'utf8');
  for (const line of lines) {
    const own = new RegExp(`^${line.split(' ')[0]} = .*$`, 'm');
    text = own.test(text) ? text.replace(own, line) : `${text}${line}\n`;
  }
  writeFileSync(file, text);
}

test('wrangler.toml names every setting with its default', () => {
  const rows = [...textOf('docs/settings.md').matchAll(/^\| `([A-Z_0-9]+)` \| (?:`([^`]*)`|\(empty\)) \|/gm)];
  assert.ok(rows.length > 30, `${rows.length} rows`);
  assert.deepEqual({ ...wranglerConfig().vars }, Object.fromEntries(rows.map(([, name, value]) => [name, value ?? ''])));
});

test('a name is taken for the setting that is near it, and an app\'s own for none', () => {
  const known = Object.keys(wranglerConfig().vars);
  const near = {
    PING_INTERVAL: 'PING_INTERVAL_MS', PING_INTERVALL_MS: 'PING_INTERVAL_MS', ping_interval_ms: 'PING_INTERVAL_MS', PINGTIMEOUT_SECONDS: 'PING_TIMEOUT_MS',
    MAX_PAYLOAD: 'MAX_PAYLOAD_BYTES', 'max-connections': 'MAX_CONNECTIONS', MAX_CONNECTION: 'MAX_CONNECTIONS', CORS_ORIGINS: 'CORS_ORIGIN', COOKIES: 'COOKIE',
    DEBGU: 'DEBUG', app: 'APP', HISTORY_MESAGES: 'HISTORY_MESSAGES', ALLOW_EI03: 'ALLOW_EIO3',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(near).map((name) => [name, meant(name, known)])), near);
  for (const name of ['API', 'APPS', 'KEY', 'LOG', 'ROUND_MS', 'DATABASE_URL', 'GREETING', 'MAX_PLAYERS', 'PING', 'TIMEOUT_MS']) assert.equal(meant(name, known), undefined, name);
});

describe('the build', { skip: roomcastOnly }, () => {
  test('names each setting that is wrong or misspelt, those of other environments too, and leaves an app\'s own alone', async (t) => {
    const folder = checkout(t);
    set(folder, 'COOKIE = ["io"]', 'DEBUG = "maybe"', 'PING_INTERVAL = "1000"', 'GREETING = "hello"', 'LEVELS = [1, 2]', '[env.staging.vars]', 'HISTORY_MESSAGE = 1');
    const { end, output } = await node(t, folder, [BUILD]);
    const lines = [
      'roomcast: wrangler.toml: The setting COOKIE must be the name of a cookie, or empty, but it is "[\\"io\\"]".',
      'wrangler.toml: The setting DEBUG must be false or true, but it is "maybe".',
      'wrangler.toml: There is no setting PING_INTERVAL: did you mean PING_INTERVAL_MS?',
      'wrangler.toml, [env.staging.vars]: There is no setting HISTORY_MESSAGE: did you mean HISTORY_MESSAGES?',
    ];
    assert.deepEqual({ end, output: output.trim().split('\n') }, { end: 'exited with 1', output: lines });
  });

  test('takes unquoted values, an app\'s own variables and no [vars] at all', async (t) => {
    const folder = checkout(t);
    set(folder, 'DEBUG = true', 'MAX_CONNECTIONS = 100', 'GREETING = "hello"');
    const fine = { end: 'exited with 0', output: 'roomcast: the bundle is ready (build/, public/).\n' };
    assert.deepEqual(await node(t, folder, [BUILD]), fine);
    const file = path.join(folder, 'wrangler.toml');
    writeFileSync(file, readFileSync(file, 'utf8').split('[vars]')[0]);
    assert.deepEqual(await node(t, folder, [BUILD]), fine);
  });

  test('fails where rooms would: without their binding, or with storage that isn\'t SQLite', async (t) => {
    const folder = checkout(t);
    const file = path.join(folder, 'wrangler.toml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('name = "ROOMS"', 'name = "ROMS"').replace('new_sqlite_classes', 'new_classes'));
    const { end, output } = await node(t, folder, [BUILD]);
    assert.equal(end, 'exited with 1');
    assert.match(output, /^roomcast: wrangler\.toml: The rooms' objects aren't bound as ROOMS: .*\n/);
    assert.match(output, /^wrangler\.toml: the class ChatRoom must stand in new_sqlite_classes rather than in new_classes/m);
  });

  test('goes on where workerd can\'t run, and says that nothing was checked', async (t) => {
    const folder = checkout(t);
    set(folder, 'DEBUG = "maybe"');
    writeFileSync(path.join(folder, 'build/index.js'), 'no JavaScript');
    const { end, output } = await node(t, folder, [BUILD]);
    assert.equal(end, 'exited with 0');
    assert.match(output, /^roomcast: the settings could not be checked here \(workerd failed\): \/healthz of the running server tells /);
  });

  test('is what wrangler deploy runs first', async (t) => {
    const folder = checkout(t);
    set(folder, 'DEBUG = "maybe"');
    const { end, output } = await node(t, folder, [WRANGLER, 'deploy', '--dry-run', '--outdir', path.join(folder, 'out')]);
    assert.notEqual(end, 'exited with 0');
    assert.match(output, /The setting DEBUG must be false or true, but it is "maybe"\./);
  });
});

test('npm start names what is wrong in .dev.vars, without a secret, and serves nothing', { skip: roomcastOnly }, async (t) => {
  const folder = checkout(t);
  writeFileSync(path.join(folder, '.dev.vars'), 'API_TOKN="s3cret-2f9c"\nKEY="other-2f9c"\nMAX_CONNECTIONS="many"\n');
  const { end, output } = await node(t, folder, [START, '--app', 'echo']);
  const lines = [
    'roomcast: .dev.vars: The setting MAX_CONNECTIONS must be a whole number from 1 to 32768, but it is "many".',
    '.dev.vars: There is no setting API_TOKN: did you mean API_TOKEN?',
  ];
  assert.deepEqual({ end, output: output.trim().split('\n') }, { end: 'exited with 1', output: lines });
});
