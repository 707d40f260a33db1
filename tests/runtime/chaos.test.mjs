// Chaos: people talk while the server under them is killed and put to sleep at random moments. In the end everything that
// was answered is in the history once, and everybody has seen everything once, in the history's order.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from './support/codec-cases.mjs';
import { Person, wholeHistory } from './support/people.mjs';
import { startTarget, roomcastOnly } from './support/target.mjs';
import { Talker } from './support/talker.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { startWorkerd } from './support/workerd.mjs';
import { freshRoom } from './support/wire.mjs';

const KILLED_FOR = 60_000;
const KILLS = 10;
const EVICTED_FOR = 20_000;
/** How long it may take, when the disasters are over, until everything has been said and heard. */
const AFTERMATH = 60_000;
/**
 * A stock client whose WebSocket is lost in the very moment in which it has stopped polling to change to it waits for the next
 * ping, which can't come. So the heart beats fast here: by its silence the client notices.
 */
const HEARTBEAT = { PING_INTERVAL_MS: 5_000, PING_TIMEOUT_MS: 5_000 };
const WAYS = [['websocket', 4], ['polling', 3], ['upgrade', 3]];

/** `CHAOS_SEED` repeats the moments of a run; how the clients' packets fall between them is another matter. */
function seeded(t) {
  const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 2 ** 31);
  t.diagnostic(`CHAOS_SEED=${seed}`);
  return new Random(seed);
}

async function gather(t, server, room, ways) {
  const talkers = ways.flatMap(([way, count]) => Array.from({ length: count }, (_, i) => new Talker(t, server, room, `${way} ${i}`, way)));
  await eventually(() => talkers.every(({ settled }) => settled), 'everybody to be connected');
  return talkers;
}

/** Waits until everybody is connected, has been answered, and knows as much as the others; or until that takes too long. */
async function quiet(talkers) {
  const total = () => talkers.reduce((sum, { sent }) => sum + sent, 0);
  const done = () => talkers.every(({ settled, own, others }) => settled && own.size + others.length >= total());
  await sleep(1_000); // until everybody has noticed the last disaster
  await eventually(done, 'everybody to know everything', AFTERMATH).catch(() => {}); // what is missing is told by `wrongs`
  return total();
}

function tellOf(t, talkers, what) {
  const sum = (name) => talkers.reduce((all, talker) => all + talker[name], 0);
  t.diagnostic(`${what}; ${sum('sent')} messages; ${sum('recovered')} times somebody recovered, ${sum('fresh')} times somebody came back `
    + `without (${talkers.filter(({ fresh }) => fresh > 0).map(({ name, fresh }) => `${name}: ${fresh}`).join(', ') || 'nobody'})`);
}

/** What is wrong with what `talkers` saw, given the history: a list of sentences, at best empty. */
function wrongs(talkers, history) {
  const wrong = [];
  const count = new Map();
  for (const { text } of history) count.set(text, (count.get(text) ?? 0) + 1);
  for (const [text, times] of count) if (times > 1) wrong.push(`${text} is in the history ${times} times`);
  history.forEach(({ id }, i) => i > 0 && id <= history[i - 1].id && wrong.push(`in the history ${id} follows ${history[i - 1].id}`));
  const idOf = new Map(history.map(({ id, text }) => [text, id]));
  for (const { name, sent, own, others, faults, socket } of talkers) {
    wrong.push(...faults.map((fault) => `${name}: ${fault}`));
    if (!socket.connected) wrong.push(`${name} is not connected`);
    for (let n = 0; n < sent; n += 1) {
      const text = `${name}/${n}`;
      if (!own.has(n)) wrong.push(`${text} was never answered`);
      else if (idOf.get(text) !== own.get(n)) wrong.push(`${text} was answered with ${own.get(n)}, and is ${idOf.get(text)} in the history`);
    }
    const expected = history.filter(({ author }) => author.name !== name);
    const seen = new Set(others.map(({ id }) => id));
    if (seen.size !== others.length) wrong.push(`${name} saw ${others.length - seen.size} messages twice`);
    for (const { id, text } of expected) if (!seen.has(id)) wrong.push(`${name} never saw ${text} (${id})`);
    const order = others.map(({ id, text }) => `${id} ${text}`).join();
    if (order !== expected.map(({ id, text }) => `${id} ${text}`).join()) wrong.push(`${name} saw another order than the history's`);
  }
  return wrong;
}

async function judge(t, server, room, talkers) {
  const total = await quiet(talkers);
  const history = await wholeHistory(await Person.enter(t, server, room, 'Reader'));
  const wrong = wrongs(talkers, history);
  assert.equal(wrong.length, 0, `${wrong.length} things are wrong:\n${wrong.slice(0, 40).join('\n')}`);
  assert.equal(history.length, total);
  assert.ok(total > 0);
}

describe('chaos', { skip: roomcastOnly }, () => {
  test(`10 clients talk for ${KILLED_FOR / 1_000} s, in which the runtime is killed ${KILLS} times`, async (t) => {
    const random = seeded(t);
    const server = await startWorkerd({ vars: HEARTBEAT });
    t.after(() => server.close());
    const room = freshRoom();
    const talkers = await gather(t, server, room, WAYS);
    const moments = Array.from({ length: KILLS }, () => 1_000 + random.below(KILLED_FOR - 4_000)).sort((a, b) => a - b);
    const started = Date.now();
    const havoc = async () => {
      for (const moment of moments) {
        await sleep(Math.max(started + moment - Date.now(), 0));
        await server.kill();
        await sleep(random.below(500));
        await server.start();
      }
    };
    await Promise.all([havoc(), ...talkers.map((talker) => talker.talk(random, KILLED_FOR))]);
    tellOf(t, talkers, `${KILLS} kills`);
    assert.ok(talkers.every(({ connects }) => connects > 1), 'everybody lost the connection');
    await judge(t, server, room, talkers);
  });

  for (const [what, vars] of [['', {}], [', and nobody recovers', { RECOVERY_MS: 0 }]]) {
    test(`10 clients talk for ${EVICTED_FOR / 1_000} s, in which the room is put out of memory again and again${what}`, async (t) => {
      const random = seeded(t);
      const server = await startTarget({ vars: { ...HEARTBEAT, ...vars } });
      t.after(() => server.close());
      const room = freshRoom();
      // A poll that waits keeps the object in memory, so nobody polls here.
      const talkers = await gather(t, server, room, [['websocket', 5], ['upgrade', 5]]);
      const end = Date.now() + EVICTED_FOR;
      const evictions = { hibernate: 0, close: 0 };
      const havoc = async () => {
        while (Date.now() < end) {
          await sleep(50 + random.below(700));
          const kind = random.once(3) ? 'close' : 'hibernate';
          await server.evict(room, kind).then(() => (evictions[kind] += 1), (error) => {
            if (!/not currently running/.test(error.message)) throw error; // out of memory already, and nobody is back yet
          });
        }
      };
      await Promise.all([havoc(), ...talkers.map((talker) => talker.talk(random, EVICTED_FOR))]);
      tellOf(t, talkers, `${evictions.hibernate} sleeps, ${evictions.close} evictions with the loss of all connections`);
      await judge(t, server, room, talkers);
    });
  }
});
