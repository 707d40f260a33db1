// Who is there: the roster outlives everything but the people themselves, and others are told of comings and goings once a
// person, not once a connection. Time is the subject here, so these tests sleep.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allBackAfter, Person, RETURNING } from './support/people.mjs';
import { roomcastOnly, serverFor } from './support/target.mjs';
import { sleep } from './support/wait.mjs';
import { startWorkerd } from './support/workerd.mjs';
import { freshRoom } from './support/wire.mjs';

/** After so long without a word somebody is away. */
const AWAY_AFTER = 10_000;
/** After so long somebody has left. */
const RECOVERY = 15_000;
/** How late that may be, on a busy machine. */
const MOMENT = 4_000;
const vars = { RECOVERY_MS: RECOVERY };

const roster = (members) => members.map(({ name, away }) => (away ? `${name} (away)` : name)).sort();

function assertTook(what, ms, least) {
  assert.ok(ms >= least - 500 && ms <= least + MOMENT, `${what} after ${ms} ms, should be about ${least}`);
}

/** Starts runtimes that may be killed; all of them end with the tests. */
function mortalServers(count) {
  const servers = [];
  before(async () => {
    for (let i = 0; i < count; i += 1) servers.push(await startWorkerd({ vars }));
  });
  after(() => Promise.all(servers.map((server) => server.close())));
  return servers;
}

async function restart(server) {
  await server.kill();
  await server.start();
}

describe('presence', { skip: roomcastOnly, concurrency: true }, () => {
  const server = serverFor(vars);
  const mortals = mortalServers(3);
  const enter = (t, room, name, options) => Person.enter(t, server, room, name, options);
  /** Lets everything be told that is on its way: each of them hears a marker, of which the others are told. */
  async function settle(...people) {
    for (const person of people) await person.say('marker');
    for (const person of people) if (people.length > 1) await person.hears('newMessage', 'marker');
  }

  for (const kind of ['hibernate', 'close']) {
    test(`the roster survives an eviction (${kind}), and nobody is told anything`, async (t) => {
      const room = freshRoom();
      const people = [];
      for (const name of ['Ada', 'Bob', 'Eve']) people.push(await enter(t, room, name, RETURNING));
      people.forEach((person) => person.forget());
      if (kind === 'hibernate') await server.evict(room, kind);
      else await allBackAfter(people, () => server.evict(room, kind));
      const late = await enter(t, room, 'Late');
      assert.deepEqual(roster(late.me.members), ['Ada', 'Bob', 'Eve', 'Late']);
      for (const person of people) assert.equal(late.me.members.find(({ id }) => id === person.me.id)?.name, person.name);
      await sleep(AWAY_AFTER + MOMENT); // those who were lost for a while are not told to be away later either
      await settle(late, ...people);
      for (const person of people) assert.deepEqual(person.presence(), ['memberJoined Late']);
    });
  }

  test('the roster survives SIGKILL: those who are still on their way back are in it', async (t) => {
    const [mortal] = mortals;
    const room = freshRoom();
    const ada = await Person.enter(t, mortal, room, 'Ada');
    const bob = await Person.enter(t, mortal, room, 'Bob');
    await restart(mortal);
    const late = await Person.enter(t, mortal, room, 'Late');
    assert.deepEqual(roster(late.me.members), ['Ada', 'Bob', 'Late']);
    await ada.comeBack();
    await bob.comeBack();
    await settle(late, ada, bob);
    assert.deepEqual(late.presence(), []);
    assert.deepEqual(roster((await ada.join()).members), ['Ada', 'Bob', 'Late']);
  });

  test('20 members, SIGKILL: all are back within seconds, and nobody is told a thing', async (t) => {
    const [, mortal] = mortals;
    const room = freshRoom();
    const people = await Promise.all(Array.from({ length: 20 }, (_, i) => Person.enter(t, mortal, room, `Person ${i}`, RETURNING)));
    await settle(...people);
    people.forEach((person) => person.forget());
    const killed = Date.now();
    await allBackAfter(people, () => restart(mortal), 10_000);
    t.diagnostic(`all back after ${Date.now() - killed} ms, ${people.filter(({ socket }) => socket.recovered).length} of 20 recovered`);
    await sleep(RECOVERY + MOMENT);
    const late = await Person.enter(t, mortal, room, 'Late');
    assert.deepEqual(roster(late.me.members), roster([...people, late]));
    await Promise.all(people.map((person) => person.hears('memberJoined', 'Late')));
    for (const person of people) assert.deepEqual(person.presence(), ['memberJoined Late']);
  });

  test('SIGKILL, and one doesn’t come back: the others are told that it is away, and later that it left', async (t) => {
    const [, , mortal] = mortals;
    const room = freshRoom();
    const ada = await Person.enter(t, mortal, room, 'Ada', RETURNING);
    const bob = await Person.enter(t, mortal, room, 'Bob');
    ada.forget();
    const killed = Date.now();
    await allBackAfter([ada], () => restart(mortal));
    const away = await ada.hears('memberAway', 'Bob', AWAY_AFTER + MOMENT);
    assertTook('away', away.at - killed, AWAY_AFTER);
    const left = await ada.hears('memberLeft', 'Bob', RECOVERY - AWAY_AFTER + MOMENT);
    assertTook('left', left.at - killed, RECOVERY);
    assert.deepEqual(ada.presence(), ['memberAway Bob', 'memberLeft Bob']);
    assert.equal(left.data.id, bob.me.id);
  });

  test('who vanishes without a word is away after 10 s, and has left after RECOVERY_MS', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob')];
    ada.forget();
    const vanished = bob.vanish();
    await sleep(1_000);
    assert.deepEqual(roster((await ada.join()).members), ['Ada', 'Bob']);
    const away = await ada.hears('memberAway', 'Bob', AWAY_AFTER + MOMENT);
    assertTook('away', away.at - vanished, AWAY_AFTER);
    assert.deepEqual(away.data, { id: bob.me.id, name: 'Bob', time: away.data.time });
    assert.deepEqual(roster((await ada.join()).members), ['Ada', 'Bob (away)']);
    const left = await ada.hears('memberLeft', 'Bob', RECOVERY - AWAY_AFTER + MOMENT);
    assertTook('left', left.at - vanished, RECOVERY);
    assert.deepEqual(left.data, { id: bob.me.id, name: 'Bob', time: left.data.time });
    assert.deepEqual(roster((await ada.join()).members), ['Ada']);
    assert.deepEqual(ada.presence(), ['memberAway Bob', 'memberLeft Bob']);
  });

  test('the same while the room sleeps in between', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob')];
    ada.forget();
    const vanished = bob.vanish();
    await sleep(1_000);
    await server.evict(room, 'hibernate');
    assertTook('away', (await ada.hears('memberAway', 'Bob', AWAY_AFTER + MOMENT)).at - vanished, AWAY_AFTER);
    await server.evict(room, 'hibernate');
    assertTook('left', (await ada.hears('memberLeft', 'Bob', RECOVERY - AWAY_AFTER + MOMENT)).at - vanished, RECOVERY);
    assert.deepEqual(ada.presence(), ['memberAway Bob', 'memberLeft Bob']);
  });

  /** The two ways back: with what the client knows of its last connection, or as a page that was loaded anew. */
  const WAYS = {
    'by recovery': async (t, room, person) => {
      await person.comeBack();
      assert.equal(person.socket.recovered, true);
      return person;
    },
    'as a fresh client with the same key': (t, room, person) => enter(t, room, person.name, { key: person.key }),
  };

  for (const [way, comeBack] of Object.entries(WAYS)) {
    test(`who is back before it counts as away was never gone: ${way}`, async (t) => {
      const room = freshRoom();
      const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob')];
      ada.forget();
      bob.vanish();
      await sleep(AWAY_AFTER / 2);
      const back = await comeBack(t, room, bob);
      assert.equal((await back.join()).id, bob.me.id, 'the same person');
      await sleep(RECOVERY + MOMENT);
      await settle(ada, back);
      assert.deepEqual(ada.presence(), []);
      assert.deepEqual(roster((await ada.join()).members), ['Ada', 'Bob']);
    });

    test(`who is back after it counted as away is back, and has not joined anew: ${way}`, async (t) => {
      const room = freshRoom();
      const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob')];
      ada.forget();
      bob.vanish();
      await ada.hears('memberAway', 'Bob', AWAY_AFTER + MOMENT);
      const back = await comeBack(t, room, bob);
      assert.equal((await ada.hears('memberBack', 'Bob')).data.id, bob.me.id);
      assert.deepEqual(roster(back.me.members).filter((name) => name.startsWith('Bob')), ['Bob']);
      await sleep(RECOVERY - AWAY_AFTER + MOMENT);
      await settle(ada, back);
      assert.deepEqual(ada.presence(), ['memberAway Bob', 'memberBack Bob']);
      assert.deepEqual(roster((await ada.join()).members), ['Ada', 'Bob']);
    });
  }

  test('who comes back after having left joins anew', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob')];
    ada.forget();
    bob.vanish();
    await ada.hears('memberLeft', 'Bob', RECOVERY + MOMENT);
    await bob.comeBack();
    assert.equal(bob.socket.recovered, false);
    await ada.hears('memberJoined', 'Bob');
    assert.deepEqual(ada.presence(), ['memberAway Bob', 'memberLeft Bob', 'memberJoined Bob']);
  });

  test('two connections with one key are one person, who leaves with the last of them', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob')];
    const tab = await enter(t, room, 'Bob', { key: bob.key });
    assert.equal(tab.me.id, bob.me.id);
    assert.deepEqual(roster(tab.me.members), ['Ada', 'Bob']);
    bob.leave();
    await sleep(500);
    assert.deepEqual(roster((await ada.join()).members), ['Ada', 'Bob']);
    const left = tab.leave();
    assert.ok((await ada.hears('memberLeft', 'Bob')).at - left < 2_000);
    assert.deepEqual(ada.presence(), ['memberJoined Bob', 'memberLeft Bob']);
  });

  test('one connection of two vanishes: the person is not away', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob')];
    const tab = await enter(t, room, 'Bob', { key: bob.key });
    ada.forget();
    bob.vanish();
    await sleep(RECOVERY + MOMENT);
    await settle(ada, tab);
    assert.deepEqual(ada.presence(), []);
    assert.deepEqual(roster((await ada.join()).members), ['Ada', 'Bob']);
  });

  test('people without a key are as many as there are connections', async (t) => {
    const room = freshRoom();
    const people = [await enter(t, room, 'Ada', { key: undefined }), await enter(t, room, 'Ada', { key: undefined })];
    assert.notEqual(people[0].me.id, people[1].me.id);
    assert.deepEqual(roster(people[1].me.members), ['Ada', 'Ada']);
  });

  for (const transport of ['websocket', 'polling']) {
    test(`who goes and says so has left at once: ${transport}`, async (t) => {
      const room = freshRoom();
      const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob', { transport })];
      const left = bob.leave();
      assert.ok((await ada.hears('memberLeft', 'Bob')).at - left < 2_000);
      assert.deepEqual(roster((await ada.join()).members), ['Ada']);
      await sleep(AWAY_AFTER + MOMENT);
      await settle(ada);
      assert.deepEqual(ada.presence(), ['memberJoined Bob', 'memberLeft Bob']);
    });
  }
});
