// What a command in the documents may be: for each program a rule that says what is wrong with it, or nothing.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionsOf } from '../../bench/options.mjs';
import { chosenApp } from '../../scripts/app-choice.mjs';
import { ROOT } from '../runtime/support/paths.mjs';
import { blocksOf, wordsOf } from './markdown.mjs';

const read = (name) => readFileSync(join(ROOT, name), 'utf8');
const manifest = JSON.parse(read('package.json'));
const WRANGLER = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');

/** The document whose `curl` commands tests/runtime/docs.test.mjs runs. */
export const CURL_DOCUMENT = 'docs/http-api.md';

/** Runs wrangler: `{code, output}`, with what it printed on both streams. */
export function wrangler(args, cwd = ROOT) {
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', NO_COLOR: '1', CI: '1' };
  return new Promise((resolve) => {
    execFile(process.execPath, [WRANGLER, ...args], { cwd, env, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code ?? 1 : 0, output: stdout + stderr }));
  });
}

/** The scripts that take options of their own, and what reads those and fails where one is wrong. */
const OPTIONS = { start: chosenApp, bench: optionsOf };

/** `npm start`, `npm test`, `npm run x`, `npm install x`. */
function npm([verb, ...rest], { document }) {
  if (verb === 'install') return rest.every((name) => name in manifest.dependencies) ? null : 'no dependency of package.json';
  const [script, ...args] = verb === 'run' ? rest : [verb, ...rest];
  if (!(script in manifest.scripts)) return `package.json has no script ${script}`;
  if (args.length === 0) return null;
  if (args.shift() !== '--') return 'arguments of a script follow --';
  if (script === 'test') return args.find((file) => !existsSync(join(ROOT, file))) ?? null;
  if (!(script in OPTIONS)) return `${script} takes no arguments (${document})`;
  try {
    OPTIONS[script](args);
    return null;
  } catch (problem) {
    return problem.message;
  }
}

const helps = new Map();

/** `npx wrangler …`: the command exists, and so do its options. */
async function npx([program, ...args]) {
  if (program !== 'wrangler') return `${program} is not wrangler`;
  const options = args.filter((word) => word.startsWith('-')).map((word) => word.split('=')[0]);
  const words = args.filter((word) => /^[a-z]/.test(word));
  const command = words.join(' ');
  if (!helps.has(command)) helps.set(command, wrangler([...words, '--help']));
  const { code, output } = await helps.get(command);
  if (code !== 0 || !output.includes(`wrangler ${command}`)) return `wrangler has no command ${command}: ${output.slice(0, 200)}`;
  return options.find((option) => !new RegExp(`(?:^|[\\s,])${option}(?=[\\s,])`, 'm').test(output)) ?? null;
}

const CARGO = { test: ['--test', '--features', '--lib'], doc: ['--open', '--no-deps'], fmt: ['--check'], clippy: ['--all-targets'], bench: ['--manifest-path'] };

/** `cargo test --test x`, and others of which all options are known. */
function cargo([command, ...args]) {
  if (command === 'new') return /^--lib [a-z]+$/.test(args.join(' ')) ? null : 'cargo new makes a library here';
  if (!(command in CARGO)) return `cargo ${command} is no command that these documents use`;
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at];
    if (word.startsWith('--') && !CARGO[command].includes(word)) return `${word} is no option that these documents use`;
    if (word === '--test' && !existsSync(join(ROOT, `tests/${args[++at]}.rs`))) return `there is no test ${args[at]}`;
    if (word === '--manifest-path' && !existsSync(join(ROOT, args[++at]))) return `there is no ${args[at]}`;
    if (word === '--features' && !read('Cargo.toml').includes(`\n${args[++at]} = [`)) return `there is no feature ${args[at]}`;
    if (!word.startsWith('--') && !sources().some((name) => name.includes(word))) return `no source is named ${word}`;
  }
  return null;
}

const sources = () => readdirSync(join(ROOT, 'src'), { recursive: true });

/** A script of the project itself. */
const script = (name) => (existsSync(join(ROOT, name)) ? null : 'there is no such file');

/** `cp` of a file of a package, which is installed here too. */
const copy = ([from, to]) => (from?.startsWith('node_modules/') && to?.endsWith('/') ? script(from) : 'no file of a package');

/** A file that the document shows. */
const fileOf = (document, name) => (blocksOf(document).some(({ file }) => file === name) ? null : `${document} has no file ${name}`);

/** A command of one's own folder, with one name. */
const folder = (words) => (words.length === 1 && /^[a-z]+$/.test(words[0]) ? null : 'no name of a folder');

const RULES = {
  npm,
  npx,
  cargo,
  node: (words, { document }) => (words[0] === '--test' ? fileOf(document, words[1]) : script(words[0])),
  cp: copy,
  git: ([verb, url]) => (verb === 'clone' && read('docs/your-app.md').includes(`git = "${url}"`) ? null : 'not where docs/your-app.md has the crate from'),
  cd: folder,
  mkdir: folder,
  rustup: (words) => (words.join(' ') === 'target add wasm32-unknown-unknown' ? null : 'no target of this project'),
  '.ci/run': () => script('.ci/run'),
  curl: (_, { document }) => (document === CURL_DOCUMENT ? null : `only the curl commands of ${CURL_DOCUMENT} are run`),
  echo: ([line, arrow, file]) => (/^[A-Z_]+="[^"]+"$/.test(line) && arrow === '>' && file === '.dev.vars' ? null : 'no line for .dev.vars'),
  pip: ([verb, name]) => (verb === 'install' && read('tests/requirements.txt').includes(`\n${name.split('[')[0]}==`) ? null : 'no package of tests/requirements.txt'),
  'apt-get': ([verb, ...names]) => (verb === 'install' && names.every((name) => /^[a-z][a-z0-9+.-]+$/.test(name)) ? null : 'no package names'),
};

/** Whether a piece of inline code is a command for which there is a rule. */
export function isCommand(code) {
  const words = wordsOf(code).filter((word) => !/^[A-Z_]+=/.test(word));
  return words[0] in RULES && (words.length > 1 || words[0] === '.ci/run');
}

/** What is wrong with a command of a document, or null. */
export async function complaintOf(command, place) {
  const words = wordsOf(command);
  while (/^[A-Z_]+=/.test(words[0] ?? '')) {
    const variable = words.shift().split('=')[0];
    if (!readsVariable(variable)) return `nothing reads ${variable}`;
  }
  const [program, ...args] = words;
  const rule = RULES[program];
  return rule ? rule(args, place) : `there is no rule for ${program}`;
}

/** Whether a script, a source or a test reads this variable of the environment. */
function readsVariable(name) {
  const files = ['scripts', 'src', 'tests'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).filter((file) => /\.(mjs|rs)$/.test(file)).map((file) => `${folder}/${file}`));
  return files.some((file) => new RegExp(`process\\.env\\.${name}\\b|var(?:_os)?\\("${name}"\\)`).test(read(file)));
}
