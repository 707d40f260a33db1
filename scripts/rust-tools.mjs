// The Rust side's tools: the wasm target, worker-build, and the wasm-bindgen tool that matches
// the library. Each lands in a folder of .tools named after its version, by a rename at the very
// end: a folder that is there is whole, and an interrupted set-up is simply run again.
//
// They are compiled from crates.io: cargo checks each crate against the checksum in the tool's lock file. worker-build's is in
// its package, and wasm-bindgen's is in scripts/wasm-bindgen.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, npmBin, root, say, toolsDir, wasmBindgenVersion, workerBuildVersion } from './project.mjs';
import { outputOf, runLogged } from './run.mjs';

const exe = process.platform === 'win32' ? '.exe' : '';
const cargoCache = join(toolsDir, 'cargo-target');

export function workerBuildProgram() {
  return join(toolsDir, `worker-build-${workerBuildVersion()}`, 'bin', `worker-build${exe}`);
}

export function wasmBindgenProgram() {
  return join(toolsDir, `wasm-bindgen-${wasmBindgenVersion()}`, 'bin', `wasm-bindgen${exe}`);
}

/**
 * The programs that worker-build uses, as the variables that name them to it: npm's are those of package-lock.json. It would download
 * one that is missing, and check nothing.
 */
export function workerBuildVariables() {
  const npms = (name) => join(npmBin, process.platform === 'win32' ? `${name}.cmd` : name);
  const variables = { ESBUILD_BIN: npms('esbuild'), WASM_OPT_BIN: npms('wasm-opt'), WASM_BINDGEN_BIN: wasmBindgenProgram() };
  const missing = Object.values(variables).find((program) => !existsSync(program));
  if (missing) throw new Problem(`${missing} is missing: remove the folder node_modules, then run this again.`);
  return variables;
}

export async function ensureWasmTarget() {
  const target = 'wasm32-unknown-unknown';
  const sysroot = await outputOf('rustc', ['--print', 'sysroot']);
  if (sysroot && existsSync(join(sysroot, 'lib', 'rustlib', target))) return;
  if ((await outputOf('rustup', ['--version'])) === null) {
    throw new Problem(`Rust's ${target} target is missing, and so is rustup, which installs it: get rustup from https://rustup.rs, then run this again.`);
  }
  say(`adding Rust's ${target} target with rustup (a download of some 20 MB) …`);
  await runLogged('rustup-target', 'rustup', ['target', 'add', target]);
}

/** Compiles a tool from crates.io without optimisation: quick to build, and fast enough for its work. */
async function cargoInstall(name, program, folder, args) {
  const staged = `${folder}.new`;
  rmSync(staged, { recursive: true, force: true });
  await runLogged(name, 'cargo', [
    'install', ...args, '--bin', program, '--debug', '--config', 'profile.dev.debug=0', '--root', staged, '--target-dir', cargoCache,
  ], { cwd: toolsDir, env: { CARGO_BUILD_TARGET: undefined, CARGO_TARGET_DIR: undefined, RUSTFLAGS: undefined } });
  rmSync(folder, { recursive: true, force: true });
  renameSync(staged, folder);
}

async function installWorkerBuild() {
  const version = workerBuildVersion();
  say(`compiling worker-build ${version} from crates.io (1 to 3 minutes) …`);
  await cargoInstall('worker-build', 'worker-build', join(toolsDir, `worker-build-${version}`), ['worker-build', '--version', version, '--locked']);
}

async function installWasmBindgen() {
  const version = wasmBindgenVersion();
  say(`compiling wasm-bindgen ${version} from crates.io (about 1 minute) …`);
  await cargoInstall('wasm-bindgen', 'wasm-bindgen', join(toolsDir, `wasm-bindgen-${version}`), ['--path', join(root, 'scripts', 'wasm-bindgen'), '--locked']);
}

export function rustToolsReady() {
  return existsSync(workerBuildProgram()) && existsSync(wasmBindgenProgram());
}

/** One after the other: both share their compiled dependencies. */
export async function installRustTools() {
  if (rustToolsReady()) return;
  mkdirSync(toolsDir, { recursive: true });
  if (!existsSync(workerBuildProgram())) await installWorkerBuild();
  if (!existsSync(wasmBindgenProgram())) await installWasmBindgen();
  rmSync(cargoCache, { recursive: true, force: true });
  const current = [`worker-build-${workerBuildVersion()}`, `wasm-bindgen-${wasmBindgenVersion()}`];
  for (const name of readdirSync(toolsDir)) {
    if (/^(worker-build|wasm-bindgen)-/.test(name) && !current.includes(name)) rmSync(join(toolsDir, name), { recursive: true, force: true });
  }
}

/** Compiles the crate with the very command that worker-build uses, so that the latter finds it done. */
export async function compileCrate(options) {
  await runLogged('compile', 'cargo', ['build', '--locked', '--lib', '--release', '--target', 'wasm32-unknown-unknown', ...options], {
    cwd: root,
    env: { WASM_BINDGEN_USE_JS_SYS: '1' },
  });
}
