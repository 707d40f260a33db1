// Connection state recovery (1.11) on the wire, row by row, on the conformance app.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placeholder } from './support/conformance.mjs';
import { broadcasts, connect, connection, pair, Person, TRANSPORTS } from './support/recovery.mjs';
import { AS_DEPLOYED, onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { sleep } from './support/wait.mjs';
import { freshRoom, RS } from './support/wire.mjs';

const app = { ...WITHOUT_PINGS, APP: 'conformance' };
const server = serverFor({ ...app, ...AS_DEPLOYED });
const SHORT = 700;
const brief = serverFor({ ...app, RECOVERY_MS: SHORT });

const ID = /^[A-Za-z0-9_-]{20}$/;
const BYTES = Buffer.from([0, 1, 127, 128, 255]);

for (const transport of TRANSPORTS) {
  describe(`over ${transport}`, () => {
    test('1.11.1 CONNECT is answered with a sid and a pid of each namespace’s own', async (t) => {
      const line = await connection(t, server, freshRoom(), { transport });
      const ids = [line.sid];
      for (const namespace of ['/', '/custom', '/dynamic-7']) {
        const { missed, ...answer } = await connect(line, undefined, namespace);
        assert.deepEqual(Object.keys(answer), ['sid', 'pid']);
        assert.deepEqual(missed, []);
        ids.push(answer.sid, answer.pid);
        await line.next('the greeting');
      }
      for (const id of ids) assert.match(id, ID);
      assert.equal(new Set(ids).size, 7);
    });

    test('1.11.2 each event has an offset behind its arguments, be it for one, for a room or for all', async (t) => {
      const { away, here } = await pair(t, server, { transport });
      await away.join('tea');
      const offsets = [away.offset];
      const next = async () => {
        const event = await away.event();
        offsets.push(away.offset);
        return event;
      };
      await away.emit('direct', { event: 'one', data: 'mine' });
      assert.deepEqual(await next(), ['one', 'mine']);
      await away.emit('message', 1, 'two', { three: 3 });
      assert.deepEqual(await next(), ['message-back', 1, 'two', { three: 3 }]);
      await away.emit('message');
      assert.deepEqual(await next(), ['message-back']);
      await here.ask('to', { room: 'tea', event: 'room', data: null });
      assert.deepEqual(await next(), ['room', null]);
      await here.tell('all');
      assert.deepEqual(await next(), ['broadcast', 'all']);
      assert.equal(new Set(offsets).size, 6, `each its own: ${offsets}`);
    });

    test('1.11.2 the offset of an event with bytes stands behind their places', async (t) => {
      const wire = await Person.open(t, server, { transport });
      await wire.line.send(`452-["message",${placeholder(0)},"x",${placeholder(1)}]`);
      const sent = (bytes) => (transport === 'polling' ? `b${bytes.toString('base64')}` : bytes);
      for (const bytes of [BYTES, Buffer.from([9])]) await wire.line.send(sent(bytes));
      assert.deepEqual(await wire.event(), ['message-back', BYTES, 'x', Buffer.from([9])]);
    });

    test('1.11.2 acks, and events that ask for one, have no offset', async (t) => {
      const wire = await Person.open(t, server, { transport });
      assert.equal(await wire.ask('message-with-ack', 'a text'), 'a text'); // one argument, or it fails
      await wire.emit('emit-with-ack', 'a text');
      assert.equal(await wire.line.next('the question'), '420["question","a text"]');
      await wire.line.send('430["an answer"]');
      assert.deepEqual(await wire.event('the answer'), ['answer', 'an answer']);
    });

    test('1.11.5 who comes back is who it was: sid, pid, rooms, data; missed events come first, CONNECT last', async (t) => {
      const { away, here } = await pair(t, server, { transport });
      for (const room of ['tea', 'cake', 'milk']) await away.join(room);
      await away.ask('leave', { room: 'milk' });
      await away.ask('data', { value: { deep: [1, 'zwei'] } });
      await here.tell('heard');
      await away.hears('heard');
      await away.lose();
      await here.tell('missed 1', 'missed 2');
      await here.ask('to', { room: 'cake', event: 'room', data: { missed: 3 } });
      const again = await away.back();
      assert.deepEqual(again.missed, [...broadcasts('missed 1', 'missed 2'), ['room', { missed: 3 }]]);
      assert.deepEqual(await again.ask('whoami'), { id: away.sid, sockets: 2, away: 0 });
      assert.deepEqual(await again.rooms(), ['tea', 'cake']);
      assert.deepEqual(await again.ask('data?'), { deep: [1, 'zwei'] });
      await here.ask('to', { room: 'tea', event: 'room', data: 'live' });
      assert.deepEqual(await again.event(), ['room', 'live']);
    });

    test('1.11.6 a missed event is replayed with the offset that all others got', async (t) => {
      const { away, here, room } = await pair(t, server, { transport });
      const witness = await Person.open(t, server, { room });
      await away.lose();
      await here.tell('missed');
      await witness.hears('missed');
      const { packets } = await away.reconnect();
      assert.deepEqual(packets, [`42["broadcast","missed","${witness.offset}"]`]);
    });
  });
}

// Stock clients keep what came before CONNECT, but not its offset: who is cut off in between is told everything twice.
test('1.11.5 a poll that waits is answered with all that was missed and CONNECT at once',
  { skip: onReference && 'the reference answers it with the first packet' }, async (t) => {
    const { away, here } = await pair(t, server, { transport: 'polling' });
    await away.lose();
    await here.tell('missed 1', 'missed 2');
    const line = await connection(t, server, away.room, { transport: 'polling' });
    const pending = line.get();
    await line.post('3'); // by then the GET is there
    await line.post(`40${JSON.stringify({ pid: away.pid, offset: away.offset })}`);
    const packets = (await pending).body.split(RS);
    assert.deepEqual(packets.map((packet) => packet.slice(0, 8)), ['42["broa', '42["broa', '40{"sid"'], `answered ${packets}`);
  });

test('1.11.3 a user’s text is no offset: who sends it is a new client', async (t) => {
  const wire = await Person.open(t, server);
  await wire.lose();
  await wire.fresh({ offset: 'a text' });
});

test('1.11.4 pid and offset may stand anywhere among the keys of auth', async (t) => {
  const wire = await Person.open(t, server, { namespace: '/admin', auth: { token: 'secret' } });
  await wire.lose();
  const line = await connection(t, server, wire.room);
  const { sid, pid } = await connect(line, { offset: wire.offset, token: 'secret', nested: { pid: 'x' }, pid: wire.pid }, '/admin');
  assert.deepEqual({ sid, pid }, { sid: wire.sid, pid: wire.pid });
});

describe('1.11.6 which events are replayed', () => {
  test('those after the offset, whatever it is that the client had last', async (t) => {
    const { away, here } = await pair(t, server);
    const offsets = [];
    for (const each of [0, 1, 2, 3]) {
      await here.tell(each);
      await away.hears(each);
      offsets.push(away.offset);
    }
    await away.lose();
    await here.tell(4);
    const again = await away.back({ offset: offsets[1] });
    assert.deepEqual(again.missed, broadcasts(2, 3, 4));
  });

  test('none where none was missed', async (t) => {
    const { away } = await pair(t, server);
    assert.deepEqual((await (await away.lose()).back()).missed, []);
  });

  test('those of its own namespace and room alone', async (t) => {
    const { away, here, room } = await pair(t, server, { namespace: '/custom' });
    await away.join('tea');
    const others = [await Person.open(t, server, { room }), await Person.open(t, server, { room, namespace: '/dynamic-1' }),
      await Person.open(t, server, { namespace: '/custom' })];
    await away.lose();
    for (const other of others) {
      await other.tell('not for it');
      await other.ask('to', { room: 'tea', event: 'room', data: 'not for it' });
    }
    await here.ask('to', { room: 'cake', event: 'room', data: 'not for it' });
    await here.ask('to', { room: 'tea', event: 'room', data: 'for it' });
    assert.deepEqual((await away.back()).missed, [['room', 'for it']]);
  });

  test('not those that it sent itself to all others', async (t) => {
    const { away, here } = await pair(t, server);
    const { offset } = away;
    await away.tell('own');
    await here.hears('own');
    await away.lose();
    await here.tell('of another');
    assert.deepEqual((await away.back({ offset })).missed, broadcasts('of another'));
  });

  test('not those that were said to another alone', async (t) => {
    const { away, here } = await pair(t, server);
    await away.lose();
    await here.emit('direct', { event: 'secret', data: 1 });
    assert.deepEqual(await here.event(), ['secret', 1]);
    assert.deepEqual((await away.back()).missed, []);
  });

  test('no acks and no questions, sent before the loss or due after it', async (t) => {
    const { away } = await pair(t, server);
    const { offset } = away;
    await away.emit('emit-with-ack', 'q');
    assert.equal(await away.line.next('the question'), '420["question","q"]');
    await away.ask('message-with-ack', 1);
    await away.lose();
    assert.deepEqual((await away.back({ offset })).missed, []);
  });

  test('no volatile event, and it has no offset when it does come', async (t) => {
    const { away, here } = await pair(t, server);
    await away.join('tea');
    await here.ask('to', { room: 'tea', event: 'now', data: 1, volatile: true });
    assert.equal(await away.line.next('the volatile event'), '42["now",1]');
    await away.lose();
    await here.ask('to', { room: 'tea', event: 'now', data: 2, volatile: true });
    await here.tell('missed');
    assert.deepEqual((await away.back()).missed, broadcasts('missed'));
  });

  test('events with bytes, and each with its own', async (t) => {
    const { away, here } = await pair(t, server);
    await away.lose();
    for (const [number, bytes] of [BYTES, Buffer.alloc(0), Buffer.alloc(70_000, 0xfe)].entries()) {
      here.line.send(`452-["broadcast",${placeholder(0)},{"deep":[${placeholder(1)},${number}]}]`);
      here.line.send(bytes);
      here.line.send(Buffer.from([number]));
      await here.tell(number);
    }
    const again = await away.back();
    const withBytes = (number, bytes) => ['broadcast', bytes, { deep: [Buffer.from([number]), number] }];
    assert.deepEqual(again.missed, [
      withBytes(0, BYTES), ['broadcast', 0], withBytes(1, Buffer.alloc(0)), ['broadcast', 1],
      withBytes(2, Buffer.alloc(70_000, 0xfe)), ['broadcast', 2],
    ]);
  });

  test('many, complete and in order', async (t) => {
    const { away, here } = await pair(t, server);
    await away.lose();
    const all = Array.from({ length: 500 }, (_, i) => i);
    await here.tell(...all);
    assert.deepEqual((await away.back()).missed, broadcasts(...all));
  });
});

describe('1.11.8 where there is nothing to recover, the client is a new one', () => {
  const BAD = [
    '', 'x', '-1', '0', '1.5', 'Infinity', '99999999999999999999999', '999999999999999', '9999999999999999', '{}', '\u0000', 'null',
    5, true, {}, [],
  ];
  test(`an offset that nobody gave: ${BAD.length} of them`, async (t) => {
    const { here, room } = await pair(t, server);
    for (const offset of BAD) {
      const away = await Person.open(t, server, { room });
      await away.join('tea');
      await away.lose();
      await here.tell('missed');
      await (await away.fresh({ offset })).lose();
    }
  });

  test('an offset of another namespace or room', async (t) => {
    const { away, room } = await pair(t, server);
    const [custom, elsewhere] = [await Person.open(t, server, { room, namespace: '/custom' }), await Person.open(t, server)];
    const another = await Person.open(t, server, { room });
    for (const [person, { offset }] of [[away, custom], [another, elsewhere]]) {
      await person.lose();
      await person.fresh({ offset });
    }
  });

  test('a pid that nobody has, or of another namespace or room', async (t) => {
    const { away, room } = await pair(t, server);
    const [custom, elsewhere] = [await Person.open(t, server, { room, namespace: '/custom' }), await Person.open(t, server)];
    for (const other of [away, custom, elsewhere]) await other.lose();
    const bad = [away.sid, custom.pid, elsewhere.pid, 'A'.repeat(20), '', 'x'.repeat(10_000), '__proto__', 5, null, {}, [away.pid]];
    for (const pid of bad) await (await away.fresh({ pid })).lose();
    await away.back(); // none of them did it any harm
  });

  test('the time is over', async (t) => {
    const { away, here } = await pair(t, brief);
    await away.lose();
    await sleep(SHORT + 300);
    await here.tell('missed');
    await away.fresh();
  });

  test('the time counts from the loss, not from the connection', async (t) => {
    const { away, here } = await pair(t, brief);
    await sleep(2 * SHORT);
    await here.tell('heard');
    await away.hears('heard');
    await away.lose();
    await here.tell('missed');
    assert.deepEqual((await away.back()).missed, broadcasts('missed'));
  });
});
