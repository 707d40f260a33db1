// worker-build, as a crate with a Worker of its own calls it; what it would download is what this project has already.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { npmBin } from '../../../scripts/project.mjs';
import { wasmBindgenProgram, workerBuildProgram } from '../../../scripts/rust-tools.mjs';
import { ROOT } from './paths.mjs';

/** Builds the crate in this folder into its `build/`; what it depends on is compiled once for all. Resolves to `{code, output}`. */
export function workerBuild(folder) {
  const bin = (name) => path.join(npmBin, name);
  const tools = { ESBUILD_BIN: bin('esbuild'), WASM_OPT_BIN: bin('wasm-opt'), WASM_BINDGEN_BIN: wasmBindgenProgram() };
  const env = { ...process.env, CARGO_TARGET_DIR: path.join(ROOT, 'target'), CARGO_NET_OFFLINE: 'true', ...tools };
  return new Promise((resolve) => {
    execFile(workerBuildProgram(), ['--release'], { cwd: folder, env, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code ?? 1 : 0, output: stdout + stderr }));
  });
}
