// How large what is deployed is: so that it doesn't grow unnoticed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DEPLOYED } from '../runtime/support/server.mjs';

/** Bytes that the deployed wasm may have, compressed by `gzip -9`. Each of its isolates loads and compiles it before its first answer. */
const MAX_GZIP_BYTES = 355_000;

const wasm = (name) => readFileSync(path.join(DEPLOYED, name));
const customSections = (bytes) => WebAssembly.Module.customSections(new WebAssembly.Module(bytes), 'name');

describe('the deployed wasm', () => {
  test(`has at most ${MAX_GZIP_BYTES} bytes, compressed`, () => {
    const size = gzipSync(wasm('index_bg.wasm'), { level: 9 }).length;
    const advice = 'docs/performance.md says what makes it small. If it has to grow, change MAX_GZIP_BYTES and say why';
    assert.ok(size <= MAX_GZIP_BYTES, `it has ${size}: ${advice}`);
  });

  test('has no names, which stand beside it', () => {
    assert.equal(customSections(wasm('index_bg.wasm')).length, 0);
    assert.equal(customSections(wasm('index_bg.names.wasm')).length, 1);
  });
});
