// After which ends of a connection its sockets may be recovered (1.11.7, 1.13), and that what has ended for good stays ended.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertClosed, broadcasts, connect, connection, pair, Person, TRANSPORTS } from './support/recovery.mjs';
import { AS_DEPLOYED, onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

const LIMIT = 10_000;
const app = { APP: 'conformance', MAX_PAYLOAD_BYTES: LIMIT, ...AS_DEPLOYED };
const server = serverFor({ ...app, ...WITHOUT_PINGS });
const beating = serverFor({ ...app, PING_INTERVAL_MS: 300, PING_TIMEOUT_MS: 200 });

/** `[transport, how it ends, what ends it, why not here]` */
const RECOVERABLE = [
  ['websocket', 'transport close: a close frame', async ({ line }) => {
    line.socket.close(1000);
    await line.end();
  }],
  ['websocket', 'transport close: the connection is gone', ({ line }) => line.lose()],
  ['websocket', 'transport close: the engine’s close', async ({ line }) => {
    line.send('1');
    await assertClosed(line);
  }, onReference && 'the reference passes over it'],
  ['websocket', 'transport error: a ping of the client', async ({ line }) => {
    line.send('2');
    await assertClosed(line);
  }],
  ['websocket', 'transport error: a message that is too big', async ({ line }) => {
    line.send(`42["message","${'x'.repeat(LIMIT)}"]`);
    await assertClosed(line);
  }],
  ['polling', 'transport close: the engine’s close', ({ line }) => line.post('1')],
  ['polling', 'transport error: a GET that is given up', async ({ line }) => {
    const pending = line.get();
    await line.post('42["nothing"]'); // by then the GET is there as well
    pending.reset(); // a half-closed connection would not tell: its client may still read
    await eventually(async () => (await line.post('3')).status === 400, 'the session to be unknown');
  }],
  ['polling', 'transport error: two GETs at once', async ({ line }) => {
    await Promise.all([line.get(), line.get()]);
    await assertClosed(line);
  }],
  ['polling', 'transport error: bytes of another revision', async ({ line }) => {
    assert.equal((await line.post('4x', { headers: { 'content-type': 'application/octet-stream' } })).status, 400);
  }],
  ['websocket', 'forced close: a packet that is none of Socket.IO', async ({ line }) => {
    line.send('4bad');
    await assertClosed(line);
  }],
  ['websocket', 'forced close: CONNECT again', async ({ line }) => {
    line.send('40');
    await assertClosed(line);
  }],
  ['websocket', 'forced close: an event for a namespace that it is not in', async ({ line }) => {
    line.send('42/custom,["message"]');
    await assertClosed(line);
  }],
  ['polling', 'forced close: a packet that is none of Socket.IO', async ({ line }) => {
    await line.post('4bad');
    await assertClosed(line);
  }],
];

const FINAL = [
  ['client namespace disconnect', ({ line }) => line.send('41')],
  ['server namespace disconnect', async (person) => {
    await person.emit('kick', { close: false });
    assert.equal(await person.line.next('DISCONNECT'), '41');
  }],
  ['server namespace disconnect, connection and all', async (person) => {
    await person.emit('kick', { close: true });
    assert.equal(await person.line.next('DISCONNECT'), '41');
  }],
  ['parse error: a packet that is none of Engine.IO', async ({ line }) => {
    await line.send('x');
    await assertClosed(line);
  }],
];

describe('1.11.7 1.13 ends after which the socket comes back', () => {
  for (const [transport, name, end, skip] of RECOVERABLE) {
    test(`${transport}: ${name}`, { skip }, async (t) => {
      const { away, here } = await pair(t, server, { transport });
      await away.join('tea');
      await end(away);
      await here.tell('missed');
      const again = await away.back();
      assert.deepEqual(again.missed, broadcasts('missed'));
      assert.deepEqual(await again.rooms(), ['tea']);
    });
  }

  test('websocket: ping timeout', async (t) => {
    const away = await Person.open(t, beating, { silent: true });
    await assertClosed(away.line);
    await away.back();
  });

  test('polling: ping timeout', async (t) => {
    const away = await Person.open(t, beating, { transport: 'polling' });
    const deadline = Date.now() + 5_000;
    while ((await away.line.get()).status === 200) assert.ok(Date.now() < deadline, 'it should be closed'); // pings, and no pong
    await away.back({ transport: 'websocket' });
  });
});

// After a first recovery the reference recovers whatever comes: it keeps the session that it has restored.
const KEPT = onReference && 'the reference keeps what it has restored once';

for (const transport of TRANSPORTS) {
  describe(`1.11.7 1.13 over ${transport}: ends after which it is a new one`, () => {
    for (const [name, end] of FINAL) {
      test(name, async (t) => {
        const { away, here } = await pair(t, server, { transport });
        await end(away);
        await here.tell('not for it any more');
        await away.fresh();
      });

      test(`${name}, of a socket that was recovered before`, { skip: KEPT }, async (t) => {
        const { away, here } = await pair(t, server, { transport });
        let person = away;
        for (const round of [1, 2]) {
          await person.lose();
          await here.tell(round);
          person = await person.back();
          assert.deepEqual(person.missed, broadcasts(round));
        }
        await end(person);
        await here.tell('not for it any more');
        await person.fresh();
      });
    }
  });
}

describe('what has ended, and what has not', () => {
  test('1.11.7 leaving one namespace ends its pid, and not that of another', async (t) => {
    const room = freshRoom();
    const line = await connection(t, server, room);
    const here = await Person.open(t, server, { room, namespace: '/custom' });
    const [main, custom] = [await join(line, '/'), await join(line, '/custom')];
    line.send('41');
    await line.lose();
    await here.tell('missed');
    assert.notEqual((await connect(await connection(t, server, room), main)).sid, main.sid);
    const again = await connect(await connection(t, server, room), custom, '/custom');
    assert.deepEqual(again, { sid: custom.sid, pid: custom.pid, missed: again.missed });
    assert.equal(again.missed.length, 1);
  });

  /** What a client sends to come back to a namespace that it joins here. */
  async function join(line, namespace) {
    const { sid, pid } = await connect(line, undefined, namespace);
    const greeting = await line.next('the greeting');
    return { sid, pid, offset: JSON.parse(greeting.slice(greeting.indexOf('['))).at(-1) };
  }

  test('several namespaces come back over one connection, each by its own pid', async (t) => {
    const room = freshRoom();
    const names = ['/', '/custom', '/dynamic-7'];
    const line = await connection(t, server, room);
    const sockets = [];
    for (const name of names) sockets.push(await join(line, name));
    await line.lose();
    for (const name of names) await (await Person.open(t, server, { room, namespace: name })).tell(`for ${name}`);
    const again = await connection(t, server, room);
    for (const [i, name] of names.entries()) {
      const { sid, pid, missed } = await connect(again, sockets[i], name);
      assert.deepEqual({ sid, pid }, { sid: sockets[i].sid, pid: sockets[i].pid });
      assert.equal(missed.length, 1);
      assert.ok(missed[0].includes(`["broadcast","for ${name}",`), missed[0]);
    }
  });

  test('a pid works as often as the connection is lost', async (t) => {
    const { away, here } = await pair(t, server);
    await away.join('tea');
    let person = away;
    for (let round = 0; round < 6; round += 1) {
      await person.lose();
      await here.tell(round);
      person = await person.back({ transport: TRANSPORTS[round % 2] });
      assert.deepEqual(person.missed, broadcasts(round));
      await here.tell('live');
      await person.hears('live');
      assert.deepEqual(await person.rooms(), ['tea']);
    }
  });

  test('who starts anew with a void pid may be recovered by the new one', async (t) => {
    const { away, here } = await pair(t, server);
    await away.emit('kick', { close: true });
    await within(away.line.closed, 'the end');
    const other = await away.fresh();
    await other.lose();
    await here.tell('missed');
    assert.deepEqual((await other.back()).missed, broadcasts('missed'));
  });

  test('1.11.4 the connect check runs again: with the wrong token there is no way back, with the right one there is', async (t) => {
    const away = await Person.open(t, server, { namespace: '/admin', auth: { token: 'secret' } });
    await away.lose();
    const line = await connection(t, server, away.room);
    line.send(`40/admin,${JSON.stringify({ pid: away.pid, offset: away.offset, token: 'wrong' })}`);
    assert.equal(await line.next('the refusal'), '44/admin,{"message":"not authorized","data":{"code":401}}');
    await away.back({ auth: { token: 'secret' } });
  });

  test('1.11.4 who is refused is told nothing', { skip: onReference && 'the reference replays first, and then checks' }, async (t) => {
    const { away, here } = await adminPair(t);
    await here.tell('not for everybody');
    const line = await connection(t, server, away.room);
    line.send(`40/admin,${JSON.stringify({ pid: away.pid, offset: away.offset, token: 'wrong' })}`);
    assert.match(await line.next('the refusal'), /^44\/admin,/);
  });

  async function adminPair(t) {
    const options = { room: freshRoom(), namespace: '/admin', auth: { token: 'secret' } };
    const [away, here] = [await Person.open(t, server, options), await Person.open(t, server, options)];
    await away.lose();
    return { away, here };
  }
});
