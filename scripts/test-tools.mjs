// What only the tests need: a Python with the stock Python Socket.IO client, and a Chromium.
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Problem, root, say, toolsDir } from './project.mjs';
import { innerPath, outputOf, runLogged } from './run.mjs';

const venv = join(toolsDir, 'python');
const stampFile = join(venv, '.requirements');
const requirements = join(root, 'tests', 'requirements.txt');

function canUseApt() {
  return process.getuid?.() === 0 && onPath('apt-get') !== null;
}

export function onPath(name) {
  for (const dir of innerPath().split(delimiter)) {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {
      // Not here.
    }
  }
  return null;
}

async function aptInstall(name) {
  say(`installing Debian's package ${name} with apt-get (a minute or two) …`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runLogged('apt-update', 'apt-get', ['update'], { env });
  await runLogged(`apt-${name}`, 'apt-get', ['install', '-y', '--no-install-recommends', name], { env });
}

async function findPython() {
  for (const name of ['python3', 'python']) {
    const version = await outputOf(name, ['-c', 'import sys; print(int(sys.version_info >= (3, 10)))']);
    if (version === '1') return name;
  }
  throw new Problem('Python 3.10 or newer is missing, which some tests need: install python3 and its venv module (Debian and Ubuntu: apt-get install python3 python3-venv), then run this again.');
}

/** The tests' Python; its packages are pinned in tests/requirements.txt. */
export async function ensurePython() {
  const program = join(venv, 'bin', 'python');
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const ready = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest && (await outputOf(program, ['--version'])) !== null;
  if (ready) return program;
  const python = await findPython();
  if ((await outputOf(python, ['-c', 'import venv, ensurepip'])) === null) {
    if (!canUseApt()) throw new Problem(`${python} has no venv module, which the tests' packages go into: install it (Debian and Ubuntu: apt-get install python3-venv), then run this again.`);
    await aptInstall('python3-venv');
  }
  say('installing the Python Socket.IO client for the tests (a few seconds) …');
  rmSync(venv, { recursive: true, force: true });
  await runLogged('python-venv', python, ['-m', 'venv', venv]);
  await runLogged('python-packages', program, ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-r', requirements]);
  writeFileSync(stampFile, digest);
  return program;
}

function findChromium() {
  const named = process.env.ROOMCAST_CHROMIUM;
  if (named) {
    if (!existsSync(named)) throw new Problem(`ROOMCAST_CHROMIUM is '${named}', and there is no such file.`);
    return named;
  }
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    const found = onPath(name);
    if (found) return found;
  }
  const apps = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'];
  return apps.find((app) => existsSync(app)) ?? null;
}

/** The browser that the page's tests drive. */
export async function ensureChromium() {
  let found = findChromium();
  if (!found && canUseApt()) {
    await aptInstall('chromium');
    found = findChromium();
  }
  if (!found) throw new Problem('Chromium or Chrome is missing, which the page\'s tests drive: install one (Debian: apt-get install chromium), or name it in ROOMCAST_CHROMIUM, then run this again.');
  return found;
}
