// Crates with a Worker of their own: worker-build and cargo as they call them; what would be downloaded is what this project has already.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { workerBuildProgram, workerBuildVariables } from '../../../scripts/rust-tools.mjs';
import { ROOT } from './paths.mjs';

/**
 * What such crates depend on, compiled once. It isn't the project's own folder: cargo gives a library that is a `cdylib` too the same file
 * name whatever its features are, so a roomcast without its default features would be taken for the one with them.
 */
const TARGET = path.join(ROOT, 'target', 'apps');
const TARGET_WITH_DEFAULTS = path.join(ROOT, 'target', 'apps-with-defaults');

/** Builds the crate in this folder into its `build/`. Resolves to `{code, output}`. */
export const workerBuild = (folder) => run(folder, workerBuildProgram(), ['--release'], workerBuildVariables());

/** Runs the tests of the crate in this folder. Resolves to `{code, output}`. */
export const cargoTest = (folder) => run(folder, 'cargo', ['test']);

/** Checks a crate whose roomcast has its default features. Resolves to `{code, output}`. */
export const checkWithDefaults = (folder) => run(folder, 'cargo', ['check', '--lib'], { CARGO_TARGET_DIR: TARGET_WITH_DEFAULTS });

function run(folder, program, args, variables = {}) {
  const env = { ...process.env, CARGO_TARGET_DIR: TARGET, CARGO_NET_OFFLINE: 'true', ...variables };
  return new Promise((resolve) => {
    execFile(program, args, { cwd: folder, env, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code ?? 1 : 0, output: stdout + stderr }));
  });
}
