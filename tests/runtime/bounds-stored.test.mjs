// What one client can make a room store, and read again: it has a bound.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { countersOf } from './support/idle-crowd.mjs';
import { broadcasts, eventsIn, pair, Person } from './support/recovery.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, WireSocket } from './support/wire.mjs';

const MB = 1_000_000;
const RECOVERING = { ...WITHOUT_PINGS, ...AS_DEPLOYED, APP: 'conformance' };

describe('the log of events', { skip: roomcastOnly }, () => {
  const MOST = 2 * MB;
  const server = serverFor({ ...RECOVERING, LOG_MAX_BYTES: MOST, DEBUG: 'true' });
  const part = (i) => `${i}/${'x'.repeat(MB / 2)}`;

  test('stays within LOG_MAX_BYTES: who missed what was dropped starts anew, who missed what is kept recovers', async (t) => {
    const { room, away: long, here } = await pair(t, server);
    const short = await Person.open(t, server, { room });
    await long.lose();
    for (let i = 0; i < 40; i += 1) {
      await here.tell(part(i));
      await short.hears(part(i));
    }
    await short.lose();
    await here.tell(part(40), part(41));
    const { databaseBytes } = await countersOf(server, room);
    t.diagnostic(`of 42 events of ${part(0).length} bytes the database has ${databaseBytes}`);
    assert.ok(databaseBytes <= 2 * MOST + MB, `${databaseBytes} bytes`);
    assert.deepEqual((await short.back()).missed, broadcasts(part(40), part(41)));
    await long.fresh();
  });
});

describe('a client that comes back again and again', { skip: roomcastOnly }, () => {
  const server = serverFor(RECOVERING);
  const REPLAYS = 3;

  test('gets what it missed three times, and starts anew then', async (t) => {
    const { away, here } = await pair(t, server);
    await away.lose();
    const missed = ['a', 'b', 'c', 'd', 'e'];
    await here.tell(...missed);
    const got = [];
    for (let i = 0; i < 20; i += 1) {
      const again = await away.reconnect();
      got.push({ same: again.sid === away.sid, events: (await eventsIn(again.packets)).events });
      await again.lose();
    }
    assert.deepEqual(got.slice(0, REPLAYS), Array(REPLAYS).fill({ same: true, events: broadcasts(...missed) }));
    assert.deepEqual(got.slice(REPLAYS), Array(20 - REPLAYS).fill({ same: false, events: [] }));
  });
});

describe('the namespaces of a connection', { skip: roomcastOnly }, () => {
  const MOST = 200;
  const server = serverFor({ ...RECOVERING, MAX_NAMESPACES: MOST });
  /** Names that make the session far too large for what the runtime keeps beside a WebSocket. */
  const name = (i) => `/dynamic-${'0'.repeat(200)}${i}`;

  async function assertAlive(wire, namespace) {
    wire.send(`42${namespace},7["whoami"]`);
    const answer = await wire.until((frame) => frame.startsWith('43'), `the answer in ${namespace}`);
    assert.ok(answer.startsWith(`43${namespace},7[`), answer);
    return JSON.parse(answer.slice(`43${namespace},7`.length))[0].id;
  }

  test('are refused beyond MAX_NAMESPACES; the connection stays, and has all the others after hibernation', async (t) => {
    const room = freshRoom();
    const wire = await WireSocket.session(t, server, room);
    const ids = [];
    for (let i = 0; i < MOST; i += 1) {
      wire.send(`40${name(i)},`);
      const connect = await wire.until((frame) => /^4[04]/.test(frame), `the answer to CONNECT ${i}`);
      assert.ok(connect.startsWith(`40${name(i)},{`), connect);
      ids.push(JSON.parse(connect.slice(3 + name(i).length)).sid);
    }
    const assertRefused = async (namespace) => {
      wire.send(`40${namespace},`);
      const answer = await wire.until((frame) => /^4[04]/.test(frame), 'the refusal');
      assert.equal(answer, `44${namespace},{"message":"There are ${MOST} namespaces of a connection already, and more are not allowed."}`);
    };
    for (let i = MOST; i < MOST + 20; i += 1) await assertRefused(name(i));
    await server.evict(room, 'hibernate');
    const still = [];
    for (let i = 0; i < MOST; i += 1) still.push(await assertAlive(wire, name(i)));
    assert.deepEqual(still, ids);
    await assertRefused('/custom');
  });

  test('have names of bounded length: one of 17,000 characters is refused in a sentence, and the connection stays', async (t) => {
    const room = freshRoom();
    const wire = await WireSocket.session(t, server, room);
    wire.send('40/custom,');
    await wire.until((frame) => frame.startsWith('40/custom,'), 'CONNECT');
    const long = `/dynamic-${'1'.repeat(17_000)}`;
    wire.send(`40${long},`);
    const answer = await wire.until((frame) => frame.startsWith('44'), 'the refusal');
    assert.equal(answer, `44${long},{"message":"A namespace's name has at most 256 bytes, but this one has ${long.length}."}`);
    await server.evict(room, 'hibernate');
    await assertAlive(wire, '/custom');
  });
});
