// Makes a Worker's wasm small: after wasm-bindgen, and in place of the pass of wasm-opt that worker-build would run.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { runLogged } from './run.mjs';

/** What rustc and wasm-bindgen use. All others stay off: workerd need not know them. */
const FEATURES = [
  'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'bulk-memory-opt', 'multivalue', 'reference-types', 'exception-handling',
].map((feature) => `--enable-${feature}`);

/** The runtime compiles a function when it is first called. So a large one isn't to become a part of its only caller, which may call it rarely. */
const INLINING = '--one-caller-inline-max-function-size=60';

/**
 * Optimises `index_bg.wasm` in a folder. What is deployed has no names. The same code with the names of its functions stays beside it, in
 * `index_bg.names.wasm`, for whoever reads a stack trace: both number the functions alike.
 *
 * Functions in the order of their names have their like near by, which gzip makes good use of.
 */
export async function shrinkWasm(folder, wasmOpt) {
  const [file, named, bare] = ['index_bg.wasm', 'index_bg.names.wasm', 'index_bg.bare.wasm'].map((name) => join(folder, name));
  const run = (options) => runLogged('wasm-opt', wasmOpt, [...FEATURES, ...options]);
  await run([file, '-Os', INLINING, '--reorder-functions-by-name', '--debuginfo', '--output', named]);
  await run([named, '--strip-debug', '--strip-producers', '--output', bare]);
  renameSync(bare, file);
}
