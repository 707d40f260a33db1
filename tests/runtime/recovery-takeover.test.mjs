// A client that comes back while the server still believes it connected (1.11, "half-open"): it takes its socket over, the old
// connection is closed, and nothing of the old one does the new one any harm later.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { member } from './support/clients.mjs';
import { assertClosed, broadcasts, connect, connection, pair, Person, TRANSPORTS } from './support/recovery.mjs';
import { AS_DEPLOYED, onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { sleep, within } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

const app = { APP: 'conformance', ...AS_DEPLOYED };
const [INTERVAL, TIMEOUT] = [1_000, 1_000];
const SHORT = 1_500;

describe('half-open connections', { skip: onReference && 'the reference takes who comes back too early for a new client' }, () => {
  const server = serverFor({ ...app, ...WITHOUT_PINGS });
  const chat = serverFor({ ...WITHOUT_PINGS, RECOVERY_MS: SHORT });
  const beating = serverFor({ ...app, PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: TIMEOUT });

  for (const from of TRANSPORTS) {
    for (const to of TRANSPORTS) {
      test(`from ${from} to ${to}: same sid, what was missed, and the old connection is closed`, async (t) => {
        const { away, here } = await pair(t, server, { transport: from });
        await away.join('tea');
        const { offset } = away;
        await here.tell('lost on the way');
        const again = await away.back({ offset, transport: to });
        assert.deepEqual(again.missed, broadcasts('lost on the way'));
        await assertClosed(away.line);
        await here.tell('live');
        await again.hears('live');
        assert.deepEqual(await again.rooms(), ['tea']);
      });
    }
  }

  test('a pending GET is let go', async (t) => {
    const { away } = await pair(t, server, { transport: 'polling' });
    const pending = away.line.get();
    await away.line.post('42["nothing"]'); // by then the GET is there
    const again = await away.back({ transport: 'websocket' });
    assert.ok([200, 400].includes((await within(pending, 'the answer to the GET')).status));
    await assertClosed(away.line);
    await again.tell('alive');
  });

  test('it works again and again, with old connections that nobody ever closes', async (t) => {
    const { away, here } = await pair(t, server);
    await away.join('tea');
    let person = away;
    for (let round = 0; round < 5; round += 1) {
      await here.tell(round);
      const next = await person.back({ transport: TRANSPORTS[(round + 1) % 2] });
      assert.deepEqual(next.missed, broadcasts(round));
      await assertClosed(person.line);
      person = next;
    }
    assert.deepEqual(await person.rooms(), ['tea']);
  });

  test('what times out on the old connection does not end the new one', async (t) => {
    const room = freshRoom();
    const here = await Person.open(t, beating, { room });
    const away = await Person.open(t, beating, { room, silent: true });
    await away.join('tea');
    const again = await away.back();
    await sleep(2 * (INTERVAL + TIMEOUT));
    await here.ask('to', { room: 'tea', event: 'room', data: 'still' });
    assert.deepEqual(await again.event(), ['room', 'still']);
    await again.lose();
    await here.tell('missed');
    const third = await again.back();
    assert.deepEqual(third.missed, broadcasts('missed'));
    assert.deepEqual(await third.rooms(), ['tea']);
  });

  test('each event comes once, to the new connection alone', async (t) => {
    const { away, here } = await pair(t, server);
    await away.join('tea');
    const again = await away.back();
    await assertClosed(away.line);
    for (const data of [1, 2]) await here.ask('to', { room: 'tea', event: 'room', data });
    await here.tell(3);
    for (const expected of [['room', 1], ['room', 2], ['broadcast', 3]]) assert.deepEqual(await again.event(), expected);
    await again.hears();
    assert.deepEqual(await here.ask('whoami'), { id: here.sid, sockets: 2, away: 0 });
    await assert.rejects(away.line.next('nothing'), /no more can come/);
  });

  test('the other namespaces of the old connection come back on the new one', async (t) => {
    const room = freshRoom();
    const here = await Person.open(t, server, { room, namespace: '/custom' });
    const line = await connection(t, server, room);
    const sockets = {};
    for (const name of ['/', '/custom']) {
      const { missed, ...ids } = await connect(line, undefined, name);
      const greeting = await line.next('the greeting');
      sockets[name] = { ...ids, offset: JSON.parse(greeting.slice(greeting.indexOf('['))).at(-1) };
    }
    const again = await connection(t, server, room);
    assert.equal((await connect(again, sockets['/'])).sid, sockets['/'].sid);
    await line.close('the old connection to be closed');
    await here.tell('missed');
    const { sid, missed } = await connect(again, sockets['/custom'], '/custom');
    assert.equal(sid, sockets['/custom'].sid);
    assert.equal(missed.length, 1);
  });

  test('of three that come at once one is left, whole', async (t) => {
    const { away, here } = await pair(t, server);
    await away.join('tea');
    const lines = await Promise.all([1, 2, 3].map(() => connection(t, server, away.room)));
    for (const line of lines) line.send(`40${JSON.stringify({ pid: away.pid, offset: away.offset })}`);
    await Promise.race(lines.map((line) => line.until((frame) => frame.startsWith('40{'), 'the answer to CONNECT')));
    const open = () => lines.filter((line) => line.socket.readyState === line.socket.OPEN);
    const ends = [away.line, ...lines].map((line) => line.closed);
    await within(firstOf(ends, 3), 'all but one to be closed');
    assert.equal(open().length, 1);
    const [last] = open();
    await here.ask('to', { room: 'tea', event: 'room', data: 'once' });
    const frame = await last.until((each) => each.startsWith('42["room"'), 'the event');
    assert.match(frame, /^42\["room","once","[^"]+"\]$/);
  });

  test('a CONNECT with its own pid on its own connection is a CONNECT again: the connection ends, the socket can come back', async (t) => {
    const { away, here } = await pair(t, server);
    away.line.send(`40${JSON.stringify({ pid: away.pid, offset: away.offset })}`);
    await assertClosed(away.line);
    await here.tell('missed');
    assert.deepEqual((await away.back()).missed, broadcasts('missed'));
  });

  test('the others in the chat hear nothing of it, then or when the old connection’s time is over', async (t) => {
    const room = freshRoom();
    const bob = await member(t, chat, room, 'Bob');
    const line = await connection(t, chat, room);
    const { sid, pid } = await connect(line, { name: 'Ada', key: 'a'.repeat(16) });
    assert.equal((await bob.next('memberJoined')).name, 'Ada');
    const again = await connect(await connection(t, chat, room), { name: 'Ada', key: 'a'.repeat(16), pid });
    assert.equal(again.sid, sid);
    await line.close('the old connection to be closed');
    await sleep(SHORT + 1_000);
    const marker = await member(t, chat, room, 'marker');
    assert.equal((await bob.next('memberJoined', 'nothing but the marker')).name, 'marker');
    assert.deepEqual(marker.me.members.map(({ name }) => name).sort(), ['Ada', 'Bob', 'marker']);
  });

  test('a connection of another namespace can’t take it over', async (t) => {
    const { away, here, room } = await pair(t, server);
    const other = await connect(await connection(t, server, room), { pid: away.pid, offset: away.offset }, '/custom');
    assert.notEqual(other.sid, away.sid);
    await here.tell('live');
    await away.hears('live');
  });
});

/** Resolves when `count` of the promises have. */
function firstOf(promises, count) {
  return new Promise((resolve) => {
    let left = count;
    for (const promise of promises) promise.then(() => (left -= 1) === 0 && resolve());
  });
}
