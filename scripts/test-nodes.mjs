// Other releases of Node and npm than the machine's own, in which the tests run the project's commands.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, root, say, toolsDir } from './project.mjs';
import { outerPath, runLogged } from './run.mjs';

/** npm's own archives, and what the registry said of each when it was chosen. */
const NPMS = {
  '10.9.9': 'sha512-1g+6jLQvaIuB4zwvHL7yrXuXcWZwDsCtBX8bbWDqbvJSSr9nPiDDWTHNgwXR27iIcTTW7v3A57hDW9RYv2W4Yg==',
  '11.21.2': 'sha512-7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==',
};

/** npm's program of this release. */
async function ensureNpm(version, integrity) {
  const folder = join(toolsDir, `npm-${version}`);
  const program = join(folder, 'package', 'bin', 'npm-cli.js');
  if (existsSync(program)) return program;
  say(`downloading npm ${version} for the tests …`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await runLogged(`npm-${version}`, 'npm', ['pack', `npm@${version}`, '--pack-destination', folder, '--loglevel=error'], { cwd: folder, env: { PATH: outerPath() } });
  const archive = join(folder, `npm-${version}.tgz`);
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity) throw new Problem(`npm ${version} is not the one that is pinned in scripts/test-nodes.mjs: its archive has ${found}.`);
  await runLogged(`npm-${version}-unpack`, 'tar', ['-xzf', archive, '-C', folder]);
  return program;
}

/** A Node that npm has installed in this folder under a name that begins so, or nothing where there is none for this platform. */
function nodeIn(modules, prefix) {
  const name = readdirSync(modules).find((each) => each.startsWith(prefix));
  return name && join(modules, name, 'bin', 'node');
}

/** The programs under the names of variables for the tests; Node of 24 is installed with the other runtimes. */
export async function ensureNodes() {
  const [npm10, npm11] = await Promise.all(Object.entries(NPMS).map(([version, integrity]) => ensureNpm(version, integrity)));
  return {
    ROOMCAST_NODE_22: nodeIn(join(root, 'node_modules'), 'node-') ?? process.execPath,
    ROOMCAST_NODE_24: nodeIn(join(toolsDir, 'runtimes', 'node_modules'), 'node-24-') ?? process.execPath,
    ROOMCAST_NPM_10: npm10,
    ROOMCAST_NPM_11: npm11,
  };
}
