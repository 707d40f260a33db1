// The clients of other runtimes and languages that the tests run, each pinned: by its lock file, or in a file of requirements.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, say, toolsDir } from './project.mjs';
import { outerPath, runLogged } from './run.mjs';

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
