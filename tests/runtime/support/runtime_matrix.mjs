// The features of the matrix with the stock client in the runtime that runs this file, which need not be Node: prints one line of
// JSON for each. Arguments: the name of the transport, and as JSON each server's `{url, proxy}` by name. Whoever runs this has the
// proxies in hand, and cuts or restores one when this prints so.
import { featuresOf } from './features.mjs';
import { KINDS, plain } from './peers.mjs';

const [transport, addresses] = process.argv.slice(2);
const kind = KINDS['socket.io-client 4.8'];

const servers = Object.fromEntries(Object.entries(JSON.parse(addresses)).map(([name, { url, proxy }]) => {
  const say = (word) => () => console.log(`${word} ${name}`);
  return [name, { url, cuttable: () => ({ url: proxy, cut: say('cut'), restore: say('restore') }) }];
}));

/** What this feature came to. */
async function attempt(feature, { run, server = 'plain' }) {
  const ends = [];
  try {
    const got = await run({ after: (end) => ends.push(end) }, servers[server], kind, transport);
    return { feature, got: plain(got) };
  } catch (error) {
    return { feature, error: error.stack };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

await Promise.all(featuresOf(kind).map(async ([feature, how]) => console.log(JSON.stringify(await attempt(feature, how)))));
process.exit(); // a timer of a client may still run
