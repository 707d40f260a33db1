// A POST whose body doesn't come to its end: it is answered when its session ends or its time is over, whichever is first.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { call, TOKEN } from './support/http-api.mjs';
import { assertBadRequest } from './support/refusals.mjs';
import { roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { freshRoom, Poller, request, WireSocket } from './support/wire.mjs';

const BODY_TIMEOUT = 1_500;
const INTERVAL = 600;

/** Posts a byte every 100 ms until there is an answer; gives its status and how long it took. */
async function trickle(post) {
  const started = Date.now();
  const more = setInterval(() => post.write('x'), 100);
  try {
    const answer = await post;
    return { ...answer, took: Date.now() - started };
  } finally {
    clearInterval(more);
  }
}

const slowly = (poller) => poller.post('4', { slow: true, headers: { 'content-length': '900000' } });

describe('a body that does not end', { skip: roomcastOnly, concurrency: true }, () => {
  const server = serverFor({ ...WITHOUT_PINGS, BODY_TIMEOUT_MS: BODY_TIMEOUT, APP: 'conformance', API_TOKEN: TOKEN });
  const beating = serverFor({ PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: INTERVAL, APP: 'conformance' });
  const connections = async (room) => (await call(server, 'GET', `/${room}`)).json.connections;

  test('is given up after BODY_TIMEOUT_MS, and its session ends', async () => {
    const room = freshRoom();
    const poller = await Poller.open(server, room);
    await poller.connect();
    const { took, ...answer } = await trickle(slowly(poller));
    assertBadRequest(answer, /body has not arrived/);
    assert.ok(took >= BODY_TIMEOUT - 50, `after ${took} ms`);
    assert.equal(await connections(room), 0);
    assert.equal((await poller.get()).status, 400);
  });

  test('is answered as soon as its session ends', async () => {
    const poller = await Poller.open(beating, freshRoom());
    const { took, ...answer } = await trickle(slowly(poller));
    assertBadRequest(answer, /session ended before/);
    assert.ok(took >= INTERVAL, `after ${took} ms`);
  });

  test('is over when its client goes, and so is its session', async () => {
    const room = freshRoom();
    const poller = await Poller.open(server, room);
    await poller.connect();
    const post = slowly(poller);
    await sleep(200);
    post.reset();
    await eventually(async () => (await connections(room)) === 0, 'the end of the session', BODY_TIMEOUT - 300);
  });

  test('does not hold back others, nor another body that is slow but in time', async (t) => {
    const room = freshRoom();
    const [slow, never] = [await Poller.open(server, room), await Poller.open(server, room)];
    const wire = await WireSocket.session(t, server, room);
    await wire.connect();
    await sleep(100);
    const given = trickle(slowly(never));
    const post = slow.post('4', { slow: true, headers: { 'content-length': '2' } });
    wire.send('427["message-with-ack","alive"]');
    assert.match(await wire.until((frame) => frame.startsWith?.('437'), 'the ack'), /alive/);
    await sleep(BODY_TIMEOUT / 2);
    post.finish('0');
    assert.equal((await post).body, 'ok');
    await given;
    assert.match(await slow.read((packet) => packet.startsWith('40'), 'the answer to CONNECT'), /^40/);
  });

  test('is given up in a request to the API too', async () => {
    const url = new URL(`/api/rooms/${freshRoom()}/emit`, server.url);
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-length': '1000' };
    const { status, body } = await trickle(request(url, { method: 'POST', slow: true, body: '{', headers }));
    assert.deepEqual([status, JSON.parse(body).error.code], [400, 'incomplete']);
  });
});
