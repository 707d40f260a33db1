// Long-running programs: started in a process group of their own, and ended with all their children.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { sleep } from './wait.mjs';

/** A port that is free right now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
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
