// `npm start`: all set-up, then the app on http://127.0.0.1:8787. PORT and HOST override.
import './check-node.mjs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ensureBundle } from './bundle.mjs';
import { Problem, root, runMain, say } from './project.mjs';
import { projectNode, runShown, wasInterrupted } from './run.mjs';

const host = process.env.HOST || '127.0.0.1';
const port = process.env.PORT || '8787';

/** wrangler would quietly take another port, and the address printed here would be wrong. */
function checkPort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(new Problem(error.code === 'EADDRINUSE'
      ? `port ${port} on ${host} is in use: stop what uses it, or choose another (PORT=8788 npm start).`
      : `can't listen on ${host}, port ${port} (${error.code}).`)));
    server.listen(Number(port), host, () => server.close(resolve));
  });
}

await runMain(async () => {
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) throw new Problem(`PORT is '${port}': it must be a number from 1 to 65535.`);
  await checkPort();
  await ensureBundle();
  await checkPort();
  say(`starting wrangler dev on http://${host}:${port} (Ctrl-C ends it) …`);
  const code = await runShown(projectNode(), [
    join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js'), 'dev', '--ip', host, '--port', port,
  ], {
    cwd: root,
    // No usage reports, and no look-up of this machine's place, which only tells at the edge.
    env: { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  });
  return wasInterrupted() ? 0 : code;
});
