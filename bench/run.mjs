// `npm run bench`: measures roomcast beside other servers. Builds what is deployed and the load generator, then has
// bench/measure.mjs do the rest in the project's own Node.
import '../scripts/check-node.mjs';
import { join } from 'node:path';
import { ensureBundle } from '../scripts/bundle.mjs';
import { Problem, root, runMain, say } from '../scripts/project.mjs';
import { projectNode, runLogged, runShown, wasInterrupted } from '../scripts/run.mjs';
import { optionsOf } from './options.mjs';

await runMain(async () => {
  const args = process.argv.slice(2);
  const { help, parts } = optionsOf(args);
  if (!help) {
    if (process.platform !== 'linux') throw new Problem('the benchmark needs Linux: it reads processor time and memory from /proc.');
    // The part binary has the app of the protocol's test suites.
    await ensureBundle({ conformance: parts.includes('binary') });
    say('compiling the load generator (half a minute the first time) …');
    await runLogged('bench-load', 'cargo', ['build', '--release', '--locked'], { cwd: join(root, 'bench') });
  }
  const code = await runShown(projectNode(), [join(root, 'bench', 'measure.mjs'), ...args], { cwd: root });
  return wasInterrupted() ? 130 : code;
});
