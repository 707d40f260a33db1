// Medians, ranges and ratios, as cells of tables; and what stands above them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { table } from '../scripts/table.mjs';
import { ROOT } from '../tests/runtime/support/paths.mjs';
import { WORKERD } from '../tests/runtime/support/server.mjs';

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A number with three significant digits. */
export function digits(value) {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** The median, and the range where there are several values. */
function spread(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return values.length === 1 ? digits(values[0]) : `${digits(median(values))} (${digits(least)}–${digits(most)})`;
}

/** What a server is compared with: each of roomcast's with its floors, and another build's with this one's. */
function basesOf(name) {
  const [app, label] = name.split('@');
  return label ? [app] : ({ chat: ['floor-row', 'least-chat'], tutorial: ['floor'], relay: ['floor'] }[app] ?? []);
}

/**
 * A table with a row a server, of what `columns` (titles and values) take from each of its reports. The last column compares the
 * medians of the first one. `mark(name)` stands behind a server's title.
 */
export function serverTable(title, servers, reports, columns, mark = () => '') {
  const [[, first]] = columns;
  const middle = (name) => median(reports[name].map(first));
  const rows = Object.entries(reports).map(([name, all]) => {
    const ratios = basesOf(name).filter((base) => reports[base]).map((base) => `${(middle(name) / middle(base)).toFixed(2)} × ${servers[base].title}`);
    return [servers[name].title + mark(name), ...columns.map(([, value]) => spread(all.map(value))), ratios.join(', ')];
  });
  return table([title, ...columns.map(([name]) => name), `${columns[0][0].split(',')[0]} compared`], rows);
}

const output = (program, args) => execFileSync(program, args, { encoding: 'utf8' }).trim();
const versionOf = (name) => JSON.parse(readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version;

/** When, on what, and with which versions. */
export function heading({ rounds, seconds }) {
  const [cpu] = cpus();
  return [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${cpu.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB:`,
    `${output(WORKERD, ['--version'])}, socket.io ${versionOf('socket.io')} on Node ${process.versions.node}, partyserver ${versionOf('partyserver')},`,
    `${output('rustc', ['--version']).replace(/ \(.*/, '')}; ${rounds} interleaved round${rounds === 1 ? '' : 's'} of ${seconds} s.`,
  ].join('\n');
}
