// Counts what an idle and a busy room do, by their own counters (the setting DEBUG), and works out the price.
import { readdirSync, readFileSync } from 'node:fs';
import { countersOf, growth, IdleCrowd } from '../tests/runtime/support/idle-crowd.mjs';
import { sleep } from '../tests/runtime/support/wait.mjs';
import { startWorkerd } from '../tests/runtime/support/workerd.mjs';
import { amount, money, priceOf } from './costs-prices.mjs';
import { table } from './table.mjs';

const INTERVAL_MS = 25_000;
const INTERVALS = 4;
const IDLE_PEOPLE = 50;
const BUSY_PEOPLE = 20;
const MESSAGES_A_SECOND = 10;
const BUSY_INTERVALS = 2;
/** What is old is deleted, which is billed like writing: the busy room has so little of it that it deletes as much as it writes. */
const KEPT = 100;
const HOURS_A_MONTH = 730;
const HOUR = 3_600;
/** What a room that slept is taken to be awake for at each wake-up, in seconds: its start, its work, and its writes made safe. */
const AWAKE_SECONDS = 0.03;
/** The platform counts so many messages of WebSockets as one request. */
const FRAMES_A_REQUEST = 20;

/** Processor time of a process so far, in ms; not a number where the system doesn't tell. */
function processorMs(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanoseconds = threads.map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]));
    return nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1e6;
  } catch {
    return NaN;
  }
}

/** What happens in a room of so many people while `during` goes on, which begins when they have come and `settle` is over. */
async function measure(server, room, people, settle, during) {
  const closers = [];
  try {
    const crowd = await IdleCrowd.gather({ after: (close) => closers.push(close) }, server, room, { wires: people, clients: 0 });
    const coming = await countersOf(server, room);
    await settle(crowd);
    const snapshot = async () => ({ ...(await countersOf(server, room)), pongs: crowd.pings().reduce((a, b) => a + b, 0), processorMs: processorMs(server.pid) });
    const before = await snapshot();
    const started = Date.now();
    const said = await during(crowd);
    const after = await snapshot();
    return { ...growth(before, after), said, seconds: (Date.now() - started) / 1_000, bytes: after.databaseBytes, coming };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** The people speak in turns, for so many intervals. */
async function talk(crowd, intervals) {
  const total = (MESSAGES_A_SECOND * intervals * INTERVAL_MS) / 1_000;
  const started = Date.now();
  for (let n = 0; n < total; n += 1) {
    await sleep(started + (n * 1_000) / MESSAGES_A_SECOND - Date.now());
    crowd.wires[n % crowd.wires.length].send(`421["message",{"text":"Message ${n}, of an ordinary length for a chat.","id":"${started}-${n}"}]`);
  }
  return total;
}

/** What is billed for. Each alarm is taken to set the next one, which is a row written that the room's database can't count. */
const usage = ({ requests, alarms, messages, pongs, rowsRead, rowsWritten }, awake) => ({
  requests: requests + alarms + (messages + pongs) / FRAMES_A_REQUEST,
  rowsRead,
  rowsWritten: rowsWritten + alarms,
  awake,
});

const times = (one, factor) => Object.fromEntries(Object.entries(one).map(([name, value]) => [name, value * factor]));

function idleTable(idle) {
  const measured = usage(idle, idle.wakeUps * AWAKE_SECONDS);
  const hour = times(measured, HOUR / idle.seconds);
  const month = times(hour, HOURS_A_MONTH);
  const price = priceOf(month);
  const perHour = HOUR / idle.seconds;
  const counted = (what, count) => [what, amount(count), amount(count * perHour), amount(count * perHour * HOURS_A_MONTH), ''];
  return table(
    [`idle: ${IDLE_PEOPLE} people, nobody speaks`, `counted in ${Math.round(idle.seconds)} s`, 'an hour', `a month (${HOURS_A_MONTH} h)`, 'price a month'],
    [
      counted('wake-ups (all of them alarms that ping)', idle.wakeUps),
      counted('pongs, which wake nobody', idle.pongs),
      ['requests', amount(measured.requests), amount(hour.requests), amount(month.requests), money(price.requests)],
      ['rows read', amount(measured.rowsRead), amount(hour.rowsRead), amount(month.rowsRead), money(price.rowsRead)],
      ['rows written', amount(measured.rowsWritten), amount(hour.rowsWritten), amount(month.rowsWritten), money(price.rowsWritten)],
      ['seconds awake (assumed)', amount(measured.awake), amount(hour.awake), amount(month.awake), money(price.duration)],
      ['together', '', '', '', `**${money(price.total)}**`],
    ],
  );
}

function busyTable(busy) {
  const measured = usage(busy, busy.seconds); // awake all the time
  const thousand = times(measured, 1_000 / busy.said);
  const hour = times(measured, HOUR / busy.seconds);
  const [price, hourly] = [priceOf(thousand), priceOf(hour)];
  const row = (what, name, bill = name) => [what, amount(measured[name]), amount(thousand[name]), money(price[bill]), amount(hour[name]), money(hourly[bill])];
  return table(
    [`busy: ${BUSY_PEOPLE} people, ${MESSAGES_A_SECOND} messages a second`, `counted in ${Math.round(busy.seconds)} s, ${busy.said} messages`,
      '1,000 messages', 'price', 'an hour of it', 'price'],
    [
      row('requests', 'requests'),
      row('rows read', 'rowsRead'),
      row('rows written', 'rowsWritten'),
      row('seconds awake (assumed)', 'awake', 'duration'),
      ['together', '', '', `**${money(price.total)}**`, '', `**${money(hourly.total)}**`],
    ],
  );
}

function assumptions(idle, busy) {
  const each = (name) => amount(idle.coming[name] / IDLE_PEOPLE);
  const processor = Number.isNaN(idle.processorMs)
    ? '' : ` (workerd used ${amount(idle.processorMs / idle.wakeUps)} ms of processor time a wake-up here, and ${amount(busy.processorMs / busy.said)} ms a message)`;
  return [
    'Prices beyond what the paid plan includes (1 M requests, 400,000 GB-s, 25 billion rows read, 50 M rows written); storage is '
      + `$0.20 per GB and month, and the idle room takes ${amount(idle.bytes / 1e3)} kB.`,
    `Requests are HTTP requests, alarms, and WebSocket messages from clients ÷ ${FRAMES_A_REQUEST}. Cloudflare doesn't say whether pongs `
      + 'that the platform answers count; here they do. Each HTTP request and each new WebSocket is a request to the Worker as well.',
    'Rows written are those of the room’s database, and one for each alarm, which sets the next. The busy room deletes as many old '
      + 'messages as come in, which is billed like writing.',
    `Time awake is billed at 128 MB. The idle room is taken to be awake ${AWAKE_SECONDS * 1_000} ms at each wake-up${processor}; `
      + 'the busy one all the time, which is the most that it can be.',
    `Each person who comes takes, on the average: requests ${each('requests')}, messages ${each('messages')}, rows read ${each('rowsRead')}, rows written ${each('rowsWritten')}.`,
  ].map((line) => `- ${line}`).join('\n');
}

const server = await startWorkerd({ vars: { DEBUG: 'true', PING_INTERVAL_MS: INTERVAL_MS, LOG_MAX_EVENTS: KEPT, HISTORY_MESSAGES: KEPT } });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1)); // workerd ends with this process
try {
  const busy = await measure(server, 'busy', BUSY_PEOPLE, (crowd) => talk(crowd, 1), (crowd) => talk(crowd, BUSY_INTERVALS));
  const idle = await measure(server, 'idle', IDLE_PEOPLE, () => sleep(INTERVAL_MS), () => sleep(INTERVALS * INTERVAL_MS));
  console.log(`\n${idleTable(idle)}\n\n${busyTable(busy)}\n\n${assumptions(idle, busy)}`);
} finally {
  await server.close();
}
