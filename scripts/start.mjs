// `npm start`: all set-up, then the app on http://127.0.0.1:8787. PORT and HOST override, and `-- --app <name>` runs an example.
import './check-node.mjs';
import { join } from 'node:path';
import { chosenApp } from './app-choice.mjs';
import { ensureBundle } from './bundle.mjs';
import { freePort } from './port.mjs';
import { root, runMain, say } from './project.mjs';
import { projectNode, runShown, wasInterrupted } from './run.mjs';
import { checkSettings } from './settings.mjs';

await runMain(async () => {
  const host = process.env.HOST || '127.0.0.1';
  const port = process.env.PORT || '8787';
  const app = chosenApp(process.argv.slice(2));
  await freePort(host, port);
  await ensureBundle();
  await checkSettings({ dev: true, app });
  await freePort(host, port);
  say(`starting wrangler dev on http://${host}:${port} (Ctrl-C ends it) …`);
  if (app) say(`open http://${host}:${port}/r/${app} in two windows.`);
  const code = await runShown(projectNode(), [
    join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js'), 'dev', '--ip', host, '--port', port,
    // Each port has a state of its own: two servers that share one lock each other out of it.
    '--persist-to', join(root, '.wrangler', `port-${port}`),
    ...(app ? ['--var', `APP:${app}`] : []),
  ], {
    cwd: root,
    // No usage reports, and no look-up of this machine's place, which only tells at the edge.
    env: { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  });
  return wasInterrupted() ? 0 : code;
});
