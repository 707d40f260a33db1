// Joining, coming back, and what is told to the page meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Connection } from '../../public/js/connection.js';
import { FakeSocket, message, pageOf, recorder } from './support/page.mjs';

const ME = { name: 'Ada', key: 'k'.repeat(22) };
const MEMBERS = [{ id: 'ada', name: 'Ada', away: false }, { id: 'cleo', name: 'Cleo', away: false }];
const joined = (last, after) => ({ id: 'ada', name: 'Ada', members: MEMBERS, ...pageOf(last, { after }) });
const ids = (list) => list.map(({ id }) => id);

function connection() {
  const { socket, io } = FakeSocket.io();
  const page = recorder();
  const connection = new Connection(io, 'tea', ME, page.handlers);
  connection.open();
  return { socket, page, connection };
}

/** A connection that has joined a room with the messages 1 to `last`. */
function inRoom(last = 3) {
  const all = connection();
  all.socket.arrive();
  all.socket.took();
  all.socket.last.answer(joined(last));
  return all;
}

const state = (page) => page.told('state').at(-1).state;

describe('entering', () => {
  test('name and key are shown on connecting, the name as it is by then; and it joins', () => {
    const { socket, page, connection: room } = connection();
    room.rename('Ada L.');
    let shown;
    socket.options.auth((auth) => (shown = auth));
    assert.deepEqual(shown, { name: 'Ada L.', key: ME.key });
    assert.equal(socket.options.path, '/r/tea/socket.io/');
    assert.equal(socket.options.retries, Infinity);
    socket.arrive();
    assert.deepEqual(socket.took(), [['join', { name: 'Ada L.', key: ME.key }]]);
    assert.equal(state(page), 'connecting');
    socket.last.answer(joined(2));
    assert.equal(state(page), 'online');
    assert.deepEqual(page.told('joined').map(({ id, members }) => [id, members]), [['ada', MEMBERS]]);
    assert.deepEqual(page.told('latest').map(ids), [[1, 2]]);
  });

  test('what comes before the answer is in the answer; what comes right behind it is not', () => {
    const { socket, page } = connection();
    socket.arrive();
    socket.took();
    socket.receive('newMessage', message(2));
    socket.receive('newIncomingMessage', { author: 'Eve', message: 'hi' });
    socket.receive('memberJoined', { id: 'cleo', name: 'Cleo' });
    socket.last.answer(joined(2));
    // In the same turn, as a client that polls gets them.
    socket.receive('newMessage', message(3));
    socket.receive('newIncomingMessage', { author: 'Eve', message: 'there' });
    socket.receive('memberLeft', { id: 'cleo', name: 'Cleo' });
    assert.deepEqual(ids(page.told('message')), [3]);
    assert.deepEqual(page.told('guest'), [{ author: 'Eve', message: 'there' }]);
    assert.deepEqual([page.told('memberJoined').length, page.told('memberLeft').length], [0, 1]);
  });

  test('members that the answer has no room for are asked for, page by page', () => {
    const { socket, page } = connection();
    const member = (id) => ({ id, name: id, away: false });
    socket.arrive();
    socket.took();
    socket.last.answer({ ...joined(2), moreMembers: true });
    assert.equal(state(page), 'online');
    assert.deepEqual(socket.took(), [['members', { after: 'cleo' }]]);
    socket.last.answer({ members: [member('eve')], more: true });
    assert.deepEqual(socket.took(), [['members', { after: 'eve' }]]);
    socket.last.answer({ members: [member('fay')], more: false });
    assert.deepEqual(socket.took(), []);
    assert.deepEqual(page.told('members'), [[member('eve')], [member('fay')]]);
  });

  test('a name that the room refuses is asked for again, on connecting and on joining', () => {
    const refusal = { code: 'invalid_name', message: 'Too long.' };
    const { socket, page, connection: room } = connection();
    socket.refuse(Object.assign(new Error(refusal.message), { data: refusal }));
    assert.deepEqual(page.told('refused'), [refusal]);
    assert.equal(state(page), 'offline');
    room.rename('Ada L.');
    assert.equal(socket.active, true);
    socket.arrive();
    socket.took();
    socket.last.answer(refusal);
    assert.equal(page.told('refused').length, 2);
    room.rename('A. L.');
    assert.deepEqual(socket.took(), [['join', { name: 'A. L.', key: ME.key }]]);
  });

  test('if joining is refused otherwise, people decide when to try again', () => {
    const { socket, page, connection: room } = connection();
    socket.arrive();
    socket.took();
    socket.last.answer({ code: 'storage', message: 'Not now.' });
    assert.deepEqual(page.told('refused'), [{ code: 'storage', message: 'Not now.' }]);
    assert.deepEqual(page.told('state').at(-1), { state: 'offline', words: 'Disconnected.', canRetry: true });
    room.open();
    socket.arrive();
    assert.equal(socket.took().length, 1);
  });
});

describe('coming back', () => {
  test('a recovered connection asks for nothing: what was missed comes by itself', () => {
    const { socket, page } = inRoom();
    socket.lose();
    assert.equal(state(page), 'connecting');
    socket.arrive({ recovered: true, missed: [['newMessage', message(4)], ['memberAway', { id: 'cleo', name: 'Cleo' }]] });
    assert.deepEqual(socket.took(), []);
    assert.equal(state(page), 'online');
    assert.deepEqual(ids(page.told('message')), [4]);
    assert.equal(page.told('memberAway').length, 1);
    assert.equal(page.told('joined').length, 1);
  });

  test('a new one joins again, and asks for what was said since', () => {
    const { socket, page } = inRoom(3);
    socket.receive('newMessage', message(4));
    socket.lose();
    socket.arrive();
    socket.receive('memberLeft', { id: 'cleo', name: 'Cleo' });
    assert.deepEqual(socket.took(), [['join', { ...ME, after: 4 }]]);
    socket.last.answer(joined(6, 4));
    assert.deepEqual(page.told('missed').map(ids), [[5, 6]]);
    assert.equal(page.told('memberLeft').length, 0, 'the roster has it');
    assert.equal(page.told('joined')[0].away, null);
    const { from, after } = page.told('joined')[1].away;
    assert.ok(Math.abs(Date.now() - from) < 1000);
    assert.equal(after, 4);
  });

  test('a join that is under way is not sent twice: its answer comes over the new connection', () => {
    for (const recovered of [false, true]) {
      const { socket, page } = connection();
      socket.arrive();
      socket.lose();
      socket.arrive({ recovered, missed: recovered ? [['newMessage', message(2)]] : [] });
      assert.equal(socket.took().length, 1);
      assert.equal(state(page), 'connecting');
      socket.last.answer(joined(2));
      assert.deepEqual(page.told('latest').map(ids), [[1, 2]]);
      assert.deepEqual(page.told('message'), []);
      assert.equal(state(page), 'online');
    }
  });

  test('what could not be sent at once is sent by the retries alone', () => {
    const { socket } = inRoom();
    socket.sendBuffer.push('a packet');
    socket.lose();
    assert.deepEqual(socket.sendBuffer, []);
  });

  test('who left the page joins anew when they go back to it', () => {
    const { socket, page, connection: room } = inRoom(3);
    room.close();
    assert.equal(page.told('state').at(-1).canRetry, true);
    room.open();
    socket.arrive();
    assert.deepEqual(socket.took(), [['join', { ...ME, after: 3 }]]);
  });
});

describe('names', () => {
  test('a new one is told at once, or on coming back', async () => {
    const { socket, page, connection: room } = inRoom(3);
    const renamed = room.rename('Ada L.');
    assert.deepEqual(socket.took(), [['join', { ...ME, name: 'Ada L.', after: 3 }]]);
    socket.last.answer(joined(3, 3));
    await renamed;
    socket.lose();
    await room.rename('Countess');
    socket.arrive({ recovered: true });
    assert.deepEqual(socket.took(), [['join', { ...ME, name: 'Countess', after: 3 }]]);
    socket.last.answer(joined(3, 3));
    assert.equal(state(page), 'online');
  });

  test('one that is refused is not kept', async () => {
    const { socket, connection: room } = inRoom(3);
    const renamed = room.rename('x');
    socket.took();
    socket.last.answer({ code: 'invalid_name', message: 'No.' });
    await assert.rejects(renamed, { code: 'invalid_name' });
    socket.options.auth(({ name }) => assert.equal(name, 'Ada'));
  });

  test('one that was taken in another tab is kept', () => {
    const { socket, page } = inRoom();
    socket.receive('memberRenamed', { id: 'ada', name: 'Ada L.' });
    socket.options.auth(({ name }) => assert.equal(name, 'Ada L.'));
    socket.lose();
    socket.arrive({ recovered: true });
    assert.deepEqual(socket.took(), []);
    assert.equal(page.told('memberRenamed').length, 1);
  });
});

describe('own messages', () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  test('have an id of their own, and are sent when they have their number', async () => {
    const { socket, page, connection: room } = inRoom();
    const entry = room.send('hello');
    assert.equal(entry.state, 'pending');
    const [[event, { id, text }]] = socket.took();
    assert.deepEqual([event, text], ['message', 'hello']);
    assert.match(id, /^[A-Za-z0-9_-]{22}$/);
    socket.last.answer({ id: 4, time: 4000 });
    await settled();
    assert.deepEqual(page.told('outgoing').map(({ key, state, id: number, time }) => [key, state, number, time]), [[id, 'sent', 4, 4000]]);
    socket.lose();
    socket.arrive();
    assert.equal(socket.took()[0][1].after, 4);
  });

  test('that are refused can be sent again under the same id, or be discarded', async () => {
    const { socket, page, connection: room } = inRoom();
    const { key } = room.send('hello');
    const refuse = async () => {
      socket.took();
      socket.last.answer({ code: 'storage', message: 'Not now.' });
      await settled();
    };
    await refuse();
    assert.deepEqual([page.told('outgoing').at(-1).state, page.told('outgoing').at(-1).reason], ['failed', 'Not now.']);
    room.retry(key);
    assert.equal(page.told('outgoing').at(-1).state, 'pending');
    assert.deepEqual(socket.sent.map(({ payload }) => payload), [{ id: key, text: 'hello' }]);
    room.retry(key);
    assert.equal(socket.sent.length, 1, 'once at a time');
    await refuse();
    room.discard(key);
    room.retry(key);
    assert.deepEqual(socket.sent, []);
  });
});
