// What one client can make a room do and hold in memory while it answers others: it has a bound.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inBatches } from './support/idle-crowd.mjs';
import { MEMORY_ENTRY, residentBytes, wasmBytes } from './support/memory.mjs';
import { Reader } from './support/reader.mjs';
import { broadcasts, Person } from './support/recovery.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';
import { freshRoom, Poller, RS, WireSocket } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

const MB = 1_000_000;

describe('a POST of 3,000 packets', { skip: roomcastOnly }, () => {
  const server = serverFor(WITHOUT_PINGS);
  const PACKETS = 3_000;
  /** Each so many packets there is one that is answered. */
  const ASKING = 100;

  async function member(t, room, name) {
    const wire = await WireSocket.session(t, server, room);
    wire.send(`40{"name":"${name}"}`);
    await wire.until((frame) => frame.startsWith('40{'), 'the answer to CONNECT');
    return wire;
  }

  async function ask(wire, event, data) {
    wire.send(`427["${event}",${JSON.stringify(data)}]`);
    return wire.until((frame) => frame.startsWith('437['), `the answer to ${event}`, 60_000);
  }

  test('does not hold up others in its room or in another, and its own answers come in order', async (t) => {
    const room = freshRoom();
    const [other, neighbour] = [await member(t, room, 'Other'), await member(t, freshRoom(), 'Neighbour')];
    for (let i = 0; i < 50; i += 1) await ask(other, 'message', { text: '😀'.repeat(4_000) });
    const poller = await Poller.open(server, room);
    await poller.post('40{"name":"Hurried"}');
    await poller.read((packet) => packet.startsWith('40{'), 'the answer to CONNECT');

    const order = [];
    const packets = Array.from({ length: PACKETS }, (_, i) =>
      i % ASKING === 0 ? `42${i}["history",{"after":${Number.MAX_SAFE_INTEGER}}]` : '42["history",{}]');
    const post = poller.post(['42["message",{"text":"the first"}]', ...packets].join(RS), { patience: 60_000 });
    const posted = post.then(({ status }) => order.push(`the POST: ${status}`));
    // The room has begun with it.
    await other.until((frame) => frame.startsWith('42["newMessage",') && frame.includes('the first'), 'the first packet of the POST', 60_000);
    await Promise.all([
      posted,
      ask(other, 'history', {}).then(() => order.push('in the same room')),
      ask(neighbour, 'history', {}).then(() => order.push('in another room')),
    ]);
    assert.equal(order.at(-1), 'the POST: 200', `answered in the order ${order}`);

    const answers = [];
    while (answers.length < PACKETS / ASKING) {
      const packet = await poller.read((packet) => packet.startsWith('43'), 'the answers');
      answers.push(Number(/^43(\d+)\[\{"messages":\[\]/.exec(packet)?.[1] ?? assert.fail(packet)));
    }
    assert.deepEqual(answers, Array.from(answers, (_, i) => i * ASKING));
  });
});

describe('what all clients of a room together leave unread', { skip: roomcastOnly }, () => {
  const EACH = MB;
  const TOGETHER = 4 * MB;
  /** What is told in one test: less than half of what one client may leave unread, so that everybody may recover. */
  const PARTS = 10;
  const PART = 40_000;
  let server;
  before(async () => {
    const vars = { ...WITHOUT_PINGS, ...AS_DEPLOYED, APP: 'conformance', MAX_BUFFERED_BYTES: EACH, MAX_ROOM_BUFFERED_BYTES: TOGETHER };
    server = await startWorkerd({ vars, entry: MEMORY_ENTRY });
  });
  after(() => server?.close());

  test('stays within MAX_ROOM_BUFFERED_BYTES where they don’t poll: the greediest are closed and recover, who polls stays', async (t) => {
    const room = freshRoom();
    const open = (transport) => Person.open(t, server, { room, transport });
    const hoarders = await inBatches(30, 10, () => open('polling'));
    const [modest, talker] = [await open('polling'), await open('websocket')];
    const parts = Array.from({ length: PARTS }, (_, i) => `${i}/${'x'.repeat(PART)}`);
    for (const part of parts) {
      await talker.tell(part);
      await modest.hears(part);
    }
    const answers = await inBatches(hoarders.length, 10, (i) => hoarders[i].line.get());
    const left = answers.filter(({ status }) => status === 200).map(({ bytes }) => bytes.length);
    const closed = hoarders.filter((_, i) => answers[i].status === 400);
    const sum = left.reduce((sum, bytes) => sum + bytes, 0);
    t.diagnostic(`${left.length} of ${hoarders.length} stayed, which left ${sum} bytes unread`);
    assert.equal(left.length + closed.length, hoarders.length);
    assert.ok(left.length > 0 && sum <= TOGETHER, `${left.length} left ${sum} bytes unread`);
    for (const hoarder of closed) assert.deepEqual((await hoarder.back({ transport: 'polling' })).missed, broadcasts(...parts));
    assert.equal(await modest.ask('message-with-ack', 'alive'), 'alive');
  });

  /** WebSockets that will stop reading, one that listens, and one that talks: each part only when the listener has had the last. */
  async function company(t, count) {
    const room = freshRoom();
    const enter = (last) => Reader.enter(t, server, room, last);
    const paused = await inBatches(count, 10, () => enter());
    const [listener, talker] = [await enter(), await enter()];
    let told = 0;
    const tell = async (parts) => {
      for (let i = 0; i < parts; i += 1) {
        talker.broadcast(`${told}`, PART);
        told += 1;
        await listener.has(told);
      }
    };
    await tell(1);
    for (const reader of paused) await reader.has(1);
    for (const reader of paused) reader.pause();
    return { enter, paused, listener, talker, tell };
  }

  test('stays within it where their WebSockets stop reading: the greediest are closed and recover, who reads stays', async (t) => {
    const { enter, paused, listener, talker, tell } = await company(t, 30);
    await tell(PARTS);
    const unread = async () => {
      const known = await inBatches(paused.length, 10, (i) => paused[i].known());
      return paused.filter((_, i) => known[i]);
    };
    const most = TOGETHER / (PARTS * PART);
    const stayed = await eventually(async () => ((await unread()).length <= most ? unread() : undefined), 'the greediest to be closed');
    t.diagnostic(`${stayed.length} of ${paused.length} stayed`);
    assert.ok(stayed.length > 0);
    for (const one of [listener, talker]) assert.equal(await one.known(), true, 'who reads stays');
    for (const slow of paused) {
      slow.resume();
      if (stayed.includes(slow)) await slow.has(1 + PARTS);
      else {
        await within(slow.closed, 'its connection to end when it reads again');
        const back = await enter(slow.last);
        assert.deepEqual(back.session, slow.session, 'it recovered');
        assert.deepEqual([...slow.tags, ...back.tags], listener.tags);
      }
    }
  });

  // The runtime answers `3` by itself as long as it gets its answers sent, so the network's buffers have to fill up first.
  for (const [pong, most] of [['3x', 3 * EACH], ['3', 12 * EACH]]) {
    test(`a WebSocket that stops reading is closed all the same while it sends ${pong} without being asked`, async (t) => {
      const { paused: [liar], listener, tell } = await company(t, 1);
      const lies = setInterval(() => liar.ws.send(pong), 10);
      t.after(() => clearInterval(lies));
      await tell(most / PART);
      assert.equal(await liar.known(), false);
      assert.equal(await listener.known(), true);
    });
  }
});

describe('the memory for what clients leave unread', { skip: roomcastOnly }, () => {
  const SESSIONS = 200;
  const EACH = MB;
  const TOGETHER = 4 * MB;
  let server;
  before(async () => {
    const vars = { ...WITHOUT_PINGS, RECOVERY_MS: 0, APP: 'conformance', MAX_BUFFERED_BYTES: EACH, MAX_ROOM_BUFFERED_BYTES: TOGETHER };
    server = await startWorkerd({ vars, entry: MEMORY_ENTRY });
  });
  after(() => server?.close());

  test('has a bound that does not depend on how many polling clients never poll', async (t) => {
    const room = freshRoom();
    const hoarders = await inBatches(SESSIONS, 10, async () => {
      const poller = await Poller.open(server, room);
      await poller.connect();
      return poller;
    });
    const text = 'x'.repeat(0.9 * EACH);
    const [before, wasmBefore] = [residentBytes(server.pid), await wasmBytes(server)];
    for (const hoarder of hoarders) await hoarder.post(`42["message","${text}"]`);
    const [grown, wasmGrown] = [residentBytes(server.pid) - before, (await wasmBytes(server)) - wasmBefore];
    t.diagnostic(`${SESSIONS} times ${text.length} bytes: ${(grown / MB).toFixed(0)} MB more, of which wasm's are ${(wasmGrown / MB).toFixed(0)}`);
    assert.ok(wasmGrown < 6 * TOGETHER, `${wasmGrown} bytes more of wasm memory`);
    assert.ok(grown < 150 * MB, `${grown} bytes more`); // the runtime collects its own copies of the bodies when it pleases
    const answers = await inBatches(SESSIONS, 10, (i) => hoarders[i].get());
    const stayed = answers.filter(({ status }) => status === 200).length;
    assert.ok(stayed > 0 && stayed <= TOGETHER / text.length, `${stayed} stayed`);
  });
});
