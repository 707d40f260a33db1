// A room that fell asleep is dropped when the engine collects its object. That is no event of the object, so the runtime refuses what
// only an event may do; whatever of the room was dropped after such a call would stay in memory for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roomcastOnly, WITHOUT_PINGS } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { freshRoom, Poller, request, WireSocket } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

const ENTRY = `
import Worker, { ChatRoom as Room } from './index.js';

const rooms = new FinalizationRegistry(() => console.log('a room was collected'));

export class ChatRoom extends Room {
  constructor(...args) {
    super(...args);
    rooms.register(this);
  }
}

export default class extends Worker {
  fetch(request) {
    if (!request.url.endsWith('/collect')) return super.fetch(request);
    gc();
    return new Response('collected');
  }
}
`;

test('a sleeping room that has used its timer is dropped without an error', { skip: roomcastOnly, timeout: 120_000 }, async (t) => {
  const server = await startWorkerd({ vars: { ...WITHOUT_PINGS, RECOVERY_MS: 0 }, entry: ENTRY, v8Flags: ['--expose-gc'] });
  t.after(() => server.close());
  for (let i = 0; i < 3; i += 1) {
    const room = freshRoom();
    const stays = await WireSocket.session(t, server, room);
    await stays.connect();
    const poller = await Poller.open(server, room);
    await poller.connect();
    await poller.post('1'); // its answer waits for a GET, by the room's timer
  }
  const collect = async () => {
    await request(new URL('/collect', server.url));
    return /a room was collected/.test(server.output());
  };
  await eventually(collect, () => `a room to fall asleep; the server printed ${server.output()}`, 60_000);
  assert.doesNotMatch(server.output(), /Critical error|Uncaught/);
});
