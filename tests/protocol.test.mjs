// docs/protocol.md has each row that the sources, the tests and the documents name.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT } from './runtime/support/paths.mjs';

const PROTOCOL = 'docs/protocol.md';
const SOURCES = ['src', 'tests', 'examples', 'scripts', 'public/js', 'docs', 'README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'wrangler.toml'];

/** Folders with what was built, downloaded or recorded. */
const NO_SOURCES = /^(fixtures|__pycache__|build|target|node_modules|\..+)$/;

const FAMILIES = 'HB|[RHPWUCE]';
const ROW = new RegExp(`\\b(?:${FAMILIES})(?:1[0-5]|[1-9])\\b`, 'g');
/** A row or a section of this protocol; in `1.91` and `127.0.0.1` there is none. */
const SECTION = /(?<![\w.])1\.(?:1[0-6]|[1-9])(?:\.[1-9])?(?![\w.]*\d)/g;
/** E5–E8, C1 to C3. */
const RANGE = new RegExp(`\\b(${FAMILIES}|1\\.11\\.)(\\d+)(?:–| to )\\1(\\d+)\\b`, 'g');
/** Of a Rust test: hb1_hb2_… */
const TEST_NAME = new RegExp(`\\bfn ((?:(?:${FAMILIES})\\d{1,2}_)+)`, 'gi');

/** All rows and sections that a text names. */
function named(text) {
  const ids = [...text.matchAll(ROW), ...text.matchAll(SECTION)].map(([id]) => id);
  for (const [, family, from, to] of text.matchAll(RANGE)) {
    for (let n = Number(from); n <= Number(to); n += 1) ids.push(family + n);
  }
  for (const [, names] of text.matchAll(TEST_NAME)) ids.push(...names.toUpperCase().split('_').filter(Boolean));
  return ids;
}

/** The rows of the tables, and the sections. */
function rowsOf(document) {
  const rows = [...document.matchAll(new RegExp(`^\\| ((?:${FAMILIES}|1\\.11\\.)\\d+) \\| .+ \\|$`, 'gm'))].map(([, id]) => id);
  return [...rows, ...[...document.matchAll(/^### (1\.\d+) \S/gm)].map(([, section]) => section)];
}

function files(name) {
  const absolute = path.join(ROOT, name);
  if (!statSync(absolute).isDirectory()) return /\.(rs|mjs|js|py|ts|md|toml)$/.test(name) ? [[name, readFileSync(absolute, 'utf8')]] : [];
  return readdirSync(absolute).flatMap((entry) => (NO_SOURCES.test(entry) ? [] : files(`${name}/${entry}`)));
}

test('each row and section that is named has its place in docs/protocol.md', () => {
  const rows = new Set(rowsOf(readFileSync(path.join(ROOT, PROTOCOL), 'utf8')));
  const missing = SOURCES.flatMap(files).flatMap(([name, text]) =>
    named(text).filter((id) => !rows.has(id)).map((id) => `${name}: ${id}`));
  assert.deepEqual(missing, []);
});

test('no row or section stands there twice', () => {
  const rows = rowsOf(readFileSync(path.join(ROOT, PROTOCOL), 'utf8'));
  assert.ok(rows.length > 100, `${rows.length} rows`);
  assert.deepEqual(rows.filter((id, at) => rows.indexOf(id) !== at), []);
});

test('names of rows are found in comments, ranges and test names, and not in numbers', () => {
  assert.deepEqual(named('(HB4, 1.11) E5–E7 fn c6_c11_the() 1.11.4: U16 127.0.0.1 1.91 1.10.2.3 X11').sort(),
    ['1.11', '1.11.4', 'C11', 'C6', 'E5', 'E5', 'E6', 'E7', 'E7', 'HB4']);
});
