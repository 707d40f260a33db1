// Instructions of one turn of the core, natively: they are the same on a busy machine. What a run with more turns has more than one
// with fewer is divided by their number, so that neither the start nor those who connect count.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Problem } from '../../scripts/project.mjs';
import { onPath, runLogged } from '../../scripts/run.mjs';
import { table } from '../../scripts/table.mjs';
import { ROOT } from '../../tests/runtime/support/paths.mjs';
import { digits } from '../cells.mjs';

const MICRO = path.join(ROOT, 'bench', 'micro');
const FEW = 50;
const MORE = 150;

/** Instructions that a run takes as a whole. */
async function counted(folder, args) {
  const options = ['--tool=callgrind', `--callgrind-out-file=${path.join(folder, 'out')}`];
  const { stderr } = await promisify(execFile)('valgrind', [...options, path.join(MICRO, 'target', 'release', 'examples', 'turns'), ...args.map(String)]);
  return Number(/Collected : (\d+)/.exec(stderr)[1]);
}

export async function instructions(_, options) {
  if (!onPath('valgrind')) throw new Problem('valgrind is missing, which counts the instructions: install it (Debian and Ubuntu: apt-get install valgrind), then run this again.');
  // The versions of the crate itself.
  copyFileSync(path.join(ROOT, 'Cargo.lock'), path.join(MICRO, 'Cargo.lock'));
  await runLogged('bench-micro', 'cargo', ['build', '--release', '--example', 'turns'], { cwd: MICRO });
  const folder = mkdtempSync(path.join(tmpdir(), 'roomcast-instructions-'));
  const measured = [];
  try {
    for (const people of options.rooms ?? (options.quick ? [2] : [2, 20, 100, 1_000])) {
      for (const app of ['chat', 'tutorial']) {
        const [few, more] = [await counted(folder, [app, people, FEW]), await counted(folder, [app, people, MORE])];
        measured.push({ people, app, aTurn: (more - few) / (MORE - FEW) });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = measured.map(({ people, app, aTurn }) => [`${app}, ${people.toLocaleString('en-US')} people`, digits(aTurn), digits(aTurn / (people - 1))]);
  return { measured, tables: [table(['instructions', 'a turn', 'a receiver'], rows)] };
}
