// The cookie of a session (H7), which load balancers in front of the reference like to stick to.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { engineUrl, freshRoom, Poller, request, WireSocket } from './support/wire.mjs';

const plain = serverFor(WITHOUT_PINGS);
const named = serverFor({ ...WITHOUT_PINGS, COOKIE: 'io' });
const renamed = serverFor({ ...WITHOUT_PINGS, COOKIE: 'my_sticky-1' });

const cookies = ({ headers }) => headers['set-cookie'];

describe('H7 the cookie', () => {
  test('is not set unless there is a name for it', async () => {
    assert.equal(cookies((await Poller.open(plain, freshRoom())).response), undefined);
  });

  test('comes with the handshake over polling: the id of the session, for no script to read', async () => {
    for (const [server, name] of [[named, 'io'], [renamed, 'my_sticky-1']]) {
      const { sid, response } = await Poller.open(server, freshRoom());
      assert.deepEqual(cookies(response), [`${name}=${sid}; Path=/; HttpOnly; SameSite=Lax`]);
    }
  });

  test('comes with no other answer of the session', async () => {
    const poller = await Poller.open(named, freshRoom());
    const answers = [await poller.post('40'), await poller.get(), await poller.post('1'), await poller.get()];
    assert.deepEqual(answers.map(cookies), [undefined, undefined, undefined, undefined]);
  });

  test('comes with no error', async () => {
    for (const query of [{ transport: 'abc' }, { EIO: '3' }, { sid: 'nobody' }]) {
      assert.equal(cookies(await request(engineUrl(named, freshRoom(), query))), undefined);
    }
  });

  test('comes with no WebSocket', async (t) => {
    const wire = new WireSocket(engineUrl(named, freshRoom(), { transport: 'websocket' }));
    t.after(() => wire.socket.terminate());
    const upgraded = new Promise((resolve) => wire.socket.on('upgrade', resolve));
    await wire.next('the open packet');
    assert.equal(cookies(await upgraded), undefined);
  });

  test('that a client sends decides nothing', async () => {
    const first = await Poller.open(named, freshRoom());
    const second = await request(engineUrl(named, freshRoom()), { headers: { cookie: `io=${first.sid}` } });
    const { sid } = JSON.parse(second.body.slice(1));
    assert.notEqual(sid, first.sid);
    assert.deepEqual(cookies(second), [`io=${sid}; Path=/; HttpOnly; SameSite=Lax`]);
  });
});
