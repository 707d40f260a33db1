// An event that is too large to be stored: whoever sent it learns of it, nobody is told, and everything goes on.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KINDS, Peer } from './support/peers.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { freshRoom } from './support/wire.mjs';

const STOCK = KINDS['socket.io-client 4.8'];
/** Larger than a row of SQLite may be in a Durable Object. */
const HUGE = 'x'.repeat(3_000_000);
/** The arguments without the offset, which stands last. */
const withoutOffset = (event) => event.slice(0, -1);

describe('an event that can’t be stored', { skip: roomcastOnly }, () => {
  const server = serverFor({ ...AS_DEPLOYED, APP: 'conformance', MAX_PAYLOAD_BYTES: 5_000_000, MAX_BUFFERED_BYTES: 20_000_000 });

  async function pair(t, transport) {
    const room = freshRoom();
    const peers = [await Peer.open(t, STOCK, server.url, room, { transport }), await Peer.open(t, STOCK, server.url, room, { transport })];
    for (const peer of peers) assert.equal((await peer.next('the greeting'))[0], 'auth');
    return peers;
  }

  for (const transport of ['websocket', 'polling']) {
    test(`is acked with an error, nobody gets it, and the next one is told: ${transport}`, async (t) => {
      const [sender, other] = await pair(t, transport);
      assert.deepEqual(await sender.call('broadcast', HUGE), [{ error: 'storage' }]);
      sender.emit('broadcast', 'small');
      assert.deepEqual(withoutOffset(await other.next('the small one')), ['broadcast', 'small']);
      assert.deepEqual(await sender.call('message-with-ack', 'still here'), ['still here']);
      for (const { socket } of [sender, other]) assert.equal(socket.connected, true);
    });

    test(`without an acknowledgement asked for, it is just not there: ${transport}`, async (t) => {
      const [sender, other] = await pair(t, transport);
      sender.emit('broadcast', HUGE);
      sender.emit('message', HUGE);
      sender.emit('message', 'small');
      assert.deepEqual(withoutOffset(await sender.next('the small one')), ['message-back', 'small']);
      other.emit('message', 'small too');
      assert.deepEqual(withoutOffset(await other.next('the small one')), ['message-back', 'small too']);
    });
  }

  test('what is acked is not stored, and may be as large as a payload', async (t) => {
    const [sender] = await pair(t, 'websocket');
    const [back] = await sender.call('message-with-ack', HUGE);
    assert.equal(back.length, HUGE.length);
  });

  test('it leaves no gap: who was away meanwhile recovers what there is', async (t) => {
    const [sender, other] = await pair(t, 'websocket');
    sender.emit('broadcast', 'before');
    await other.next('the one before');
    const { id } = other.socket;
    other.socket.io.engine.transport.ws.terminate();
    await other.life.until((step) => String(step).startsWith('disconnect'), 'the disconnection');
    assert.deepEqual(await sender.call('broadcast', HUGE), [{ error: 'storage' }]);
    sender.emit('broadcast', 'after');
    await sender.call('message-with-ack', 'both are done');
    other.socket.connect();
    await other.connected('to recover');
    assert.deepEqual([other.socket.recovered, other.socket.id], [true, id]);
    assert.deepEqual(withoutOffset(await other.next('what was missed')), ['broadcast', 'after']);
  });
});
