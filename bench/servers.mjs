// The servers that are compared: how each is started, and how the load generator speaks to it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { ROOT } from '../tests/runtime/support/paths.mjs';
import { freePort } from '../tests/runtime/support/processes.mjs';
import { DEPLOYED } from '../tests/runtime/support/server.mjs';
import { PATIENCE, sleep, within } from '../tests/runtime/support/wait.mjs';
import { request } from '../tests/runtime/support/wire.mjs';
import { startWorkerd } from '../tests/runtime/support/workerd.mjs';

const own = (name) => path.join(ROOT, 'bench', 'servers', name);
const PARTYSERVER = path.join(ROOT, '.tools', 'bench', 'partyserver');

const raw = (prefix) => ({ kind: 'raw', path: `${prefix}/{room}`, event: '{payload}' });
const socketIo = (prefix, event, more) => ({ kind: 'socket-io', path: prefix, event, ...more });
const OURS = '/r/{room}/socket.io/?recovery=1';
/** Everybody who joins the chat is announced to all: in a larger room only so many do, and the others listen as the tutorial's clients. */
export const MOST_MEMBERS = 1_000;
const SPEAKERS = 4;
const MEMBER = '{"name":"Person {n}","key":"key-of-person-number-{n}"}';

/**
 * By name:
 * - `title`: its name in tables.
 * - `start(options)`: runs it, with options of `startWorkerd` besides; the result has `pid`, `url` and `close()`.
 * - `dialect(people)`: how the load generator speaks to it in a room of so many.
 * - `asked`: an event that is answered without having joined, where it isn't that of the dialect.
 * - `text`, `binary`, `polling`: what it can do, besides WebSocket; `longest`: the bytes of a payload that it takes at most.
 * - `first(room)`: a request that reaches the room.
 */
const SERVERS = {
  floor: floor('floor', {}),
  'floor-row': floor('floor + row', { ROWS: 'true' }),
  'least-chat': {
    title: 'least chat',
    start: (options) => startWorkerd({ bundle: own('least-chat'), ...options }),
    dialect: chatDialect,
    text: true,
    longest: 4_000,
    first: firstOfOurs,
  },
  'socket.io': {
    title: 'socket.io on Node',
    start: startSocketIo,
    dialect: () => socketIo('/socket.io/?room={room}', '["message",{payload}]'),
    text: true,
    binary: true,
    polling: true,
  },
  partyserver: {
    title: 'partyserver',
    start: (options) => startWorkerd({ bundle: PARTYSERVER, ...options }),
    dialect: () => raw('/parties/rooms'),
    text: true,
    binary: true,
  },
};

/** The platform's floor, with these variables. */
function floor(title, vars) {
  return {
    title,
    start: (options) => startWorkerd({ bundle: own('floor'), ...options, vars: { ...options?.vars, ...vars } }),
    dialect: () => raw('/room'),
    text: true,
    binary: true,
    first: (room) => `/room/${room}/hop`,
  };
}

function firstOfOurs(room) {
  return `/r/${room}/socket.io/?EIO=4&transport=polling`;
}

/** Members speak. */
function chatDialect(people) {
  return socketIo(OURS, '["message",{"text":{payload},"id":"{id}"}]', { auth: MEMBER, authenticated: people > MOST_MEMBERS ? SPEAKERS : people });
}

/** roomcast's own, of the build in this folder. */
const ours = (folder) => ({
  chat: {
    title: 'chat',
    start: (options) => startWorkerd({ bundle: folder, ...options }),
    dialect: chatDialect,
    asked: '["createdMessage",{"author":"Ada","message":{payload}}]',
    text: true,
    polling: true,
    longest: 4_000,
    first: firstOfOurs,
  },
  tutorial: {
    title: 'tutorial',
    start: startApp(folder, 'tutorial'),
    dialect: () => socketIo(OURS, '["createdMessage",{"author":"Ada","message":{payload}}]'),
    text: true,
    polling: true,
    first: firstOfOurs,
  },
  // No example broadcasts bytes; the app of the protocol's test suites passes on any arguments.
  relay: {
    title: 'relay',
    start: startApp(path.join(folder, 'conformance'), 'conformance-without-recovery'),
    dialect: () => socketIo(OURS, '["broadcast",{payload}]'),
    binary: true,
  },
});

/** An app without recovery, of the bundle in this folder. */
function startApp(bundle, app) {
  return ({ vars, ...options } = {}) => startWorkerd({ bundle, vars: { ...vars, APP: app, RECOVERY_MS: '0' }, ...options });
}

/** All servers; those of another build of roomcast are `chat@label` and so on. */
export function allServers(builds) {
  const servers = { ...SERVERS, ...ours(DEPLOYED) };
  for (const { label, folder } of builds) {
    for (const [name, server] of Object.entries(ours(folder))) servers[`${name}@${label}`] = { ...server, title: `${server.title} (${label})` };
  }
  return servers;
}

/** Bundles what needs it. */
export async function prepareServers() {
  if (existsSync(path.join(PARTYSERVER, 'index.js'))) return;
  mkdirSync(PARTYSERVER, { recursive: true });
  await build({
    entryPoints: [path.join(own('partyserver'), 'index.js')], outfile: path.join(PARTYSERVER, 'index.js'), bundle: true, minify: true,
    format: 'esm', target: 'es2022', external: ['cloudflare:*', 'node:*'], logLevel: 'error',
  });
}

async function startSocketIo() {
  const port = await freePort();
  const child = spawn(process.execPath, [own('socket-io.mjs'), String(port)], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_ENV: 'production' } });
  const orphan = () => child.kill('SIGKILL');
  process.on('exit', orphan);
  const exited = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(`socket.io ended with ${code ?? signal}`));
  });
  const server = {
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    async close() {
      child.kill('SIGKILL');
      await exited;
      process.off('exit', orphan);
    },
  };
  const listening = async () => {
    while (child.exitCode === null) {
      try {
        return await request(new URL('/', server.url), { patience: 1_000 });
      } catch {
        await sleep(20); // not yet
      }
    }
    throw new Error(await exited);
  };
  await within(listening(), 'socket.io to listen', PATIENCE);
  return server;
}
