// Frames above MAX_PAYLOAD_BYTES: refused before they are copied, by rooms that hibernate and by those that don't.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MEMORY_ENTRY, residentBytes, wasmBytes } from './support/memory.mjs';
import { roomcastOnly, serverFor } from './support/target.mjs';
import { sleep } from './support/wait.mjs';
import { freshRoom, WireSocket } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

const MB = 1_000_000;
const FRAME = 24 * MB;
const SENDERS = 6;

for (const [kind, settings] of Object.entries({ 'that hibernates': {}, 'that never hibernates': { PING_INTERVAL_MS: 900, PING_TIMEOUT_MS: 60_000 } })) {
  describe(`in a room ${kind}, a frame above the limit`, { skip: roomcastOnly }, () => {
    const hibernates = settings.PING_INTERVAL_MS === undefined;
    let server;
    before(async () => (server = await startWorkerd({ vars: { APP: 'conformance', RECOVERY_MS: 0, ...settings }, entry: MEMORY_ENTRY })));
    after(() => server?.close());

    async function session(t, room) {
      const wire = await WireSocket.session(t, server, room);
      wire.socket.on('message', (data) => data.toString() === '2' && wire.send('3'));
      await wire.connect();
      return wire;
    }

    for (const [name, frame] of [['text', 'x'.repeat(MB + 1)], ['bytes', Buffer.alloc(MB + 1)]]) {
      test(`closes its WebSocket with 1009 and nobody else’s: ${name}`, async (t) => {
        const room = freshRoom();
        const [sender, other] = [await session(t, room), await session(t, room)];
        sender.send(frame);
        assert.deepEqual(await sender.close(), { code: 1009, reason: '' });
        other.send('427["whoami"]');
        assert.match(await other.until((frame) => frame.startsWith?.('437'), 'the ack'), /"sockets":1/, 'its session is over');
      });
    }

    test('of exactly the limit is taken', async (t) => {
      const wire = await session(t, freshRoom());
      const packet = '427["message-with-ack",""]';
      wire.send(packet.replace('""', `"${'x'.repeat(MB - packet.length)}"`));
      await wire.until((frame) => frame.startsWith?.('437'), 'the ack');
    });

    test('costs no wasm memory, which would never be given back', async (t) => {
      const room = freshRoom();
      const wires = await Promise.all(Array.from({ length: SENDERS }, () => session(t, room)));
      const [before, wasmBefore] = [residentBytes(server.pid), await wasmBytes(server)];
      for (const wire of wires) {
        wire.send('4'.repeat(FRAME));
        assert.equal((await wire.close()).code, 1009);
      }
      await sleep(3_000); // the runtime's own copies are collected
      const [grown, wasmGrown] = [residentBytes(server.pid) - before, (await wasmBytes(server)) - wasmBefore];
      t.diagnostic(`${SENDERS} frames of ${FRAME / MB} MB: ${(grown / MB).toFixed(0)} MB more, of which wasm's are ${(wasmGrown / MB).toFixed(0)}`);
      assert.ok(wasmGrown < 4 * MB, `${wasmGrown} bytes more of wasm memory`);
      // 2026-11: workerd keeps the frames of an object's ordinary sockets, those of an object in plain JavaScript as well.
      if (hibernates) assert.ok(grown < SENDERS * FRAME, `${grown} bytes more`);
    });
  });
}

describe('a panic', { skip: roomcastOnly }, () => {
  const server = serverFor({ APP: 'conformance' });

  test('changes nothing: a frame above the limit is refused with 1009 afterwards', async (t) => {
    const room = freshRoom();
    const [sender, other] = [await WireSocket.session(t, server, room), await WireSocket.session(t, server, room)];
    for (const wire of [sender, other]) await wire.connect();
    other.send('42["panic"]');
    sender.send('427["whoami"]');
    await sender.until((frame) => frame.startsWith?.('437'), 'the ack of the room that started anew');
    sender.send('x'.repeat(MB + 1));
    assert.deepEqual(await sender.close(), { code: 1009, reason: '' });
  });
});
