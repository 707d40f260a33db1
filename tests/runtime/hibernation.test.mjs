// Hibernation: the object of a room goes out of memory between any two actions, and its clients notice nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client, member } from './support/clients.mjs';
import { roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { engineUrl, freshRoom, request, WireSocket } from './support/wire.mjs';

describe('hibernation', { skip: roomcastOnly }, () => {
  const server = serverFor(WITHOUT_PINGS);
  const beating = serverFor({ PING_INTERVAL_MS: 1_000, PING_TIMEOUT_MS: 1_000, CONNECT_TIMEOUT_MS: 3_000 });
  const sleep = (room) => server.evict(room, 'hibernate');
  const names = (members) => members.map(({ name }) => name).sort();

  test('joined members are still joined, and messages go both ways', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await member(t, server, room, 'Ada'), await member(t, server, room, 'Bob')];
    await ada.next('memberJoined');
    for (let round = 0; round < 3; round += 1) {
      await sleep(room);
      const { id } = await ada.say(`from Ada ${round}`);
      assert.deepEqual(pick(await bob.next('newMessage')), { id, text: `from Ada ${round}`, author: { id: ada.me.id, name: 'Ada' } });
      await sleep(room);
      await bob.say(`from Bob ${round}`);
      assert.equal((await ada.next('newMessage')).text, `from Bob ${round}`);
    }
  });
  const pick = ({ id, text, author }) => ({ id, text, author });

  test('ids of messages go on growing', async (t) => {
    const room = freshRoom();
    const ada = await member(t, server, room, 'Ada');
    const ids = [];
    for (let round = 0; round < 4; round += 1) {
      ids.push((await ada.say('one')).id, (await ada.say('two')).id);
      await sleep(room);
    }
    ids.forEach((id, i) => assert.ok(i === 0 || id > ids[i - 1], `ids ${ids}`));
  });

  test('ids of messages go on growing even in a room that everybody had left', async (t) => {
    const room = freshRoom();
    const ada = await member(t, server, room, 'Ada');
    const { id } = await ada.say('before');
    ada.socket.disconnect();
    await server.evict(room, 'close');
    const bob = await member(t, server, room, 'Bob');
    assert.deepEqual(names(bob.me.members), ['Bob']);
    assert.ok((await bob.say('after')).id > id);
  });

  test('the roster is intact for who comes later, names changed and all', async (t) => {
    const room = freshRoom();
    const ada = await member(t, server, room, 'Ada');
    const lurker = await Client.connect(t, server, room);
    await sleep(room);
    const bob = await member(t, server, room, 'Bob');
    assert.deepEqual(names(bob.me.members), ['Ada', 'Bob']);
    await sleep(room);
    await ada.join('Lady Ada');
    assert.equal((await bob.next('memberRenamed')).name, 'Lady Ada');
    await sleep(room);
    await lurker.join('Lurker');
    assert.deepEqual(names(lurker.me.members), ['Bob', 'Lady Ada', 'Lurker']);
  });

  test('a member that leaves while the room sleeps is announced', async (t) => {
    const room = freshRoom();
    const [ada, bob, eve] = [await member(t, server, room, 'Ada'), await member(t, server, room, 'Bob'), await member(t, server, room, 'Eve')];
    await sleep(room);
    bob.socket.disconnect();
    assert.deepEqual(await ada.until('memberLeft').then(({ id, name }) => ({ id, name })), { id: bob.me.id, name: 'Bob' });
    await sleep(room);
    eve.socket.io.engine.transport.ws.terminate(); // without a word
    assert.equal((await ada.next('memberLeft')).id, eve.me.id);
    assert.deepEqual(names((await ada.join('Ada')).members), ['Ada']);
  });

  test('a session that was upgraded from polling goes on', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await member(t, server, room, 'Ada', { transport: 'upgrade' }), await member(t, server, room, 'Bob')];
    await ada.next('memberJoined');
    await sleep(room);
    await bob.say('hello');
    assert.equal((await ada.next('newMessage')).text, 'hello');
    await ada.say('hello yourself');
    const answer = await request(engineUrl(server, room, { sid: ada.socket.io.engine.id }));
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [400, 3], 'polling on it is still refused (U5)');
  });

  test('who never joined, and who has not yet connected to the namespace, can do so afterwards', async (t) => {
    const room = freshRoom();
    const wire = await WireSocket.session(t, server, room);
    const lurker = await Client.connect(t, server, room);
    await sleep(room);
    await wire.connect();
    await sleep(room);
    await wire.proveAlive('late');
    await lurker.join('Lurker');
    assert.deepEqual(names(lurker.me.members), ['Lurker', 'late']);
  });

  test('what is forbidden stays forbidden: a second CONNECT, an event before CONNECT', async (t) => {
    const room = freshRoom();
    const [twice, early, other] = [1, 2, 3].map(() => WireSocket.session(t, server, room));
    await (await twice).connect();
    await (await other).connect();
    await early;
    await sleep(room);
    (await twice).send('40');
    (await early).send('42["join",{"name":"a"}]');
    for (const wire of [await twice, await early]) assert.equal((await wire.close()).code, 1005);
    await (await other).proveAlive();
  });

  test('rooms do not mix', async (t) => {
    const [room, elsewhere] = [freshRoom(), freshRoom()];
    const [ada, bob] = [await member(t, server, room, 'Ada'), await member(t, server, elsewhere, 'Bob')];
    await sleep(room);
    await sleep(elsewhere);
    await ada.say('hello');
    await member(t, server, elsewhere, 'marker');
    assert.equal((await bob.next('memberJoined', 'nothing but the marker')).name, 'marker');
  });

  test('the heartbeat goes on: who pongs stays, who is silent is closed', async (t) => {
    const room = freshRoom();
    const [lively, silent] = [await WireSocket.session(t, beating, room), await WireSocket.session(t, beating, room)];
    lively.socket.on('message', (data) => data.toString() === '2' && lively.send('3'));
    await lively.connect();
    await silent.connect();
    await beating.evict(room, 'hibernate');
    assert.equal((await silent.close()).code, 1005);
    await beating.evict(room, 'hibernate');
    await lively.until((frame) => frame === '2', 'a ping after the second sleep');
    await lively.until((frame) => frame === '2', 'the ping after that');
    await lively.proveAlive();
  });

  test('the clock of CONNECT goes on', async (t) => {
    const room = freshRoom();
    const wire = await WireSocket.session(t, beating, room);
    wire.socket.on('message', (data) => data.toString() === '2' && wire.send('3'));
    await beating.evict(room, 'hibernate');
    assert.equal((await wire.close()).code, 1005);
  });

  test('clients that lost their WebSockets with the object come back by themselves', async (t) => {
    const room = freshRoom();
    const client = await member(t, server, room, 'Ada', { reconnection: true, reconnectionDelay: 50 });
    const back = new Promise((resolve) => client.socket.io.once('reconnect', resolve));
    await server.evict(room, 'close');
    await back;
    await client.join('Ada again');
    assert.deepEqual(names(client.me.members), ['Ada again']);
  });
});
