// The template app, as somebody has it who copied examples/quiz out of the repository.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './paths.mjs';

const TEMPLATE = path.join(ROOT, 'examples/quiz');
/** What a build or a run leaves there is none of it. */
const LEFT_OVERS = ['target', 'build', '.wrangler', 'node_modules', 'Cargo.lock'];

/** A copy in an empty folder, whose dependency is this checkout; `options` are what its Cargo.toml says of the dependency besides. */
export function copyTemplate(options = 'default-features = false') {
  const folder = mkdtempSync(path.join(tmpdir(), 'roomcast-template-'));
  cpSync(TEMPLATE, folder, { recursive: true, filter: (from) => !LEFT_OVERS.includes(path.relative(TEMPLATE, from)) });
  // What is compiled for the repository's own Worker is the same as here, and is compiled once.
  cpSync(path.join(ROOT, 'Cargo.lock'), path.join(folder, 'Cargo.lock'));
  const manifest = path.join(folder, 'Cargo.toml');
  const own = 'roomcast = { path = "../..", default-features = false }';
  const text = readFileSync(manifest, 'utf8');
  if (!text.includes(own)) throw new Error(`${manifest} has no line ${own}`);
  writeFileSync(manifest, text.replace(own, `roomcast = { ${[`path = ${JSON.stringify(ROOT)}`, options].filter(Boolean).join(', ')} }`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
