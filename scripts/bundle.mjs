// Builds what is deployed: build/ (the Worker, by worker-build) and public/socket.io/ (the stock
// client's bundle, from npm). Tests have a second Worker in build/conformance/, with the app for
// the public protocol suites. Does the set-up that this needs, and nothing when nothing changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { manifest, root, say, wasmBindgenVersion, workerBuildVersion } from './project.mjs';
import { withLock } from './lock.mjs';
import { installNpmPackages } from './npm-packages.mjs';
import { checkPrerequisites } from './prerequisites.mjs';
import { compileCrate, ensureWasmTarget, installRustTools, workerBuildProgram, workerBuildVariables } from './rust-tools.mjs';
import { outputOf, runLogged, stopChildren } from './run.mjs';
import { shrinkWasm } from './wasm.mjs';

// The forms of the client that the reference serves, each with its source map.
const clientFiles = ['socket.io', 'socket.io.min', 'socket.io.esm.min', 'socket.io.msgpack.min'].flatMap((name) => [`${name}.js`, `${name}.js.map`]);

/** A Worker: what to call it, the folder that it is built into, and the features of the crate that it has. */
const DEPLOYED = { name: 'the Worker', folder: 'build', features: [] };
const CONFORMANCE = { name: 'the Worker for the conformance tests', folder: 'build/conformance', features: ['conformance'] };

const stampFile = ({ folder }) => join(root, folder, '.inputs');
const featureOptions = ({ features }) => (features.length ? ['--features', features.join(',')] : []);

function filesUnder(path) {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const inner = join(path, entry.name);
    return entry.isDirectory() ? filesUnder(inner) : [inner];
  });
}

/** A digest of all that a Worker is made from: sources, settings of the build, tools. */
async function inputsDigest(bundle) {
  const files = [...filesUnder(join(root, 'src')), ...filesUnder(join(root, '.cargo'))];
  for (const name of ['Cargo.toml', 'Cargo.lock', 'build.rs', 'rust-toolchain.toml']) {
    if (existsSync(join(root, name))) files.push(join(root, name));
  }
  const hash = createHash('sha256');
  files.push(join(root, 'scripts', 'wasm.mjs'));
  for (const file of files.sort()) hash.update(`${relative(root, file)}\0`).update(readFileSync(file)).update('\0');
  const tools = [workerBuildVersion(), wasmBindgenVersion(), manifest.dependencies.binaryen, manifest.dependencies.esbuild];
  return hash.update([...tools, ...bundle.features, process.env.RUSTFLAGS, await outputOf('rustc', ['--version'])].join('\0')).digest('hex');
}

function bundleReady(bundle, digest) {
  return ['index.js', 'index_bg.wasm'].every((name) => existsSync(join(root, bundle.folder, name)))
    && existsSync(stampFile(bundle)) && readFileSync(stampFile(bundle), 'utf8') === digest;
}

/**
 * The client's files under the reference's names, which a browser asks for again each time, and below its version, which it may
 * keep for ever (public/_headers).
 */
function copyClient() {
  const from = join(root, 'node_modules', 'socket.io-client');
  const to = join(root, 'public', 'socket.io');
  const { version } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  mkdirSync(join(to, version), { recursive: true });
  for (const name of clientFiles) {
    const wanted = readFileSync(join(from, 'dist', name));
    for (const copy of [join(to, name), join(to, version, name)]) {
      // A file that is right stays untouched: wrangler watches this folder.
      if (!existsSync(copy) || !readFileSync(copy).equals(wanted)) writeFileSync(copy, wanted);
    }
  }
  for (const other of readdirSync(to, { withFileTypes: true })) {
    if (other.isDirectory() && other.name !== version) rmSync(join(to, other.name), { recursive: true });
  }
}

async function buildWorker(bundle, digest) {
  rmSync(stampFile(bundle), { force: true });
  say(`building ${bundle.name} with worker-build: wasm-bindgen, wasm-opt, esbuild (10 seconds or more) …`);
  const programs = workerBuildVariables();
  const options = ['--release', '--no-opt', '--out-dir', bundle.folder, '.', '--locked', ...featureOptions(bundle)];
  await runLogged('build', workerBuildProgram(), options, { cwd: root, env: programs });
  await shrinkWasm(join(root, bundle.folder), programs.WASM_OPT_BIN);
  writeFileSync(stampFile(bundle), digest);
}

async function compile(bundle) {
  say(`compiling ${bundle.name} and what it uses to WebAssembly (up to 1 minute the first time) …`);
  await compileCrate(featureOptions(bundle));
}

/** npm waits for the network while cargo keeps the processor busy, so the steps run side by side. */
async function setUpAndBuild(bundles) {
  await checkPrerequisites({ workerBuildMissing: !existsSync(workerBuildProgram()) });
  const stale = [];
  for (const bundle of bundles) {
    const digest = await inputsDigest(bundle);
    if (!bundleReady(bundle, digest)) stale.push({ bundle, digest });
  }
  const steps = [installNpmPackages()];
  if (stale.length) steps.push(ensureWasmTarget().then(() => compile(stale[0].bundle)), installRustTools());
  try {
    await Promise.all(steps);
  } catch (error) {
    // The other steps end too, before the failure is told.
    stopChildren();
    await Promise.allSettled(steps);
    throw error;
  }
  copyClient();
  for (const { bundle, digest } of stale) {
    // Both compile the crate in the same place, so each is built before the next is compiled. What they use is compiled once.
    if (bundle !== stale[0].bundle) await compile(bundle);
    await buildWorker(bundle, digest);
  }
}

/** Builds what is deployed; for tests, also the Worker that has the conformance app. */
export async function ensureBundle({ conformance = false } = {}) {
  await withLock(() => setUpAndBuild(conformance ? [DEPLOYED, CONFORMANCE] : [DEPLOYED]));
}
