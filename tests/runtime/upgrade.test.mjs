// The upgrade from polling to websocket (U): the probe, the switch, everything that can go wrong on the way, and no loss.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertBadRequest, assertBadUpgrade } from './support/refusals.mjs';
import { onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, Poller, refusedUpgrade, RS, WireSocket } from './support/wire.mjs';

const server = serverFor({ ...WITHOUT_PINGS, UPGRADE_TIMEOUT_MS: 600 });
const beating = serverFor({ PING_INTERVAL_MS: 1_000, PING_TIMEOUT_MS: 2_000 });

const probeUrl = (poller) => poller.url({ transport: 'websocket' });

/** A WebSocket on the sid of `poller`, probed. */
async function probing(t, poller) {
  const wire = await WireSocket.open(t, probeUrl(poller));
  wire.send('2probe');
  assert.equal(await wire.next('the answer to the probe'), '3probe');
  return wire;
}

async function upgraded(t, poller) {
  const wire = await probing(t, poller);
  wire.send('5');
  return wire;
}

/** A WebSocket that must not become the transport: refused, or accepted and closed without a code. */
async function assertTurnedAway(t, url, frames = []) {
  const wire = new WireSocket(url);
  t.after(() => wire.socket.terminate());
  wire.opened.then(() => frames.forEach((frame) => wire.send(frame)), () => {});
  const { code } = await wire.close();
  assert.ok([1005, 1006].includes(code), `closed with ${code}`);
}

async function speaker(t, room) {
  const wire = await WireSocket.session(t, server, room);
  await wire.connect();
  await wire.proveAlive('speaker');
  return (text) => {
    wire.send(`429["message",${JSON.stringify({ text })}]`);
    return wire.until((frame) => frame.startsWith('439['), `the ack of ${text}`);
  };
}

const texts = (packets) =>
  packets.filter((packet) => packet.startsWith('42["newMessage"')).map((packet) => JSON.parse(packet.slice(2))[1].text);

describe('the way it goes', () => {
  test('U1 2probe is answered with 3probe, and a GET that is pending is released with a noop', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const get = poller.get();
    await probing(t, poller);
    assert.equal((await get).body, '6');
  });

  test('U1 a GET that arrives while probing is released with a noop', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    await probing(t, poller);
    assert.equal((await poller.get()).body, '6');
  });

  test('U2 POSTs stay valid until the 5', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const wire = await probing(t, poller);
    assert.equal((await poller.post('40')).body, 'ok');
    wire.send('5');
    assert.match(await wire.until((frame) => frame.startsWith('40'), 'CONNECT'), /^40\{/);
    await wire.proveAlive();
  });

  test('U5 after the upgrade, HTTP on that sid is error 3, and does no harm', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const wire = await upgraded(t, poller);
    await wire.connect();
    for (const answer of [await poller.get(), await poller.post('40')]) {
      assertBadRequest(answer, /another transport/);
    }
    await wire.proveAlive();
  });

  test('U8 pings go on after the upgrade', async (t) => {
    const wire = await upgraded(t, await Poller.open(beating, freshRoom()));
    for (let round = 0; round < 2; round += 1) {
      assert.equal(await wire.next('a ping'), '2');
      wire.send('3');
    }
    await wire.connect();
  });

  test('U8 a ping that was sent over polling needs no second answer', async (t) => {
    const poller = await Poller.open(beating, freshRoom());
    assert.equal((await poller.get()).body, '2');
    await poller.post('3');
    const wire = await upgraded(t, poller);
    assert.equal(await wire.next('the next ping'), '2');
    wire.send('3');
    await wire.connect();
  });
});

describe('what is refused, and what is not', () => {
  test('U3 5 without a probe is taken: the answer to a CONNECT by polling comes over the WebSocket', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    assert.equal((await poller.post('40')).body, 'ok');
    const wire = await WireSocket.open(t, probeUrl(poller));
    wire.send('5');
    assert.match(await wire.next('CONNECT'), /^40\{/);
    await wire.proveAlive();
    assert.equal((await poller.get()).status, 400);
  });


  test('U3 a first packet other than the probe closes the WebSocket, and the session stays on polling', async (t) => {
    for (const frame of ['40', '2', '2prob', '3probe', '6', '', 'abc']) {
      const poller = await Poller.open(server, freshRoom());
      await assertTurnedAway(t, probeUrl(poller), [frame]);
      assert.match(await poller.connect(), /^40\{/, `after ${frame}`);
    }
  });

  test('U4 a second WebSocket while one is probing is turned away, the first goes on', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const wire = await probing(t, poller);
    await assertTurnedAway(t, probeUrl(poller), ['2probe']);
    wire.send('5');
    await wire.connect();
    await wire.proveAlive();
  });

  test('U4 a WebSocket that no session takes is refused before it is one', { skip: onReference && 'the reference accepts and closes it' }, async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const wire = await probing(t, poller);
    assertBadUpgrade(await refusedUpgrade(probeUrl(poller)), /has a WebSocket already/);
    wire.send('5');
    await wire.connect();
    assertBadUpgrade(await refusedUpgrade(probeUrl(poller)), /has a WebSocket already/);
    await wire.proveAlive();
  });

  test('U4 a WebSocket after the upgrade is turned away, the session goes on', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const wire = await upgraded(t, poller);
    await wire.connect();
    await assertTurnedAway(t, probeUrl(poller), ['2probe']);
    await wire.proveAlive();
  });

  test('U10 the WebSocket must have the EIO of its session', async () => {
    const poller = await Poller.open(server, freshRoom());
    assertBadUpgrade(await refusedUpgrade(poller.url({ transport: 'websocket', EIO: '3' })), /another EIO/);
    assert.match(await poller.connect(), /^40\{/);
  });
});

describe('what goes wrong', () => {
  for (const [name, begin] of [['probed', probing], ['opened', (t, poller) => WireSocket.open(t, probeUrl(poller))]]) {
    test(`U6 an upgrade ${name} but not completed in time is closed, and the session stays on polling`, async (t) => {
      const poller = await Poller.open(server, freshRoom());
      const wire = await begin(t, poller);
      assert.equal((await wire.close()).code, 1005);
      assert.match(await poller.connect(), /^40\{/);
    });
  }

  test('U6 after an upgrade that came to nothing, another may succeed', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const first = await probing(t, poller);
    await first.close();
    const second = await upgraded(t, poller);
    await second.connect();
  });

  test('U6 a client that drops the probing WebSocket stays on polling, and may try again', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const first = await probing(t, poller);
    first.socket.close();
    await first.close();
    assert.match(await poller.connect(), /^40\{/);
    const second = await upgraded(t, poller);
    await second.proveAlive();
  });

  test('U7 a session closed while probing takes the WebSocket with it', async (t) => {
    const poller = await Poller.open(server, freshRoom());
    const wire = await probing(t, poller);
    await poller.post('1');
    assert.equal((await wire.close()).code, 1005);
    assert.equal((await poller.get()).status, 400);
  });
});

describe('U9 nothing is lost, doubled or out of order', () => {
  test('messages sent before, during and after the probe', async (t) => {
    const room = freshRoom();
    const say = await speaker(t, room);
    const poller = await Poller.open(server, room);
    await poller.connect();
    await poller.post('421["join",{"name":"switcher"}]');
    await poller.read((packet) => packet.startsWith('431['), 'the ack of join');

    const expected = Array.from({ length: 12 }, (_, i) => `m${i}`);
    const saying = async (from, to) => {
      for (const text of expected.slice(from, to)) await say(text);
    };
    const polled = [];
    await saying(0, 3);
    const wire = await probing(t, poller);
    await saying(3, 6);
    polled.push(...(await poller.get()).body.split(RS));
    await saying(6, 9); // nobody polls now: these have to cross over
    wire.send('5');
    await saying(9, 12);
    const received = [...polled];
    while (texts(received).length < expected.length) received.push(await wire.next(`message ${texts(received).length}`));
    assert.deepEqual(texts(received), expected);
  });

  test('packets of the client on both transports', async (t) => {
    const room = freshRoom();
    const witness = await WireSocket.session(t, server, room);
    await witness.connect();
    const poller = await Poller.open(server, room);
    await poller.connect();
    const say = (text) => `42["createdMessage",{"author":"a","message":"${text}"}]`;
    await poller.post(say('one'));
    const wire = await probing(t, poller);
    await poller.post(say('two'));
    wire.send('5');
    wire.send(say('three'));
    for (const text of ['one', 'two', 'three']) assert.match(await witness.next(text), new RegExp(text));
  });

  test('events on a probing WebSocket are not taken', { skip: onReference && 'the reference is tested by U3' }, async (t) => {
    const room = freshRoom();
    const witness = await WireSocket.session(t, server, room);
    await witness.connect();
    const poller = await Poller.open(server, room);
    await poller.connect();
    const wire = await probing(t, poller);
    wire.send('42["createdMessage",{"author":"a","message":"early"}]');
    await wire.close();
    await poller.post('42["createdMessage",{"author":"a","message":"marker"}]');
    assert.match(await witness.next('the marker'), /marker/);
  });
});
