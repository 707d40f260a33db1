// Runs the parts of the benchmark that were asked for, and prints their tables. Whatever it starts ends with it.
import { writeFileSync } from 'node:fs';
import { runMain } from '../scripts/project.mjs';
import { help, optionsOf } from './options.mjs';
import { connect, exchange, size, start, wake } from './parts/connections.mjs';
import { instructions } from './parts/instructions.mjs';
import { messages } from './parts/messages.mjs';
import { allServers, prepareServers } from './servers.mjs';
import { heading } from './cells.mjs';

const PARTS = {
  ...Object.fromEntries(['fanout', 'payloads', 'binary', 'polling', 'deflate', 'many', 'large'].map((part) => [part, messages(part)])),
  connect, exchange, wake, start, size, instructions,
};

for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) process.on(signal, () => process.exit(128 + number));

await runMain(async () => {
  const options = optionsOf(process.argv.slice(2));
  if (options.help) {
    console.log(help());
    return;
  }
  const all = allServers(options.builds);
  const servers = Object.fromEntries(options.servers.map((name) => [name, all[name]]));
  await prepareServers();
  console.log(heading(options));
  const measurements = {};
  for (const part of options.parts) {
    const { tables, measured } = await PARTS[part](servers, options);
    measurements[part] = measured;
    for (const table of tables) console.log(`\n${table}`);
    if (options.json) writeFileSync(options.json, JSON.stringify(measurements, null, 1));
  }
});
