// The pages of the examples in a real browser: what one does, others see; both sizes, both colour schemes; by keyboard too.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch, SIZES, Visitor } from './support/browser.mjs';
import { Client } from './support/clients.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const example = (name) => serverFor({ ...AS_DEPLOYED, APP: name });

async function visit(t, server, room, viewport) {
  const visitor = await Visitor.open(t, browser, server, `/r/${room}`, viewport);
  await visitor.state('online');
  return visitor;
}

const text = (visitor, name) => visitor.hook(name).textContent();

/** Both sizes without horizontal scrolling, in both schemes, with a screenshot each; `fill` does what there is to see. */
function layout(server, name, fill) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`${size}: needs no horizontal scrolling, in either colour scheme`, async (t) => {
      const room = freshRoom();
      const visitor = await visit(t, server, room, viewport);
      await fill(visitor, t, room);
      for (const colorScheme of ['light', 'dark']) {
        await visitor.page.emulateMedia({ colorScheme });
        assert.ok(await visitor.overflow() <= 0, `${await visitor.overflow()} px too wide`);
        await visitor.screenshot(`example-${name}-${size}-${colorScheme}`);
      }
      assert.equal(await visitor.page.locator('#room').textContent(), room);
      visitor.assertNoTrouble();
    });
  }
}

describe('echo', { skip: roomcastOnly }, () => {
  const server = example('echo');

  test('shows what comes back, newest first, and how long it took; as text', async (t) => {
    const ada = await visit(t, server, freshRoom());
    for (const message of ['hello', '<img src=x onerror=hacked=1>']) {
      await ada.write(message);
      await ada.hook('echo').filter({ hasText: message }).waitFor();
    }
    assert.deepEqual(await ada.hook('echo').allTextContents(), ['<img src=x onerror=hacked=1>', 'hello']);
    assert.match(await text(ada, 'last'), /^\d+\.\d$/);
    assert.equal(await ada.page.evaluate(() => globalThis.hacked), undefined);
    ada.assertNoTrouble();
  });

  test('goes on after the connection was lost', async (t) => {
    const room = freshRoom();
    const ada = await visit(t, server, room);
    const lost = ada.state('connecting');
    await server.evict(room, 'close');
    await lost;
    await ada.state('online');
    await ada.write('back');
    await ada.hook('echo').filter({ hasText: 'back' }).waitFor();
  });

  layout(server, 'echo', async (visitor) => {
    await visitor.write('Hello!');
    await visitor.write('W'.repeat(300));
    await eventually(async () => (await visitor.hook('echo').count()) === 2, 'both echoes');
  });
});

describe('tutorial', { skip: roomcastOnly }, () => {
  const server = example('tutorial');
  const shows = (visitor, message) => visitor.hook('message').filter({ hasText: message }).waitFor();

  /** Comes in under a name, without a mouse. */
  async function enter(t, room, name, viewport) {
    const visitor = await visit(t, server, room, viewport);
    await visitor.page.keyboard.type(name);
    await visitor.page.keyboard.press('Enter');
    return visitor;
  }

  test('two people and a script read each other', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await enter(t, room, 'Ada'), await enter(t, room, 'Bob')];
    const script = await Client.connect(t, server, room);
    await ada.page.keyboard.type('hello <b>all</b>');
    await ada.page.keyboard.press('Enter');
    assert.deepEqual(await script.next('newIncomingMessage'), { author: 'Ada', message: 'hello <b>all</b>' });
    await shows(bob, 'Adahello <b>all</b>');
    await shows(ada, 'Youhello <b>all</b>');
    script.socket.emit('createdMessage', { author: 'a script', message: 'beep' });
    for (const visitor of [ada, bob]) {
      await shows(visitor, 'a scriptbeep');
      assert.equal(await visitor.hook('message').count(), 2);
      visitor.assertNoTrouble();
    }
  });

  layout(server, 'tutorial', async (visitor, t, room) => {
    await visitor.hook('name-input').fill('Ada');
    await visitor.hook('name-submit').click();
    const other = await Client.connect(t, server, room);
    for (let i = 0; i < 12; i += 1) other.socket.emit('createdMessage', { author: 'W'.repeat(32), message: `${i} ${'w'.repeat(300)}` });
    await shows(visitor, '11 ');
    await visitor.write('And this is the answer.');
    await visitor.hook('message').filter({ hasText: 'answer' }).waitFor();
    assert.ok(await visitor.hook('send').isVisible());
    const log = visitor.hook('messages');
    assert.ok(await log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 2), 'the newest is in view');
  });
});

describe('dashboard', { skip: roomcastOnly }, () => {
  const server = example('dashboard');
  const drawn = async (visitor) => ((await visitor.hook('chart').getAttribute('points')) ?? '').split(' ').length;

  test('two viewers see the same numbers, and what one sets by keyboard', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await visit(t, server, room), await visit(t, server, room)];
    for (const visitor of [ada, bob]) {
      await eventually(async () => (await text(visitor, 'people')) === '2', 'two people');
      await eventually(async () => (await drawn(visitor)) >= 3, 'a line');
    }
    await ada.hook('target').focus();
    await ada.page.keyboard.press('End');
    await eventually(async () => (await bob.hook('target').inputValue()) === '30', 'the other slider to follow');
    await eventually(async () => (await text(bob, 'events')) === '1', 'the event to be counted');
    const late = await visit(t, server, room);
    await eventually(async () => (await drawn(late)) >= 4, 'the points of before');
    assert.equal(await late.hook('target').inputValue(), '30');
    for (const visitor of [ada, bob, late]) visitor.assertNoTrouble();
  });

  layout(server, 'dashboard', (visitor) => eventually(async () => (await drawn(visitor)) >= 3, 'a line'));
});

describe('game', { skip: roomcastOnly }, () => {
  const server = example('game');
  const scores = (visitor) => visitor.hook('scores').locator('li').evaluateAll((lines) => lines.map((line) => `${line.textContent} ${line.dataset.score}`));

  /** What a client that plays along is told. */
  async function watch(t, room) {
    const watcher = await Client.connect(t, server, room);
    watcher.socket.on('tick', (tick) => (watcher.tick = tick));
    return watcher;
  }

  /** The first player, as the watcher sees it. */
  const first = ({ tick }) => tick?.players.find(({ number }) => number === 1);

  test('arrow keys and the pointer move one\'s dot, and the star is a point for all to see', async (t) => {
    const room = freshRoom();
    const ada = await visit(t, server, room);
    const watcher = await watch(t, room);
    await eventually(() => first(watcher), 'the first tick');
    await ada.hook('field').focus();
    for (const [key, axis, end] of [['ArrowLeft', 'x', 34], ['ArrowDown', 'y', 966]]) {
      await ada.page.keyboard.down(key);
      await eventually(() => first(watcher)[axis] === end, `${key} to lead to the wall`);
      await ada.page.keyboard.up(key);
    }
    const box = await ada.hook('field').boundingBox();
    const { x, y } = watcher.tick.star;
    await ada.page.mouse.click(box.x + (x / 1000) * box.width, box.y + (y / 1000) * box.height);
    await eventually(async () => (await scores(ada))[0] === 'Player 1 (you) 1', 'the point');
    assert.deepEqual(await scores(ada), ['Player 1 (you) 1', 'Player 2 0']);
    watcher.socket.disconnect();
    await eventually(async () => (await scores(ada)).length === 1, 'the other to be gone');
    ada.assertNoTrouble();
  });

  test('a key that is let go stops the dot', async (t) => {
    const room = freshRoom();
    const ada = await visit(t, server, room);
    const watcher = await watch(t, room);
    await eventually(() => first(watcher), 'the first tick');
    const { x } = first(watcher);
    await ada.page.keyboard.down('ArrowRight');
    await eventually(() => first(watcher).x > x, 'the dot to move');
    await ada.page.keyboard.up('ArrowRight');
    // Nobody moves: there is a tick that isn't volatile, and then none.
    await new Promise((resolve) => watcher.socket.on('tick', (_, offset) => offset && resolve()));
    assert.ok(first(watcher).x < 966, 'it would have gone on to the wall');
  });

  layout(server, 'game', async (visitor, t, room) => {
    for (let i = 0; i < 3; i += 1) await watch(t, room);
    await eventually(async () => (await scores(visitor)).length === 4, 'four players');
  });
});

describe('whiteboard', { skip: roomcastOnly }, () => {
  const server = example('whiteboard');
  const picture = (visitor) => visitor.hook('board').evaluate((canvas) => canvas.toDataURL());
  const shows = (visitor, strokes) => eventually(async () => (await visitor.hook('board').getAttribute('data-strokes')) === String(strokes), `${strokes} strokes`);

  /** Draws a line through places, each from 0 to 1. */
  async function draw({ page, hook }, ...places) {
    const box = await page.getByTestId('board').boundingBox();
    const [first, ...others] = places.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
    await page.mouse.move(...first);
    await page.mouse.down();
    for (const place of others) await page.mouse.move(...place, { steps: 5 });
    await page.mouse.up();
  }

  test('who is there, who comes later, and who comes after an eviction see the same picture', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await visit(t, server, room), await visit(t, server, room)];
    const empty = await picture(ada);
    await draw(ada, [0.1, 0.1], [0.5, 0.6], [0.9, 0.2]);
    await bob.page.getByLabel('Red').check();
    await draw(bob, [0.2, 0.8], [0.8, 0.1]);
    await draw(ada, [0.5, 0.9]);
    for (const visitor of [ada, bob]) await shows(visitor, 3);
    const expected = await picture(ada);
    assert.notEqual(expected, empty);
    // What is drawn at the same time elsewhere may still be on its way to its place in the order.
    await eventually(async () => (await picture(bob)) === (await picture(ada)), 'the same picture');
    const late = await visit(t, server, room);
    await shows(late, 3);
    assert.equal(await picture(late), await picture(ada));

    const lost = Promise.all([ada, bob, late].map((visitor) => visitor.state('connecting')));
    await server.evict(room, 'close');
    await lost;
    const later = await visit(t, server, room);
    for (const visitor of [ada, bob, late]) await visitor.state('online');
    for (const visitor of [ada, bob, late, later]) {
      await shows(visitor, 3);
      await eventually(async () => (await picture(visitor)) === expected, 'the same picture after the eviction');
      visitor.assertNoTrouble();
    }
  });

  test('a stroke is seen while it is drawn', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await visit(t, server, room), await visit(t, server, room)];
    const empty = await picture(bob);
    const box = await ada.hook('board').boundingBox();
    await ada.page.mouse.move(box.x + 50, box.y + 50);
    await ada.page.mouse.down();
    let x = 60;
    await eventually(async () => {
      await ada.page.mouse.move(box.x + (x += 4), box.y + 80);
      return (await picture(bob)) !== empty;
    }, 'the other to see something');
    assert.equal(await bob.hook('board').getAttribute('data-strokes'), '0');
    await ada.page.mouse.up();
    await shows(bob, 1);
  });

  test('undo takes back one\'s own last stroke, clear all; the keyboard draws too', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await visit(t, server, room), await visit(t, server, room)];
    await ada.hook('board').focus();
    for (const key of ['Space', 'ArrowRight', 'ArrowRight', 'ArrowDown', 'Space']) await ada.page.keyboard.press(key);
    for (const visitor of [ada, bob]) await shows(visitor, 1);
    await draw(bob, [0.2, 0.2], [0.3, 0.3]);
    for (const visitor of [ada, bob]) await shows(visitor, 2);
    await ada.hook('undo').click();
    for (const visitor of [ada, bob]) await shows(visitor, 1);
    await ada.hook('clear').click();
    for (const visitor of [ada, bob]) await shows(visitor, 0);
    for (const visitor of [ada, bob]) visitor.assertNoTrouble();
  });

  test('a very long stroke is kept as several', async (t) => {
    const room = freshRoom();
    const ada = await visit(t, server, room);
    const box = await ada.hook('board').boundingBox();
    await ada.page.mouse.move(box.x + 20, box.y + 20);
    await ada.page.mouse.down();
    await ada.page.mouse.move(box.x + box.width - 20, box.y + box.height - 20, { steps: 560 });
    await ada.page.mouse.up();
    await eventually(async () => Number(await ada.hook('board').getAttribute('data-strokes')) >= 2, 'several strokes');
    const strokes = await ada.hook('board').getAttribute('data-strokes');
    const late = await visit(t, server, room);
    await shows(late, strokes);
    assert.equal(await picture(late), await picture(ada));
    ada.assertNoTrouble();
  });

  layout(server, 'whiteboard', async (visitor) => {
    await draw(visitor, [0.1, 0.3], [0.3, 0.1], [0.5, 0.5], [0.7, 0.2]);
    await visitor.page.getByLabel('Violet').check();
    await draw(visitor, [0.2, 0.8], [0.9, 0.7]);
    await shows(visitor, 2);
  });
});
