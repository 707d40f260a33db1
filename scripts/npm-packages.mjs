// npm's packages, exactly as package-lock.json has them: wrangler, the Node it needs, esbuild,
// wasm-opt, the Socket.IO client and what the tests use.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, say } from './project.mjs';
import { outerPath, runLogged } from './run.mjs';

function packagesOf(lockFile) {
  const { '': _project, ...packages } = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  return packages;
}

/** npm leaves a record of what it installed; nothing is to do when that agrees with the lock file. */
export function npmPackagesReady() {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(record);
  return Object.entries(wanted).every(([path, entry]) =>
    (path in installed ? installed[path].version === entry.version && existsSync(join(root, path)) : entry.optional === true));
}

export async function installNpmPackages() {
  if (npmPackagesReady()) return;
  say('installing the npm packages of package-lock.json (a download of some 200 MB; half a minute or more) …');
  // The environment that a surrounding `npm start` set up must not steer this npm.
  // No package needs a script of its own to be installed.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev', '--include=optional'];
  await runLogged('npm-ci', 'npm', args, { cwd: root, env: { PATH: outerPath() } });
}

/** The runtime's program, of the version that wrangler has. */
export function workerdProgram() {
  const wrangler = createRequire(join(root, 'node_modules', 'wrangler', 'package.json'));
  return wrangler('workerd').default;
}
