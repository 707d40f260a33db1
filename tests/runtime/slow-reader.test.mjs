// A client that stops reading: it is let go, the others notice nothing, the server's memory stays within bounds, and when it
// reads again it gets what it missed, or starts anew.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { residentBytes } from './support/memory.mjs';
import { Reader } from './support/reader.mjs';
import { roomcastOnly } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';
import { startWorkerd } from './support/workerd.mjs';
import { freshRoom } from './support/wire.mjs';

const TALKERS = 5;
const INTERVAL = 1_000;
const TIMEOUT = 1_000;
/** By two intervals and the timeout a silent client is closed; on a busy machine later. */
const CLOSED_WITHIN = 2 * INTERVAL + TIMEOUT + 5_000;
const MAX_BUFFERED = 1_000_000;
/** What is said in one round is far less than that. */
const LARGE = 20_000;

const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

describe('a client that stops reading', { skip: roomcastOnly }, () => {
  const server = {};
  before(async () => {
    const vars = { APP: 'conformance', PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: TIMEOUT, MAX_BUFFERED_BYTES: MAX_BUFFERED };
    Object.assign(server, { running: await startWorkerd({ vars }) });
    server.url = server.running.url;
  });
  after(() => server.running?.close());

  /** One that will be slow, one that only listens, and five that talk: the listener hears it all, in the order that counts. */
  async function company(t) {
    const room = freshRoom();
    const enter = (last) => Reader.enter(t, server, room, last);
    const [slow, listener] = [await enter(), await enter()];
    const talkers = [];
    while (talkers.length < TALKERS) talkers.push(await enter());
    let rounds = 0;
    /** Each of the talkers says something, and the round is over when everybody who reads has heard it: none of them is slow. */
    const round = async (bytes) => {
      talkers.forEach((talker, i) => talker.broadcast(`${i}/${rounds}`, bytes));
      rounds += 1;
      await Promise.all([listener.has(rounds * TALKERS), ...talkers.map((talker) => talker.has(rounds * (TALKERS - 1)))]);
    };
    const checkOthers = async () => {
      const everything = listener.tags;
      assert.equal(new Set(everything).size, rounds * TALKERS, 'the listener heard everything once');
      for (const [i, talker] of talkers.entries()) {
        assert.deepEqual(talker.tags, everything.filter((tag) => !tag.startsWith(`${i}/`)), `talker ${i} heard the others in the same order`);
        const own = everything.filter((tag) => tag.startsWith(`${i}/`));
        assert.deepEqual(own, own.map((_, n) => `${i}/${n}`), `talker ${i} is heard in its own order`);
      }
      for (const one of [listener, ...talkers]) assert.equal(await one.known(), true, 'who reads stays');
    };
    return { enter, slow, listener, talkers, round, checkOthers };
  }

  async function letGo(slow, meanwhile = () => {}) {
    const paused = Date.now();
    await eventually(async () => {
      await meanwhile();
      return !(await slow.known());
    }, 'the slow client to be let go', CLOSED_WITHIN);
    return Date.now() - paused;
  }

  test('it missed little: it is let go with the heartbeat, and recovers exactly what it missed', async (t) => {
    const { enter, slow, listener, round, checkOthers } = await company(t);
    await round(100);
    await slow.has(TALKERS);
    slow.pause();
    for (let i = 0; i < 5; i += 1) await round(4_000);
    t.diagnostic(`let go after ${await letGo(slow)} ms`);
    for (let i = 0; i < 5; i += 1) await round(4_000);
    slow.resume();
    await within(slow.closed, 'its connection to end when it reads again');
    assert.deepEqual(slow.tags, listener.tags.slice(0, slow.tags.length), 'up to then it had everything in order');
    const back = await enter(slow.last);
    assert.deepEqual(back.session, slow.session, 'it recovered');
    assert.equal(back.replayed, back.tags.length, 'first what it missed, then the answer to CONNECT');
    assert.deepEqual([...slow.tags, ...back.tags], listener.tags, 'nothing is missing, nothing came twice');
    await round(100);
    await back.has(listener.tags.length - slow.tags.length);
    assert.deepEqual([...slow.tags, ...back.tags], listener.tags);
    await checkOthers();
  });

  test('it missed more than MAX_BUFFERED_BYTES: the server doesn’t hoard it, and it starts anew', async (t) => {
    const { enter, slow, listener, round, checkOthers } = await company(t);
    const pid = server.running.pid;
    const atFirst = residentBytes(pid);
    let most = atFirst;
    let sent = 0;
    const talk = async () => {
      await round(LARGE);
      sent += TALKERS * LARGE;
      most = Math.max(most, residentBytes(pid));
    };
    await talk();
    await slow.has(TALKERS);
    slow.pause();
    const took = await letGo(slow, talk);
    const sentUntilThen = sent;
    while (sent < 100e6) await talk();
    t.diagnostic(`let go after ${took} ms and ${megabytes(sentUntilThen)}; of ${megabytes(sent)} in all the runtime occupied `
      + `${megabytes(most)} at most, ${megabytes(atFirst)} before`);
    assert.ok(most - atFirst < 80e6, `${megabytes(most - atFirst)} more than before`);
    slow.resume();
    await within(slow.closed, 'its connection to end when it reads again');
    assert.deepEqual(slow.tags, listener.tags.slice(0, slow.tags.length), 'up to then it had everything in order');
    const back = await enter(slow.last);
    assert.notEqual(back.session.sid, slow.session.sid);
    assert.notEqual(back.session.pid, slow.session.pid);
    assert.deepEqual(back.tags, [], 'nothing of what it missed, rather than a part of it');
    await round(100);
    await back.has(TALKERS);
    assert.deepEqual(back.tags, listener.tags.slice(-TALKERS));
    await checkOthers();
  });

  test('nobody says anything: it is let go with the heartbeat all the same, and recovers', async (t) => {
    const { enter, slow, round, checkOthers } = await company(t);
    slow.pause();
    t.diagnostic(`let go after ${await letGo(slow)} ms`);
    slow.resume();
    await within(slow.closed, 'its connection to end when it reads again');
    const back = await enter(slow.last);
    assert.deepEqual([back.session, back.tags], [slow.session, []]);
    await round(100);
    await back.has(TALKERS);
    await checkOthers();
  });

  test('it reads again before it is let go: nothing is missing, and nothing happened', async (t) => {
    const { slow, listener, round, checkOthers } = await company(t);
    slow.pause();
    for (let i = 0; i < 5; i += 1) await round(4_000);
    slow.resume();
    await slow.has(listener.tags.length);
    for (let i = 0; i < 5; i += 1) await round(4_000);
    await slow.has(listener.tags.length);
    assert.deepEqual(slow.tags, listener.tags);
    assert.equal(await slow.known(), true);
    await checkOthers();
  });
});
