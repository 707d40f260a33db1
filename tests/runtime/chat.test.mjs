// The chat: who is told what, and what each bad input is answered with.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client, member } from './support/clients.mjs';
import { AS_DEPLOYED, serverFor } from './support/target.mjs';
import { freshRoom } from './support/wire.mjs';

const server = serverFor(AS_DEPLOYED);

const isNow = (time) => assert.ok(Number.isInteger(time) && Math.abs(Date.now() - time) < 60_000, `${time} should be Unix ms`);
const names = (members) => members.map(({ name }) => name).sort();

describe('who is told what', () => {
  test('join is acked with the own id and name and all members, oneself included', async (t) => {
    const room = freshRoom();
    const ada = await member(t, server, room, 'Ada');
    const { id } = ada.socket;
    assert.deepEqual(ada.me, { id, name: 'Ada', members: [{ id, name: 'Ada', away: false }], messages: [], more: false });
    const bob = await member(t, server, room, 'Bob');
    assert.equal(bob.me.members.length, 2);
    for (const { socket, me } of [ada, bob]) {
      assert.deepEqual(bob.me.members.find((each) => each.id === socket.id), { id: socket.id, name: me.name, away: false });
    }
  });

  test('the other members hear of a join, a new name and a leave; who never joined does not', async (t) => {
    const room = freshRoom();
    const ada = await member(t, server, room, 'Ada');
    const lurker = await Client.connect(t, server, room);
    const bob = await member(t, server, room, 'Bob');
    const { id } = bob.me;
    const joined = await ada.next('memberJoined');
    await bob.join('Bobby');
    const renamed = await ada.next('memberRenamed');
    bob.socket.disconnect();
    const left = await ada.next('memberLeft');
    for (const [event, name] of [[joined, 'Bob'], [renamed, 'Bobby'], [left, 'Bobby']]) {
      assert.deepEqual(event, { id, name, time: event.time });
      isNow(event.time);
    }
    await ada.say('marker');
    assert.deepEqual(await lurker.next('newIncomingMessage', 'nothing but the marker'), { author: 'Ada', message: 'marker' });
  });

  test('joining again under the same name changes nothing, and nobody is told', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await member(t, server, room, 'Ada'), await member(t, server, room, 'Bob')];
    await ada.next('memberJoined');
    await bob.join('Bob');
    await bob.say('marker');
    assert.equal((await ada.next('newMessage', 'nothing but the marker')).text, 'marker');
  });

  test('joining again renames: the ack has the new name, and no member is doubled', async (t) => {
    const ada = await member(t, server, freshRoom(), 'Ada');
    const { members, name } = await ada.join('Ada Lovelace');
    assert.equal(name, 'Ada Lovelace');
    assert.deepEqual(members, [{ id: ada.socket.id, name: 'Ada Lovelace', away: false }]);
  });

  test('a connection that goes without having joined is not announced as left', async (t) => {
    const room = freshRoom();
    const ada = await member(t, server, room, 'Ada');
    const lurker = await Client.connect(t, server, room);
    lurker.socket.disconnect();
    await member(t, server, room, 'marker');
    assert.equal((await ada.next('memberJoined', 'nothing but the marker')).name, 'marker');
  });

  test('a message goes to every other member, and its ack bears the same id and time', async (t) => {
    const room = freshRoom();
    const [ada, bob, eve] = [await member(t, server, room, 'Ada'), await member(t, server, room, 'Bob'), await member(t, server, room, 'Eve')];
    const sent = await bob.say('hello');
    assert.deepEqual(Object.keys(sent).sort(), ['id', 'time']);
    isNow(sent.time);
    const expected = { ...sent, author: { id: bob.me.id, name: 'Bob' }, text: 'hello' };
    for (const client of [ada, eve]) assert.deepEqual(await client.until('newMessage'), expected);
    await bob.next('memberJoined');
    await ada.say('marker');
    assert.equal((await bob.next('newMessage', 'no own message, but the marker')).text, 'marker');
  });

  test('ids of messages grow', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await member(t, server, room, 'Ada'), await member(t, server, room, 'Bob')];
    const ids = [];
    for (let i = 0; i < 6; i += 1) ids.push((await [ada, bob][i % 2].say(`m${i}`)).id);
    ids.forEach((id, i) => assert.ok(Number.isSafeInteger(id) && (i === 0 || id > ids[i - 1]), `ids ${ids}`));
  });

  test('createdMessage reaches everybody but the sender, joined or not, and is acked with {} if asked', async (t) => {
    const room = freshRoom();
    const ada = await member(t, server, room, 'Ada');
    const [lurker, sender] = [await Client.connect(t, server, room), await Client.connect(t, server, room)];
    const message = { author: 'Szymon', message: 'hello' };
    assert.deepEqual(await sender.ask('createdMessage', message), {});
    for (const client of [ada, lurker]) assert.deepEqual(await client.next('newIncomingMessage'), message);
    await ada.say('marker');
    assert.equal((await sender.next('newIncomingMessage', 'not the own message')).message, 'marker');
  });

  test('a member that speaks is heard once by those that joined and once by those that never did', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await member(t, server, room, 'Ada'), await member(t, server, room, 'Bob')];
    const lurker = await Client.connect(t, server, room);
    await ada.next('memberJoined');
    await bob.say('one');
    await bob.say('two');
    for (const text of ['one', 'two']) {
      assert.equal((await ada.next('newMessage')).text, text);
      assert.deepEqual(await lurker.next('newIncomingMessage'), { author: 'Bob', message: text });
    }
  });

  test('blanks around a name are dropped', async (t) => {
    const ada = await member(t, server, freshRoom(), ' \t Ada Lovelace \n');
    assert.equal(ada.me.name, 'Ada Lovelace');
  });

  test('text is passed on as it is: markup, newlines, quotes, any script', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await member(t, server, room, 'Ada'), await member(t, server, room, 'Bob')];
    await ada.next('memberJoined');
    for (const text of ['<img src=x onerror=alert(1)>', 'two\nlines', '"\\"', 'שלום \u2028 👩‍🚀', '  indented\n', '{"_placeholder":true,"num":0}']) {
      await bob.say(text);
      assert.equal((await ada.next('newMessage')).text, text);
    }
  });
});

describe('bad input', () => {
  const NO_OBJECT = [null, 5, 'text', true, [], [{ name: 'a', text: 'a', author: 'a', message: 'a' }], {}];
  const CASES = [
    ...NO_OBJECT.flatMap((payload) => ['join', 'message', 'createdMessage'].map((event) => [event, [payload], 'invalid_payload'])),
    ...['join', 'message', 'createdMessage'].map((event) => [event, [], 'invalid_payload']),
    ...[5, null, ['a'], { a: 1 }, true].flatMap((value) => [
      ['join', [{ name: value }], 'invalid_payload'],
      ['message', [{ text: value }], 'invalid_payload'],
      ['createdMessage', [{ author: 'a', message: value }], 'invalid_payload'],
      ['createdMessage', [{ author: value, message: 'a' }], 'invalid_payload'],
    ]),
    ['createdMessage', [{ author: 'a' }], 'invalid_payload'],
    ['createdMessage', [{ message: 'a' }], 'invalid_payload'],
    ...['', ' \t\n', 'x'.repeat(33), '😀'.repeat(33)].map((name) => ['join', [{ name }], 'invalid_name']),
    ...['', ' \t\n', 'x'.repeat(4_001), '😀'.repeat(4_001)].map((text) => ['message', [{ text }], 'invalid_message']),
    ['createdMessage', [{ author: 'a', message: '' }], 'invalid_message'],
    ['createdMessage', [{ author: 'a', message: 'x'.repeat(4_001) }], 'invalid_message'],
    ['createdMessage', [{ author: 'x'.repeat(33), message: 'a' }], 'invalid_name'],
    ...['joined', 'Join', 'toString', '__proto__', 'error', 'newMessage', ''].map((event) => [event, [{ name: 'a' }], 'unknown_event']),
  ];

  test(`each of ${CASES.length} is refused in the ack with its code, changes nothing, and reaches nobody`, async (t) => {
    const room = freshRoom();
    const [witness, client] = [await member(t, server, room, 'witness'), await member(t, server, room, 'client')];
    await witness.next('memberJoined');
    for (const [event, args, code] of CASES) {
      const answer = await client.ask(event, ...args);
      const which = `${event} ${JSON.stringify(args).slice(0, 60)} was answered ${JSON.stringify(answer)}`;
      assert.equal(answer?.code, code, which);
      assert.deepEqual(Object.keys(answer).sort(), ['code', 'message'], which);
      assert.match(answer.message, /\S/, which);
    }
    await client.say('marker');
    const marker = await witness.next('newMessage', 'nothing but the marker');
    assert.deepEqual([marker.text, marker.author.name], ['marker', 'client']);
  });

  test('without an ack the refusal is an error event, once, to the sender alone', async (t) => {
    const room = freshRoom();
    const [witness, client] = [await member(t, server, room, 'witness'), await member(t, server, room, 'client')];
    await witness.next('memberJoined');
    for (const [event, payload, code] of [
      ['join', { name: '' }, 'invalid_name'], ['message', { text: '' }, 'invalid_message'],
      ['createdMessage', 'text', 'invalid_payload'], ['nobody-knows-this', 1, 'unknown_event'],
    ]) {
      client.socket.emit(event, payload);
      const error = await client.next('error');
      assert.deepEqual(Object.keys(error).sort(), ['code', 'message']);
      assert.equal(error.code, code);
    }
    await client.say('marker');
    assert.equal((await witness.next('newMessage', 'nothing but the marker')).text, 'marker');
  });

  test('a message before join is not_joined', async (t) => {
    const client = await Client.connect(t, server, freshRoom());
    assert.equal((await client.say('hello')).code, 'not_joined');
    client.socket.emit('message', { text: 'hello' });
    assert.equal((await client.next('error')).code, 'not_joined');
    await client.join('now');
    assert.equal(typeof (await client.say('hello')).id, 'number');
  });

  test('exactly at the limits is good, counted in characters and not in bytes or UTF-16 units', async (t) => {
    const client = await Client.connect(t, server, freshRoom());
    for (const letter of ['x', 'é', '漢', '😀']) {
      assert.equal((await client.join(letter.repeat(32))).name, letter.repeat(32));
      assert.equal(typeof (await client.say(letter.repeat(4_000))).id, 'number');
      assert.deepEqual(await client.ask('createdMessage', { author: letter.repeat(32), message: letter.repeat(4_000) }), {});
    }
    assert.equal((await client.join(`  ${'x'.repeat(32)}  `)).name, 'x'.repeat(32));
  });
});
