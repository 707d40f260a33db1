// The commands need nothing but the prerequisites: no variables, no home directory, and no path that a shell has no trouble with.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { cargoBin } from '../../scripts/home.mjs';
import { outerPath } from '../../scripts/run.mjs';
import { programFrom } from '../runtime/support/clients.mjs';
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

/** A folder with this Node and this npm under their usual names. */
function folderWith(folder, node, npm) {
  mkdirSync(folder);
  symlinkSync(node, path.join(folder, 'node'));
  writeFileSync(path.join(folder, 'npm'), `#!/bin/sh\nexec "${node}" "${npm}" "$@"\n`);
  chmodSync(path.join(folder, 'npm'), 0o755);
  return folder;
}

describe('with the releases of Node and npm that people have', { skip: roomcastOnly || process.platform === 'win32' }, () => {
  for (const [nodeMajor, npmMajor] of [[22, 10], [24, 11]]) {
    test(`Node ${nodeMajor} and npm ${npmMajor}: the build is found to be ready, and a test runs`, async (t) => {
      const folder = checkout(t);
      const [node, npm] = [programFrom(`ROOMCAST_NODE_${nodeMajor}`, 'Node'), programFrom(`ROOMCAST_NPM_${npmMajor}`, 'npm')];
      const programs = folderWith(path.join(folder, 'programs'), node, npm);
      const env = { PATH: `${programs}${path.delimiter}${PATH}`, HOME: homedir() };
      const version = await run(t, folder, 'npm', ['--version'], env);
      assert.match(version.output, new RegExp(`^${npmMajor}\\.`));
      const build = await run(t, folder, 'npm', ['run', '--silent', 'build'], env);
      assert.deepEqual(build, READY);
      const tested = await run(t, folder, 'npm', ['test', '--', 'tests/runtime/cookie.test.mjs'], env);
      assert.match(tested.output, /^[1-9]\d* passed, 0 failed$/m);
    });
  }
});
