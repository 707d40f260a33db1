// Methods that no Socket.IO client sends. Programs that look for WebDAV or for caches send them to any URL: they must not open a
// session, nor take what a session is owed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { countersOf } from './support/idle-crowd.mjs';
import { assertBadRequest } from './support/refusals.mjs';
import { onReference, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { engineUrl, freshRoom, Poller, request } from './support/wire.mjs';

const server = serverFor({ ...WITHOUT_PINGS, DEBUG: 'true' });

for (const method of ['PROPFIND', 'PROPPATCH', 'SEARCH', 'LOCK', 'UNLOCK', 'MKCOL', 'PURGE', 'REPORT', 'PATCH']) {
  describe(method, () => {
    test('without a session it is error 2', async () => {
      const { status, body } = await request(engineUrl(server, freshRoom()), { method });
      assert.equal(status, 400);
      const { code, message } = JSON.parse(body);
      assert.deepEqual({ code, message }, { code: 2, message: 'Bad handshake method' });
    });

    test('with a session it is refused, and takes nothing from it', async () => {
      const poller = await Poller.open(server, freshRoom());
      await poller.post('40');
      const answer = await request(poller.url(), { method });
      if (onReference) assert.deepEqual({ status: answer.status, body: answer.body }, { status: 500, body: '' });
      else assertBadRequest(answer, /GET and POST/, { expected: 405 });
      assert.match((await poller.get()).body, /^40/);
    });
  });
}

test('what no room need answer wakes none', { skip: roomcastOnly }, async () => {
  const room = freshRoom();
  const before = await countersOf(server, room);
  for (const [query, options, status] of [
    [{}, { method: 'HEAD' }, 400],
    [{ sid: 'S' }, { method: 'HEAD' }, 405],
    [{}, { method: 'PROPFIND' }, 400],
    [{}, { method: 'POST', body: '40' }, 400],
    [{ transport: 'none' }, {}, 400],
    [{ transport: 'websocket' }, {}, 400],
    [{ j: '0' }, {}, 400],
  ]) {
    const answer = await request(engineUrl(server, room, query), options);
    assert.equal(answer.status, status, JSON.stringify([query, options]));
  }
  assert.equal((await countersOf(server, room)).requests, before.requests);
  await Poller.open(server, room);
  assert.equal((await countersOf(server, room)).requests, before.requests + 1, 'and a session is counted');
});
