// A checkout of its own in which scripts may find something wrong, as it is after a build. Its path has blanks and letters beyond ASCII.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toolsDir } from '../../../scripts/project.mjs';
import { wasmBindgenProgram, workerBuildProgram } from '../../../scripts/rust-tools.mjs';
import { start } from '../../runtime/support/processes.mjs';
import { ROOT } from '../../runtime/support/paths.mjs';

const COPIED = ['.cargo', 'Cargo.lock', 'Cargo.toml', 'build', 'package-lock.json', 'package.json', 'public', 'rust-toolchain.toml', 'scripts', 'src', 'tests', 'wrangler.toml'];

/** The folder of a tool that is installed. */
const installed = (program) => path.dirname(path.dirname(program));

/** Makes one, which goes with the test; returns its folder. */
export function checkout(t) {
  const above = mkdtempSync(path.join(tmpdir(), 'roomcast-mein räum-'));
  t.after(() => rmSync(above, { recursive: true, force: true }));
  const folder = path.join(above, 'room cast');
  mkdirSync(path.join(folder, '.tools'), { recursive: true });
  for (const name of COPIED.filter((name) => existsSync(path.join(ROOT, name)))) {
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  const ofTests = readdirSync(toolsDir).filter((name) => /^(python|runtimes|proxies|npm-)/.test(name)).map((name) => path.join(toolsDir, name));
  for (const tool of [installed(workerBuildProgram()), installed(wasmBindgenProgram()), ...ofTests]) {
    symlinkSync(tool, path.join(folder, path.relative(ROOT, toolsDir), path.basename(tool)));
  }
  return folder;
}

/** The environment of a program that no npm around it steers. */
export function plainEnvironment(extra = {}) {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_TEST_CONTEXT$/.test(name));
  return { ...Object.fromEntries(own), WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1', CI: '1', ...extra };
}

/** Runs a program there to its end: `{end, output}`. */
export async function run(t, folder, program, args, env = plainEnvironment()) {
  const running = start(program, args, { cwd: folder, env });
  t.after(() => running.stop());
  const end = await running.exited;
  return { end, output: running.output() };
}

/** Runs one of Node's programs there to its end. */
export const node = (t, folder, args, env) => run(t, folder, process.execPath, args, env);
