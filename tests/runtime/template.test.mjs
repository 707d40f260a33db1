// The template app, copied out of the repository: built by worker-build alone, played by stock clients over a restart of the
// runtime, and in a browser.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { launch, SIZES, Visitor } from './support/browser.mjs';
import { ROOT } from './support/paths.mjs';
import { startRoomcast } from './support/server.mjs';
import { roomcastOnly } from './support/target.mjs';
import { copyTemplate } from './support/template.mjs';
import { eventually, within } from './support/wait.mjs';
import { engineUrl, freshRoom, request } from './support/wire.mjs';
import { cargoTest, checkWithDefaults, workerBuild } from './support/worker-build.mjs';

const BUILD_PATIENCE = 600_000;
const ROUND_MS = 4_000;
const require = createRequire(import.meta.url);
const CLIENT = path.join(path.dirname(require.resolve('socket.io-client/package.json')), 'dist/socket.io.min.js');

/** Somebody who plays with a stock client; `games` are the states that it was shown. */
class Player {
  games = [];

  constructor(t, server, room, name) {
    this.name = name;
    const auth = { key: `the key of ${name}`.padEnd(16, '.'), name };
    this.socket = io(server.url, { path: `/r/${room}/socket.io/`, auth, forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 500 });
    t.after(() => this.socket.close());
    this.socket.on('game', (game) => this.games.push(game));
  }

  get game() {
    return this.games.at(-1);
  }

  async sees(phase, round, ms = 12_000) {
    const there = () => this.game?.phase === phase && (round === undefined || this.game.round === round) && this.game;
    return eventually(there, `${phase} ${round}; ${this.name} sees ${JSON.stringify(this.game)}`, ms);
  }

  answer(choice) {
    return within(new Promise((resolve) => this.socket.emit('answer', this.game.round, choice, resolve)), 'the ack of an answer');
  }

  score(name) {
    return this.game.players.find((player) => player.name === name).score;
  }
}

describe('the template app in a folder of its own', { skip: roomcastOnly }, () => {
  let copy;
  let persist;
  let server;
  const start = (options) => startRoomcast({ project: copy.folder, bundle: path.join(copy.folder, 'build'), roomClass: 'Room', ...options });

  before(async (t) => {
    copy = copyTemplate();
    persist = mkdtempSync(path.join(tmpdir(), 'roomcast-template-rooms-'));
    const began = Date.now();
    const { code, output } = await within(workerBuild(copy.folder), 'worker-build', BUILD_PATIENCE);
    assert.equal(code, 0, output);
    console.log(`# worker-build took ${Math.round((Date.now() - began) / 1_000)} s`);
    server = await start({ vars: { ROUND_MS }, persist });
  }, { timeout: BUILD_PATIENCE });
  after(async () => {
    await server?.close();
    copy?.remove();
    if (persist) rmSync(persist, { recursive: true, force: true });
  });

  test('names the build tool’s version that the crate is tested with', () => {
    const { config } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    const toml = readFileSync(path.join(copy.folder, 'wrangler.toml'), 'utf8');
    assert.match(toml, new RegExp(`^command = "cargo install -q worker-build --version ${config.workerBuild} --locked && worker-build --release"$`, 'm'));
  });

  test('names the client’s bundle by its digest', async () => {
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha384').update(readFileSync(CLIENT)).digest('base64');
    const { version } = require('socket.io-client/package.json');
    const page = readFileSync(path.join(copy.folder, 'public/room.html'), 'utf8');
    assert.ok(page.includes(`socket.io-client@${version}/dist/socket.io.min.js`), `${version} is not in room.html`);
    assert.ok(page.includes(`integrity="sha384-${digest}"`), `${digest} is not in room.html`);
  });

  test('passes its own tests', { timeout: BUILD_PATIENCE }, async () => {
    const { code, output } = await within(cargoTest(copy.folder), 'cargo test', BUILD_PATIENCE);
    assert.equal(code, 0, output);
    assert.match(output, /test result: ok\. 3 passed/);
  });

  test('shows public/index.html at / and public/room.html at /r/<room>, each with its own policy', async () => {
    const [startPage, roomPage] = [await request(new URL('/', server.url)), await request(new URL(`/r/${freshRoom()}`, server.url))];
    assert.equal(startPage.body, readFileSync(path.join(copy.folder, 'public/index.html'), 'utf8'));
    assert.equal(roomPage.body, readFileSync(path.join(copy.folder, 'public/room.html'), 'utf8'));
    assert.match(startPage.headers['content-security-policy'], /^default-src 'self'; object-src/);
    assert.match(roomPage.headers['content-security-policy'], /^default-src 'self'; script-src 'self' https:\/\/cdn\.jsdelivr\.net;/);
    for (const { headers } of [startPage, roomPage]) assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal((await request(new URL('/healthz', server.url))).status, 200);
    assert.equal((await request(new URL('/nothing', server.url))).status, 404);
  });

  test('is played over a restart: rounds end by the stored timer, and scores stay', async (t) => {
    const room = freshRoom();
    const [ada, bob] = [new Player(t, server, room, 'Ada'), new Player(t, server, room, 'Bob')];
    await eventually(() => [ada, bob].every(({ game }) => game?.players.length === 2), 'both to see each other');
    ada.socket.emit('start');

    await Promise.all([ada.sees('question', 0), bob.sees('question', 0)]);
    assert.deepEqual([ada.game.right, ada.game.choices.length], [null, 4]);
    assert.equal(await ada.answer(1), undefined);
    assert.equal((await ada.answer(2)).code, 'answered');
    assert.equal((await bob.answer(9)).code, 'no_choice');
    assert.equal(await bob.answer(0), undefined);
    // Both have answered, so nobody waits for the timer.
    assert.equal((await ada.sees('answer', 0, ROUND_MS - 1_000)).right, 1);
    const first = ada.score('Ada');
    assert.ok(first > 100 && first <= 200, `${first} points`);
    assert.equal(ada.score('Bob'), 0);
    assert.equal((await bob.answer(1)).code, 'too_late');

    await ada.sees('question', 1);
    const { port } = new URL(server.url);
    const asked = Date.now();
    await server.close();
    server = await start({ vars: { ROUND_MS }, persist, port: Number(port) });
    const seen = [ada.games.length, bob.games.length];
    await eventually(() => ada.games.length > seen[0] && bob.games.length > seen[1], 'both to come back', 15_000);
    await ada.sees('answer', 1, 15_000);
    t.diagnostic(`the round of ${ROUND_MS} ms ended ${Date.now() - asked} ms after the runtime was stopped`);
    assert.deepEqual([ada.score('Ada'), ada.score('Bob')], [first, 0]);

    for (let round = 2; round < ada.game.rounds; round += 1) {
      await Promise.all([ada.sees('question', round), bob.sees('question', round)]);
      await Promise.all([ada.answer(3), bob.answer(0)]);
      await ada.sees('answer', round);
    }
    await Promise.all([ada.sees('over'), bob.sees('over')]);
    assert.deepEqual(ada.game.players, bob.game.players);
    assert.ok(ada.score('Bob') > 100, 'Bob was right once');
  });

  test('keeps strangers within bounds', async (t) => {
    const room = freshRoom();
    const ada = new Player(t, server, room, 'Ada');
    await ada.sees('lobby');
    const refusal = async (auth) => {
      const socket = io(server.url, { path: `/r/${room}/socket.io/`, auth, forceNew: true });
      t.after(() => socket.close());
      return (await within(new Promise((resolve) => socket.once('connect_error', resolve)), 'a refusal')).message;
    };
    const key = 'k'.repeat(16);
    assert.equal(await refusal({ key, name: 'Ada' }), 'Somebody here has this name already.');
    assert.equal(await refusal({ key, name: ' ' }), 'A name has 1 to 24 characters.');
    assert.equal(await refusal({ key: 'k', name: 'Bob' }), 'A key has 16 to 64 bytes.');
    assert.equal(await refusal(), 'A player has a key and a name.');
  });

  test('a setting of its own that is wrong is a 500 that names it, /healthz included', async (t) => {
    const sentence = 'This server is set up wrongly: its setting ROUND_MS can\'t be used. Its log says more.';
    const broken = await start({ vars: { ROUND_MS: 'soon' } });
    t.after(() => broken.close());
    for (const url of [engineUrl(broken, freshRoom()), new URL('/healthz', broken.url)]) {
      const { status, body } = await request(url);
      assert.deepEqual({ status, body }, { status: 500, body: sentence });
    }
  });

  describe('in a browser', () => {
    let browser;
    let patient; // as the template is deployed: no round ends before both have answered
    before(async () => {
      patient = await start();
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await patient?.close();
    });

    /** The server, whose page has the client from a CDN: it is the file from npm, and its digest is checked as ever. */
    const withCdn = () => ({
      ...patient,
      page: (context) => context.route('https://cdn.jsdelivr.net/**', (route) => route.fulfill({
        body: readFileSync(CLIENT), contentType: 'text/javascript', headers: { 'access-control-allow-origin': '*' },
      })),
    });
    const trouble = (visitor) => visitor.trouble.filter((line) => !line.startsWith('request: https://cdn.jsdelivr.net/'));

    for (const [size, viewport] of Object.entries(SIZES)) {
      test(`${size}: from the start page to the end of a quiz`, async (t) => {
        const ada = await Visitor.open(t, browser, withCdn(), '/', viewport);
        await ada.screenshot(`quiz-${size}-start`);
        assert.ok(await ada.overflow() <= 0);
        await ada.hook('new-quiz').click();
        await ada.page.waitForURL(/\/r\/[\w-]+$/);
        await ada.enter('Ada');
        const bob = await Visitor.open(t, browser, withCdn(), '/', viewport);
        await bob.hook('room-input').fill(new URL(ada.page.url()).pathname.split('/')[2]);
        await bob.hook('join-quiz').click();
        await bob.hook('name-input').fill('Ada');
        await bob.hook('name-submit').click();
        await bob.page.getByText('Somebody here has this name already.').waitFor();
        await bob.enter('Bob');
        const questions = [];
        for (const visitor of [ada, bob]) await eventually(async () => (await visitor.hook('player').count()) === 2, 'both players');
        await bob.hook('start').click();
        for (;;) {
          // In this order: read before the choices, the title of the lobby could be taken for a question.
          const playing = (await ada.hook('choice').count()) > 0;
          const question = await ada.hook('question').textContent();
          if (question === 'That’s it!') break;
          if (!playing || questions.includes(question)) {
            await ada.page.waitForTimeout(50);
            continue;
          }
          questions.push(question);
          await ada.hook('choice').nth(1).click();
          await bob.hook('choice').nth(0).click();
          await ada.page.locator('[data-testid=choice][data-verdict=right]').waitFor();
          if (questions.length > 1) continue;
          for (const colorScheme of ['light', 'dark']) {
            await ada.page.emulateMedia({ colorScheme });
            assert.ok(await ada.overflow() <= 0);
            await ada.screenshot(`quiz-${size}-${colorScheme}`);
          }
        }
        assert.equal(questions.length, 5);
        assert.match(await ada.hook('note').textContent(), /^(Ada|Bob) wins\.$/);
        await ada.screenshot(`quiz-${size}-over`);
        assert.deepEqual(trouble(ada), []);
        assert.deepEqual(trouble(bob), []);
      });
    }
  });
});

test('without default-features = false the build ends with a sentence that says so', { skip: roomcastOnly }, async (t) => {
  const copy = copyTemplate('');
  t.after(copy.remove);
  const { code, output } = await within(checkWithDefaults(copy.folder), 'cargo check', BUILD_PATIENCE);
  assert.notEqual(code, 0);
  assert.match(output, /write `default-features = false` where Cargo\.toml names roomcast/);
});
