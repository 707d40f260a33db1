// Debian's packages: apt's locks are waited for, and root's rights are only asked for where they can be had.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { aptInstall } from '../../scripts/apt.mjs';
import { ensureChromium } from '../../scripts/test-tools.mjs';

/** A PATH that has these programs alone, each a script for the shell; and `calls()`, the words they were called with. */
function programs(t, scripts) {
  const folder = mkdtempSync(path.join(tmpdir(), 'roomcast apt '));
  const log = path.join(folder, 'calls');
  writeFileSync(log, '');
  const path_ = process.env.PATH;
  t.after(() => {
    process.env.PATH = path_;
    rmSync(folder, { recursive: true, force: true });
  });
  for (const [name, script] of Object.entries({ env: 'while case $1 in *=*) true;; *) false;; esac; do export "$1"; shift; done; exec "$@"', ...scripts })) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\necho "${name} $*" >> '${log}'\n${script}\n`);
    chmodSync(path.join(folder, name), 0o755);
  }
  process.env.PATH = folder;
  return { folder, calls: () => readFileSync(log, 'utf8').trim().split('\n').filter((line) => !line.startsWith('env ')) };
}

const OPTIONS = '-o DPkg::Lock::Timeout=60';
const RUN = [`apt-get ${OPTIONS} update`, `apt-get ${OPTIONS} install -y --no-install-recommends chromium`];
/** Impatient, where it isn't stated otherwise. */
const install = (options) => aptInstall('chromium', 'no Chromium was found', { patience: 60, retry: 0.01, ...options });

/** `apt-get update` fails twice, as it does while the machine's own updates run. It is recognised by its words, so they are in English. */
const REFUSED_TWICE = `
[ "$LC_ALL" = C ] || exit 3
case "$*" in *install*) exit 0;; esac
read -r tries < "$0.tries"
echo "x$tries" > "$0.tries"
[ "$tries" = xx ] && exit 0
echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)" >&2
exit 100`;

test('as root apt-get is told to wait for dpkg\'s lock', async (t) => {
  const { calls } = programs(t, { 'apt-get': 'exit 0' });
  await install({ root: true });
  assert.deepEqual(calls(), RUN);
});

test('the lock of the lists, for which apt-get itself doesn\'t wait, is waited for', async (t) => {
  const { calls } = programs(t, { 'apt-get': REFUSED_TWICE });
  await install({ root: true });
  assert.deepEqual(calls(), [RUN[0], RUN[0], RUN[0], RUN[1]]);
});

test('another failure, and a lock that is never given up, are failures', async (t) => {
  const broken = programs(t, { 'apt-get': 'echo "E: Unable to fetch some archives" >&2; exit 100' });
  await assert.rejects(install({ root: true }), /^Error: apt-update failed \(exit code 100\)/);
  assert.equal(broken.calls().length, 1);
  programs(t, { 'apt-get': 'echo "E: Could not get lock /var/lib/dpkg/lock-frontend." >&2; exit 100' });
  await assert.rejects(install({ root: true, patience: 0.1 }), /^Error: apt-update failed/);
});

test('others take a sudo that asks for no password', async (t) => {
  const { calls } = programs(t, { 'apt-get': 'exit 0', sudo: '[ "$1" = -n ] || exit 1; shift; exec "$@"', true: 'exit 0' });
  await install({ root: false });
  assert.deepEqual(calls().filter((line) => line.startsWith('apt-get')), RUN);
  assert.equal(calls().filter((line) => line.startsWith('sudo -n env ')).length, 2);
});

test('without such a sudo, or without apt-get, a sentence has the exact command', async (t) => {
  const sentence = 'no Chromium was found: install it (Debian and Ubuntu: sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium), then run this again.';
  for (const scripts of [{ 'apt-get': 'exit 0', sudo: 'exit 1' }, { 'apt-get': 'exit 0' }, {}]) {
    const { calls } = programs(t, scripts);
    await assert.rejects(install({ root: false }), { message: sentence });
    assert.deepEqual(calls().filter((line) => line.startsWith('apt-get')), []);
  }
});

test('where there is a Chromium, apt-get isn\'t called at all', async (t) => {
  const { folder, calls } = programs(t, { 'apt-get': 'exit 1', sudo: 'exit 1', chromium: 'exit 0' });
  const named = process.env.ROOMCAST_CHROMIUM;
  t.after(() => Object.assign(process.env, named === undefined ? {} : { ROOMCAST_CHROMIUM: named }));
  delete process.env.ROOMCAST_CHROMIUM;
  assert.equal(await ensureChromium(), path.join(folder, 'chromium'));
  assert.deepEqual(calls().filter((line) => /^(apt-get|sudo) /.test(line)), []);
});
