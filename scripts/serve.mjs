// Serves the app with wrangler dev: set-up, build, then the runtime on an address that is sure to be free.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ensureBundle } from './bundle.mjs';
import { Problem, root, say } from './project.mjs';
import { projectNode, runShown, wasInterrupted } from './run.mjs';

/** wrangler would quietly take another port, and the address printed here would be wrong. */
function checkPort(host, port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(new Problem(error.code === 'EADDRINUSE'
      ? `port ${port} on ${host} is in use: stop what uses it, or choose another by PORT.`
      : `can't listen on ${host}, port ${port} (${error.code}).`)));
    server.listen(Number(port), host, () => server.close(resolve));
  });
}

/** Serves until it is interrupted; `vars` are settings in place of those in wrangler.toml. Gives the exit code. */
export async function serve({ defaultPort, vars = {} }) {
  const host = process.env.HOST || '127.0.0.1';
  const port = process.env.PORT || defaultPort;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) throw new Problem(`PORT is '${port}': it must be a number from 1 to 65535.`);
  await checkPort(host, port);
  await ensureBundle();
  await checkPort(host, port);
  say(`starting wrangler dev on http://${host}:${port} (Ctrl-C ends it) …`);
  // Each port has a state of its own: two servers that share one lock each other out of it.
  const state = join(root, '.wrangler', `port-${port}`);
  const settings = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  const code = await runShown(projectNode(), [
    join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js'), 'dev', '--ip', host, '--port', port, '--persist-to', state, ...settings,
  ], {
    cwd: root,
    // No usage reports, and no look-up of this machine's place, which only tells at the edge.
    env: { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  });
  return wasInterrupted() ? 0 : code;
}
