// The template app, as somebody has it who copied examples/quiz out of the repository.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { npmBin } from '../../../scripts/project.mjs';
import { wasmBindgenProgram, workerBuildProgram } from '../../../scripts/rust-tools.mjs';
import { ROOT } from './paths.mjs';

const TEMPLATE = path.join(ROOT, 'examples/quiz');
/** What a build or a run leaves there is none of it. */
const LEFT_OVERS = ['target', 'build', '.wrangler', 'node_modules', 'Cargo.lock'];

/** A copy in an empty folder, whose dependency is this checkout; `options` are what its Cargo.toml says of the dependency besides. */
export function copyTemplate(options = 'default-features = false') {
  const folder = mkdtempSync(path.join(tmpdir(), 'roomcast-template-'));
  cpSync(TEMPLATE, folder, { recursive: true, filter: (from) => !LEFT_OVERS.includes(path.relative(TEMPLATE, from)) });
  // What is compiled for the repository's own Worker is the same as here, and is compiled once.
  cpSync(path.join(ROOT, 'Cargo.lock'), path.join(folder, 'Cargo.lock'));
  const manifest = path.join(folder, 'Cargo.toml');
  const own = 'roomcast = { path = "../..", default-features = false }';
  const text = readFileSync(manifest, 'utf8');
  if (!text.includes(own)) throw new Error(`${manifest} has no line ${own}`);
  writeFileSync(manifest, text.replace(own, `roomcast = { ${[`path = ${JSON.stringify(ROOT)}`, options].filter(Boolean).join(', ')} }`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs worker-build there, as the template's wrangler.toml has it; resolves to `{code, output}`. */
export function buildTemplate(folder) {
  const bin = (name) => path.join(npmBin, name);
  const tools = { ESBUILD_BIN: bin('esbuild'), WASM_OPT_BIN: bin('wasm-opt'), WASM_BINDGEN_BIN: wasmBindgenProgram() };
  return run(folder, workerBuildProgram(), ['--release'], tools);
}

/** Runs the template's own tests there. */
export const testTemplate = (folder) => run(folder, 'cargo', ['test'], {});

function run(folder, program, args, variables) {
  const env = { ...process.env, CARGO_TARGET_DIR: path.join(ROOT, 'target'), CARGO_NET_OFFLINE: 'true', ...variables };
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
