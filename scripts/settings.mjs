// Finds settings that are wrong before anybody meets them: the built Worker itself is asked, in workerd, by settings-entry.js. So
// there is no second table of them here, and an app's own settings are checked too.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import util from 'node:util';
import { withLock } from './lock.mjs';
import { workerdProgram } from './npm-packages.mjs';
import { Problem, root, say, toolsDir } from './project.mjs';
import { outputOf } from './run.mjs';

const UNIT = /_(MS|S|SECONDS|BYTES|KB|MB)$/;

/** How many letters are to be changed, added, left out or swapped to make one word of the other. */
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j += 1) {
      const changed = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2][j - 2] + 1 : Infinity;
      rows[i].push(Math.min(changed, swapped, rows[i - 1][j] + 1, rows[i][j - 1] + 1));
    }
  }
  return rows[a.length][b.length];
}

/** The known name that this one was probably meant to be: the case, the unit at its end or a few letters are wrong. Or undefined. */
export function meant(name, known) {
  const plain = (word) => word.toUpperCase().replace(/-/g, '_').replace(UNIT, '').replaceAll('_', '');
  const near = known.map((candidate) => ({ candidate, far: distance(plain(name), plain(candidate)) }));
  const nearest = near.sort((a, b) => a.far - b.far)[0];
  // A short name of an app's own, such as API, must not be taken for APP.
  return nearest && nearest.far <= Math.floor(plain(nearest.candidate).length / 5) ? nearest.candidate : undefined;
}

/** The tables of variables of a configuration, each with the place where it stands. */
function tablesOf(config, { secrets, app } = {}) {
  const places = [['wrangler.toml', config.vars], ...Object.entries(config.env ?? {}).map(([name, { vars }]) => [`wrangler.toml, [env.${name}.vars]`, vars])];
  if (secrets) places.push(['.dev.vars', secrets]);
  return places.filter(([, vars]) => vars).map(([place, vars]) => ({ place, vars: app && place !== '.dev.vars' ? { ...vars, APP: app } : vars }));
}

/** A Worker that runs settings-entry.js as its test. */
function workerdConfig(config, entry) {
  const text = (value) => JSON.stringify(String(value));
  const classes = (config.durable_objects?.bindings ?? []).map(({ name, class_name: className }) => ({ name, className }));
  const bindings = classes.map(({ name, className }) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`);
  if (config.assets?.binding) bindings.push(`(name = ${text(config.assets.binding)}, service = "main")`);
  const build = '../../build';
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)]);
const worker :Workerd.Worker = (
  compatibilityDate = ${text(config.compatibility_date)},
  compatibilityFlags = [${(config.compatibility_flags ?? []).map(text).join(', ')}],
  modules = [
    (name = "entry.js", esModule = embed "${entry}"),
    (name = "index.js", esModule = embed "${build}/index.js"),
    (name = "index_bg.wasm", wasm = embed "${build}/index_bg.wasm"),
    (name = "tables.json", json = embed "tables.json"),
  ],
  durableObjectNamespaces = [${classes.map(({ className }) => `(className = ${text(className)}, uniqueKey = ${text(className)}, enableSql = true)`).join(', ')}],
  durableObjectStorage = (inMemory = void),
  bindings = [${bindings.join(', ')}],
);
`;
}

/** What the built Worker says of each table: `[{complaints, asked}]`. Fails where workerd can't run it. */
async function ask(config, tables) {
  const folder = mkdtempSync(join(toolsDir, 'settings-'));
  try {
    writeFileSync(join(folder, 'tables.json'), JSON.stringify(tables), { mode: 0o600 });
    writeFileSync(join(folder, 'config.capnp'), workerdConfig(config, '../../scripts/settings-entry.js'));
    const output = await outputOf(workerdProgram(), ['test', '--no-verbose', join(folder, 'config.capnp')]);
    if (output === null) throw new Error('workerd failed');
    return JSON.parse(output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is wrong with the storage of the objects, which the Worker itself can't know without waking one. */
function storageComplaints(config) {
  const old = (config.migrations ?? []).flatMap(({ new_classes: names }) => names ?? []);
  const bound = (config.durable_objects?.bindings ?? []).map(({ class_name: name }) => name);
  return bound.filter((name) => old.includes(name)).map((name) =>
    `wrangler.toml: the class ${name} must stand in new_sqlite_classes rather than in new_classes: rooms are stored in SQLite.`);
}

/** smol-toml is there once npm's packages are installed. */
async function readToml() {
  const { parse } = await import('smol-toml');
  try {
    return parse(readFileSync(join(root, 'wrangler.toml'), 'utf8'));
  } catch (error) {
    throw new Problem(`wrangler.toml can't be read: ${error.message.split('\n')[0]}`);
  }
}

/**
 * Fails with a sentence for each setting that is wrong: of wrangler.toml and, for `wrangler dev`, of .dev.vars and with this app.
 * The bundle must have been built.
 */
export async function checkSettings({ dev = false, app } = {}) {
  const config = await readToml();
  const local = join(root, '.dev.vars');
  const secrets = dev && existsSync(local) ? util.parseEnv(readFileSync(local, 'utf8')) : undefined;
  const tables = tablesOf(config, { secrets, app });
  let answers;
  try {
    answers = await withLock(() => ask(config, tables.map(({ vars }) => vars)));
  } catch (error) {
    return say(`the settings could not be checked here (${error.message.split('\n')[0]}): /healthz of the running server tells whether they can be used.`);
  }
  const complaints = answers.flatMap((answer, index) => {
    const { place, vars } = tables[index];
    const unknown = Object.keys(vars).filter((name) => !answer.asked.includes(name));
    const misspelt = unknown.map((name) => [name, meant(name, answer.asked)]).filter(([, known]) => known);
    return [...answer.complaints, ...misspelt.map(([name, known]) => `There is no setting ${name}: did you mean ${known}?`)].map((line) => `${place}: ${line}`);
  });
  complaints.push(...storageComplaints(config));
  if (complaints.length) throw new Problem(complaints.join('\n'));
}
