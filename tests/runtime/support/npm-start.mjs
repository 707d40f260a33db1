// `npm start`, as the README gives it, on a port of its own.
import { ROOT } from './paths.mjs';
import { freePort, start } from './processes.mjs';
import { eventually } from './wait.mjs';

const BUILD_PATIENCE = 300_000; // it may have to build the Worker first

/**
 * Starts it with these arguments, and waits until `isUp(url)` gives something true, which becomes `found`; it is stopped
 * with the test.
 */
export async function npmStart(t, args, isUp, what) {
  const port = await freePort();
  const wrangler = start('npm', ['start', ...args], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port), CI: '1', WRANGLER_SEND_METRICS: 'false' },
  });
  t.after(() => wrangler.stop());
  let ended;
  wrangler.exited.then((how) => (ended = how));
  const url = `http://127.0.0.1:${port}`;
  const found = await eventually(async () => {
    if (ended) throw new Error(`npm start ${ended}: ${wrangler.output()}`);
    return isUp(url);
  }, what, BUILD_PATIENCE).catch((error) => {
    throw new Error(`${error.message}; it printed ${wrangler.output()}`);
  });
  return { url, found, output: wrangler.output };
}
