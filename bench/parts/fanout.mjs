// Messages in a room: what a message costs the server for each receiver, and how long it takes.
import { interleaved, load } from '../rounds.mjs';
import { ratio, spread, table } from '../tables.mjs';

const ROOMS = [2, 20, 100, 1_000];
const PAYLOADS = [64];

/** The job of one cell: `rooms` rooms of `people` each, in which some keep messages on their way. */
function job(definition, { people, bytes, binary = false, transport = 'websocket', deflate = false, rooms = 1 }, options) {
  return {
    dialect: definition.dialect(people),
    transport,
    deflate,
    payload: { bytes, binary },
    task: {
      fanout: {
        rooms,
        people,
        senders: Math.min(options.senders, people),
        in_flight: options.inFlight,
        rate: options.rate,
        warmup_ms: Math.round(options.seconds * 500),
        measure_ms: Math.round(options.seconds * 1_000),
      },
    },
  };
}

/** Measures one cell on all servers that can do it. A message that is lost or doubled ends the benchmark. */
export async function cell(servers, shape, what, options) {
  const able = Object.fromEntries(Object.entries(servers).filter(([, server]) => (server.longest ?? Infinity) >= shape.bytes));
  return interleaved(able, {
    what,
    rounds: options.rounds,
    work: async (server, name) => {
      const report = await load(server, job(able[name], shape, options));
      if (report.missing || report.strays) throw new Error(`${report.missing} receipts are missing, ${report.strays} are too many`);
      return report;
    },
  });
}

/** A table of several cells: a row a cell and a column a server, of what `value` takes from each report. */
export function cellTable(title, servers, cells, value, compared) {
  const names = Object.keys(servers);
  const rows = cells.map(({ what, reports }) => {
    const values = (name) => reports[name]?.map(value);
    return [what, ...names.map((name) => spread(values(name) ?? [])), ...compared.map(([a, b]) => ratio(values(a), values(b)))];
  });
  const titleOf = (name) => servers[name].title;
  return table([title, ...names.map(titleOf), ...compared.map(([a, b]) => `${titleOf(a)} ÷ ${titleOf(b)}`)], rows);
}

/** The pairs whose ratio is told: each of ours to its floor, and another build to this one. */
export function comparisons(servers) {
  const pairs = Object.keys(servers).flatMap((name) => {
    const [app, label] = name.split('@');
    if (label) return [[name, app]];
    if (app === 'chat') return [[name, 'floor-row']];
    return app === 'tutorial' ? [[name, 'floor']] : [];
  });
  return pairs.filter(([a, b]) => servers[a] && servers[b]);
}

export async function fanout(servers, options) {
  const cells = [];
  for (const people of options.rooms ?? (options.quick ? [2, 20] : ROOMS)) {
    for (const bytes of options.payloads ?? PAYLOADS) {
      const what = `${people.toLocaleString('en-US')} people, ${bytes} B`;
      cells.push({ what, reports: await cell(servers, { people, bytes }, what, options) });
    }
  }
  const pairs = comparisons(servers);
  return {
    measured: cells,
    tables: [
      cellTable('server CPU a receipt, µs', servers, cells, (report) => report.cpuUsPerDelivery, pairs),
      cellTable('messages a second', servers, cells, (report) => report.messagesASecond, []),
      cellTable('latency, median, ms', servers, cells, (report) => report.latencyMs.p50, []),
      cellTable('latency, 99th percentile, ms', servers, cells, (report) => report.latencyMs.p99, []),
    ],
  };
}
