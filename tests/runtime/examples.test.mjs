// The examples on the real runtime, driven by stock clients; their pages are in browser-examples.test.mjs.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Client, TRANSPORTS } from './support/clients.mjs';
import { countersOf } from './support/idle-crowd.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor, startTarget, WITHOUT_PINGS } from './support/target.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { freshRoom, request } from './support/wire.mjs';

const example = (name, vars) => serverFor({ ...AS_DEPLOYED, APP: name, ...vars });

/** So long a room has to be left alone to fall asleep by itself, and some more; in ms. */
const ASLEEP = 13_000;

/** Runs `first` and then `second` with a server each, on the same storage. */
async function restarted(t, vars, first, second) {
  const persist = mkdtempSync(path.join(tmpdir(), 'roomcast-example-'));
  t.after(() => rmSync(persist, { recursive: true, force: true }));
  for (const step of [first, second]) {
    const server = await startTarget({ vars, persist });
    try {
      await step(server);
    } finally {
      await server.close();
    }
  }
}

describe('echo', { skip: roomcastOnly }, () => {
  const server = example('echo');

  for (const transport of Object.keys(TRANSPORTS)) {
    test(`sends back what it is sent, by ${transport}`, async (t) => {
      const room = freshRoom();
      const [ada, bob] = [await Client.connect(t, server, room, { transport }), await Client.connect(t, server, room)];
      for (const text of ['hello', '', 'Grüße 🎈']) {
        ada.socket.emit('message', text);
        assert.equal(await ada.next('message'), text);
      }
      bob.socket.emit('message', 'mine');
      assert.equal(await bob.next('message'), 'mine', 'and nothing before');
    });
  }

  test('tells who sends something else', async (t) => {
    const ada = await Client.connect(t, server, freshRoom());
    ada.socket.emit('message', 7);
    assert.equal((await ada.next('error')).code, 'invalid_payload');
    assert.equal((await ada.ask('message', { text: 'x' })).code, 'invalid_payload');
  });
});

describe('tutorial', { skip: roomcastOnly }, () => {
  const server = example('tutorial');

  test('passes a message on to all others', async (t) => {
    const room = freshRoom();
    const people = await Promise.all(Object.keys(TRANSPORTS).map((transport) => Client.connect(t, server, room, { transport })));
    for (const [i, sender] of people.entries()) {
      const message = { author: `number ${i}`, message: 'hello' };
      sender.socket.emit('createdMessage', message);
      for (const other of people) if (other !== sender) assert.deepEqual(await other.next('newIncomingMessage'), message);
    }
  });
});

describe('dashboard', { skip: roomcastOnly, concurrency: true }, () => {
  const server = example('dashboard');

  test('sends two viewers the same points, and who comes later the recent ones', async (t) => {
    const room = freshRoom();
    const viewers = [await Client.connect(t, server, room), await Client.connect(t, server, room, { transport: 'upgrade' })];
    const both = await Promise.all(viewers.map(async (viewer) => {
      const points = [];
      while (points.length < 3) {
        const point = await viewer.until('point');
        if (point.people === 2) points.push(point);
      }
      return points;
    }));
    const [first, second] = both.map((points) => new Map(points.map((point) => [point.time, point])));
    const common = [...first.keys()].filter((time) => second.has(time));
    assert.ok(common.length >= 2, `points at ${[...first.keys()]} and at ${[...second.keys()]}`);
    for (const time of common) assert.deepEqual(first.get(time), second.get(time));

    const late = await Client.connect(t, server, room);
    const recent = await late.next('recent');
    for (const time of common) assert.deepEqual(recent.find((point) => point.time === time), first.get(time));
  });

  test('has one target for all, which is still there after a restart', async (t) => {
    const room = freshRoom();
    const setTarget = async (own) => {
      const [ada, bob] = [await Client.connect(t, own, room), await Client.connect(t, own, room)];
      ada.socket.emit('target', 27.5);
      assert.equal(await bob.until('target'), 27.5);
      assert.equal((await ada.ask('target', 99)).code, 'out_of_range');
      for (const client of [ada, bob]) client.socket.disconnect();
    };
    await restarted(t, { APP: 'dashboard' }, setTarget, async (own) => {
      const cyd = await Client.connect(t, own, room);
      assert.equal((await cyd.until('point')).target, 27.5);
      cyd.socket.disconnect();
    });
  });

  test('counts no seconds while nobody is there', async (t) => {
    const room = freshRoom();
    const first = await Client.connect(t, server, room);
    await first.until('point');
    first.socket.disconnect();
    await sleep(4_000);
    const second = await Client.connect(t, server, room);
    const recent = await second.next('recent');
    assert.ok(recent.length >= 1 && recent.length <= 4, `${recent.length} points`);
    await second.until('point');
  });
});

describe('game', { skip: roomcastOnly, concurrency: true }, () => {
  const server = example('game', { ...WITHOUT_PINGS, DEBUG: 'true' });

  /** A player, who keeps all ticks as they came: volatile ones have no place in the log behind them. */
  async function enter(t, room, options) {
    const player = await Client.connect(t, server, room, options);
    player.ticks = [];
    player.socket.on('tick', (tick, ...offset) => player.ticks.push({ ...tick, volatile: offset.length === 0 }));
    player.socket.emit('steer', null);
    await eventually(() => player.ticks.length > 0, 'the first tick');
    return player;
  }

  const inTick = (tick, { socket }) => tick.players.find(({ id }) => id === socket.id);
  const place = (player) => inTick(player.ticks.at(-1), player);
  const rests = (player, goal) => () => place(player).x === goal.x && place(player).y === goal.y && !player.ticks.at(-1).volatile;

  test('moves a dot step by step, in volatile ticks, the last of which is none', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await enter(t, room), await enter(t, room)];
    await eventually(() => place(ada) && inTick(bob.ticks.at(-1), ada), 'both to be seen');
    const start = place(ada);
    const goal = { x: start.x < 500 ? start.x + 400 : start.x - 400, y: start.y };
    bob.ticks.length = 0;
    ada.socket.emit('steer', goal);
    await eventually(() => bob.ticks.length > 0 && inTick(bob.ticks.at(-1), ada).x === goal.x, 'the dot to be there');
    await eventually(rests(ada, goal), 'the dot to rest');

    const way = bob.ticks.filter((tick) => inTick(tick, ada).x !== start.x);
    assert.equal(way.length, 20, 'steps of 20 make 400');
    assert.deepEqual(way.map(({ volatile }) => volatile), [...Array(19).fill(true), false]);
    const steps = way.map((tick) => inTick(tick, ada).x);
    assert.ok(steps.every((x, i) => i === 0 || Math.abs(x - steps[i - 1]) === 20), `${steps}`);
    const had = ada.ticks.length;
    await sleep(500);
    assert.equal(ada.ticks.length, had, 'nobody moves: no ticks');
  });

  test('gives stars, which stay when the room has lost its memory; who leaves is gone', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await enter(t, room), await enter(t, room)];
    for (let stars = 1; stars <= 2; stars += 1) {
      ada.socket.emit('steer', ada.ticks.at(-1).star);
      await eventually(() => place(ada)?.score === stars, `star ${stars}`);
    }
    await eventually(() => place(ada) && !ada.ticks.at(-1).volatile, 'the dot to rest');
    await server.evict(room, 'hibernate');
    ada.ticks.length = 0;
    ada.socket.emit('steer', null);
    await eventually(() => ada.ticks.length > 0, 'a tick after the eviction');
    assert.deepEqual([place(ada).number, place(ada).score], [1, 2]);
    bob.socket.disconnect();
    await eventually(() => ada.ticks.at(-1).players.length === 1, 'the other to be gone');
  });

  test('lets the room sleep while all stand still', async (t) => {
    const room = freshRoom();
    await enter(t, room);
    await enter(t, room);
    const before = await countersOf(server, room);
    await sleep(ASLEEP);
    const after = await countersOf(server, room);
    assert.ok(after.constructed > before.constructed, `in memory all the time: ${JSON.stringify(after)}`);
  });
});

describe('whiteboard', { skip: roomcastOnly }, () => {
  const server = example('whiteboard');
  const stroke = (...points) => ({ colour: 4, width: 12, points: Uint16Array.from(points) });
  const bytes = (points) => Buffer.from(Uint16Array.from(points).buffer);

  /** The picture as clients read it: each stroke with the bytes of its own points. */
  async function picture(client) {
    const { strokes, points } = await client.ask('picture');
    let at = 0;
    return strokes.map(({ length, ...rest }) => ({ ...rest, points: Buffer.from(points).subarray(at, (at += 2 * length)) }));
  }

  for (const transport of Object.keys(TRANSPORTS)) {
    test(`shows a stroke to the others, and the same picture to who comes later, by ${transport}`, async (t) => {
      const room = freshRoom();
      const [ada, bob] = [await Client.connect(t, server, room, { transport }), await Client.connect(t, server, room, { transport })];
      assert.deepEqual(await picture(ada), []);
      const [first, second] = [[1, 2, 65_535, 4], [5, 6]];
      assert.deepEqual(await ada.ask('stroke', stroke(...first)), { id: 1 });
      assert.deepEqual(await bob.next('stroke'), { id: 1, by: ada.socket.id, colour: 4, width: 12, points: bytes(first) });
      assert.deepEqual(await bob.ask('stroke', stroke(...second)), { id: 2 });
      const expected = [first, second].map((points, i) => ({ id: i + 1, colour: 4, width: 12, points: bytes(points) }));
      const late = await Client.connect(t, server, room, { transport });
      for (const client of [ada, bob, late]) assert.deepEqual(await picture(client), expected);

      if (transport === 'polling') return; // an object isn't put out of memory while a GET waits in it
      for (const sockets of ['hibernate', 'close']) {
        await server.evict(room, sockets);
        const later = await Client.connect(t, server, room);
        assert.deepEqual(await picture(later), expected, `after an eviction (${sockets})`);
      }
    });
  }

  test('shows a stroke that is being drawn, and keeps it only when it is done', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await Client.connect(t, server, room), await Client.connect(t, server, room)];
    ada.socket.emit('drawing', stroke(1, 1));
    assert.deepEqual(await bob.next('drawing'), { id: null, by: ada.socket.id, colour: 4, width: 12, points: bytes([1, 1]) });
    assert.deepEqual(await picture(bob), []);
  });

  test('takes back one\'s own last stroke, also after an eviction, and clears all', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await Client.connect(t, server, room), await Client.connect(t, server, room)];
    for (const client of [ada, ada, bob]) await client.ask('stroke', stroke(1, 2));
    await server.evict(room, 'hibernate');
    ada.socket.emit('undo');
    for (const client of [ada, bob]) assert.equal(await client.until('undone'), 2);
    assert.deepEqual((await picture(ada)).map(({ id }) => id), [1, 3]);
    bob.socket.emit('clear');
    for (const client of [ada, bob]) await client.until('cleared');
    assert.deepEqual(await picture(ada), []);
  });

  test('a board that is full is one answer for who comes, and takes no more', async (t) => {
    const room = freshRoom();
    const ada = await Client.connect(t, server, room);
    const points = Array.from({ length: 1_000 }, (_, i) => i);
    const answers = await Promise.all(Array.from({ length: 1_001 }, () => ada.ask('stroke', stroke(...points))));
    assert.equal(answers.filter(({ id }) => id).length, 1_000);
    assert.equal(answers.at(-1).code, 'full');
    for (const transport of Object.keys(TRANSPORTS)) {
      const late = await Client.connect(t, server, room, { transport });
      const strokes = await picture(late);
      assert.equal(strokes.length, 1_000);
      assert.ok(strokes.every((each) => each.points.equals(bytes(points))));
    }
  });

  test('is still there when the server was stopped and started again', async (t) => {
    const room = freshRoom();
    const draw = async (own) => {
      const ada = await Client.connect(t, own, room);
      await ada.ask('stroke', stroke(7, 8, 9, 10));
      ada.socket.disconnect();
    };
    await restarted(t, { APP: 'whiteboard' }, draw, async (own) => {
      const bob = await Client.connect(t, own, room);
      assert.deepEqual(await picture(bob), [{ id: 1, colour: 4, width: 12, points: bytes([7, 8, 9, 10]) }]);
      bob.socket.disconnect();
    });
  });
});

describe('the page of a room', { skip: roomcastOnly }, () => {
  for (const [app, title] of [['chat', 'roomcast'], ['game', 'Star catchers'], ['conformance', 'roomcast']]) {
    test(`is that of the app: ${app}`, async () => {
      const server = await startTarget({ vars: { APP: app } });
      try {
        const { status, headers, body } = await request(new URL('/r/tea', server.url));
        assert.equal(status, 200);
        assert.match(body, new RegExp(`<title>${title}</title>`));
        assert.match(headers['content-security-policy'], /default-src 'self'/);
      } finally {
        await server.close();
      }
    });
  }
});
