// The page when connections are lost: what is written and what was missed arrives, once, and the roster is right.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch, Visitor } from './support/browser.mjs';
import { member } from './support/clients.mjs';
import { ROOT } from './support/paths.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

/** How long somebody may be gone before others are told, and what the news may take. */
const AWAY_MS = 10_000 + 8_000;

const server = serverFor(AS_DEPLOYED);
let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const numbered = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => `message ${from + at}`);
const away = (visitor) => visitor.page.locator('[data-testid=roster-member][data-away]').allInnerTexts();

async function two(t, at = server) {
  const room = freshRoom();
  const [ada, bob] = [await Visitor.enter(t, browser, at, `/r/${room}`, 'Ada'), await Visitor.enter(t, browser, at, `/r/${room}`, 'Bob')];
  for (const visitor of [ada, bob]) await visitor.roster('Ada', 'Bob');
  return { room, ada, bob };
}

/** Cuts the visitor's network off. */
async function offline(visitor) {
  await visitor.page.context().setOffline(true);
  await eventually(async () => (await visitor.hook('connection-state').getAttribute('data-state')) !== 'online', 'the page to notice');
}

async function online(visitor) {
  await visitor.page.context().setOffline(false);
  await visitor.state('online');
}

async function shows(visitor, texts) {
  let shown = [];
  const same = async () => JSON.stringify((shown = await visitor.texts())) === JSON.stringify(texts);
  await eventually(same, 'the messages').catch(() => assert.deepEqual(shown, texts));
}

describe('a lost connection', { skip: roomcastOnly }, () => {
  test('what is written offline waits, and then arrives once and in order; what was missed is there', async (t) => {
    const { ada, bob } = await two(t);
    await offline(ada);
    for (const text of ['one', 'two', 'three']) await ada.write(text);
    await ada.message('three', 'pending');
    await bob.write('meanwhile');
    await bob.message('meanwhile');
    await online(ada);
    for (const visitor of [ada, bob]) {
      await visitor.message('three');
      await shows(visitor, ['meanwhile', 'one', 'two', 'three']);
    }
    assert.deepEqual(await ada.notes(), ['Bob joined'], 'there is nothing to tell of a connection that was recovered');
    assert.deepEqual(await bob.notes(), []);
  });

  test('somebody who stays away is told to be, without a line; and is back, with the same entry', async (t) => {
    const { room, ada, bob } = await two(t);
    await offline(ada);
    await eventually(async () => (await away(bob)).length > 0, 'the news', AWAY_MS);
    assert.match((await away(bob))[0], /Ada[^]*away/);
    await bob.screenshot('away');
    const late = await Visitor.enter(t, browser, server, `/r/${room}`, 'Cleo');
    await late.roster('Ada', 'Bob', 'Cleo');
    assert.match((await away(late))[0], /Ada[^]*away/, 'who comes later sees it too');
    await online(ada);
    await eventually(async () => (await away(bob)).length + (await away(late)).length === 0, 'her return');
    for (const visitor of [ada, bob, late]) await visitor.roster('Ada', 'Bob', 'Cleo');
    assert.deepEqual(await bob.notes(), ['Cleo joined']);
  });

  test('who takes another name while offline is renamed, once, and speaks under it', async (t) => {
    const { ada, bob } = await two(t);
    await offline(ada);
    await ada.hook('change-name').click();
    await ada.hook('name-input').fill('Adele');
    await ada.hook('name-submit').click();
    await ada.write('written offline');
    await bob.roster('Ada', 'Bob');
    await online(ada);
    for (const visitor of [ada, bob]) {
      await visitor.message('written offline');
      await visitor.roster('Adele', 'Bob');
    }
    assert.equal(await bob.hook('message').getByTestId('message-author').last().textContent(), 'Adele');
    assert.deepEqual(await bob.notes(), ['Ada is now called Adele']);
  });

  test("the room's object goes away again and again in the middle of a conversation: nothing is lost or doubled", async (t) => {
    const { room, ada, bob } = await two(t);
    const said = [];
    for (let round = 1; round <= 4; round += 1) {
      for (const [visitor, name] of [[ada, 'Ada'], [bob, 'Bob']]) {
        said.push(`${name} ${round}`);
        await visitor.write(said.at(-1));
      }
      await server.evict(room, 'close');
      for (const [visitor, name] of [[ada, 'Ada'], [bob, 'Bob']]) {
        said.push(`${name} ${round}, once more`);
        await visitor.write(said.at(-1));
      }
      for (const visitor of [ada, bob]) for (const text of said) await visitor.message(text);
    }
    for (const visitor of [ada, bob]) {
      assert.deepEqual((await visitor.texts()).sort(), [...said].sort());
      await visitor.roster('Ada', 'Bob');
    }
    assert.deepEqual(await ada.texts(), await bob.texts(), 'in the same order');
    assert.deepEqual([await ada.notes(), await bob.notes()], [['Bob joined'], []]);
  });
});

describe('a connection that can not be recovered', { skip: roomcastOnly }, () => {
  const forgetful = serverFor({ RECOVERY_MS: 0 });

  test('what was missed is loaded page by page, and the roster is as it is by then', async (t) => {
    const { room, ada, bob } = await two(t, forgetful);
    const script = await member(t, forgetful, room, 'a script');
    await script.say('before');
    await ada.message('before');
    await offline(ada);
    await bob.roster('a script', 'Bob');
    await ada.write('from Ada');
    for (const text of numbered(1, 120)) await script.say(text);
    script.socket.disconnect();
    await member(t, forgetful, room, 'another script');
    await online(ada);
    for (const visitor of [ada, bob]) {
      await visitor.message('from Ada');
      await shows(visitor, ['before', ...numbered(1, 120), 'from Ada']);
      await visitor.roster('Ada', 'Bob', 'another script');
    }
    const lines = await ada.page.locator('[data-testid=note], [data-testid=message-text]').allTextContents();
    assert.match(lines[lines.indexOf('before') + 1], /^You were away/, 'the line stands where the connection was lost');
  });
});

describe('a server that is killed', { skip: roomcastOnly }, () => {
  test('what is written before, at that moment and until it is there again arrives once', async (t) => {
    const workerd = await startWorkerd();
    t.after(() => workerd.close());
    const { ada, bob } = await two(t, { url: workerd.url, page: servesPages });
    await ada.write('before');
    await bob.message('before');
    await Promise.all([ada.write('at that moment'), workerd.kill()]);
    await ada.write('while it is dead');
    await workerd.start();
    await ada.write('while it starts');
    for (const visitor of [ada, bob]) {
      await visitor.state('online');
      await visitor.message('while it starts');
      await shows(visitor, ['before', 'at that moment', 'while it is dead', 'while it starts']);
      await visitor.roster('Ada', 'Bob');
    }
  });

  /** workerd alone has none of the page's files. */
  async function servesPages(context) {
    await context.route(({ pathname }) => !pathname.endsWith('/socket.io/'), (route) => {
      const { pathname } = new URL(route.request().url());
      return route.fulfill({ path: path.join(ROOT, 'public', pathname.startsWith('/r/') ? 'room.html' : pathname) });
    });
  }
});
