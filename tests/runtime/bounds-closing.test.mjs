// What is said to a WebSocket whose client has gone without a word, until the room knows: the operator reads of it once, not
// for each frame.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inBatches } from './support/idle-crowd.mjs';
import { Reader } from './support/reader.mjs';
import { roomcastOnly, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, Poller, request, RS } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

/** Runs in front of the bundle: `/log` answers with all lines that were logged, and with how many frames the runtime refused. */
const ENTRY = `
const log = { lines: [], refused: 0 };
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
const ROUNDS = 5;

describe('many events to WebSockets whose clients go meanwhile', { skip: roomcastOnly }, () => {
  let server;
  before(async () => (server = await startWorkerd({ vars: { ...WITHOUT_PINGS, RECOVERY_MS: 0, APP: 'conformance' }, entry: ENTRY })));
  after(() => server?.close());
  const logged = async () => JSON.parse((await request(new URL('/log', server.url))).body);

  /** A POST of many broadcasts, in the middle of which the clients go. */
  async function round(t, go) {
    const room = freshRoom();
    const going = await inBatches(GOING, 5, () => Reader.enter(t, server, room));
    const listener = await Reader.enter(t, server, room);
    const talker = await Poller.open(server, room);
    await talker.connect();
    const events = Array.from({ length: EVENTS }, (_, i) => `42["broadcast","${i}"]`);
    const post = talker.post(events.join(RS), { patience: 30_000 });
    await listener.has(1);
    for (const reader of going) go(reader.ws);
    assert.equal((await post).status, 200);
    await listener.has(EVENTS);
    assert.ok(going.every(({ tags }) => tags.length < EVENTS), 'they went in the middle');
  }

  for (const [how, go, isSeen] of [['their connections end', (ws) => ws.terminate(), true], ['they send a close frame', (ws) => ws.close(), false]]) {
    test(`are not sent and logged at most once for each of them where ${how}`, async (t) => {
      let lines = [];
      for (let i = 0; i < ROUNDS && lines.length === 0; i += 1) {
        const before = await logged();
        await round(t, go);
        const { refused, lines: all } = await logged();
        lines = all.slice(before.lines.length);
        assert.equal(refused, 0, 'no frame is given to a socket that refuses it');
        assert.ok(lines.length <= GOING, `${lines.length} lines: ${lines.slice(0, GOING)}`);
        for (const line of lines) assert.equal(line, 'frames for a socket that is closing are not sent');
        if (!isSeen) return;
      }
      assert.ok(lines.length > 0, `in ${ROUNDS} rounds nothing was sent to a socket that was closing`);
    });
  }
});
