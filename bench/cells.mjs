// Medians, ranges and ratios, as cells of tables; and what stands above them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { ROOT } from '../tests/runtime/support/paths.mjs';
import { WORKERD } from '../tests/runtime/support/server.mjs';

export function median(values) {
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
export function spread(values) {
  if (values.length === 0) return '–';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return values.length === 1 ? digits(values[0]) : `${digits(median(values))} (${digits(least)}–${digits(most)})`;
}

/** How many times the median of one is that of the other. */
export const ratio = (values, base) => (values?.length && base?.length ? (median(values) / median(base)).toFixed(2) : '–');

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
