// `npm run costs`: what a room costs on Cloudflare, from counts made here in workerd. Prints Markdown tables, and ends by itself
// after about four minutes.
import './check-node.mjs';
import { join } from 'node:path';
import { ensureBundle } from './bundle.mjs';
import { root, runMain, say } from './project.mjs';
import { projectNode, runShown, wasInterrupted } from './run.mjs';

await runMain(async () => {
  await ensureBundle();
  say('counting what an idle and a busy room do (about 4 minutes) …');
  const code = await runShown(projectNode(), [join(root, 'scripts', 'costs-measure.mjs')], { cwd: root });
  return wasInterrupted() ? 0 : code;
});
