// `npm test`: the same set-up as `npm start`, then every test there is, then the counts.
// `npm test -- tests/some.test.mjs` runs only those files of the real-runtime tests.
import './check-node.mjs';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ensureBundle } from './bundle.mjs';
import { Problem, root, runMain, say, toolsDir } from './project.mjs';
import { projectNode, runShown, wasInterrupted } from './run.mjs';
import { ensureOldPythons, ensureRuntimes } from './test-clients.mjs';
import { ensureNodes } from './test-nodes.mjs';
import { ensureProxies } from './test-proxies.mjs';
import { ensureChromium, ensurePython } from './test-tools.mjs';

const MAX_PARALLEL_FILES = 2;
const TIMEOUT_MS = 15 * 60 * 1000; // of one test, so that a hang ends

/** The unit tests of the Rust core, on this machine's own target. */
async function rustTests() {
  let output = '';
  const code = await runShown('cargo', ['test', '--locked', '--features', 'conformance'], { cwd: root, onOutput: (text) => { output += text; } });
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    counts.passed += Number(passed);
    counts.failed += Number(failed);
    counts.skipped += Number(ignored);
  }
  return { name: 'cargo test', code, ...counts };
}

function testFiles(dir = 'tests') {
  return readdirSync(join(root, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(path);
    return entry.name.endsWith('.test.mjs') ? [path] : [];
  }).sort();
}

/** The tests against the built bundle in the real runtime (workerd). */
async function runtimeTests(files, env) {
  const tapFile = join(toolsDir, 'runtime-tests.tap');
  mkdirSync(toolsDir, { recursive: true });
  rmSync(tapFile, { force: true });
  const code = await runShown(projectNode(), [
    '--test', `--test-concurrency=${Math.min(MAX_PARALLEL_FILES, cpus().length)}`, `--test-timeout=${TIMEOUT_MS}`,
    '--test-reporter=spec', '--test-reporter-destination=stdout', '--test-reporter=tap', `--test-reporter-destination=${tapFile}`,
    ...files,
  ], { cwd: root, env });
  let tap = '';
  try {
    tap = readFileSync(tapFile, 'utf8');
  } catch {
    // It ended before it wrote anything; the exit code tells.
  }
  const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0);
  return { name: 'runtime tests', code, passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') + count('todo') };
}

function report(suites) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  console.log('');
  for (const suite of suites) {
    // A suite that broke down, or ran nothing, is a failure even where no test of it failed.
    const empty = suite.passed + suite.failed === 0;
    if (suite.failed === 0 && (suite.code !== 0 || empty)) suite.failed = 1;
    say(`${suite.name}: ${suite.passed} passed, ${suite.failed} failed, ${suite.skipped} skipped${empty ? ' (it ran no test)' : ''}${suite.code ? ` (exit code ${suite.code})` : ''}`);
    for (const key of Object.keys(total)) total[key] += suite[key];
  }
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`);
  return total.failed ? 1 : 0;
}

await runMain(async () => {
  const chosen = process.argv.slice(2);
  await ensureBundle({ conformance: true });
  const python = await ensurePython();
  const env = {
    ROOMCAST_PYTHON: python, ROOMCAST_CHROMIUM: await ensureChromium(), ...(await ensureRuntimes()),
    ...(await ensureOldPythons(python)), ...(await ensureProxies()), ...(await ensureNodes()),
  };
  const suites = [];
  if (chosen.length === 0) suites.push(await rustTests());
  if (!wasInterrupted()) suites.push(await runtimeTests(chosen.length ? chosen : testFiles(), env));
  if (wasInterrupted()) throw new Problem('stopped.');
  return report(suites);
});
