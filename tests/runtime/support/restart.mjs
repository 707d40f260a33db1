// What can happen to an object, and what its clients do then.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { connection, connect } from './recovery.mjs';
import { serverFor } from './target.mjs';
import { within } from './wait.mjs';
import { startWorkerd } from './workerd.mjs';

/** Out of memory: waits for requests that are under way, which end with the next ping at the latest. */
const evict = (webSockets) => (server, room) => within(server.evict(room, webSockets), 'the eviction', 20_000);

/** A fault in the app, in what somebody else says, in a namespace of its own. */
const panicIn = (choose) => async (server, room, t) => {
  const line = await connection(t, server, choose(room));
  await connect(line, undefined, '/dynamic-99');
  await line.next('the greeting');
  line.send('42/dynamic-99,["panic"]');
  line.send('41/dynamic-99,'); // whichever object gets it: it leaves no socket behind
};

/** `{serve(vars), strike(server, room, t), keeps}`; `keeps`: whether WebSockets have to stay open. */
export const WAYS = {
  'an eviction that keeps the connections': { serve: serverFor, strike: evict('hibernate'), keeps: true },
  'a panic in the app': { serve: serverFor, strike: panicIn((room) => room), keeps: true },
  'a panic in another room': { serve: serverFor, strike: panicIn((room) => `${room}-next-door`), keeps: true },
  'an eviction that closes the connections': { serve: serverFor, strike: evict('close'), keeps: false },
  'the end of the process by SIGKILL': {
    serve: mortal,
    async strike(server) {
      await server.kill();
      await server.start();
    },
    keeps: false,
  },
};

/** Plain workerd with these settings, which may be killed; for the tests of a `describe`. */
function mortal(vars) {
  const handle = {};
  let server;
  before(async () => {
    server = await startWorkerd({ vars });
    Object.assign(handle, { url: server.url, kill: () => server.kill(), start: () => server.start() });
  });
  after(() => server?.close());
  return handle;
}

/** Whether a connection has been closed by the server, or goes on: it has to be the one or the other, and soon. */
export async function isOpen({ line }) {
  if (!line.close) return (await within(line.post('3'), 'an answer to a POST')).status === 200;
  line.send('3'); // for a connection that is dead already
  const { socket } = line;
  return socket.readyState === socket.OPEN;
}

/** The same person, on its connection if that goes on, and else on another. `missed` is what it was replayed. */
export async function carryOn(person, keeps) {
  const { line } = person;
  if (line.close && keeps) {
    assert.ok(await isOpen(person), 'the WebSocket should stay open');
    return Object.assign(person, { missed: [] });
  }
  if (line.close) await line.close('the WebSocket to be closed');
  else if (await isOpen(person)) return Object.assign(person, { missed: [] });
  return person.back({ transport: line.close ? 'websocket' : 'polling' });
}
