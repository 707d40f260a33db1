// Long-running programs: started in a process group of their own, and ended with all their children.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { sleep } from './wait.mjs';

/** Below those that systems give to clients, which would take a port between its choice and its use. */
const [FIRST_PORT, LAST_PORT] = [10_000, 32_000];

/** A port that is free right now. */
export async function freePort() {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) return port;
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Starts a program; `output()` is what it has printed, `exited` its end, and `stop()` ends it and whatever it started. */
export function start(program, args, options) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(`exited with ${code ?? signal}`));
  });
  const signal = (name) => {
    try {
      process.kill(-child.pid, name);
    } catch {
      // the whole group is gone already
    }
  };
  return {
    exited,
    output: () => output.slice(-4_000),
    async stop() {
      if (child.pid === undefined) return;
      signal('SIGTERM');
      await Promise.race([exited, sleep(8_000)]);
      signal('SIGKILL'); // children that outlived it
    },
  };
}
