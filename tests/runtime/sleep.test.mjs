// A silent room sleeps: however many people are in it, it is woken once an interval, to ping them, and their pongs don't wake it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { countersOf, growth, IdleCrowd } from './support/idle-crowd.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { freshRoom, request } from './support/wire.mjs';

const IDLE = 60_000;
const CROWD = { wires: 44, clients: 6 };

/** 50 people in a room who say nothing for a minute, while `meanwhile(room, end, pinged)` goes on; `pinged()` is how often so far. */
async function idleMinute(t, server, interval, meanwhile) {
  const room = freshRoom();
  const crowd = await IdleCrowd.gather(t, server, room, CROWD);
  await sleep(interval + 1_000); // until what there was to do about their coming is done
  const pingsBefore = crowd.pings();
  const before = await countersOf(server, room);
  const started = Date.now();
  await meanwhile(room, started + IDLE, () => crowd.pings()[0]);
  const after = await countersOf(server, room);
  const intervals = (Date.now() - started) / interval;
  const grown = growth(before, after);
  const pings = crowd.pings().map((count, i) => count - pingsBefore[i]);
  t.diagnostic(`${intervals.toFixed(1)} intervals: ${JSON.stringify(grown)}, ${Math.min(...pings)} to ${Math.max(...pings)} pings each`);

  assert.ok(Math.min(...pings) >= Math.floor(intervals) - 1, `somebody got ${Math.min(...pings)} pings in ${intervals} intervals`);
  assert.ok(grown.wakeUps <= Math.ceil(intervals) + 1, `woken ${grown.wakeUps} times in ${intervals} intervals`);
  assert.deepEqual([grown.messages, grown.requests, grown.closes], [0, 0, 0], 'messages, requests, closes');
  await crowd.speak();
  const spoken = growth(after, await countersOf(server, room));
  assert.equal(spoken.messages, CROWD.wires + CROWD.clients, 'and messages are counted');
  return grown;
}

describe('a silent room', { skip: roomcastOnly, concurrency: true }, () => {
  const forced = { ...AS_DEPLOYED, PING_INTERVAL_MS: 5_000, DEBUG: 'true' };
  const ofItself = { ...AS_DEPLOYED, PING_INTERVAL_MS: 12_000, DEBUG: 'true' };
  const short = serverFor(forced);
  const long = serverFor(ofItself);
  const silent = serverFor(AS_DEPLOYED);

  test('is woken once an interval, though it is put out of memory after each ping', async (t) => {
    const interval = forced.PING_INTERVAL_MS;
    let evictions = 0;
    const grown = await idleMinute(t, short, interval, async (room, end, pinged) => {
      while (Date.now() < end) {
        const before = pinged();
        await eventually(() => pinged() > before, 'the next ping', 2 * interval);
        await sleep(interval / 2);
        await short.evict(room, 'hibernate');
        evictions += 1;
      }
    });
    assert.ok(evictions >= IDLE / interval - 2, `put out of memory ${evictions} times`);
    assert.ok(grown.constructed >= evictions, `${grown.constructed} times in memory again, put out of it ${evictions} times`);
  });

  test('falls asleep by itself between two pings', async (t) => {
    const grown = await idleMinute(t, long, ofItself.PING_INTERVAL_MS, (_, end) => sleep(end - Date.now()));
    const pings = Math.floor(IDLE / ofItself.PING_INTERVAL_MS);
    assert.ok(grown.constructed >= pings - 1, `${grown.constructed} times out of memory and in again, at ${pings} pings`);
  });

  test('has its counters at a path of their own, and not at a Socket.IO path that ends alike', async () => {
    const room = freshRoom();
    assert.equal(JSON.parse((await request(new URL(`/r/${room}/debug`, short.url))).body).requests, 0);
    const { status, body } = await request(new URL(`/r/${room}/socket.io/debug?EIO=4&transport=polling`, short.url));
    assert.deepEqual([status, body[0]], [200, '0'], body);
  });

  test('tells nobody how often it was woken, unless DEBUG is set', async () => {
    assert.equal((await request(new URL(`/r/${freshRoom()}/debug`, silent.url))).status, 404);
  });
});
