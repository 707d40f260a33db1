// The page in a real browser: two people in a room, both sizes, hostile text, the link, the landing page.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch, SIZES, Visitor } from './support/browser.mjs';
import { member } from './support/clients.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

const server = serverFor(AS_DEPLOYED);
let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const visit = (t, pathname, viewport) => Visitor.open(t, browser, server, pathname, viewport);

const inRoom = (t, room, name, viewport) => Visitor.enter(t, browser, server, `/r/${room}`, name, viewport);

describe('two people in a room', () => {
  test('each reads what the other writes, the own message goes from pending to sent, both are in the roster', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await inRoom(t, room, 'Ada'), await inRoom(t, room, 'Bob')];
    for (const visitor of [ada, bob]) await visitor.roster('Ada', 'Bob');
    await ada.write('hello Bob');
    await ada.message('hello Bob', 'sent');
    assert.deepEqual(await ada.states('hello Bob'), ['pending', 'sent']);
    const received = await bob.message('hello Bob');
    assert.equal(await received.getByTestId('message-author').textContent(), 'Ada');
    await bob.write('hello Ada');
    await ada.message('hello Ada');
    assert.equal(await ada.hook('message').count(), 2);
    assert.equal(await bob.hook('message').count(), 2);
    for (const visitor of [ada, bob]) visitor.assertNoTrouble();
  });

  test('who closes the page is gone from the roster; a client without a browser is one of them', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await inRoom(t, room, 'Ada'), await inRoom(t, room, 'Bob')];
    const script = await member(t, server, room, 'a script');
    await ada.roster('Ada', 'Bob', 'a script');
    await script.say('beep');
    await ada.message('beep');
    await bob.page.close();
    await ada.roster('Ada', 'a script');
    await ada.write('still here');
    assert.equal((await script.until('newMessage')).text, 'still here');
  });

  test('the name is remembered: a reload enters by itself', async (t) => {
    const ada = await inRoom(t, freshRoom(), 'Ada');
    await ada.page.reload();
    await ada.state('online');
    await ada.roster('Ada');
  });

  test('another room is another conversation', async (t) => {
    const [ada, bob] = [await inRoom(t, freshRoom(), 'Ada'), await inRoom(t, freshRoom(), 'Bob')];
    await ada.write('anybody?');
    await ada.message('anybody?');
    await bob.roster('Bob');
    assert.equal(await bob.hook('message').count(), 0);
  });

  test('the page comes back by itself when it lost its connection, with what was written meanwhile', { skip: roomcastOnly }, async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await inRoom(t, room, 'Ada'), await inRoom(t, room, 'Bob')];
    const lost = Promise.all([ada, bob].map((visitor) => visitor.state('connecting')));
    await server.evict(room, 'close');
    await lost;
    await ada.write('written while away');
    for (const visitor of [ada, bob]) await visitor.state('online');
    await ada.message('written while away', 'sent');
    await ada.roster('Ada', 'Bob');
    await bob.write('back again');
    await ada.message('back again');
  });
});

describe('hostile text stays text', () => {
  // As a name it has to fit into 32 characters.
  const MARKUP = '<img src=x onerror=hacked=1>';

  test('as a name and as a message, on both sides', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await inRoom(t, room, MARKUP), await inRoom(t, room, 'Bob')];
    await ada.write(`${MARKUP} says <script>globalThis.hacked = 1</script>`);
    const received = await bob.message(`${MARKUP} says <script>globalThis.hacked = 1</script>`);
    assert.equal(await received.getByTestId('message-author').textContent(), MARKUP);
    await bob.write(MARKUP);
    await ada.message(MARKUP);
    for (const visitor of [ada, bob]) {
      await visitor.roster(MARKUP, 'Bob');
      assert.equal(await visitor.page.locator('[data-testid=message] img, [data-testid=message] script, img[onerror], [data-testid=roster] img').count(), 0);
      assert.equal(await visitor.page.evaluate(() => globalThis.hacked), undefined);
    }
    for (const visitor of [ada, bob]) visitor.assertNoTrouble();
  });

  test('from a client that speaks without having joined', async (t) => {
    const room = freshRoom();
    const ada = await inRoom(t, room, 'Ada');
    const script = await member(t, server, room, 'script');
    await script.ask('createdMessage', { author: MARKUP, message: MARKUP });
    await ada.message(MARKUP);
    assert.equal(await ada.page.locator('[data-testid=message] img, img[onerror]').count(), 0);
    ada.assertNoTrouble();
  });
});

describe('layout', () => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`${size}: landing page and room need no horizontal scrolling, long words included`, async (t) => {
      const landing = await visit(t, '/', viewport);
      await landing.hook('new-room').waitFor();
      assert.ok(await landing.overflow() <= 0, `the landing page is ${await landing.overflow()} px too wide`);
      await landing.screenshot(`landing-${size}`);

      const room = freshRoom();
      const door = await visit(t, `/r/${room}`, viewport);
      await door.hook('name-input').waitFor();
      await door.screenshot(`door-${size}`);
      await door.enter('Ada');
      const other = await member(t, server, room, 'W'.repeat(32));
      await other.say('Hello! This is a message of ordinary length, as people write them.');
      await other.say('x'.repeat(600));
      await door.message('x'.repeat(600));
      await door.write('And this is the answer.');
      await door.message('And this is the answer.');
      assert.ok(await door.overflow() <= 0, `the room is ${await door.overflow()} px too wide`);
      await door.screenshot(`room-${size}`);
      for (const visitor of [landing, door]) visitor.assertNoTrouble();
    });
  }
});

describe('addresses', () => {
  test('copy link puts the address of the room into the clipboard', async (t) => {
    const room = freshRoom();
    const ada = await inRoom(t, room, 'Ada');
    await ada.hook('copy-link').click();
    const copied = () => ada.page.evaluate(() => navigator.clipboard.readText());
    await eventually(async () => (await copied()) === `${server.url}/r/${room}`, 'the link in the clipboard');
  });

  test('the landing page opens a new room, a different one each time', async (t) => {
    const rooms = new Set();
    for (let round = 0; round < 2; round += 1) {
      const visitor = await visit(t, '/');
      await visitor.hook('new-room').click();
      await visitor.page.waitForURL(/\/r\/[A-Za-z0-9_-]{10,64}$/);
      await visitor.enter('Ada');
      rooms.add(visitor.page.url());
      visitor.assertNoTrouble();
    }
    assert.equal(rooms.size, 2);
  });

  test('the landing page joins a room by its name and by its link, and refuses a bad name', async (t) => {
    const room = freshRoom();
    for (const input of [room, `${server.url}/r/${room}`]) {
      const visitor = await visit(t, '/');
      await visitor.hook('join-room-input').fill(input);
      await visitor.hook('join-room-submit').click();
      await visitor.page.waitForURL(`${server.url}/r/${room}`);
    }
    const visitor = await visit(t, '/');
    await visitor.hook('join-room-input').fill('no such name!');
    await visitor.hook('join-room-submit').click();
    await visitor.hook('join-room-error').waitFor();
    assert.equal(new URL(visitor.page.url()).pathname, '/');
  });
});
