// Child processes: started with the project's environment, ended when the script ends.
import { spawn } from 'node:child_process';
import { accessSync, constants, createWriteStream, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cargoBin, homeVariables } from './home.mjs';
import { Problem, atLeast, logsDir, manifest, npmBin, root } from './project.mjs';

const windows = process.platform === 'win32';
const running = new Map(); // child → whether it leads a process group of its own
let interrupted = false;

const stopped = () => new Problem('stopped; run the same command again to go on from here.');

function endChild(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (running.get(child) && !windows) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // It ended in the meantime.
  }
}

function endAll(signal) {
  for (const child of running.keys()) endChild(child, signal);
}

/** Asks every child to end; what has not ended in five seconds is ended by force. */
export function stopChildren(signal = 'SIGTERM') {
  interrupted = true;
  endAll(signal);
  setTimeout(() => endAll('SIGKILL'), 5000).unref();
}

process.on('exit', () => endAll('SIGTERM'));
for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) {
  process.on(signal, () => {
    if (running.size === 0) process.exit(128 + number);
    stopChildren(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
  });
}

// npm passes a signal on to its shell only, and the shell dies of it without a word to us.
if (process.env.npm_lifecycle_event) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && !interrupted) process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

/** Whether the user asked to stop: a child's failure is then no news. */
export function wasInterrupted() {
  return interrupted;
}

/**
 * The folders of Node that package.json asks npm for, one a platform. Not by node_modules/.bin: npm 10 puts no `node` there when packages for
 * other platforms, which have one too, aren't installed.
 */
const nodeFolders = Object.keys(manifest.optionalDependencies).map((name) => join(root, 'node_modules', name, 'bin'));
const ownNode = () => nodeFolders.map((folder) => join(folder, 'node')).find(existsSync);

/** PATH without folders of the project's own node_modules, for `npm ci`, which replaces them. */
export function outerPath() {
  return (process.env.PATH || '').split(delimiter).filter((dir) => dir !== npmBin && !nodeFolders.includes(dir)).join(delimiter);
}

/** PATH on which the project's own Node and tools come first; and cargo is on it, in any case. */
export function innerPath() {
  const folders = outerPath().split(delimiter);
  const cargo = cargoBin();
  if (cargo && !folders.includes(cargo)) folders.push(cargo);
  const node = ownNode();
  return [...(node ? [dirname(node)] : []), npmBin, ...folders].join(delimiter);
}

/** Where a program of this name is, or null. */
export function onPath(name) {
  for (const dir of innerPath().split(delimiter)) {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {
      // Not here.
    }
  }
  return null;
}

/**
 * The Node that runs wrangler and the tests. package.json asks for one from npm, so that a
 * machine's older Node is enough to start with; where npm has none for the platform, the
 * machine's own has to be new enough.
 */
export function projectNode() {
  const own = ownNode();
  if (!windows && own) return realpathSync(own);
  const wanted = '22.12';
  if (!atLeast(process.versions.node, wanted)) {
    throw new Problem(`wrangler needs Node.js ${wanted} or newer, npm has none for ${process.platform}-${process.arch}, and this is ${process.version}: install a newer one from https://nodejs.org.`);
  }
  return process.execPath;
}

function environment(extra) {
  const path = innerPath();
  return { ...process.env, ...(windows ? {} : homeVariables(path)), PATH: path, RUST_BACKTRACE: '0', ...extra };
}

function ended(child, program) {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      running.delete(child);
      reject(error.code === 'ENOENT' ? new Problem(`${program} was not found.`) : error);
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? (signal ? 128 : 1));
    });
  });
}

/** Runs a program that shares the terminal; resolves to its exit code. `onOutput` also gets its standard output. */
export function runShown(program, args, { env = {}, cwd, onOutput } = {}) {
  const child = spawn(program, args, { cwd, env: environment(env), stdio: ['inherit', onOutput ? 'pipe' : 'inherit', 'inherit'] });
  running.set(child, false);
  if (onOutput) {
    child.stdout.on('data', (data) => {
      process.stdout.write(data);
      onOutput(data.toString());
    });
  }
  return ended(child, program);
}

/**
 * Runs a program with its output in a log file, which is shown if the program fails. False where it failed and `excuse`, which is asked
 * with the output, says that this is nothing to fail of.
 */
export async function runLogged(name, program, args, { env = {}, cwd, excuse = () => false } = {}) {
  if (interrupted) throw stopped();
  mkdirSync(logsDir, { recursive: true });
  const logFile = join(logsDir, `${name}.log`);
  const log = createWriteStream(logFile);
  const child = spawn(program, args, { cwd, env: environment(env), detached: !windows, shell: windows, stdio: ['ignore', 'pipe', 'pipe'] });
  running.set(child, true);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const code = await ended(child, program);
  await new Promise((resolve) => log.end(resolve));
  if (interrupted) throw stopped();
  if (code !== 0) {
    const output = readFileSync(logFile, 'utf8');
    if (excuse(output)) return false;
    console.error(output.trimEnd().split('\n').slice(-60).join('\n'));
    throw new Problem(`${name} failed (exit code ${code}); the end of its output is above, all of it in .tools/logs/${name}.log.`);
  }
  return true;
}

/** A program's standard output, or null when it can't be run or fails. */
export async function outputOf(program, args, { env = {} } = {}) {
  const child = spawn(program, args, { env: environment(env), shell: windows, stdio: ['ignore', 'pipe', 'ignore'] });
  running.set(child, false);
  let output = '';
  child.stdout.on('data', (data) => { output += data; });
  try {
    return (await ended(child, program)) === 0 ? output.trim() : null;
  } catch {
    return null;
  }
}
