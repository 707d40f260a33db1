// What only the tests need: a Python with the stock Python Socket.IO client, and a Chromium.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { aptCommand, aptInstall } from './apt.mjs';
import { Problem, root, say, toolsDir } from './project.mjs';
import { onPath, outputOf, runLogged } from './run.mjs';
import { madeFrom } from './test-clients.mjs';

const venv = join(toolsDir, 'python');
const requirements = join(root, 'tests', 'requirements.txt');

async function findPython() {
  for (const name of ['python3', 'python']) {
    const version = await outputOf(name, ['-c', 'import sys; print(int(sys.version_info >= (3, 10)))']);
    if (version === '1') return name;
  }
  throw new Problem(`Python 3.10 or newer is missing, which some tests need: install it with its venv module (Debian and Ubuntu: ${aptCommand('python3-venv')}), then run this again.`);
}

/** The tests' Python; its packages are pinned in tests/requirements.txt. */
export async function ensurePython() {
  const program = join(venv, 'bin', 'python');
  // The Python that it was made with may be gone.
  if ((await outputOf(program, ['--version'])) === null) rmSync(venv, { recursive: true, force: true });
  await madeFrom(venv, [requirements], async () => {
    const python = await findPython();
    if ((await outputOf(python, ['-c', 'import venv, ensurepip'])) === null) {
      await aptInstall('python3-venv', `${python} has no venv module, which the tests' packages go into`);
    }
    say('installing the Python Socket.IO client for the tests (a few seconds) …');
    await runLogged('python-venv', python, ['-m', 'venv', venv]);
    await runLogged('python-packages', program, ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-r', requirements]);
  });
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
  if (!findChromium()) await aptInstall('chromium', 'no Chromium or Chrome was found, which the page\'s tests drive and ROOMCAST_CHROMIUM may name');
  const found = findChromium();
  if (!found) throw new Problem('apt-get installed chromium, and there is no such program: name a Chromium or Chrome in ROOMCAST_CHROMIUM.');
  return found;
}
