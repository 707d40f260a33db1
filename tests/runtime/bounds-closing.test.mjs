// What is said to a WebSocket whose client has gone without a word, until the room knows: the operator reads of it once, not
// for each frame.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inBatches } from './support/idle-crowd.mjs';
import { Reader } from './support/reader.mjs';
import { roomcastOnly, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, Poller, request, RS } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

/**
 * Runs in front of the bundle: `/log` answers with all lines that were logged, with how often a socket was found to be closing,
 * and with how many frames the runtime refused.
 */
const ENTRY = `
const log = { lines: [], closing: 0, refused: 0 };
for (const level of ['debug', 'log', 'info', 'warn', 'error']) console[level] = (...args) => void log.lines.push(args.join(' '));
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (frame) {
  try {
    return send.call(this, frame);
  } catch (error) {
    log.refused += 1;
    throw error;
  }
};
const { get } = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'readyState');
Object.defineProperty(WebSocket.prototype, 'readyState', {
  get() {
    const state = get.call(this);
    log.closing += state !== WebSocket.OPEN;
    return state;
  },
});
const { default: Worker, ChatRoom } = await import('./index.js');
export { ChatRoom };
export default class extends Worker {
  fetch(request) {
    return new URL(request.url).pathname === '/log' ? Response.json(log) : super.fetch(request);
  }
}
`;

const GOING = 10;
const EVENTS = 3_000;
/** Whether the room sends to a socket before it knows is a matter of chance: so often it is tried. */
const ROUNDS = 20;

describe('many events to WebSockets whose clients go meanwhile', { skip: roomcastOnly }, () => {
  let server;
  before(async () => (server = await startWorkerd({ vars: { ...WITHOUT_PINGS, RECOVERY_MS: 0, APP: 'conformance' }, entry: ENTRY })));
  after(() => server?.close());
  const logged = async () => JSON.parse((await request(new URL('/log', server.url))).body);

  /** A POST of many broadcasts, in the first half of which one client after the other goes. */
  async function round(t, go) {
    const room = freshRoom();
    const going = await inBatches(GOING, 5, () => Reader.enter(t, server, room));
    const listener = await Reader.enter(t, server, room);
    const talker = await Poller.open(server, room);
    await talker.connect();
    const events = Array.from({ length: EVENTS }, (_, i) => `42["broadcast","${i}"]`);
    const post = talker.post(events.join(RS), { patience: 30_000 });
    for (const [i, reader] of going.entries()) {
      await listener.has((i + 1) * (EVENTS / GOING / 2));
      go(reader.ws);
    }
    assert.equal((await post).status, 200);
    await listener.has(EVENTS);
    assert.ok(going.every(({ tags }) => tags.length < EVENTS), 'they went in the middle');
  }

  /** What was logged in a round: no frame was refused, and no socket has more than one line. */
  async function checkedRound(t, go) {
    const before = await logged();
    await round(t, go);
    const { lines: all, closing, refused } = await logged();
    const lines = all.slice(before.lines.length);
    assert.equal(refused, 0, 'no frame is given to a socket that refuses it');
    assert.ok(lines.length <= GOING, `${lines.length} lines: ${lines.slice(0, GOING)}`);
    for (const line of lines) assert.equal(line, 'frames for a socket that is closing are not sent');
    return { lines: lines.length, closing: closing - before.closing };
  }

  test('are not sent, and logged once for each of them, where their connections end', async (t) => {
    for (let i = 0; i < ROUNDS; i += 1) {
      const { lines, closing } = await checkedRound(t, (ws) => ws.terminate());
      t.diagnostic(`${closing} frames for sockets that were closing, ${lines} lines`);
      if (lines > 0 && closing > 2 * lines) return;
    }
    assert.fail(`in ${ROUNDS} rounds there were no frames for a socket that was closing`);
  });

  test('are logged at most once for each of them where they send a close frame', async (t) => {
    await checkedRound(t, (ws) => ws.close());
  });
});
