// Packages of Debian and its kin, unpacked into a folder rather than installed: that needs no root and no lock of dpkg, starts no
// service, and changes nothing outside of the folder. What the machine has installed already is left out of it.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { aptUpdate } from './apt.mjs';
import { outputOf } from './run.mjs';

const APT = ['--yes', '--no-install-recommends'];

/** The names of the packages that are missing for `names`, with all that they depend on; null where apt can't tell. */
async function missing(names) {
  const uris = await outputOf('apt-get', ['install', '--print-uris', ...APT, ...names]);
  return uris === null ? null : [...uris.matchAll(/^'[^']+' ([^_ ]+)_/gm)].map(([, name]) => name);
}

async function download(names, archives) {
  const packages = await missing(names);
  if (packages === null) return false;
  return packages.length === 0 || (await outputOf('env', ['-C', archives, 'apt-get', 'download', ...packages])) !== null;
}

/** Unpacks these packages into `folder`. False where that can't be: no apt, no network, or lists of packages that only root may fetch. */
export async function unpackPackages(names, folder) {
  const archives = join(folder, 'archives');
  mkdirSync(archives, { recursive: true });
  // The lists may be missing, as in images of containers, or name packages that are gone.
  const done = (await download(names, archives)) || ((await aptUpdate()) && (await download(names, archives)));
  if (!done) return false;
  for (const archive of readdirSync(archives)) {
    if ((await outputOf('dpkg-deb', ['--extract', join(archives, archive), folder])) === null) return false;
  }
  rmSync(archives, { recursive: true });
  return true;
}

/** The environment in which programs of `folder` find the libraries that came with them. */
export function librariesIn(folder) {
  const folders = ['usr/lib', 'lib'].flatMap((base) => {
    const path = join(folder, base);
    return existsSync(path) ? readdirSync(path).filter((name) => name.includes('-linux-')).map((name) => join(path, name)) : [];
  });
  return folders.length > 0 ? { LD_LIBRARY_PATH: folders.join(':') } : {};
}
