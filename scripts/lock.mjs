// One set-up or build at a time in a working copy: a second one waits for the first.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, say, toolsDir } from './project.mjs';

const lockFile = join(toolsDir, 'lock');

function holder() {
  try {
    return Number(readFileSync(lockFile, 'utf8'));
  } catch {
    return 0;
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function release() {
  if (holder() === process.pid) rmSync(lockFile, { force: true });
}

/** Runs `work` while holding the lock. A lock whose holder is gone is taken over. */
export async function withLock(work) {
  let told = false;
  for (;;) {
    try {
      mkdirSync(toolsDir, { recursive: true });
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw new Problem(`${toolsDir} can't be written to, and the set-up needs it (${error.code}): run this as the owner of the folder.`);
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = holder();
    if (pid && !alive(pid)) {
      rmSync(lockFile, { force: true });
      continue;
    }
    if (!told) say(`another set-up or build runs here (process ${pid || 'unknown'}); waiting for it (.tools/lock).`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  process.on('exit', release);
  try {
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}
