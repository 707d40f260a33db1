// What is said to a WebSocket whose client has gone without a word, until the room knows: the operator reads of it once at most, not
// for each frame.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inBatches } from './support/idle-crowd.mjs';
import { Reader } from './support/reader.mjs';
import { roomcastOnly, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, Poller, request, RS } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

/**
 * Runs in front of the bundle: `/log` answers with all lines that were logged, with how many frames were for sockets that were
 * closing, and with how many the runtime refused.
 */
const ENTRY = `
const log = { lines: [], closing: 0, refused: 0 };
for (const level of ['debug', 'log', 'info', 'warn', 'error']) console[level] = (...args) => void log.lines.push(args.join(' '));
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (frame) {
  log.closing += this.readyState !== WebSocket.OPEN;
  try {
    return send.call(this, frame);
  } catch (error) {
    log.refused += 1;
    throw error;
  }
};
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

  /** How many frames were for sockets that were closing in a round; no socket has more than one line in the log. */
  async function checkedRound(t, go) {
    const before = await logged();
    await round(t, go);
    const after = await logged();
    assert.equal(after.refused, 0, 'no frame is given to a socket that refuses it');
    const lines = after.lines.slice(before.lines.length);
    assert.ok(lines.length <= GOING, `${lines.length} lines: ${lines.slice(0, GOING)}`);
    for (const line of lines) assert.match(line, /^frames for a socket that is closing are not sent: /);
    return after.closing - before.closing;
  }

  test('are logged at most once for each of them where their connections end', async (t) => {
    for (let i = 0; i < ROUNDS; i += 1) {
      if ((await checkedRound(t, (ws) => ws.terminate())) > 2 * GOING) return;
    }
    assert.fail(`in ${ROUNDS} rounds there were hardly any frames for a socket that was closing`);
  });

  test('are logged at most once for each of them where they send a close frame', async (t) => {
    await checkedRound(t, (ws) => ws.close());
  });
});
