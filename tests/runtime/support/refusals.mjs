// Error 3 (1.2): what the reference answers, and the reason that only roomcast adds.
import assert from 'node:assert/strict';
import { onReference } from './target.mjs';

/** Asserts that an answer is error 3 for this reason. Where the reference sends `empty` answers, it has no body there. */
export function assertBadRequest({ status, headers, body }, reason, { expected = 400, empty = false } = {}) {
  if (onReference && empty) return assert.deepEqual({ status, body }, { status: 400, body: '' });
  assert.deepEqual({ status, type: headers['content-type'] }, { status: expected, type: 'application/json' });
  const { code, message, ...rest } = JSON.parse(body);
  assert.deepEqual({ code, message }, { code: 3, message: 'Bad request' });
  assertReason(rest.reason, reason);
  assert.deepEqual(Object.keys(rest), onReference ? [] : ['reason']);
}

/** The same of a WebSocket that was refused: text, and always 400. */
export function assertBadUpgrade({ status, headers, body }, reason) {
  assert.deepEqual({ status, type: headers['content-type'] }, { status: 400, type: 'text/html' });
  assert.ok(body.startsWith('Bad request'), body);
  assertReason(/^Bad request\. (.*)$/.exec(body)?.[1], reason);
}

function assertReason(found, reason) {
  if (onReference) assert.equal(found, undefined);
  else assert.match(found ?? '', reason);
}
