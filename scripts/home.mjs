// A home directory for the programs that are run here: cargo, rustup, npm, wrangler and Chromium keep their settings and downloads in one.
// Some containers and services have none; then there is one within the project.
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { toolsDir } from './project.mjs';

/** The folder of this machine's user, or null where it is missing or read-only. */
function usersHome() {
  try {
    const home = homedir(); // by HOME, or else by the user's entry in the system
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
    return home;
  } catch {
    return null;
  }
}

/** Where the rustup that is on `path` keeps its toolchains, if it was set up for another home: its programs are in .cargo/bin beside them. */
function rustupBeside(path) {
  const found = path.split(delimiter).find((folder) => folder && existsSync(join(folder, 'rustup')));
  const beside = found && join(dirname(dirname(found)), '.rustup');
  return beside && existsSync(beside) ? beside : undefined;
}

/** The variables that give programs on `path` a home. */
export function homeVariables(path) {
  const own = usersHome();
  const HOME = own ?? join(toolsDir, 'home');
  if (!own) mkdirSync(HOME, { recursive: true });
  if (process.env.RUSTUP_HOME || existsSync(join(HOME, '.rustup', 'toolchains'))) return { HOME };
  const RUSTUP_HOME = rustupBeside(path);
  return RUSTUP_HOME ? { HOME, RUSTUP_HOME } : { HOME };
}

/** Where rustup puts cargo. A shell that was there before it may not have this on its PATH. */
export function cargoBin() {
  const own = process.env.CARGO_HOME ?? join(usersHome() ?? '', '.cargo');
  return existsSync(join(own, 'bin')) ? join(own, 'bin') : null;
}
