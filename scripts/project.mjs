// What every step needs to know of the project: its folders, the pinned versions, and how
// to say a line or to give up with one.
//
// Versions are pinned in package.json alone: npm's packages in its dependencies, worker-build
// in its "config". wasm-bindgen's version is read from Cargo.lock, since the tool and the
// library must be the same.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const toolsDir = join(root, '.tools');
export const logsDir = join(toolsDir, 'logs');
export const npmBin = join(root, 'node_modules', '.bin');

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A reason to give up that the user can act on: shown as one line, without a stack. */
export class Problem extends Error {}

export function say(line) {
  console.log(`roomcast: ${line}`);
}

/** Runs an entry point's main function; its result is the exit code. */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(`roomcast: ${error.message}`);
    process.exitCode = 1;
  }
}

export function workerBuildVersion() {
  return manifest.config.workerBuild;
}

export function wasmBindgenVersion() {
  const lockFile = join(root, 'Cargo.lock');
  if (!existsSync(lockFile)) throw new Problem('Cargo.lock is missing: it belongs to the repository, so restore it (git checkout Cargo.lock).');
  const found = /name = "wasm-bindgen"\r?\nversion = "([^"]+)"/.exec(readFileSync(lockFile, 'utf8'));
  if (!found) throw new Problem('Cargo.lock has no entry for wasm-bindgen: restore it (git checkout Cargo.lock).');
  return found[1];
}

/** True when version `have` ("1.95.0") is at least `want` ("1.91"). */
export function atLeast(have, want) {
  const h = have.split('.').map(Number);
  const w = want.split('.').map(Number);
  for (let i = 0; i < w.length; i++) {
    if ((h[i] || 0) !== w[i]) return (h[i] || 0) > w[i];
  }
  return true;
}
