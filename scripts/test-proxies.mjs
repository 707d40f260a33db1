// The proxies through which the tests go: the machine's own, or Debian's packages unpacked into .tools.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { librariesIn, unpackPackages } from './debian.mjs';
import { Problem, say, toolsDir } from './project.mjs';
import { onPath } from './run.mjs';
import { wrapper } from './test-clients.mjs';

const PROXIES = { nginx: 'nginx-light', caddy: 'caddy', haproxy: 'haproxy' };
const PLACES = ['usr/sbin', 'usr/bin'];

const under = (folder, name) => PLACES.map((place) => join(folder, place, name)).find((path) => existsSync(path)) ?? null;

async function unpacked(name, packageName) {
  const folder = join(toolsDir, 'proxies', name);
  const program = join(folder, 'program');
  if (existsSync(program)) return program;
  say(`unpacking Debian's package ${packageName} for the tests (a few seconds) …`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const found = (await unpackPackages([packageName], folder)) && under(folder, name);
  return found ? wrapper(program, found, librariesIn(folder)) : null;
}

/** The programs of all proxies, under the names of variables for the tests. */
export async function ensureProxies() {
  const env = {};
  for (const [name, packageName] of Object.entries(PROXIES)) {
    const program = onPath(name) ?? under('/', name) ?? (await unpacked(name, packageName));
    if (!program) throw new Problem(`${name} is missing, which the proxies' tests go through: install it (Debian and Ubuntu: apt-get install ${packageName}; macOS: brew install ${name}), then run this again.`);
    env[`ROOMCAST_${name.toUpperCase()}`] = program;
  }
  return env;
}
