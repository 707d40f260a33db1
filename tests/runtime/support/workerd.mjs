// roomcast in plain `workerd serve`: one process, with nothing in front of it, that can be killed in the middle of anything
// and started again on the same storage and port. It serves rooms, not the page's files.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './paths.mjs';
import { freePort } from './processes.mjs';
import { bindingsFrom, bundleFor, ROOM_CLASS, WORKERD, wranglerConfig } from './server.mjs';
import { PATIENCE, sleep, within } from './wait.mjs';
import { request } from './wire.mjs';

/**
 * Starts it on `port` of 127.0.0.1 (by default one that is free) with its rooms stored in `folder` (by default one that goes
 * with `close()`). `vars` are as for `startRoomcast`; `entry` is the source of a module to run in front of the bundle, which
 * it imports as './index.js'; `v8Flags` are for the engine. The bundle is the one in the folder `bundle`, by default the one that
 * has the app; one without wasm has only index.js. With `answered: false` nothing was requested of it when it is there. The result has
 * - `url`, and the `pid` of the process that is running now;
 * - `kill()`: SIGKILL to that process alone; resolves when it is gone;
 * - `start()`: the same bundle again, on the same storage and port;
 * - `output()`: the end of what it has printed;
 * - `close()`: the end of it all.
 */
export async function startWorkerd({ vars = {}, bundle = bundleFor(vars), folder, port, entry, v8Flags = [], answered = true } = {}) {
  const server = new Workerd(folder ?? mkdtempSync(path.join(tmpdir(), 'roomcast-workerd-')), port ?? (await freePort()));
  server.temporary = folder === undefined;
  server.answered = answered;
  writeConfig(server, { vars, bundle, entry, v8Flags });
  try {
    await server.start();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class Workerd {
  #child;
  #exited;
  #output = '';

  constructor(folder, port) {
    this.folder = folder;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  get pid() {
    return this.#child?.pid;
  }

  output() {
    return this.#output.slice(-4_000);
  }

  async start() {
    const child = spawn(WORKERD, ['serve', path.join(this.folder, 'config.capnp')], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#output += chunk));
    const orphan = () => {
      child.kill('SIGKILL');
      this.#removeFolder();
    };
    process.on('exit', orphan); // no process outlives the tests
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.on('error', (error) => resolve(error.message));
      child.on('exit', (code, signal) => {
        process.off('exit', orphan);
        resolve(`workerd ended with ${code ?? signal}`);
      });
    });
    const up = Promise.race([this.#listening(), this.#exited.then((end) => Promise.reject(new Error(`${end}: ${this.output()}`)))]);
    await within(up, () => `workerd to listen; it printed ${this.output()}`, 4 * PATIENCE);
  }

  async #listening() {
    const child = this.#child;
    while (this.#child === child) {
      try {
        return await (this.answered ? request(new URL('/healthz', this.url), { patience: 1_000 }) : connected(this.port));
      } catch {
        await sleep(20); // not yet
      }
    }
  }

  async kill() {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    child.kill('SIGKILL');
    await within(this.#exited, 'workerd to be gone');
  }

  async close() {
    await this.kill();
    this.#removeFolder();
  }

  #removeFolder() {
    if (this.temporary) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Resolves when this port takes a connection. */
function connected(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy()));
    socket.on('error', reject);
  });
}

/** The folder gets the bundle as well: what starts again is what was killed, even if somebody builds in between. */
function writeConfig({ folder, port }, { vars, bundle, entry, v8Flags }) {
  const config = wranglerConfig();
  mkdirSync(path.join(folder, 'storage'), { recursive: true });
  const files = ['index.js', 'index_bg.wasm'].filter((file) => existsSync(path.join(bundle, file)));
  for (const file of files) copyFileSync(path.join(bundle, file), path.join(folder, file));
  if (entry) writeFileSync(path.join(folder, 'entry.js'), entry);
  const modules = [...(entry ? ['entry.js'] : []), ...files].map((name) => `(name = "${name}", ${name.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed "${name}")`);
  const text = (value) => JSON.stringify(String(value));
  const bindings = Object.entries(bindingsFrom(config, vars)).map(([name, value]) =>
    `(name = ${text(name)}, ${typeof value === 'string' ? `text = ${text(value)}` : `json = ${text(JSON.stringify(value))}`})`);
  // Storage on disk even where it goes afterwards: workerd crashes when an alarm fires in an object that is in memory only.
  writeFileSync(path.join(folder, 'config.capnp'), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "storage", disk = (path = ${text(path.join(folder, 'storage'))}, writable = true)),
    (name = "assets", disk = (path = ${text(path.join(ROOT, 'public'))})),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
  v8Flags = [${v8Flags.map(text).join(', ')}],
);
const worker :Workerd.Worker = (
  compatibilityDate = ${text(config.compatibility_date)},
  compatibilityFlags = [${config.compatibility_flags.map(text).join(', ')}],
  modules = [${modules.join(', ')}],
  durableObjectNamespaces = [(className = "${ROOM_CLASS}", uniqueKey = "rooms", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [
    (name = "ROOMS", durableObjectNamespace = "${ROOM_CLASS}"),
    (name = "ASSETS", service = "assets"),
    ${bindings.join(',\n    ')},
  ],
);
`);
}
