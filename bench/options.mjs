// What `npm run bench` may be asked for.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Problem } from '../scripts/project.mjs';

/** The parts, in the order in which they run, and what --help says of each. */
const PARTS = {
  fanout: 'messages in rooms of 2, 20, 100 and 1,000 people, 64 bytes of text over WebSocket',
  payloads: 'messages of 1 KB and 64 KB in a room of 20',
  binary: 'binary messages of 64 bytes, 1 KB and 64 KB in a room of 20',
  polling: 'messages of 64 bytes in a room of 20, over long-polling',
  deflate: 'messages of 1 KB in a room of 20, where clients offer permessage-deflate as browsers do',
  many: '500 rooms of 4 people, one of whom has one message on its way',
  large: 'messages in a room of 5,000 people; at most 3 rounds',
  connect: 'connecting 100 and 1,000 WebSockets, and the memory of each',
  exchange: 'connecting by polling and getting one ack',
  wake: 'one message for 5,000 sleeping sockets; at most 3 rounds, of 12 seconds of sleep each',
  start: 'the first answers of a fresh process',
  size: 'bytes of what is deployed',
  instructions: 'instructions of one turn of the core, compiled for this machine; needs valgrind, and runs only when asked for',
};

/** Parts that run only when they are asked for: they need a program that not everybody has. */
const ON_DEMAND = ['instructions'];

/** The servers, and what --help says of each. Another build has the last three as `chat@label` and so on, which are chosen with them. */
const SERVERS = {
  floor: 'a Durable Object in JavaScript that passes on what it gets, and does nothing else',
  'floor-row': 'the same, which stores one row a message before it passes it on',
  'least-chat': 'the same again, with the packets and the rows that the chat has, and nothing else',
  'socket.io': 'socket.io on Node, without recovery',
  partyserver: 'partyserver, as its README broadcasts, with hibernation',
  chat: 'roomcast as deployed: the chat with its history, and recovery',
  tutorial: "roomcast with the tutorial's app and without recovery",
  relay: 'roomcast with an app that passes on bytes, without recovery; for the part binary alone',
};
const OURS = ['chat', 'tutorial', 'relay'];

const OPTIONS = {
  only: { type: 'string', about: 'parts, separated by commas' },
  servers: { type: 'string', about: 'servers, separated by commas' },
  rooms: { type: 'string', about: 'people in a room, separated by commas, in place of those below' },
  payloads: { type: 'string', about: 'bytes of a message, separated by commas, in place of those below' },
  rounds: { type: 'string', about: 'rounds, in each of which every server is measured once (5)' },
  seconds: { type: 'string', about: 'seconds that a measurement of messages takes, after a warm-up of 1.5 seconds (2)' },
  senders: { type: 'string', about: 'people of a room who send (4, or all)' },
  'in-flight': { type: 'string', about: 'messages that each of them has on their way (4)' },
  rate: { type: 'string', about: 'messages a second of all senders together: an open loop, whose latency counts from when a message was due' },
  ours: { type: 'string', multiple: true, about: 'the folder of another build of roomcast, or label=folder: measured beside this one; may be repeated' },
  quick: { type: 'boolean', about: 'one short round in small rooms, to see that it works' },
  json: { type: 'string', about: 'a file for all measurements' },
  help: { type: 'boolean', about: 'this text' },
};

export function help() {
  const width = Math.max(...Object.keys(OPTIONS).map((name) => name.length)) + 4;
  return [
    'npm run bench -- [options]: measures roomcast beside other servers, and prints Markdown tables.',
    '',
    ...Object.entries(OPTIONS).map(([name, { about }]) => `  ${`--${name}`.padEnd(width)}${about}`),
    '',
    'Parts; all of them take about 50 minutes:',
    ...Object.entries(PARTS).map(([name, about]) => `  ${name.padEnd(width)}${about}`),
    '',
    'Servers:',
    ...Object.entries(SERVERS).map(([name, about]) => `  ${name.padEnd(width)}${about}`),
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
  const builds = (values.ours ?? []).map(buildOf);
  const withBuilds = (names) => [...new Set([...names, ...builds.flatMap(({ label }) => OURS.filter((name) => names.includes(name)).map((name) => `${name}@${label}`))])];
  const serverNames = withBuilds(Object.keys(SERVERS));
  return {
    help: values.help ?? false,
    quick,
    json: values.json,
    parts: chosen('part', values.only, Object.keys(PARTS)) ?? Object.keys(PARTS).filter((part) => !ON_DEMAND.includes(part)),
    servers: withBuilds(chosen('server', values.servers, serverNames) ?? serverNames),
    builds,
    rooms: numbers('rooms', values.rooms, 2, 30_000),
    payloads: numbers('payloads', values.payloads, 16, 900_000),
    rounds: number('rounds', values.rounds, 1, 1_000) ?? (quick ? 1 : 5),
    seconds: number('seconds', values.seconds, 0.1, 600) ?? (quick ? 0.3 : 2),
    warmupMs: quick ? 200 : 1_500,
    senders: number('senders', values.senders, 1, 1_000) ?? 4,
    inFlight: number('in-flight', values['in-flight'], 1, 1_000) ?? 4,
    rate: number('rate', values.rate, 0.1, 1_000_000) ?? null,
  };
}

/** Names out of those that there are, separated by commas. */
function chosen(what, text, names) {
  if (text === undefined) return undefined;
  const wanted = text.split(',').map((name) => name.trim());
  const wrong = wanted.find((name) => !names.includes(name));
  if (wrong !== undefined) throw new Problem(`there is no ${what} '${wrong}': there are ${names.join(', ')}.`);
  return [...new Set(wanted)];
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
