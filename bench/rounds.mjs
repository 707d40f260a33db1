// Rounds of measurements, interleaved: in each round every server is measured once, each time in a fresh process.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { Problem } from '../scripts/project.mjs';
import { ROOT } from '../tests/runtime/support/paths.mjs';

const LOAD = path.join(ROOT, 'bench', 'target', 'release', process.platform === 'win32' ? 'load.exe' : 'load');
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Has the load generator do one job with a server that runs; its report. */
export async function load(server, job) {
  const text = JSON.stringify({ ...job, server: { address: new URL(server.url).host, pid: server.pid } });
  const promise = promisify(execFile)(LOAD, [text], { maxBuffer: 16e6 });
  running.add(promise.child);
  try {
    return JSON.parse((await promise).stdout);
  } finally {
    running.delete(promise.child);
  }
}

/** One measurement: the server is started for it, and ends after it. */
async function measureOnce(name, definition, { what, work, vars, answered }) {
  const server = await definition.start({ vars, answered });
  try {
    return await work(server, name);
  } catch (error) {
    throw new Problem(`${name}, ${what}: ${(error.stderr || error.message).trim()}`);
  } finally {
    await server.close();
  }
}

/**
 * Measures each of `servers` so many times by `work(server, name)`: `{name: [report, …]}`. `vars` and `answered` are for `start`. Every other round goes backwards, so that
 * no server always follows the same one.
 */
export async function interleaved(servers, { rounds, ...one }) {
  const reports = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    process.stderr.write(`bench: ${one.what}, round ${round + 1} of ${rounds}\n`);
    const names = Object.keys(servers);
    for (const name of round % 2 ? names.reverse() : names) {
      reports[name].push(await measureOnce(name, servers[name], one));
    }
  }
  return reports;
}
