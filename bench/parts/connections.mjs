// What it takes to connect: over WebSocket, with the memory that a connection takes; by polling up to the first ack; to wake a
// room that sleeps; and to start.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { table } from '../../scripts/table.mjs';
import { DEPLOYED } from '../../tests/runtime/support/server.mjs';
import { interleaved, load } from '../rounds.mjs';
import { digits, serverTable } from '../cells.mjs';

const PAYLOAD = { bytes: 64 };
/** The runtime takes a room out of memory after 10 s of silence. */
const SLEEP_MS = 12_000;
/** A ping in between would wake the room. */
const NO_PINGS = { PING_INTERVAL_MS: '300000' };
const SETTLE_MS = 1_000;

const withTrait = (servers, trait) => Object.fromEntries(Object.entries(servers).filter(([, server]) => server[trait]));

/** WebSockets that connect, sixteen at a time. Nobody joins the chat. */
export async function connect(servers, options) {
  const sizes = options.rooms ?? (options.quick ? [20] : [100, 1_000]);
  const [measured, tables] = [[], []];
  for (const people of sizes) {
    const what = `connecting ${people.toLocaleString('en-US')} WebSockets`;
    const reports = await interleaved(withTrait(servers, 'text'), {
      what,
      rounds: options.rounds,
      work: (server, name) => load(server, {
        dialect: { ...servers[name].dialect(people), authenticated: 0 },
        transport: 'websocket',
        payload: PAYLOAD,
        task: { connect: { people, settle_ms: SETTLE_MS } },
      }),
    });
    measured.push({ people, reports });
    tables.push(serverTable(what, servers, reports, [
      ['ms', (report) => report.seconds * 1e3],
      ['CPU a connection, ms', (report) => report.cpuMsPerConnection],
      ['resident memory a connection, kB', (report) => report.residentKbPerConnection],
    ]));
  }
  return { measured, tables };
}

/** Five requests one after the other: open, CONNECT, its answer, an event, its ack. The floors answer five bare requests. */
export async function exchange(servers, options) {
  const times = options.quick ? 5 : 100;
  const hops = ['/room/bench/hop', '/room/bench/hop', '/room/bench/hop', '/room/bench/hop', '/room/bench/row'];
  const what = 'connect and one ack by polling';
  const able = Object.fromEntries(Object.entries(servers).filter(([name, server]) => server.polling || name.startsWith('floor')));
  const reports = await interleaved(able, {
    what,
    rounds: options.rounds,
    work: (server, name) => {
      const { polling, dialect, asked } = servers[name];
      const task = polling ? { exchange: { times } } : { requests: { paths: hops, times } };
      const spoken = dialect(2);
      return load(server, { dialect: { ...spoken, event: asked ?? spoken.event }, transport: 'polling', payload: PAYLOAD, task });
    },
  });
  const columns = [['ms, median', (report) => report.medianMs], ['CPU, ms', (report) => report.cpuMs]];
  return { measured: reports, tables: [serverTable(`${what} (5 requests; floors: 5 bare ones)`, servers, reports, columns)] };
}

/** One message for everybody in a room that has slept. */
export async function wake(servers, options) {
  const [people] = options.rooms ?? [options.quick ? 100 : 5_000];
  const what = `one message wakes ${people.toLocaleString('en-US')} sleeping sockets`;
  const reports = await interleaved(withTrait(servers, 'text'), {
    what,
    rounds: Math.min(options.rounds, 3),
    vars: NO_PINGS,
    work: (server, name) => load(server, {
      dialect: servers[name].dialect(people),
      transport: 'websocket',
      payload: PAYLOAD,
      task: { wake: { people, sleep_ms: SLEEP_MS } },
    }),
  });
  const columns = [
    ['last receipt, ms', (report) => report.lastMs], ['median receipt, ms', (report) => report.latencyMs.p50], ['CPU, ms', (report) => report.cpuMs],
  ];
  return { measured: reports, tables: [serverTable(what, servers, reports, columns)] };
}

/** The first answer of a process that only listens, and then the first of another room. */
export async function start(servers, options) {
  const what = 'first answers';
  const reports = await interleaved(withTrait(servers, 'first'), {
    what,
    rounds: options.rounds,
    answered: false,
    work: async (server, name) => {
      const ask = (room) => load(server, {
        dialect: servers[name].dialect(2), transport: 'polling', payload: PAYLOAD, task: { requests: { paths: [servers[name].first(room)], times: 1 } },
      });
      const [first, other] = [await ask('one'), await ask('other')];
      return { first, other };
    },
  });
  const columns = [['fresh isolate, ms', ({ first }) => first.medianMs], ['another room then, ms', ({ other }) => other.medianMs]];
  return { measured: reports, tables: [serverTable(what, servers, reports, columns)] };
}

/** What is deployed, in bytes. */
export async function size(servers, options) {
  const builds = [{ label: 'this build', folder: DEPLOYED }, ...options.builds];
  const measured = builds.map(({ label, folder }) => {
    const files = ['index_bg.wasm', 'index.js'].map((name) => {
      const bytes = readFileSync(path.join(folder, name));
      return { name, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
    });
    return { label, files };
  });
  const rows = measured.flatMap(({ label, files }) => files.map(({ name, raw, gzip }) => [`${name}, ${label}`, digits(raw / 1e3), digits(gzip / 1e3)]));
  return { measured, tables: [table(['size, kB', 'raw', 'gzip -9'], rows)] };
}
