// Messages in rooms: what a message costs the server for each receiver, and how long it takes. Each part is a list of cells, which
// are measured on all servers that can do them.
import { interleaved, load } from '../rounds.mjs';
import { digits, serverTable } from '../cells.mjs';

/** So many bytes, as tables say it. */
const size = (bytes) => (bytes < 1_024 ? `${bytes} B` : `${digits(bytes / 1_024)} KB`);

/** Each size of a room with each size of a payload, by the options or as given. */
const cellsOf = (options, { rooms, payloads }, more = {}) =>
  (options.rooms ?? rooms).flatMap((people) => (options.payloads ?? payloads).map((bytes) => ({ people, bytes, ...more })));

const CELLS = {
  fanout: (options) => cellsOf(options, options.quick ? { rooms: [2, 20], payloads: [64] } : { rooms: [2, 20, 100, 1_000], payloads: [64] }),
  payloads: (options) => cellsOf(options, { rooms: [20], payloads: [1_024, 65_536] }),
  binary: (options) => cellsOf(options, { rooms: [20], payloads: [64, 1_024, 65_536] }, { binary: true }),
  polling: (options) => cellsOf(options, { rooms: [20], payloads: [64] }, { transport: 'polling' }),
  deflate: (options) => cellsOf(options, { rooms: [20], payloads: [1_024] }, { deflate: true }),
  many: (options) => cellsOf(options, { rooms: [4], payloads: [64] }, { rooms: options.quick ? 20 : 500, senders: 1, inFlight: 1 }),
  large: (options) => cellsOf(options, { rooms: [options.quick ? 200 : 5_000], payloads: [64] }),
};

function titleOf({ people, bytes, binary, transport, deflate, rooms }) {
  const kind = `${size(bytes)}${binary ? ' binary' : ''}${transport ? `, ${transport}` : ''}${deflate ? ', permessage-deflate offered' : ''}`;
  return `${rooms ? `${rooms} rooms of ` : ''}${people.toLocaleString('en-US')} people, ${kind}`;
}

/** From so many bytes on, a sender has one message on its way at a time: more would be in buffers than roomcast lets a room leave unread. */
const LARGE_PAYLOAD = 32_768;

/** From so many people on, a message takes so long that warm-up and measurement are three times as long. */
const LARGE_ROOM = 1_000;

/** What the load generator is to do in such a cell. */
function job(definition, { people, bytes, binary = false, transport = 'websocket', deflate = false, rooms = 1, senders, inFlight }, options) {
  const times = people >= LARGE_ROOM ? 3 : 1;
  return {
    dialect: definition.dialect(people),
    transport,
    deflate,
    payload: { bytes, binary },
    task: {
      fanout: {
        rooms,
        people,
        senders: Math.min(senders ?? options.senders, people),
        in_flight: inFlight ?? (bytes >= LARGE_PAYLOAD ? 1 : options.inFlight),
        rate: options.rate,
        warmup_ms: options.warmupMs * times,
        measure_ms: Math.round(options.seconds * 1_000) * times,
      },
    },
  };
}

function isAble(server, { bytes, binary, transport }) {
  return Boolean(binary ? server.binary : server.text) && (transport !== 'polling' || server.polling) && (server.longest ?? Infinity) >= bytes;
}

/** Measures one cell on all servers that can do it. A message that is lost or doubled ends the benchmark. */
function measureCell(servers, shape, options) {
  return interleaved(Object.fromEntries(Object.entries(servers).filter(([, server]) => isAble(server, shape))), {
    what: titleOf(shape),
    rounds: options.rounds,
    work: async (server, name) => {
      const report = await load(server, job(servers[name], shape, options));
      if (report.missing || report.strays) throw new Error(`${report.missing} receipts are missing, ${report.strays} are too many`);
      return report;
    },
  });
}

/** What is told of each measurement. */
const VALUES = [
  ['CPU a receipt, µs', (report) => report.cpuUsPerDelivery],
  ['messages a second', (report) => report.messagesASecond],
  ['latency, median, ms', (report) => report.latencyMs.p50],
  ['latency, 99 %, ms', (report) => report.latencyMs.p99],
  ['resident memory, MB', (report) => report.residentMb],
];

function cellTable({ shape, reports }, servers) {
  const compressed = (name) => (shape.deflate && reports[name].every((report) => report.compressed) ? ' (compressed)' : '');
  return serverTable(titleOf(shape), servers, reports, VALUES, compressed);
}

/** Runs the cells of such a part. */
export const messages = (part) => async (servers, options) => {
  const cells = [];
  const few = part === 'large' ? { ...options, rounds: Math.min(options.rounds, 3) } : options;
  for (const shape of CELLS[part](options)) cells.push({ shape, reports: await measureCell(servers, shape, few) });
  return { measured: cells, tables: cells.map((cell) => cellTable(cell, servers)) };
};
