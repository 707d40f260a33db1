// What a room remembers of a socket whose client is gone (1.11.5, 1.11.6), where the reference forgets or mistakes it: sockets
// that had no event yet, rooms joined and left in between, an object that went out of memory, a log that has an end.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placeholder } from './support/conformance.mjs';
import { broadcasts, connect, connection, eventsIn, pair, Person, TRANSPORTS } from './support/recovery.mjs';
import { AS_DEPLOYED, onReference, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { sleep } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

const app = { ...WITHOUT_PINGS, APP: 'conformance', ...AS_DEPLOYED };

describe('clients that had no event yet', { skip: onReference && 'the reference finds no session without an offset' }, () => {
  const server = serverFor(app);

  for (const transport of TRANSPORTS) {
    test(`1.11.4 over ${transport}: without an offset everything since the first CONNECT is replayed`, async (t) => {
      const { away, here } = await pair(t, server, { transport });
      await away.join('tea');
      await here.tell('before');
      await away.hears('before');
      await away.lose();
      await here.tell('missed');
      const again = await away.back({ offset: null });
      assert.deepEqual(again.missed, [['auth', {}], ...broadcasts('before', 'missed')]);
      assert.deepEqual(await again.rooms(), ['tea']);
    });
  }

  test('1.11.4 a client that was gone before anything could reach it', async (t) => {
    const room = freshRoom();
    const here = await Person.open(t, server, { room });
    await here.tell('before its time');
    const line = await connection(t, server, room, { transport: 'polling' });
    await line.post('40');
    const [, sid, pid] = /40\{"sid":"([^"]+)","pid":"([^"]+)"\}/.exec((await line.get()).body); // and never another GET
    await line.lose();
    await here.tell('missed');
    const { missed, ...again } = await connect(await connection(t, server, room), { pid });
    assert.deepEqual(again, { sid, pid });
    assert.deepEqual((await eventsIn(missed)).events, [['auth', {}], ...broadcasts('missed')]);
  });

  test('1.11.4 without an offset it works twice in a row', async (t) => {
    const { away, here } = await pair(t, server);
    await away.lose();
    await here.tell('missed 1');
    const again = await away.back({ offset: null });
    assert.deepEqual(again.missed, [['auth', {}], ...broadcasts('missed 1')]);
    await again.lose();
    await here.tell('missed 2');
    assert.deepEqual((await again.back({ offset: null })).missed, [['auth', {}], ...broadcasts('missed 1', 'missed 2')]);
  });
});

const LAST_ROOMS = onReference && 'the reference goes by the rooms at the end';

describe('rooms', () => {
  const server = serverFor(app);
  const toTea = (person, data) => person.ask('to', { room: 'tea', event: 'room', data });

  test('1.11.6 what counts are the rooms at the moment of an event, not those at the end',
    { skip: LAST_ROOMS }, async (t) => {
      const { away, here } = await pair(t, server);
      const { offset } = away;
      await toTea(here, 'too early');
      await away.join('tea');
      await toTea(here, 'in 1');
      assert.deepEqual(await away.event(), ['room', 'in 1']);
      await away.ask('leave', { room: 'tea' });
      await toTea(here, 'out');
      await away.join('tea');
      await toTea(here, 'in 2');
      await away.lose();
      await toTea(here, 'missed');
      assert.deepEqual((await away.back({ offset })).missed, [['room', 'in 1'], ['room', 'in 2'], ['room', 'missed']]);
    });

  test('1.11.6 the same where it was in none at the end', { skip: LAST_ROOMS }, async (t) => {
    const { away, here } = await pair(t, server);
    const { offset } = away;
    await away.join('tea');
    await toTea(here, 'in');
    assert.deepEqual(await away.event(), ['room', 'in']);
    await away.ask('leave', { room: 'tea' });
    await toTea(here, 'out');
    await away.lose();
    const again = await away.back({ offset });
    assert.deepEqual(again.missed, [['room', 'in']]);
    assert.deepEqual(await again.rooms(), []);
  });

  test('1.11.6 who is gone is still in its rooms, and in them again when it comes back', async (t) => {
    const { away, here } = await pair(t, server);
    for (const each of [away, here]) await each.join('tea');
    let person = away;
    for (const round of [1, 2]) {
      await person.lose();
      await here.ask('to', { room: 'cake', event: 'room', data: 'not for it' });
      await here.emit('to', { room: 'tea', event: 'room', data: round });
      assert.deepEqual(await here.event(), ['room', round]);
      person = await person.back();
      assert.deepEqual(person.missed, [['room', round]]);
      await person.emit('to', { room: 'tea', event: 'room', data: 'live' });
      for (const each of [person, here]) assert.deepEqual(await each.event(), ['room', 'live']);
    }
  });

  test('1.11.5 data of every shape, and none', async (t) => {
    let { away } = await pair(t, server);
    assert.equal(await away.ask('data?'), null);
    for (const value of [0, '', [], { deep: [{ text: '👩‍🚀\u0000\u2028"' }] }, 'x'.repeat(60_000), null]) {
      await away.ask('data', { value });
      away = await (await away.lose()).back();
      assert.deepEqual(await away.ask('data?'), value);
    }
  });
});

for (const how of ['hibernate', 'close']) {
  describe(`an object that went out of memory (${how})`, { skip: roomcastOnly }, () => {
    const server = serverFor(app);
    const evict = (room) => server.evict(room, how);

    test('1.11.5 1.11.6 between the loss and the return', async (t) => {
      const { away, room, here } = await pair(t, server);
      await away.join('tea');
      await away.ask('data', { value: 'kept' });
      await away.lose();
      await here.tell('missed 1');
      here.line.send(`451-["broadcast",${placeholder(0)}]`);
      here.line.send(Buffer.from([1, 2, 3]));
      await here.ask('to', { room: 'tea', event: 'room', data: 'missed 3' });
      await evict(room);
      const still = how === 'close' ? await here.back() : here;
      await still.tell('missed 4');
      const again = await away.back();
      assert.deepEqual(again.missed, [
        ['broadcast', 'missed 1'], ['broadcast', Buffer.from([1, 2, 3])], ['room', 'missed 3'], ['broadcast', 'missed 4'],
      ]);
      assert.deepEqual([await again.rooms(), await again.ask('data?')], [['tea'], 'kept']);
    });

    test('1.11.5 before the loss', async (t) => {
      const { away, room, here } = await pair(t, server);
      await away.join('tea');
      await evict(room);
      const [person, still] = how === 'close' ? [await away.back(), await here.back()] : [away, here];
      await still.tell('heard');
      await person.hears('heard');
      await person.lose();
      await still.tell('missed');
      const again = await person.back();
      assert.deepEqual(again.missed, broadcasts('missed'));
      assert.deepEqual(await again.rooms(), ['tea']);
    });

    test('1.11.5 again and again, with everybody gone', async (t) => {
      const room = freshRoom();
      let person = await Person.open(t, server, { room });
      const joined = [];
      for (const each of ['tea', 'cake', 'milk', 'tea']) {
        if (joined.includes(each)) await person.ask('leave', { room: joined.shift() });
        else await person.join(each), joined.push(each);
        await person.lose();
        await evict(room);
        person = await person.back();
        assert.deepEqual(await person.rooms(), joined);
      }
    });

    test('1.11.7 what has ended for good stays ended', async (t) => {
      const { away, here, room } = await pair(t, server);
      const left = await Person.open(t, server, { room });
      await away.emit('kick', { close: false });
      await away.line.next('DISCONNECT');
      await left.line.send('41');
      await here.tell('marker');
      await evict(room);
      for (const person of [away, left]) await person.fresh();
    });
  });
}

describe('the end of the log', { skip: roomcastOnly }, () => {
  const MOST = 20;
  const INTERVAL = 1_000;
  const server = serverFor({ ...app, LOG_MAX_EVENTS: MOST, PING_INTERVAL_MS: INTERVAL });
  /** What is too much goes with the next ping of the room. */
  const cut = () => sleep(2.5 * INTERVAL);

  test('1.11.8 who has missed more than is kept is a new client, and who has not gets it all', async (t) => {
    const { away, here } = await pair(t, server);
    const patient = await Person.open(t, server, { room: away.room });
    await away.lose();
    await here.tell(...Array.from({ length: 3 * MOST }, (_, i) => i));
    for (let i = 0; i < 3 * MOST; i += 1) await patient.event();
    await cut();
    await patient.lose();
    await here.tell('missed');
    await away.fresh();
    assert.deepEqual((await patient.back()).missed, broadcasts('missed'));
  });

  test('1.11.8 the same without an offset', async (t) => {
    const { away, here } = await pair(t, server);
    await away.lose();
    await here.tell(...Array.from({ length: 3 * MOST }, (_, i) => i));
    await cut();
    await away.fresh({ offset: null });
  });

  test('1.11.8 exactly as many as are kept can be missed', async (t) => {
    const { away, here } = await pair(t, server);
    // The greeting of the other one, which came later, is kept as well.
    const all = Array.from({ length: MOST - 1 }, (_, i) => i);
    await away.lose();
    await here.tell(...all.slice(1));
    await cut();
    await here.tell(all[0]);
    await cut();
    assert.deepEqual((await away.back()).missed, broadcasts(...all.slice(1), all[0]));
  });
});

describe('more than a connection may have waiting', { skip: roomcastOnly }, () => {
  const server = serverFor({ ...app, MAX_BUFFERED_BYTES: 50_000 });

  test('1.11.8 who has missed so much is a new client, and who has missed less is not', async (t) => {
    for (const [count, recovered] of [[2, true], [6, false]]) { // half of it is for what was missed
      const { away, here } = await pair(t, server);
      await away.lose();
      const texts = Array.from({ length: count }, (_, i) => `${i}`.repeat(10_000));
      await here.tell(...texts);
      if (recovered) assert.deepEqual((await away.back()).missed, broadcasts(...texts));
      else await away.fresh();
    }
  });
});

describe('time', { skip: roomcastOnly }, () => {
  const SHORT = 1_500;
  const server = serverFor({ ...app, RECOVERY_MS: SHORT });

  test('1.11.8 the time runs on while the object sleeps', async (t) => {
    const { away, room } = await pair(t, server);
    await away.lose();
    await server.evict(room, 'hibernate');
    await sleep(SHORT + 500);
    await away.fresh();
  });

  test('1.11.8 a loss that the object slept through counts from when it was noticed', async (t) => {
    const { away, here, room } = await pair(t, server);
    await server.evict(room, 'hibernate');
    await sleep(SHORT + 500);
    await away.lose();
    await here.tell('missed');
    assert.deepEqual((await away.back()).missed, broadcasts('missed'));
  });
});
