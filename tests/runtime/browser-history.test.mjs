// The page and what was said before: on entering, further back, in another tab, after a reload.
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

const inRoom = (t, room, name, viewport) => Visitor.enter(t, browser, server, `/r/${room}`, name, viewport);

const numbered = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => `message ${from + at}`);

async function sayAll(client, texts) {
  for (const text of texts) await client.say(text);
}

/** Waits until the page shows exactly these messages, in this order. */
async function shows(visitor, texts) {
  let shown = [];
  const same = async () => JSON.stringify((shown = await visitor.texts())) === JSON.stringify(texts);
  await eventually(same, 'the messages').catch(() => assert.deepEqual(shown, texts));
}

const scrollToTop = (visitor) => visitor.hook('messages').evaluate((log) => log.scrollTo(0, 0));
const isAtEnd = (visitor) => visitor.hook('messages').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2);

describe('what was said before', { skip: roomcastOnly }, () => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`${size}: the last 50 messages are there on entering, and older ones on scrolling up, down to the first`, async (t) => {
      const room = freshRoom();
      const script = await member(t, server, room, 'a script');
      await sayAll(script, numbered(1, 120));
      const ada = await inRoom(t, room, 'Ada', viewport);
      await shows(ada, numbered(71, 120));
      assert.ok(await isAtEnd(ada));
      assert.equal(await ada.hook('copy-link-invite').isVisible(), false, 'this is not the beginning');
      for (const first of [21, 1]) {
        const before = (await ada.texts())[0];
        await scrollToTop(ada);
        await shows(ada, numbered(first, 120));
        const place = await (await ada.message(before)).evaluate((node) => node.getBoundingClientRect().top);
        assert.ok(place > 0 && place < 250, `${before} was at the top, and is at ${place}`);
      }
      await scrollToTop(ada);
      await ada.hook('copy-link-invite').waitFor();
      assert.equal(await ada.hook('load-older').isVisible(), false);
      assert.ok(await ada.overflow() <= 0);
      await script.say('live');
      await ada.hook('new-messages').getByText('1 new message').click();
      await shows(ada, [...numbered(1, 120), 'live']);
      assert.ok(await isAtEnd(ada));
      ada.assertNoTrouble();
    });
  }

  test('a button does the same for the keyboard, and who reads the end stays there', async (t) => {
    const room = freshRoom();
    await sayAll(await member(t, server, room, 'a script'), numbered(1, 60));
    const ada = await inRoom(t, room, 'Ada');
    await shows(ada, numbered(11, 60));
    await ada.hook('load-older').evaluate((button) => {
      button.focus({ preventScroll: true });
      button.click();
    });
    await shows(ada, numbered(1, 60));
    assert.ok(await isAtEnd(ada));
    assert.equal(await ada.page.evaluate(() => document.activeElement.id), 'log', 'the focus goes on from there');
  });

  test("members and guests, their old names, and one's own messages look as they did live", async (t) => {
    const room = freshRoom();
    const ada = await inRoom(t, room, 'Ada');
    const script = await member(t, server, room, 'a script');
    await script.say('one');
    await script.join('another name');
    await script.say('two');
    await script.ask('createdMessage', { author: 'Guest', message: 'three' });
    await ada.message('three');
    await ada.write('four');
    await ada.message('four');
    const look = () => ada.page.getByTestId('message').evaluateAll((all) => all.map(({ dataset, className, innerText }) =>
      [dataset.author, dataset.own !== undefined, className, innerText.replace(/\d+:\d+( [AP]M)?/, '')]));
    const live = await look();
    assert.deepEqual(live.map(([author, own]) => [author, own]), [['a script', false], ['another name', false], ['Guest', false], ['Ada', true]]);
    await ada.page.reload();
    await shows(ada, ['one', 'two', 'three', 'four']);
    assert.deepEqual(await look(), live);
  });

  test("what a guest says live isn't shown again with what was missed", async (t) => {
    const room = freshRoom();
    const ada = await inRoom(t, room, 'Ada');
    const guest = await member(t, server, room, 'a script');
    const say = (message) => guest.ask('createdMessage', { author: 'Guest', message });
    for (const text of ['one', 'two', 'two']) await say(text);
    await shows(ada, ['one', 'two', 'two']);
    await leaveAndReturn(ada, async () => {
      for (const text of ['two', 'three']) await say(text);
    });
    await shows(ada, ['one', 'two', 'two', 'two', 'three']);
  });

  test('who went to another page and back reads what was said meanwhile', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await inRoom(t, room, 'Ada'), await inRoom(t, room, 'Bob')];
    await ada.roster('Ada', 'Bob');
    await leaveAndReturn(ada, async () => {
      await bob.roster('Bob');
      for (const text of numbered(1, 3)) await bob.write(text);
      await bob.message('message 3');
    });
    await shows(ada, numbered(1, 3));
    for (const visitor of [ada, bob]) await visitor.roster('Ada', 'Bob');
  });

  /** As the browser does with a page that it keeps: it is left, and shown again. */
  async function leaveAndReturn(visitor, meanwhile) {
    const tell = (event) => visitor.page.evaluate((name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true })), event);
    await tell('pagehide');
    await visitor.state('offline');
    await meanwhile();
    await tell('pageshow');
    await visitor.state('online');
  }
});

describe('one person', { skip: roomcastOnly }, () => {
  test('is one in the roster with two tabs; each tab shows what the other writes, as own, once', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await inRoom(t, room, 'Ada'), await inRoom(t, room, 'Bob')];
    const tab = await ada.tab();
    await tab.state('online');
    for (const [visitor, text] of [[ada, 'from the first'], [tab, 'from the second'], [bob, 'from Bob']]) {
      await visitor.write(text);
      for (const other of [ada, tab, bob]) await other.message(text);
    }
    for (const visitor of [ada, tab, bob]) {
      await shows(visitor, ['from the first', 'from the second', 'from Bob']);
      await visitor.roster('Ada', 'Bob');
      const own = await visitor.page.locator('[data-testid=message][data-own] [data-testid=message-text]').allTextContents();
      assert.deepEqual(own, visitor === bob ? ['from Bob'] : ['from the first', 'from the second']);
    }
    await tab.page.close();
    await bob.write('one tab less');
    await ada.message('one tab less');
    assert.deepEqual(await bob.notes(), [], 'nobody came and nobody left');
    await bob.roster('Ada', 'Bob');
    for (const visitor of [ada, tab, bob]) visitor.assertNoTrouble();
  });

  test('changes the name in all tabs', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await inRoom(t, room, 'Ada'), await inRoom(t, room, 'Bob')];
    const tab = await ada.tab();
    await tab.state('online');
    await tab.hook('change-name').click();
    await tab.hook('name-input').fill('Countess');
    await tab.hook('name-submit').click();
    for (const visitor of [ada, tab, bob]) await visitor.roster('Bob', 'Countess');
    assert.equal(await ada.hook('own-name').textContent(), 'Countess');
    assert.deepEqual(await bob.notes(), ['Ada is now called Countess']);
    assert.deepEqual(await ada.notes(), ['Bob joined']);
  });

  test('is the same after a reload: what was written before is own, and there is no second entry', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [await inRoom(t, room, 'Ada'), await inRoom(t, room, 'Bob')];
    await ada.write('before');
    await bob.message('before');
    await ada.page.reload();
    await ada.state('online');
    const message = await ada.message('before');
    assert.equal(await message.getAttribute('data-own'), '');
    for (const visitor of [ada, bob]) await visitor.roster('Ada', 'Bob');
    const stranger = await inRoom(t, room, 'Ada');
    assert.equal(await (await stranger.message('before')).getAttribute('data-own'), null, 'the name alone makes nobody Ada');
    await bob.roster('Ada', 'Ada', 'Bob');
  });
});
