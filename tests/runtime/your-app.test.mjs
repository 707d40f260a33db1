// The app of docs/your-app.md: its files as they stand there, built by worker-build, with the page in a browser and the page's own test.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { blocksOf } from '../docs/markdown.mjs';
import { launch } from './support/browser.mjs';
import { run } from './support/clients.mjs';
import { ROOT } from './support/paths.mjs';
import { startRoomcast } from './support/server.mjs';
import { roomcastOnly } from './support/target.mjs';
import { within } from './support/wait.mjs';
import { freshRoom, request } from './support/wire.mjs';
import { workerBuild } from './support/worker-build.mjs';

const BUILD_PATIENCE = 600_000;
const TEST = 'tests/counter.test.mjs';
const ADDRESS = 'http://127.0.0.1:8787';
const CLIENT = 'node_modules/socket.io-client/dist/socket.io.esm.min.js';

/** The files of the page, in a folder of their own; but roomcast is this checkout. */
function writeFiles(folder) {
  const files = Object.fromEntries(blocksOf('docs/your-app.md').filter(({ file }) => file).map(({ file, code }) => [file, code]));
  const git = /git = "[^"]*"/;
  assert.match(files['Cargo.toml'], git);
  files['Cargo.toml'] = files['Cargo.toml'].replace(git, `path = ${JSON.stringify(ROOT)}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  // What is compiled for the repository's own Worker is the same as here.
  copyFileSync(path.join(ROOT, 'Cargo.lock'), path.join(folder, 'Cargo.lock'));
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  copyFileSync(path.join(ROOT, CLIENT), path.join(folder, 'public', path.basename(CLIENT)));
  return files;
}

describe('the app of docs/your-app.md', { skip: roomcastOnly }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'roomcast-your-app-'));
  let files;
  let server;

  before(async () => {
    files = writeFiles(folder);
    const { code, output } = await within(workerBuild(folder), 'worker-build', BUILD_PATIENCE);
    assert.equal(code, 0, output);
    server = await startRoomcast({ project: folder, bundle: path.join(folder, 'build'), roomClass: 'Room' });
  }, { timeout: BUILD_PATIENCE });
  after(async () => {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('names the build tool’s version that this project uses', () => {
    const { config } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    assert.ok(files['wrangler.toml'].includes(`worker-build --version ${config.workerBuild} --locked`));
  });

  test('passes its own test', async (t) => {
    assert.ok(files[TEST].includes(ADDRESS));
    writeFileSync(path.join(folder, TEST), files[TEST].replace(ADDRESS, server.url));
    // Within a test, node takes another one for a part of it, unless this says otherwise.
    const output = await run(t, 'env', ['-u', 'NODE_TEST_CONTEXT', process.execPath, '--test', '--test-reporter=tap', path.join(folder, TEST)]);
    assert.match(output, /^# pass 1$/m);
  });

  test('shows its pages, which work in a browser', async (t) => {
    assert.equal((await request(new URL('/', server.url))).body, files['public/index.html']);
    const browser = await launch();
    t.after(() => browser.close());
    const url = new URL(`/r/${freshRoom()}`, server.url).href;
    const pages = [];
    for (const _ of [1, 2]) {
      const page = await browser.newPage();
      await page.goto(url);
      await page.getByText('0', { exact: true }).waitFor();
      pages.push(page);
    }
    await pages[0].getByRole('button').click();
    for (const page of pages) await page.getByText('1', { exact: true }).waitFor();
  });
});
