// What idle clients cost: how often a room is woken grows with their number, not with its square.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { countersOf, growth, IdleCrowd, inBatches } from './support/idle-crowd.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { sleep } from './support/wait.mjs';
import { freshRoom, Poller } from './support/wire.mjs';

const INTERVAL = 10_000;
const IDLE = 2 * INTERVAL;
/** Requests, timers and alarms that an idle polling client may cost an interval: a GET, a pong, and its ping. */
const TURNS_EACH = 4;
/** What the room itself may cost an interval, whoever is in it: its ping, the alarm for it, and what a timer finds done. */
const TURNS_ANYWAY = 4;

/** Polls and answers pings until it is told to stop; counts the pings. */
class IdlePoller {
  static async enter(server, room) {
    const poller = await Poller.open(server, room);
    await poller.connect();
    await poller.post('3'); // to a ping that may have come with the answer to CONNECT
    return Object.assign(new IdlePoller(), { poller, pings: 0 });
  }

  start() {
    this.loop = this.#run();
    this.loop.catch(() => {}); // whoever stops it hears of it
  }

  async #run() {
    while (!this.stopped) {
      const { status, body } = await this.poller.get({ patience: 3 * INTERVAL });
      if (this.stopped) return; // by a packet that may have overtaken this GET
      if (status !== 200) throw new Error(`a GET was answered with ${status} ${body}`);
      if (!body.split('\x1e').includes('2')) continue;
      this.pings += 1;
      await this.poller.post('3');
    }
  }

  async stop() {
    this.stopped = true;
    await this.poller.post('1');
    await this.loop;
  }
}

/** The turns of a room in `IDLE`, and the pings that each of its clients got meanwhile. */
async function idle(t, server, { pollers: pollerCount, wires }) {
  const room = freshRoom();
  const crowd = await IdleCrowd.gather(t, server, room, { wires, clients: 0 });
  const pollers = await inBatches(pollerCount, 20, () => IdlePoller.enter(server, room));
  for (const poller of pollers) poller.start();
  await sleep(INTERVAL + 1_000); // until what there was to do about their coming is done
  const pings = () => [...crowd.pings(), ...pollers.map((poller) => poller.pings)];
  const [before, pingsBefore] = [await countersOf(server, room), pings()];
  const started = Date.now();
  await sleep(IDLE);
  const [after, pingsAfter] = [await countersOf(server, room), pings()];
  const intervals = (Date.now() - started) / INTERVAL;
  for (const poller of pollers) await poller.stop();
  const grown = growth(before, after);
  const turns = (grown.wakeUps + grown.timers) / intervals;
  const had = pingsAfter.map((count, i) => count - pingsBefore[i]);
  t.diagnostic(`${pollerCount} polling, ${wires} on WebSockets: ${turns.toFixed(0)} turns an interval: ${JSON.stringify(grown)}`);
  assert.ok(Math.min(...had) >= 1, `somebody got ${Math.min(...had)} pings in ${intervals} intervals`);
  return turns;
}

describe('idle clients', { skip: roomcastOnly, concurrency: true }, () => {
  const server = serverFor({ ...AS_DEPLOYED, PING_INTERVAL_MS: INTERVAL, DEBUG: 'true' });

  for (const pollers of [50, 100, 400]) {
    test(`${pollers} that poll cost their requests and a turn each for their pings`, async (t) => {
      const turns = await idle(t, server, { pollers, wires: 0 });
      assert.ok(turns <= TURNS_EACH * pollers + TURNS_ANYWAY, `${turns} turns an interval`);
    });
  }

  for (const wires of [50, 100, 400]) {
    test(`${wires} on WebSockets cost a turn for all their pings together`, async (t) => {
      const turns = await idle(t, server, { pollers: 0, wires });
      assert.ok(turns <= TURNS_ANYWAY, `${turns} turns an interval`);
    });
  }

  test('a mix costs what its polling clients cost', async (t) => {
    const turns = await idle(t, server, { pollers: 50, wires: 50 });
    assert.ok(turns <= TURNS_EACH * 50 + TURNS_ANYWAY, `${turns} turns an interval`);
  });
});
