// `npm run build`, and wrangler's own build command: leaves the deployable bundle in build/ and public/.
import './check-node.mjs';
import { ensureBundle } from './bundle.mjs';
import { runMain, say } from './project.mjs';
import { checkSettings } from './settings.mjs';

await runMain(async () => {
  await ensureBundle();
  await checkSettings();
  say('the bundle is ready (build/, public/).');
});
