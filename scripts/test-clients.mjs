// The clients of other runtimes and languages that the tests run, each pinned: by its lock file, or in a file of requirements.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from './debian.mjs';
import { root, say, toolsDir } from './project.mjs';
import { outerPath, outputOf, runLogged } from './run.mjs';

/** Runs `make` unless it was done with the same files; a folder that is half made is made anew. */
export async function madeFrom(folder, files, make) {
  const digest = createHash('sha256');
  for (const file of files) digest.update(readFileSync(file));
  const [stampFile, stamp] = [join(folder, '.made-from'), digest.digest('hex')];
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await make();
  writeFileSync(stampFile, stamp);
}

/** A program that is another one with more in its environment: what tests start by one path. */
export function wrapper(file, program, env) {
  const lines = Object.entries(env).map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`);
  writeFileSync(file, `#!/bin/sh\n${lines.join('')}exec '${program.replaceAll("'", "'\\''")}' "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

/**
 * Bun and Deno. Their packages' scripts aren't run: they only move the program out of the package for this platform, and npm asks
 * before it runs any.
 */
export async function ensureRuntimes() {
  const folder = join(toolsDir, 'runtimes');
  const files = ['package.json', 'package-lock.json'].map((name) => join(root, 'tests', 'other-runtimes', name));
  await madeFrom(folder, files, async () => {
    say('installing Bun and Deno for the tests (a download of some 90 MB) …');
    for (const file of files) copyFileSync(file, join(folder, file.split(/[\\/]/).at(-1)));
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await runLogged('npm-runtimes', 'npm', args, { cwd: folder, env: { PATH: outerPath() } });
  });
  const packages = (scope) => readdirSync(join(folder, 'node_modules', scope)).sort().map((name) => join(folder, 'node_modules', scope, name));
  return { ROOMCAST_BUN: join(packages('@oven')[0], 'bin', 'bun'), ROOMCAST_DENO: join(packages('@deno')[0], 'deno') };
}

const requirementsFor = (name) => join(root, 'tests', `requirements-${name}.txt`);

/** A Python that has the packages of such a file in front of those of `python`, the tests' own. */
async function pinnedPython(name, python, folder) {
  const packages = join(folder, 'packages');
  const args = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--no-deps', '--target', packages, '-r', requirementsFor(name)];
  await runLogged(`python-${name}`, python, args);
  wrapper(join(folder, 'python'), python, { PYTHONPATH: packages });
}

/** Debian's Python with Debian's package of the client, or null where that isn't to be had. */
async function debianPython(folder) {
  const [python, packages] = ['/usr/bin/python3', join(folder, 'usr', 'lib', 'python3', 'dist-packages')];
  const names = ['python3-socketio', 'python3-requests', 'python3-websocket', 'python3-aiohttp'];
  if (!existsSync(python) || !(await unpackPackages(names, folder))) return null;
  const env = { PYTHONPATH: packages };
  return (await outputOf(python, ['-c', 'import socketio, requests, websocket, aiohttp'], { env })) === null ? null : wrapper(join(folder, 'python'), python, env);
}

/** Older clients for Python: Debian's, and one of 2021. `python` is the tests' own. */
export async function ensureOldPythons(python) {
  const env = {};
  for (const name of ['debian', '5.4']) {
    const folder = join(toolsDir, `python-${name}`);
    await madeFrom(folder, [requirementsFor(name)], async () => {
      say(`installing an older Socket.IO client for Python for the tests (${name}; a few seconds) …`);
      if (name !== 'debian' || !(await debianPython(folder))) await pinnedPython(name, python, folder);
    });
    env[`ROOMCAST_PYTHON_${name.toUpperCase().replace('.', '_')}`] = join(folder, 'python');
  }
  return env;
}
