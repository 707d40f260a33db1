// An app that panics takes the memory of every room in its isolate with it. WebSockets go on; requests fail at once and their
// clients recover; what the app's turn had stored before it fell is not there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { call, TOKEN } from './support/http-api.mjs';
import { roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

describe('a panic in the app', { skip: roomcastOnly }, () => {
  const server = serverFor({ APP: 'conformance', API_TOKEN: TOKEN, RECOVERY_MS: 120_000, ...WITHOUT_PINGS });

  async function connect(t, room, transport) {
    const options = { path: `/r/${room}/socket.io/`, transports: [transport], reconnectionDelay: 50, reconnectionDelayMax: 100, forceNew: true };
    const socket = io(server.url, options);
    t.after(() => socket.close());
    const got = [];
    socket.onAny((name, ...args) => got.push([name, ...args.slice(0, -1)]));
    await within(new Promise((resolve) => socket.once('connect', resolve)), 'a connection');
    return { socket, got };
  }
  const back = (socket) => within(new Promise((resolve) => socket.once('connect', resolve)), 'a poll to fail and its client to come back', 10_000);

  test('WebSockets stay open, polls of every room fail at once and their clients recover', async (t) => {
    const [room, elsewhere] = [freshRoom(), freshRoom()];
    const culprit = await connect(t, room, 'websocket');
    const [bystander, poller, other] = [await connect(t, room, 'websocket'), await connect(t, room, 'polling'), await connect(t, elsewhere, 'polling')];
    for (const { socket } of [culprit, bystander]) socket.on('disconnect', (reason) => assert.fail(`a WebSocket was closed: ${reason}`));
    const recovered = Promise.all([back(poller.socket), back(other.socket)]);
    culprit.socket.emit('panic');
    await recovered;
    assert.deepEqual([poller.socket.recovered, other.socket.recovered], [true, true]);
    await culprit.socket.timeout(5_000).emitWithAck('broadcast', 'still here');
    await eventually(() => [bystander, poller].every(({ got }) => got.some(([name]) => name === 'broadcast')), 'the broadcast');
    for (const { socket } of [culprit, bystander]) socket.off('disconnect');
  });

  test('in a timer, again and again: it is set aside, other timers run, and newcomers and WebSockets notice nothing', async (t) => {
    const room = freshRoom();
    const [culprit, bystander] = [await connect(t, room, 'websocket'), await connect(t, room, 'websocket')];
    for (const { socket } of [culprit, bystander]) socket.on('disconnect', (reason) => assert.fail(`a WebSocket was closed: ${reason}`));
    await culprit.socket.timeout(5_000).emitWithAck('panic-later', { wait: 100 });
    await culprit.socket.timeout(5_000).emitWithAck('tick-later', { wait: 150 });
    const setAside = async () => {
      const { status, json } = await call(server, 'GET', `/${room}`);
      return status === 200 && json.setAside === 1;
    };
    await eventually(setAside, 'the timer to be set aside', 60_000);
    await eventually(() => bystander.got.some(([name]) => name === 'tick'), 'the other timer');
    const newcomer = await connect(t, room, 'websocket');
    await newcomer.socket.timeout(5_000).emitWithAck('broadcast', 'here');
    await eventually(() => bystander.got.some(([name]) => name === 'broadcast'), 'the broadcast');
    assert.equal(bystander.got.filter(([name]) => name === 'tick').length, 1, 'it ran once');
    for (const { socket } of [culprit, bystander]) socket.off('disconnect');
  });

  test('what the turn had stored and meant to send is not there', async (t) => {
    const room = freshRoom();
    const [culprit, watcher] = [await connect(t, room, 'websocket'), await connect(t, room, 'websocket')];
    culprit.socket.emit('panic', { data: 1 });
    await culprit.socket.timeout(5_000).emitWithAck('whoami');
    const again = back(watcher.socket);
    watcher.socket.io.engine.transport.ws.terminate();
    await again;
    assert.equal(watcher.socket.recovered, true);
    await culprit.socket.timeout(5_000).emitWithAck('broadcast', 'after');
    await eventually(() => watcher.got.some(([name]) => name === 'broadcast'), 'the broadcast');
    assert.deepEqual(watcher.got.filter(([name]) => name !== 'auth'), [['broadcast', 'after']]);
  });
});
