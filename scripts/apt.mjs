// Debian's packages, where they can be had: as root, or by a sudo that asks for no password.
import { Problem, say } from './project.mjs';
import { onPath, outputOf, runLogged } from './run.mjs';

/** A machine that has just started may install updates for some minutes, and holds apt's locks meanwhile. */
const PATIENCE_SECONDS = 600;
const RETRY_SECONDS = 5;
/** In English, so that a refusal for the sake of a lock is recognised; and nothing may ask a question. */
const VARIABLES = ['DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C'];

const installing = (name) => ['install', '-y', '--no-install-recommends', name];
const isLocked = (output) => /Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock directory/.test(output);

/** What a person may run in our place. */
export const aptCommand = (name) => `sudo apt-get update && sudo apt-get ${installing(name).join(' ')}`;

/** Runs apt-get. apt waits for dpkg's lock by itself, but not for that of its lists and downloads. */
async function aptGet(log, prefix, args, { patience, retry }) {
  const [program, ...first] = [...prefix, 'env', ...VARIABLES, 'apt-get', '-o', `DPkg::Lock::Timeout=${patience}`];
  const until = Date.now() + patience * 1_000;
  const excuse = (output) => isLocked(output) && Date.now() < until;
  for (let told = false; !(await runLogged(log, program, [...first, ...args], { excuse })); told = true) {
    if (!told) say(`another program uses apt (an automatic update, perhaps); waiting for it, ${Math.ceil(patience / 60)} minutes at most …`);
    await new Promise((resolve) => setTimeout(resolve, retry * 1_000));
  }
}

/** How apt-get is run with root's rights: words in front of it, or null where it can't be. */
async function rights(root) {
  if (onPath('apt-get') === null) return null;
  if (root) return [];
  return (await outputOf('sudo', ['-n', 'true'])) === null ? null : ['sudo', '-n'];
}

/** Brings apt's lists of packages up to date; false where that can't be done. */
export async function aptUpdate() {
  const prefix = await rights(process.getuid?.() === 0);
  if (prefix !== null) await aptGet('apt-update', prefix, ['update'], { patience: PATIENCE_SECONDS, retry: RETRY_SECONDS });
  return prefix !== null;
}

/** Installs a package; otherwise fails with `missing`, what there is none of, and the command that helps. */
export async function aptInstall(name, missing, { root = process.getuid?.() === 0, patience = PATIENCE_SECONDS, retry = RETRY_SECONDS } = {}) {
  const prefix = await rights(root);
  if (prefix === null) throw new Problem(`${missing}: install it (Debian and Ubuntu: ${aptCommand(name)}), then run this again.`);
  say(`installing Debian's package ${name} with apt-get (a minute or two) …`);
  await aptGet('apt-update', prefix, ['update'], { patience, retry });
  await aptGet(`apt-${name}`, prefix, installing(name), { patience, retry });
}
