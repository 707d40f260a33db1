// `npm run conformance`: the app that the reference's public protocol suites expect, on http://127.0.0.1:3000 (PORT overrides).
// It runs in workerd itself: the suites count milliseconds, and wrangler's proxy would stand between.
import './check-node.mjs';
import { join } from 'node:path';
import { ensureBundle } from './bundle.mjs';
import { freePort } from './port.mjs';
import { root, runMain, say } from './project.mjs';
import { projectNode, runShown, wasInterrupted } from './run.mjs';

await runMain(async () => {
  const port = process.env.PORT || '3000';
  await freePort('127.0.0.1', port);
  await ensureBundle({ conformance: true });
  say(`starting the conformance app on http://127.0.0.1:${port} (Ctrl-C ends it) …`);
  const code = await runShown(projectNode(), [join(root, 'scripts', 'conformance-server.mjs'), port], { cwd: root });
  return wasInterrupted() ? 0 : code;
});
