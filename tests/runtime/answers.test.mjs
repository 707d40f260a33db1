// Broadcasts that ask for answers: stock clients on every transport answer together, in time or not, and across restarts of
// the room; one that lost its connection answers over the next one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from './support/clients.mjs';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { freshRoom } from './support/wire.mjs';

const LONG = 60_000;
const SHORT = 300;

/** Somebody who asks, and three who vote: `vote(question)` is each one's answer, or undefined for none. */
async function scene(t, server, vote, options = {}) {
  const room = freshRoom();
  const asker = await Client.connect(t, server, room);
  const voters = await Promise.all(['websocket', 'polling', 'upgrade'].map((transport) => Client.connect(t, server, room, { transport, ...options })));
  for (const [index, { socket }] of voters.entries()) {
    socket.on('vote', (question, answer) => {
      const choice = vote(question, index);
      if (choice !== undefined) answer(choice);
    });
  }
  const ids = voters.map(({ socket }) => socket.id);
  const result = async () => {
    const [votes, missing] = await asker.until('votes');
    return { votes: new Map(votes), missing: new Set(missing) };
  };
  return { room, asker, voters, ids, result };
}

describe('broadcasts with acks', { skip: roomcastOnly }, () => {
  const server = serverFor({ APP: 'conformance', ...AS_DEPLOYED });

  test('all answer, whatever they are connected by', async (t) => {
    const { asker, ids, result } = await scene(t, server, (question, index) => `${question} ${index}`);
    asker.socket.emit('poll', { wait: LONG, data: 'tea?' });
    assert.deepEqual(await result(), { votes: new Map(ids.map((id, index) => [id, `tea? ${index}`])), missing: new Set() });
  });

  test('who does not answer in time is missing', async (t) => {
    const { asker, ids, result } = await scene(t, server, (_, index) => (index === 1 ? undefined : index));
    asker.socket.emit('poll', { wait: SHORT, data: 'tea?' });
    assert.deepEqual(await result(), { votes: new Map([[ids[0], 0], [ids[2], 2]]), missing: new Set([ids[1]]) });
  });

  test('who leaves is missing at once', async (t) => {
    const { asker, voters, ids, result } = await scene(t, server, (_, index) => {
      if (index === 2) return 2;
      voters[index].socket.disconnect();
    });
    asker.socket.emit('poll', { wait: LONG, data: 'tea?' });
    assert.deepEqual(await result(), { votes: new Map([[ids[2], 2]]), missing: new Set([ids[0], ids[1]]) });
  });

  test('nobody is there to answer', async (t) => {
    const { asker, voters, result } = await scene(t, server, () => 0);
    for (const { socket } of voters) socket.disconnect();
    await eventually(async () => (await asker.ask('whoami')).sockets === 1, 'the voters to have left');
    asker.socket.emit('poll', { wait: LONG, data: 'tea?' });
    assert.deepEqual(await result(), { votes: new Map(), missing: new Set() });
  });

  test('the room is evicted between the answers', async (t) => {
    const answers = [];
    const quick = { reconnection: true, reconnectionDelay: 50 };
    const { room, asker, voters, ids, result } = await scene(t, server, () => undefined, quick);
    voters.forEach(({ socket }, index) => socket.on('vote', (_, answer) => (answers[index] = answer)));
    asker.socket.emit('poll', { wait: LONG, data: 'tea?' });
    await eventually(() => answers.filter(Boolean).length === 3, 'all to be asked');
    await server.evict(room, 'hibernate');
    answers[0](0);
    await asker.ask('whoami'); // by now it is stored
    await server.evict(room, 'hibernate');
    // A polling connection goes with the room's memory. Its client comes back to its socket, and may answer there.
    await eventually(() => voters[1].socket.recovered, 'the polling client to come back');
    for (const index of [1, 2]) answers[index](index);
    assert.deepEqual(await result(), { votes: new Map(ids.map((id, index) => [id, index])), missing: new Set() });
  });
});
