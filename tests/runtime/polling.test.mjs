// The polling transport (P): framing, batching, overlap, and the ways in which a session ends.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { assertBadRequest } from './support/refusals.mjs';
import { eventually, sleep } from './support/wait.mjs';
import { freshRoom, Poller, RS, WireSocket } from './support/wire.mjs';

const LIMIT = 20_000;
const server = serverFor({ ...WITHOUT_PINGS, MAX_PAYLOAD_BYTES: LIMIT, CLOSE_TIMEOUT_MS: 600 });

/** A deviation on purpose: what a client said before its connection ended is heard, also when both came in one payload. */
const dropsLastEvents = onReference && 'the reference drops the events of a socket that is closed in the same turn';

async function assertGone(poller) {
  for (const answer of [await poller.get(), await poller.post('40')]) {
    assert.equal(answer.status, 400, `the session should be gone, and answered ${answer.status} ${answer.body}`);
    assert.equal(JSON.parse(answer.body).code, 1);
  }
}

const assertAlive = async (poller) => assert.match(await poller.connect(), /^40\{/);

/** A GET that hangs: sent, and given the time to reach the session (nothing on the wire tells that it did). */
async function pendingGet(poller) {
  const get = poller.get();
  await sleep(150);
  return { answer: get, abort: get.abort, reset: get.reset }; // wrapped: a bare promise would be awaited here
}

describe('framing and order', () => {
  test('P1 packets of a payload are joined by 0x1e, in both directions', async () => {
    const poller = await Poller.open(server, freshRoom());
    await poller.connect();
    await poller.post(['421["join",{"name":"a"}]', '422["message",{"text":"one"}]'].join(RS));
    const { body } = await poller.get();
    assert.deepEqual(body.split(RS).map((packet) => packet.slice(0, 5)), ['431[{', '432[{']);
  });

  test('P1 b with base64 is a binary message: one that no header announced closes the session', async () => {
    const poller = await Poller.open(server, freshRoom());
    await poller.connect();
    await poller.post('bAQIDBA==');
    assert.equal((await poller.get()).body, `6${RS}1`);
    await assertGone(poller);
  });

  test('P1 text outside ASCII survives', async () => {
    const poller = await Poller.open(server, freshRoom());
    const name = 'Zoë 漢字 👩‍🚀';
    await poller.connect();
    await poller.post(`421["join",${JSON.stringify({ name })}]`);
    const ack = await poller.read((packet) => packet.startsWith('431['), 'the ack of join');
    assert.equal(JSON.parse(ack.slice(3))[0].name, name);
  });

  test('P2 a GET with packets waiting answers at once with all of them', async () => {
    const poller = await Poller.open(server, freshRoom());
    await poller.post('40');
    await poller.post('421["join",{"name":"a"}]');
    await poller.post('422["message",{"text":"one"}]');
    const { status, headers, body } = await poller.get();
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/plain; charset=UTF-8');
    assert.deepEqual(body.split(RS).map((packet) => packet.slice(0, 3)), ['40{', '431', '432']);
  });

  test('P2 a GET with nothing waiting hangs until there is a packet', async () => {
    const poller = await Poller.open(server, freshRoom());
    const { answer } = await pendingGet(poller);
    await poller.post('40');
    assert.match((await answer).body, /^40\{/);
  });

  test('P3 a POST is answered "ok" as text/html, not to be stored', async () => {
    const poller = await Poller.open(server, freshRoom());
    const { status, headers, body } = await poller.post('40');
    assert.deepEqual({ status, body }, { status: 200, body: 'ok' });
    assert.equal(headers['content-type'], 'text/html');
    assert.equal(headers['content-length'], '2');
    assert.equal(headers['cache-control'], 'no-store');
  });
});

describe('overlap', () => {
  test('P4 second GET while one is pending closes the session', async () => {
    const poller = await Poller.open(server, freshRoom());
    const { answer } = await pendingGet(poller);
    assertBadRequest(await poller.get(), /Another GET/, { empty: true });
    const first = await answer;
    assert.deepEqual({ status: first.status, body: first.body }, { status: 200, body: '1' });
    await assertGone(poller);
  });

  test('P5 second POST while the body of one is arriving closes the session', async () => {
    const poller = await Poller.open(server, freshRoom());
    const first = poller.post('4', { slow: true, headers: { 'content-length': '2' } });
    await sleep(150); // as for a hanging GET: nothing tells that the server has the first half
    assertBadRequest(await poller.post('40'), /Another POST/, { empty: true });
    if (onReference) await assert.rejects(first); // it has cut it off by now
    else assertBadRequest(await first, /Another POST/);
    await assertGone(poller);
  });

  test('P6 the others learn at once that a client has left its pending GET', async (t) => {
    const room = freshRoom();
    const witness = await WireSocket.session(t, server, room);
    await witness.connect();
    witness.send('421["join",{"name":"witness"}]');
    await witness.next('the answer to join');
    const poller = await Poller.open(server, room);
    await poller.connect();
    await poller.post('42["join",{"name":"poller"}]');
    assert.match(await witness.next('the poller to join'), /memberJoined/);
    const { reset } = await pendingGet(poller);
    reset(); // a half-closed connection would not tell: its client may still read
    assert.match(await witness.next('the poller to be gone'), /memberLeft/);
    await assertGone(poller);
  });

  test('P6 a client that leaves its pending GET closes the session', async () => {
    const poller = await Poller.open(server, freshRoom());
    const { abort } = await pendingGet(poller);
    abort();
    await sleep(150);
    // Where the leaving itself goes unseen, this GET counts as an overlap and ends the session.
    assert.equal((await poller.get()).status, 400);
    await assertGone(poller);
  });
});

describe('the client closes', () => {
  test('P7 close is answered "ok", releases the pending GET with a noop, and ends the session', async () => {
    const poller = await Poller.open(server, freshRoom());
    const { answer } = await pendingGet(poller);
    assert.equal((await poller.post('1')).body, 'ok');
    const { status, body } = await answer;
    assert.deepEqual({ status, body }, { status: 200, body: '6' });
    await assertGone(poller);
  });

  test('P7 packets after a close in the same payload are not delivered', async (t) => {
    const room = freshRoom();
    const witness = await WireSocket.session(t, server, room);
    await witness.connect();
    const poller = await Poller.open(server, room);
    await poller.connect();
    await poller.post(['42["createdMessage",{"author":"a","message":"before"}]', '1',
      '42["createdMessage",{"author":"a","message":"after"}]'].join(RS));
    const marker = await Poller.open(server, room);
    await marker.connect();
    await marker.post('42["createdMessage",{"author":"a","message":"marker"}]');
    if (!dropsLastEvents) assert.match(await witness.next('the message before the close'), /before/);
    assert.match(await witness.next('the message after it'), /marker/);
  });
});

describe('bad packets', () => {
  for (const [name, payload] of [['an unknown type', 'abc'], ['an empty body', ''], ['an empty packet', `40${RS}`], ['a digit too high', '7']]) {
    test(`P8 ${name} closes the session, and releases the pending GET`, async () => {
      const poller = await Poller.open(server, freshRoom());
      const { answer } = await pendingGet(poller);
      const post = await poller.post(payload).catch(() => ({ status: 'cut off' }));
      if (onReference) assert.ok([200, 'cut off'].includes(post.status), `POST answered ${post.status}`);
      else assertBadRequest(post, /packet that can't be read/);
      const packets = (await answer).body.split(RS);
      // Where a good packet came first its answer may take the place of the close in that GET.
      assert.ok(packets.at(-1) === '1' || packets[0].startsWith('40'), `the GET had ${packets}`);
      await eventually(async () => (await poller.get()).status === 400, 'the end of the session');
      await assertGone(poller);
    });
  }

  test('P8 packets before the bad one are delivered', { skip: dropsLastEvents }, async (t) => {
    const room = freshRoom();
    const witness = await WireSocket.session(t, server, room);
    await witness.connect();
    const poller = await Poller.open(server, room);
    await poller.connect();
    await poller.post(`42["createdMessage",{"author":"a","message":"good"}]${RS}abc`).catch(() => {});
    assert.match(await witness.next('the message before the bad packet'), /good/);
  });

  test('P9 a ping from the client goes the wrong way: closed', async () => {
    const poller = await Poller.open(server, freshRoom());
    const { answer } = await pendingGet(poller);
    const post = await poller.post('2').catch(() => {});
    if (!onReference) assertBadRequest(post, /only the server sends/);
    assert.equal((await answer).body, '1');
    await assertGone(poller);
  });

  for (const packet of ['5', '6', '0']) {
    test(`P10 ${packet} from the client on an open session is ignored`, async () => {
      const poller = await Poller.open(server, freshRoom());
      assert.equal((await poller.post(packet)).body, 'ok');
      await assertAlive(poller);
    });
  }

  test('P10 a POST as octet-stream is refused with 400, and closes the session', async () => {
    const poller = await Poller.open(server, freshRoom());
    const answer = await poller.post('40', { headers: { 'content-type': 'application/octet-stream' } });
    assertBadRequest(answer, /octet-stream/, { empty: true });
    await assertGone(poller);
  });
});

describe('size', () => {
  test('P12 a body of exactly the limit is taken, one byte more is 413 and leaves the session open', async () => {
    const poller = await Poller.open(server, freshRoom());
    await poller.connect();
    const packet = '420["nobody-knows-this",""]';
    const full = packet.replace('""', `"${'x'.repeat(LIMIT - packet.length)}"`);
    assert.equal(full.length, LIMIT);
    assert.equal((await poller.post(full)).status, 200);
    assert.match(await poller.read((p) => p.startsWith('430'), 'the answer to the big event'), /unknown_event/);
    const tooBig = await poller.post(`${full} `);
    if (onReference) assert.deepEqual({ status: tooBig.status, body: tooBig.body }, { status: 413, body: '' });
    else assertBadRequest(tooBig, /maxPayload/, { expected: 413 });
    await poller.post('421["join",{"name":"a"}]');
    await poller.read((p) => p.startsWith('431['), 'an ack after the 413');
  });
});

describe('the server closes', () => {
  test('P11 with a GET pending, it is released with a close', async () => {
    const poller = await Poller.open(server, freshRoom());
    const { answer } = await pendingGet(poller);
    await poller.post('4abc');
    assert.equal((await answer).body, '1');
    await assertGone(poller);
  });

  test('P11 with none pending, the next GET gets noop and close; packets meanwhile are dropped', async (t) => {
    const room = freshRoom();
    const witness = await WireSocket.session(t, server, room);
    await witness.connect();
    const poller = await Poller.open(server, room);
    await poller.connect();
    await poller.post('4abc');
    await poller.post('42["createdMessage",{"author":"a","message":"too late"}]').catch(() => {});
    assert.equal((await poller.get()).body, `6${RS}1`);
    await assertGone(poller);
    const marker = await Poller.open(server, room);
    await marker.connect();
    await marker.post('42["createdMessage",{"author":"a","message":"marker"}]');
    assert.match(await witness.next('the marker'), /marker/);
  });

  test('P11 a close that no GET fetches is over after CLOSE_TIMEOUT_MS', async () => {
    const poller = await Poller.open(server, freshRoom());
    await poller.post('42["before-connect"]');
    await sleep(900);
    await assertGone(poller);
  });
});
