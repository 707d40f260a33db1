// Exactly once: a message that is sent again is told to nobody again, and what somebody missed is in the history.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allBackAfter, Person, RETURNING, textsOf, wholeHistory } from './support/people.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { startWorkerd } from './support/workerd.mjs';
import { freshRoom } from './support/wire.mjs';

describe('exactly once', { skip: roomcastOnly }, () => {
  const server = serverFor(AS_DEPLOYED);
  const mortal = {};
  before(async () => Object.assign(mortal, { server: await startWorkerd() }));
  after(() => mortal.server?.close());

  /** Ada and Bob, who come back by themselves when they are cut off. */
  async function couple(t, where, room) {
    const ada = await Person.enter(t, where, room, 'Ada', RETURNING);
    return [ada, await Person.enter(t, where, room, 'Bob', RETURNING)];
  }

  const BETWEEN = {
    nothing: async () => {},
    'hibernation of the room': (_, room) => server.evict(room, 'hibernate'),
    'eviction with the loss of all connections': (people, room) => allBackAfter(people, () => server.evict(room, 'close')),
    'SIGKILL of the runtime': (people) => allBackAfter(people, async () => {
      await mortal.server.kill();
      await mortal.server.start();
    }),
  };

  for (const [what, happen] of Object.entries(BETWEEN)) {
    test(`a message sent again gets the first answer, and nobody sees it again; in between: ${what}`, async (t) => {
      const where = what.startsWith('SIGKILL') ? mortal.server : server;
      const room = freshRoom();
      const [ada, bob] = await couple(t, where, room);
      const first = await ada.say('once', 'm-1');
      await bob.hears('newMessage', 'once');
      await happen([ada, bob], room);
      for (let i = 0; i < 3; i += 1) assert.deepEqual(await ada.say('once', 'm-1'), first);
      const next = await ada.say('marker', 'm-2');
      assert.ok(next.id > first.id, `${next.id} comes after ${first.id}`);
      await bob.hears('newMessage', 'marker');
      assert.deepEqual(textsOf(bob.heard()), ['once', 'marker']);
      assert.deepEqual(textsOf((await bob.join()).messages), ['once', 'marker']);
    });
  }

  test('a message sent again by a new connection of the same person is the same message still', async (t) => {
    const room = freshRoom();
    const [ada, bob] = await couple(t, server, room);
    const first = await ada.say('once', 'm-1');
    ada.leave();
    const again = await Person.enter(t, server, room, 'Ada', { key: ada.key });
    assert.deepEqual(await again.say('once', 'm-1'), first);
    await again.say('marker');
    await bob.hears('newMessage', 'marker');
    assert.deepEqual(textsOf(bob.heard()), ['once', 'marker']);
  });

  test('the same id from another person is another message', async (t) => {
    const room = freshRoom();
    const [ada, bob] = await couple(t, server, room);
    const [hers, his] = [await ada.say('hers', 'm-1'), await bob.say('his', 'm-1')];
    assert.notEqual(hers.id, his.id);
    await ada.hears('newMessage', 'his');
    await bob.hears('newMessage', 'hers');
    assert.deepEqual(textsOf((await ada.join()).messages), ['hers', 'his']);
  });

  test('messages without an id of their own are as many as were sent', async (t) => {
    const room = freshRoom();
    const [ada, bob] = await couple(t, server, room);
    for (const text of ['same', 'same', 'marker']) await ada.say(text);
    await bob.hears('newMessage', 'marker');
    assert.deepEqual(textsOf(bob.heard()), ['same', 'same', 'marker']);
  });

  test('an id of other characters, too long or empty is refused, and nobody hears of it', async (t) => {
    const room = freshRoom();
    const [ada, bob] = await couple(t, server, room);
    for (const id of ['', 'a b', 'é', 'a'.repeat(65), "a'", 'a/b']) {
      assert.equal((await ada.ask('message', { text: 'refused', id })).code, 'invalid_id', id);
    }
    for (const id of ['a', 'A-z_09', 'a'.repeat(64)]) await ada.say(id, id);
    await bob.hears('newMessage', 'a'.repeat(64));
    assert.equal(bob.heard().length, 3);
  });

  test('the ids of messages are unique and grow, whoever speaks, through hibernation and SIGKILL', async (t) => {
    const room = freshRoom();
    const people = await couple(t, mortal.server, room);
    const ids = [];
    for (let round = 0; round < 2; round += 1) {
      // Each one's own messages one by one, both at the same time.
      const both = await Promise.all(people.map(async (person) => {
        const own = [];
        for (let n = 0; n < 10; n += 1) own.push((await person.say(`${round}/${n}`)).id);
        return own;
      }));
      for (const own of both) assert.deepEqual(own, [...own].sort((a, b) => a - b));
      const lowest = Math.min(...both.flat());
      assert.ok(ids.every((id) => id < lowest), `${lowest} comes after ${ids}`);
      ids.push(...both.flat());
      if (round === 0) await BETWEEN['SIGKILL of the runtime'](people);
    }
    assert.equal(new Set(ids).size, 40);
    assert.deepEqual((await people[0].join()).messages.map(({ id }) => id), ids.sort((a, b) => a - b));
  });

  test('the author’s other connections are told, the one that spoke is not', async (t) => {
    const room = freshRoom();
    const [ada, bob] = await couple(t, server, room);
    const tab = await Person.enter(t, server, room, 'Ada', { key: ada.key });
    const { id, time } = await ada.say('hello');
    assert.deepEqual((await tab.hears('newMessage', 'hello')).data, { id, time, author: { id: ada.me.id, name: 'Ada' }, text: 'hello' });
    await bob.say('marker');
    await ada.hears('newMessage', 'marker');
    assert.deepEqual(textsOf(ada.heard()), ['marker']);
  });

  describe('history', () => {
    const TOTAL = 120;
    const numbered = (from, to) => Array.from({ length: to - from }, (_, i) => `message ${from + i}`);

    /** A room in which 120 messages were said, by two people in turns. */
    async function talkative(t) {
      const room = freshRoom();
      const people = await couple(t, server, room);
      const said = [];
      for (const [n, text] of numbered(0, TOTAL).entries()) said.push(await people[n % 2].say(text));
      return { room, people, said, ids: said.map(({ id }) => id) };
    }

    test('who joins gets the last 50, with authors and times, and pages back to the first', async (t) => {
      const { room, people, said, ids } = await talkative(t);
      const eve = await Person.enter(t, server, room, 'Eve');
      assert.equal(eve.me.more, true);
      assert.deepEqual(textsOf(eve.me.messages), numbered(70, 120));
      eve.me.messages.forEach((message, i) => {
        const { me, name } = people[i % 2];
        assert.deepEqual(message, { ...said[70 + i], author: { id: me.id, name }, text: `message ${70 + i}` });
      });
      const older = await eve.ask('history', { before: ids[70] });
      assert.deepEqual([textsOf(older.messages), older.more], [numbered(20, 70), true]);
      const oldest = await eve.ask('history', { before: ids[20] });
      assert.deepEqual([textsOf(oldest.messages), oldest.more], [numbered(0, 20), false]);
      assert.deepEqual(await eve.ask('history', { before: ids[0] }), { messages: [], more: false });
    });

    test('who says what it had last gets what came after, page by page', async (t) => {
      const { room, ids } = await talkative(t);
      const eve = await Person.enter(t, server, room, 'Eve');
      const first = await eve.join(ids[4]);
      assert.deepEqual([textsOf(first.messages), first.more], [numbered(5, 55), true]);
      const second = await eve.ask('history', { after: ids[54] });
      assert.deepEqual([textsOf(second.messages), second.more], [numbered(55, 105), true]);
      const third = await eve.ask('history', { after: ids[104] });
      assert.deepEqual([textsOf(third.messages), third.more], [numbered(105, 120), false]);
      assert.deepEqual(await eve.ask('history', { after: ids[119] }), { messages: [], more: false });
      const exact = await eve.ask('history', { after: ids[69] });
      assert.deepEqual([textsOf(exact.messages), exact.more], [numbered(70, 120), false], 'fifty, and no more');
    });

    test('it survives the room’s sleep, SIGKILL, and that everybody has left', async (t) => {
      const room = freshRoom();
      const people = await couple(t, mortal.server, room);
      for (const text of numbered(0, 60)) await people[0].say(text);
      await BETWEEN['SIGKILL of the runtime'](people);
      await people[0].say('message 60');
      people.forEach((person) => person.leave());
      await mortal.server.kill();
      await mortal.server.start();
      const eve = await Person.enter(t, mortal.server, room, 'Eve');
      assert.deepEqual(textsOf(await wholeHistory(eve)), numbered(0, 61));
    });

    test('what a tutorial client says is in it, with an author who has no id', async (t) => {
      const room = freshRoom();
      const [ada] = await couple(t, server, room);
      const tutorial = await Person.enter(t, server, room, undefined);
      await ada.say('first');
      await tutorial.ask('createdMessage', { author: 'Tutor', message: 'second' });
      await ada.hears('newIncomingMessage', 'second');
      await ada.say('third');
      const { messages } = await ada.join();
      assert.deepEqual(textsOf(messages), ['first', 'second', 'third']);
      assert.deepEqual(messages[1].author, { name: 'Tutor' });
      assert.ok(messages[0].id < messages[1].id && messages[1].id < messages[2].id);
      assert.ok(Number.isInteger(messages[1].time));
    });

    test('a room keeps its history to itself', async (t) => {
      const [ada, elsewhere] = [await Person.enter(t, server, freshRoom(), 'Ada'), await Person.enter(t, server, freshRoom(), 'Ada')];
      await ada.say('here');
      assert.deepEqual((await elsewhere.join()).messages, []);
    });
  });
});

describe('exactly once, with a window of one second for recovery', { skip: roomcastOnly }, () => {
  const server = serverFor({ RECOVERY_MS: 1_000 });

  test('who comes back later than that gets what it missed with `after`, and no more', async (t) => {
    const room = freshRoom();
    const ada = await Person.enter(t, server, room, 'Ada');
    const bob = await Person.enter(t, server, room, 'Bob');
    const { id: last } = await ada.say('seen');
    await bob.hears('newMessage', 'seen');
    bob.vanish();
    await ada.hears('memberLeft', 'Bob');
    const missed = ['one', 'two', 'three'];
    for (const text of missed) await ada.say(text);
    await sleep(200);
    await bob.comeBack();
    assert.equal(bob.socket.recovered, false);
    assert.deepEqual(textsOf(bob.heard()), ['seen'], 'nothing is replayed');
    const { messages, more } = await bob.join(last);
    assert.deepEqual([textsOf(messages), more], [missed, false]);
    await ada.say('live');
    await bob.hears('newMessage', 'live');
    assert.deepEqual(textsOf(bob.heard()), ['seen', 'live']);
    await eventually(() => ada.presence().at(-1) === 'memberJoined Bob', 'Ada to be told that Bob is back');
  });
});
