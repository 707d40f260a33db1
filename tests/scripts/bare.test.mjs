// The commands need nothing but the prerequisites: no variables, no home directory, and no path that a shell has no trouble with.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { cargoBin } from '../../scripts/home.mjs';
import { outerPath } from '../../scripts/run.mjs';
import { freePort, start } from '../runtime/support/processes.mjs';
import { roomcastOnly } from '../runtime/support/target.mjs';
import { eventually } from '../runtime/support/wait.mjs';
import { request } from '../runtime/support/wire.mjs';
import { checkout, node, run } from './support/checkout.mjs';

const READY = { end: 'exited with 0', output: 'roomcast: the bundle is ready (build/, public/).\n' };

/** Where the machine itself has this program: its first folder on the PATH that isn't cargo's. */
function folderOf(program) {
  const folders = outerPath().split(path.delimiter).filter((folder) => !folder.includes('node_modules') && folder !== cargoBin());
  return folders.find((folder) => existsSync(path.join(folder, program)));
}

/** A PATH without cargo's folder, if that is a folder of its own. */
const PATH = [...new Set([folderOf('npm'), folderOf('node'), '/usr/bin', '/bin'])].filter(Boolean).join(path.delimiter);

describe('with nothing but the prerequisites', { skip: roomcastOnly || process.platform === 'win32' }, () => {
  test('npm test runs in a folder with blanks and an umlaut, without a variable but PATH and HOME', async (t) => {
    const folder = checkout(t);
    const { end, output } = await run(t, folder, 'npm', ['test', '--', 'tests/runtime/cookie.test.mjs'], { PATH, HOME: homedir() });
    assert.equal(end, 'exited with 0', output);
    assert.match(output, /^[1-9]\d* passed, 0 failed$/m);
  });

  test('npm start serves there', async (t) => {
    const port = await freePort();
    const server = start('npm', ['start'], { cwd: checkout(t), env: { PATH, HOME: homedir(), PORT: String(port), CI: '1' } });
    t.after(() => server.stop());
    let ended;
    server.exited.then((how) => (ended = how));
    const status = await eventually(() => {
      if (ended) throw new Error(`npm start ${ended}: ${server.output()}`);
      return request(`http://127.0.0.1:${port}/healthz`).then(({ status }) => status, () => undefined);
    }, () => `npm start to answer; it printed ${server.output()}`, 60_000);
    assert.equal(status, 200);
  });

  for (const [name, home] of [['without HOME', () => ({})], ['where HOME is no folder', (folder) => ({ HOME: path.join(folder, 'gone') })]]) {
    test(`the build works ${name}`, async (t) => {
      const folder = checkout(t);
      const toolchain = cargoBin() ?? '';
      assert.deepEqual(await node(t, folder, ['scripts/build.mjs'], { PATH: `${PATH}${path.delimiter}${toolchain}`, ...home(folder) }), READY);
      assert.ok(!existsSync(path.join(folder, 'gone')), 'nothing is written there');
    });
  }
});
