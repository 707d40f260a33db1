// The matrix of clients: each stock client, over each transport, through each feature of the protocol that it has. A test's
// name is "matrix: <client> <transport>: <feature>"; the table of results goes to .artifacts/matrix.json as well.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Socket as EngineSocket } from 'engine.io-client';
import { programFrom, run, TRANSPORTS } from './support/clients.mjs';
import { featuresOf, FOREIGN_ORIGIN } from './support/features.mjs';
import { ROOT } from './support/paths.mjs';
import { cuttable, KINDS, plain } from './support/peers.mjs';
import { AS_DEPLOYED, onReference, serverFor } from './support/target.mjs';
import { Inbox, PATIENCE } from './support/wait.mjs';
import { ECHO, freshRoom } from './support/wire.mjs';

const INTERVAL = 1_000; // the shortest at which roomcast does as it does in production
const vars = { APP: 'conformance', ALLOW_EIO3: 'true', PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: 20_000 };
const serversFor = (more) => ({
  plain: serverFor({ ...vars, ...more }),
  recovering: serverFor({ ...vars, ...AS_DEPLOYED, ...more }),
  foreign: serverFor({ ...vars, ...more, CORS_ORIGIN: `https://other.example,${FOREIGN_ORIGIN}`, CORS_CREDENTIALS: 'true' }),
  websocketOnly: serverFor({ ...vars, ...more, TRANSPORTS: 'websocket' }),
});
const plainServers = serversFor({});
const msgpackServers = serversFor({ PARSER: 'msgpack' });

const results = {};
after(() => {
  const folder = path.join(ROOT, 'tests/runtime/.artifacts');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `matrix${onReference ? '-reference' : ''}.json`), `${JSON.stringify(results, null, 2)}\n`);
});

/** One cell of the matrix. */
function cell(client, transport, feature, body) {
  const row = ((results[client] ??= {})[transport] ??= {});
  row[feature] = 'failed';
  test(`matrix: ${client} ${transport}: ${feature}`, async (t) => {
    await body(t);
    row[feature] = 'ok';
  });
}

for (const [client, kind] of Object.entries(KINDS)) {
  describe(client, { concurrency: 4 }, () => {
    const servers = kind.options?.parser ? msgpackServers : plainServers;
    for (const transport of Object.keys(TRANSPORTS)) {
      for (const [feature, { run: attempt, expected, server = 'plain' }] of featuresOf(kind)) {
        cell(client, transport, feature, async (t) =>
          assert.deepEqual(await attempt(t, servers[server], kind, transport), expected(kind, transport)));
      }
    }
  });
}

/**
 * The cells of a client outside of this process: all its features in one process, since starting that takes longer than they do. It
 * prints a line of JSON for each, and the name of a server behind "cut" or "restore" for the proxy in front of that one.
 */
function elsewhere(client, features, command) {
  describe(client, { concurrency: true }, () => {
    for (const transport of Object.keys(TRANSPORTS)) {
      describe(transport, () => {
        const lines = {};
        let failure;
        before(async () => {
          const [addresses, proxies] = [{}, {}];
          for (const [name, server] of Object.entries(plainServers)) {
            proxies[name] = await cuttable({ after }, server);
            addresses[name] = { url: server.url, proxy: proxies[name].url };
          }
          const onOutput = (chunk) => {
            for (const [, word, name] of String(chunk).matchAll(/^(cut|restore) (\w+)$/gm)) proxies[name][word]();
          };
          const [program, ...args] = command(transport, JSON.stringify(addresses));
          const output = await run({ after }, program, args, { ms: 8 * PATIENCE, onOutput }).catch((error) => (failure = error, ''));
          for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
            const { feature, ...result } = JSON.parse(line);
            lines[feature] = result;
          }
        });
        for (const [feature, expected] of Object.entries(features)) {
          cell(client, transport, feature, () => {
            if (!lines[feature]) throw failure ?? new Error(`it printed nothing of ${feature}`);
            const printed = JSON.parse(JSON.stringify(expected(transport, lines))); // without what is undefined
            assert.deepEqual(lines[feature], { got: printed });
          });
        }
      });
    }
  });
}

const expectedBy = (kind) => Object.fromEntries(featuresOf(kind).map(([feature, { expected }]) => [feature, (transport) => expected(kind, transport)]));
const fileOf = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));

// The newest client for JavaScript in other runtimes than Node, which bring WebSockets and HTTP of their own.
describe('other runtimes', { concurrency: true }, () => {
  const RUNTIMES = {
    Bun: () => [programFrom('ROOMCAST_BUN', 'Bun'), '--no-install'],
    Deno: () => [programFrom('ROOMCAST_DENO', 'Deno'), 'run', '--allow-all', '--no-lock', '--cached-only'],
  };
  for (const [name, program] of Object.entries(RUNTIMES)) {
    elsewhere(`socket.io-client 4.8 in ${name}`, expectedBy(KINDS['socket.io-client 4.8']), (transport, addresses) =>
      [...program(), fileOf('runtime_matrix.mjs'), transport, addresses]);
  }
});

describe('Python', { concurrency: 2 }, () => {
  // Its own words for the end of a connection; before 5.12 it doesn't tell why.
  const gone = (reason, { version }) => (Number(version.got.split('.')[1]) < 12 ? 'disconnect' : `disconnect: ${reason}`);
  const features = (version) => ({
    ...expectedBy({}),
    version: (transport, lines) => (lines.version.got.startsWith(version) ? lines.version.got : version),
    'server disconnect': (transport, lines) => {
      const kicked = gone('server disconnect', lines);
      return { left: kicked, stays: ['still here'], kicked, engine: 'disconnected' };
    },
    reconnection: (transport, lines) => ({ lost: gone('transport error', lines), newId: true, alive: ['back'] }),
    // The reference offers recovery to every client, so that this one's handlers get an offset.
    ...(!onReference && { 'one argument': () => 'from one handler to another' }),
  });
  const PYTHONS = {
    'python-socketio 5.18': { variable: 'ROOMCAST_PYTHON', version: '5.18.' },
    'python-socketio of Debian': { variable: 'ROOMCAST_PYTHON_DEBIAN', version: '5.' },
    'python-socketio 5.4': { variable: 'ROOMCAST_PYTHON_5_4', version: '5.4.' },
  };
  for (const [client, { variable, version }] of Object.entries(PYTHONS)) {
    for (const which of ['threads', 'asyncio']) {
      elsewhere(`${client} (${which})`, features(version), (transport, addresses) =>
        [programFrom(variable, `a Python that has ${client}`), fileOf('python_matrix.py'),
          which, TRANSPORTS[transport].join(), addresses, 2.5 * INTERVAL, freshRoom()]);
    }
  }
});

// Engine.IO alone: no namespaces, acks or reconnection to try, but bytes and text, and the end of a connection.
const requireFrom25 = createRequire(createRequire(import.meta.url).resolve('socket.io-client-25'));
const ENGINES = {
  'engine.io-client 6.6': (url, options) => new EngineSocket(url, options),
  'engine.io-client 3.5': requireFrom25('engine.io-client'),
};

for (const [client, create] of Object.entries(ENGINES)) {
  describe(client, { concurrency: 4 }, () => {
    for (const transport of Object.keys(TRANSPORTS)) {
      const open = async (t, url = plainServers.plain.url) => {
        const socket = create(url, { path: ECHO, transports: TRANSPORTS[transport] });
        t.after(() => socket.close());
        const inbox = new Inbox('the client');
        for (const event of ['open', 'upgrade', 'close']) socket.on(event, () => inbox.push(event));
        socket.on('error', (error) => inbox.push(`error: ${error.message}`));
        socket.on('message', (data = '') => inbox.push({ data })); // an empty one comes as `undefined`
        assert.equal(await inbox.next('the connection to open'), 'open');
        if (transport === 'upgrade') assert.equal(await inbox.next('the upgrade'), 'upgrade');
        return { socket, inbox };
      };

      cell(client, transport, 'connect', async (t) => {
        const { socket } = await open(t);
        assert.equal(socket.transport.name, transport === 'polling' ? 'polling' : 'websocket');
      });

      cell(client, transport, 'events', async (t) => {
        const { socket, inbox } = await open(t);
        const texts = ['hello', '', 'zwei ✓ 👩‍🚀', 'x'.repeat(100_000), '5:4abc'];
        for (const text of texts) socket.send(text);
        for (const text of texts) assert.deepEqual(await inbox.next(`the echo of ${text.slice(0, 9)}`), { data: text });
      });

      cell(client, transport, 'binary', async (t) => {
        const { socket, inbox } = await open(t);
        const messages = [Buffer.from([0, 1, 127, 128, 255]), 'text between', Buffer.alloc(0), Buffer.alloc(50_000, 0xfe)];
        for (const message of messages) socket.send(message);
        for (const message of messages) assert.deepEqual(plain(await inbox.next('the echo')), { data: plain(message) });
      });

      cell(client, transport, 'heartbeat', async (t) => {
        const { socket, inbox } = await open(t);
        const beats = new Inbox('the heart of the client');
        socket.on('packet', ({ type }) => ['ping', 'pong'].includes(type) && beats.push('beat'));
        for (const which of ['first', 'second']) await beats.next(`the ${which} heartbeat`);
        socket.send('alive');
        assert.deepEqual(await inbox.next('the echo'), { data: 'alive' });
      });

      cell(client, transport, 'connection cut', async (t) => {
        const proxy = await cuttable(t, plainServers.plain);
        const { inbox } = await open(t, proxy.url);
        proxy.cut();
        await inbox.until((item) => item === 'close', 'the client to be told');
        proxy.restore();
        await open(t, proxy.url);
      });
    }
  });
}
