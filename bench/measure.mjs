// Runs the parts of the benchmark that were asked for, and prints their tables. Whatever it starts ends with it.
import { writeFileSync } from 'node:fs';
import { runMain } from '../scripts/project.mjs';
import { chosen, help, optionsOf } from './options.mjs';
import { connect, exchange, size, start, wake } from './parts/connections.mjs';
import { messages } from './parts/messages.mjs';
import { allServers, prepareServers } from './servers.mjs';
import { heading } from './tables.mjs';

const PARTS = {
  ...Object.fromEntries(['fanout', 'payloads', 'binary', 'polling', 'deflate', 'many', 'large'].map((part) => [part, messages(part)])),
  connect, exchange, wake, start, size,
};

for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) process.on(signal, () => process.exit(128 + number));

await runMain(async () => {
  const options = optionsOf(process.argv.slice(2));
  const servers = allServers(options.builds);
  if (options.help) {
    console.log(help(Object.keys(servers)));
    return;
  }
  const names = chosen('server', options.serverNames, Object.keys(servers)) ?? Object.keys(servers);
  const selected = Object.fromEntries(names.map((name) => [name, servers[name]]));
  await prepareServers();
  console.log(heading(options));
  const measurements = {};
  for (const part of options.parts) {
    const { tables, measured } = await PARTS[part](selected, options);
    measurements[part] = measured;
    for (const table of tables) console.log(`\n${table}`);
    if (options.json) writeFileSync(options.json, JSON.stringify(measurements, null, 1));
  }
});
