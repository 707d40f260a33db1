// Whatever happens to an object, and whatever its clients are in the middle of: each connection goes on, or is closed and its
// client is recovered. Nobody waits for ever, and nothing is left behind.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placeholder } from './support/conformance.mjs';
import { KINDS, Peer } from './support/peers.mjs';
import { assertClosed, broadcasts, connect, connection, pair, Person, TRANSPORTS } from './support/recovery.mjs';
import { carryOn, isOpen, WAYS } from './support/restart.mjs';
import { roomcastOnly } from './support/target.mjs';
import { eventually, PATIENCE, sleep } from './support/wait.mjs';
import { engineUrl, freshRoom, request, WireSocket } from './support/wire.mjs';

const INTERVAL = 1_000;
const RECOVERY = 8_000;
const vars = {
  APP: 'conformance', PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: 1_500, UPGRADE_TIMEOUT_MS: 2_000, CLOSE_TIMEOUT_MS: 1_000,
  RECOVERY_MS: RECOVERY, DEBUG: 'true',
};
const BYTES = Buffer.from([0, 1, 127, 128, 255]);
const NAMES = ['/', '/custom', '/dynamic-7'];

for (const [way, { serve, strike, keeps }] of Object.entries(WAYS)) {
  describe(way, { skip: roomcastOnly }, () => {
    const server = serve(vars);
    const rooms = [];
    const scene = async (t, options) => {
      const people = await pair(t, server, options);
      rooms.push(people.room);
      return { ...people, hit: () => strike(server, people.room, t) };
    };

    for (const transport of TRANSPORTS) {
      test(`${transport}: a plain connection`, async (t) => {
        const { away, here, hit } = await scene(t, { transport });
        await here.tell('before');
        await away.hears('before');
        await hit();
        const still = await carryOn(here, keeps);
        await still.tell('after 1', 'after 2');
        const again = await carryOn(away, keeps);
        if (again === away) await again.hears('after 1', 'after 2');
        else assert.deepEqual(again.missed, broadcasts('after 1', 'after 2'));
        await still.tell('live');
        await again.hears('live');
        assert.deepEqual(await again.ask('whoami'), { id: away.sid, sockets: 2, away: 0 });
      });

      test(`${transport}: rooms and data`, async (t) => {
        const { away, here, hit } = await scene(t, { transport });
        for (const room of ['tea', 'cake', 'milk']) await away.join(room);
        await away.ask('leave', { room: 'cake' });
        await away.ask('data', { value: { kept: [1] } });
        await hit();
        const still = await carryOn(here, keeps);
        await still.ask('to', { room: 'cake', event: 'room', data: 'not for it' });
        await still.ask('to', { room: 'tea', event: 'room', data: 'for it' });
        const again = await carryOn(away, keeps);
        assert.deepEqual(again === away ? [await again.event()] : again.missed, [['room', 'for it']]);
        assert.deepEqual(await again.rooms(), ['tea', 'milk']);
        assert.deepEqual(await again.ask('data?'), { kept: [1] });
      });
    }

    test('several namespaces on one connection', async (t) => {
      const { here, hit, room } = await scene(t);
      let line = await connection(t, server, room);
      const sockets = {};
      for (const name of NAMES) {
        const { sid, pid } = await connect(line, undefined, name);
        const greeting = await line.next('the greeting');
        sockets[name] = { sid, pid, offset: JSON.parse(greeting.slice(greeting.indexOf('['))).at(-1) };
      }
      await hit();
      if (!keeps) {
        await line.close();
        line = await connection(t, server, room);
        for (const name of NAMES) {
          const { missed, ...ids } = await connect(line, { pid: sockets[name].pid, offset: sockets[name].offset }, name);
          assert.deepEqual(ids, { sid: sockets[name].sid, pid: sockets[name].pid });
          assert.deepEqual(missed, []);
        }
      }
      await (await carryOn(here, keeps)).tell('live');
      assert.match(await line.next('the broadcast'), /^42\["broadcast","live",/);
      for (const name of NAMES) {
        const prefix = name === '/' ? '' : `${name},`;
        line.send(`42${prefix}3["whoami"]`);
        const answer = await line.next('the ack');
        assert.equal(JSON.parse(answer.slice(3 + prefix.length))[0].id, sockets[name].sid);
      }
    });

    test('the client waits for an ack of the server', async (t) => {
      const { away, hit } = await scene(t);
      await away.line.send('42777["ask-later"]');
      await away.ask('message-with-ack', 'by now it is asked');
      await hit();
      const again = await carryOn(away, keeps);
      await again.emit('answer-now');
      assert.equal(await again.line.next('the ack'), '43777["later"]');
      await again.emit('answer-now');
      await again.hears();
    });

    test('the server waits for an ack of the client', async (t) => {
      const { away, hit } = await scene(t);
      await away.emit('emit-with-ack', 'q');
      assert.equal(await away.line.next('the question'), '420["question","q"]');
      await hit();
      const again = await carryOn(away, keeps);
      await again.line.send('430["late"]');
      // The question is stored, and the client has its socket back: so it may answer over a new connection too.
      assert.deepEqual(await again.event('the answer'), ['answer', 'late']);
      await again.hears();
      await again.emit('emit-with-ack', 'q');
      const [, id] = /^42(\d+)\["question","q"\]$/.exec(await again.line.next('the second question'));
      await again.line.send(`43${id}["in time"]`);
      assert.deepEqual(await again.event('the answer'), ['answer', 'in time']);
    });

    test('in the middle of a packet with bytes', async (t) => {
      const { away, here, hit } = await scene(t);
      away.line.send(`452-["broadcast",${placeholder(0)},${placeholder(1)}]`);
      away.line.send(BYTES);
      await here.ask('message-with-ack', 'by now it is there');
      await hit();
      const still = await carryOn(here, keeps);
      if (keeps) {
        away.line.send(BYTES);
        await away.line.send('42888["message-with-ack","whole"]');
        const end = await away.line.next('an ack or the end').catch(() => 'closed');
        if (end !== 'closed') {
          assert.equal(end, '43888["whole"]');
          assert.deepEqual(await still.event(), ['broadcast', BYTES, BYTES]);
        }
      }
      const again = (await isOpen(away)) ? away : await away.back();
      await again.tell('whole');
      await still.hears('whole');
      await still.tell('whole');
      await again.hears('whole');
    });

    for (const stage of ['before the probe', 'after the probe']) {
      test(`in the middle of an upgrade, ${stage}`, async (t) => {
        const { away, hit, here } = await scene(t, { transport: 'polling' });
        const wire = await WireSocket.open(t, engineUrl(server, away.room, { transport: 'websocket', sid: away.line.sid }));
        const probe = async () => {
          wire.send('2probe');
          return wire.next('the answer to the probe').catch(() => 'closed');
        };
        if (stage === 'after the probe') assert.equal(await probe(), '3probe');
        await hit();
        const still = await carryOn(here, keeps);
        if (stage === 'before the probe') await probe();
        wire.send('5');
        wire.send('42999["message-with-ack","upgraded"]');
        const outcome = await Promise.race([
          wire.until((frame) => frame === '43999["upgraded"]', 'an answer or the end').catch(() => 'closed'),
          wire.close().then(() => 'closed'),
        ]);
        if (outcome === 'closed') {
          await assertClosed(away.line);
          const again = await away.back();
          await still.tell('live');
          await again.hears('live');
        } else {
          await still.tell('live');
          assert.match(await wire.until((frame) => frame.startsWith('42["broadcast"'), 'the broadcast'), /"live"/);
        }
      });
    }

    test('a poll that waits is answered, or else given up by the client’s clock; then the client is recovered', async (t) => {
      const { away, here, hit } = await scene(t, { transport: 'polling' });
      const pending = request(away.line.url(), { patience: 3 * INTERVAL });
      await here.ask('message-with-ack', 'by now it is there');
      await hit();
      const status = await pending.then((answer) => answer.status, () => 'none');
      assert.ok([200, 400, 500, 503, 'none'].includes(status), `the poll was answered ${status}`);
      pending.abort();
      const still = await carryOn(here, keeps);
      await still.tell('missed');
      const again = await away.back({ transport: 'polling' });
      assert.deepEqual(again.missed, broadcasts('missed'));
      await still.tell('live');
      await again.hears('live');
    });

    for (const transport of ['websocket', 'polling', 'upgrade']) {
      test(`a stock client over ${transport}: the same id, and each event once and in order`, async (t) => {
        const room = freshRoom();
        rooms.push(room);
        const here = await Person.open(t, server, { room });
        const kind = KINDS['socket.io-client 4.8'];
        const options = { transport, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 300 };
        const peer = await Peer.open(t, kind, server.url, room, options);
        const { id } = peer.socket;
        await peer.next('the greeting');
        const heard = [];
        peer.socket.on('broadcast', (data) => heard.push(data));
        let still = here;
        for (let round = 0; round < 3; round += 1) {
          await still.tell(`before ${round}`);
          await strike(server, room, t);
          still = await carryOn(still, keeps);
          await still.tell(`after ${round}`);
        }
        const expected = [0, 1, 2].flatMap((round) => [`before ${round}`, `after ${round}`]);
        await eventually(() => heard.length >= expected.length, `${expected.length} events; ${peer.life.history()}`, 2 * PATIENCE);
        assert.deepEqual(heard, expected);
        assert.equal(peer.socket.id, id);
        assert.deepEqual(await peer.call('whoami'), [{ id, sockets: 2, away: 0 }]);
      });
    }

    test('connections live on through the heartbeats that follow, and die of silence', async (t) => {
      const { away, hit, room } = await scene(t);
      const silent = await Person.open(t, server, { room, silent: true });
      await hit();
      const again = await carryOn(away, keeps);
      const mute = keeps ? silent : await silent.back({ silent: true });
      await mute.line.close('the silent one to be closed');
      await sleep(2 * INTERVAL);
      await again.hears();
    });

    test('in the end nothing is left: no socket, nobody who is away, nothing that wakes the room', async (t) => {
      assert.ok(rooms.length > 8);
      for (const room of rooms) {
        await eventually(async () => {
          const visitor = await Person.open(t, server, { room });
          const { sockets, away } = await visitor.ask('whoami');
          visitor.line.send('41');
          visitor.line.socket.close();
          await visitor.line.end();
          return sockets === 1 && away === 0;
        }, `${room} to be empty`, 3 * RECOVERY);
      }
      await sleep(2 * INTERVAL);
      const counters = async (room) => JSON.parse((await request(new URL(`/r/${room}/debug`, server.url))).body);
      const alarms = async () => (await Promise.all(rooms.map(counters))).map((each) => each.alarms);
      const before = await alarms();
      assert.ok(before.some((count) => count > 0), `${before}`);
      await sleep(3 * INTERVAL);
      assert.deepEqual(await alarms(), before);
    });
  });
}
