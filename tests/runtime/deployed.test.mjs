// What is deployed has no conformance app: the setting that asks for it is refused, and none of its code is there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { bundleFor, DEPLOYED } from './support/server.mjs';
import { roomcastOnly, serverFor, startTarget } from './support/target.mjs';
import { ECHO, engineUrl, freshRoom, request } from './support/wire.mjs';

describe('the deployed bundle', { skip: roomcastOnly }, () => {
  test('refuses APP=conformance', async (t) => {
    const server = await startTarget({ vars: { APP: 'conformance' }, bundle: DEPLOYED });
    t.after(() => server.close());
    const sentence = 'This server is set up wrongly: its setting APP can\'t be used. Its log says more.';
    for (const url of [new URL('/healthz', server.url), engineUrl(server, freshRoom())]) {
      const { status, body } = await request(url);
      assert.deepEqual({ status, body }, { status: 500, body: sentence });
    }
  });

  test('has none of the app\'s code, which the bundle for the conformance tests has', () => {
    const code = (folder) => readFileSync(path.join(folder, 'index_bg.wasm'), 'latin1');
    for (const word of ['message-back', 'as it was asked to']) {
      assert.equal(code(DEPLOYED).includes(word), false, word);
      assert.equal(code(bundleFor({ APP: 'conformance' })).includes(word), true, word);
    }
  });

  describe('with the chat', () => {
    const server = serverFor();

    test('has no raw Engine.IO server', async () => {
      assert.equal((await request(engineUrl(server, ECHO))).status, 404);
    });
  });
});
