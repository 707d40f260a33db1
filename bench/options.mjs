// What `npm run bench` may be asked for.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Problem } from '../scripts/project.mjs';

/** The parts, in the order in which they run, and what --help says of each. */
export const PARTS = {
  fanout: 'messages in rooms of 2, 20, 100 and 1,000 people (--rooms), 64 bytes of text (--payloads) over WebSocket',
};

const OPTIONS = {
  only: { type: 'string', about: 'parts, separated by commas' },
  servers: { type: 'string', about: 'servers, separated by commas' },
  rooms: { type: 'string', about: 'sizes of rooms for the part fanout, separated by commas' },
  payloads: { type: 'string', about: 'bytes of a message for the part fanout, separated by commas' },
  rounds: { type: 'string', about: 'rounds, in each of which every server is measured once (5)' },
  seconds: { type: 'string', about: 'seconds that a measurement of messages takes, after a warm-up of half of it (3)' },
  senders: { type: 'string', about: 'people of a room who send (4, or all)' },
  'in-flight': { type: 'string', about: 'messages that each of them has on their way (4)' },
  rate: { type: 'string', about: 'messages a second of all senders together: an open loop, whose latency counts from when a message was due' },
  ours: { type: 'string', multiple: true, about: 'the folder of another build of roomcast, or label=folder: measured beside this one; may be repeated' },
  quick: { type: 'boolean', about: 'one short round of small rooms, to see that it works' },
  json: { type: 'string', about: 'a file for all measurements' },
  help: { type: 'boolean', about: 'this text' },
};

export function help(serverNames) {
  const width = Math.max(...Object.keys(OPTIONS).map((name) => name.length)) + 4;
  return [
    'npm run bench -- [options]: measures roomcast beside other servers, and prints Markdown tables.',
    '',
    ...Object.entries(OPTIONS).map(([name, { about }]) => `  ${`--${name}`.padEnd(width)}${about}`),
    '',
    'Parts:',
    ...Object.entries(PARTS).map(([name, about]) => `  ${name.padEnd(width)}${about}`),
    '',
    `Servers: ${serverNames.join(', ')}.`,
  ].join('\n');
}

/** The options that these arguments ask for. Fails with a sentence that says what there is. */
export function optionsOf(args) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: OPTIONS }));
  } catch (error) {
    throw new Problem(`${error.message.split(/[.\n]/)[0]}: the options are ${Object.keys(OPTIONS).map((name) => `--${name}`).join(', ')}.`);
  }
  const quick = values.quick ?? false;
  return {
    help: values.help ?? false,
    quick,
    json: values.json,
    parts: chosen('part', values.only, Object.keys(PARTS)) ?? Object.keys(PARTS),
    serverNames: values.servers,
    builds: (values.ours ?? []).map(buildOf),
    rooms: numbers('rooms', values.rooms, 2, 30_000),
    payloads: numbers('payloads', values.payloads, 16, 900_000),
    rounds: number('rounds', values.rounds, 1, 1_000) ?? (quick ? 1 : 5),
    seconds: number('seconds', values.seconds, 0.1, 600) ?? (quick ? 0.5 : 3),
    senders: number('senders', values.senders, 1, 1_000) ?? 4,
    inFlight: number('in-flight', values['in-flight'], 1, 1_000) ?? 4,
    rate: number('rate', values.rate, 0.1, 1_000_000) ?? null,
  };
}

/** Names out of those that there are, separated by commas. */
export function chosen(what, text, names) {
  if (text === undefined) return undefined;
  const wanted = text.split(',').map((name) => name.trim());
  const wrong = wanted.find((name) => !names.includes(name));
  if (wrong !== undefined) throw new Problem(`there is no ${what} '${wrong}': there are ${names.join(', ')}.`);
  return names.filter((name) => wanted.includes(name));
}

function number(name, text, least, most) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) throw new Problem(`--${name} is '${text}': it must be a number from ${least} to ${most}.`);
  return value;
}

function numbers(name, text, least, most) {
  const all = text?.split(',').map((each) => number(name, each, least, most));
  const broken = all?.find((each) => !Number.isInteger(each));
  if (broken !== undefined) throw new Problem(`--${name} has ${broken}: it must be whole numbers, separated by commas.`);
  return all;
}

function buildOf(text, index) {
  const [label, folder] = text.includes('=') ? text.split('=', 2) : [index === 0 ? 'other' : `other${index + 1}`, text];
  if (!/^[a-z0-9-]+$/i.test(label)) throw new Problem(`--ours has the label '${label}': it may have letters, digits and hyphens.`);
  if (!existsSync(path.join(folder, 'index_bg.wasm'))) throw new Problem(`--ours names ${folder}, and there is no index_bg.wasm in it: it must be the build folder of a working copy.`);
  return { label, folder: path.resolve(folder) };
}
