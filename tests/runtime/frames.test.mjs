// Frames that come while rows are being stored wait for them, in order, and outlive a panic of the app.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AS_DEPLOYED, roomcastOnly, serverFor } from './support/target.mjs';
import { freshRoom, WireSocket } from './support/wire.mjs';

const COUNT = 50;

/** The first argument of each broadcast among these frames. */
const heard = (frames) => frames.filter((frame) => frame.startsWith?.('42["broadcast"')).map((frame) => JSON.parse(frame.slice(2))[1]);

describe('frames that come together', { skip: roomcastOnly }, () => {
  const settings = { ...AS_DEPLOYED, APP: 'conformance', RECOVERY_MS: 120_000 };
  const server = serverFor(settings);
  const strict = serverFor({ ...settings, MAX_PAYLOAD_BYTES: 1_000 });

  async function pair(t, server) {
    const room = freshRoom();
    // One that recovers: what it is sent is stored first.
    const [speaker, listener] = [await WireSocket.session(t, server, room), await WireSocket.session(t, server, room, { recovery: '1' })];
    for (const wire of [speaker, listener]) await wire.connect();
    return { speaker, listener };
  }

  /** What the listener hears until it has heard `last`. */
  async function hears(listener, last) {
    const frames = [];
    await listener.until((frame) => {
      frames.push(frame);
      return heard([frame]).includes(last);
    }, `the broadcast of ${last}`);
    return heard(frames);
  }

  test('are handled in order, each once', async (t) => {
    const { speaker, listener } = await pair(t, server);
    const all = Array.from({ length: COUNT }, (_, i) => i);
    for (const i of all) speaker.send(`42["broadcast",${i}]`);
    assert.deepEqual(await hears(listener, COUNT - 1), all);
  });

  test('are all handled before their sender is gone', async (t) => {
    const { speaker, listener } = await pair(t, server);
    const all = Array.from({ length: COUNT }, (_, i) => i);
    for (const i of all) speaker.send(`42["broadcast",${i}]`);
    speaker.socket.close();
    assert.deepEqual(await hears(listener, COUNT - 1), all);
  });

  test('are too many to wait all, and in order all the same', async (t) => {
    const { speaker, listener } = await pair(t, server);
    const all = Array.from({ length: 2_000 }, (_, i) => i);
    for (const i of all) speaker.send(`42["broadcast",${i}]`);
    assert.deepEqual(await hears(listener, 1_999), all);
  });

  test('end with one that is too large', async (t) => {
    const { speaker, listener } = await pair(t, server);
    for (const i of [0, 1]) speaker.send(`42["broadcast",${i}]`);
    speaker.send(`42["broadcast","${'x'.repeat(1_000_001)}"]`);
    speaker.send('42["broadcast","after"]');
    assert.equal((await speaker.close()).code, 1009);
    listener.send('427["message-with-ack","that is all"]');
    const frames = [];
    await listener.until((frame) => frames.push(frame) && frame.startsWith?.('437'), 'the ack');
    assert.deepEqual(heard(frames), [0, 1]);
  });

  test('are handled once where one among them is too large and one makes the app panic', async (t) => {
    const { speaker, listener } = await pair(t, strict);
    for (const i of [0, 1, 2]) {
      speaker.send(`42["broadcast",${i}]`);
      listener.send(`42["broadcast","${i}"]`);
    }
    speaker.send(`42["broadcast","${'x'.repeat(1_001)}"]`);
    listener.send('42["panic"]');
    assert.equal((await speaker.close()).code, 1009);
    const frames = [];
    listener.send('427["message-with-ack","that is all"]');
    await listener.until((frame) => frames.push(frame) && frame.startsWith?.('437'), 'the ack');
    assert.deepEqual(heard(frames), [0, 1, 2]);
  });

  test('outlive one among them that makes the app panic', async (t) => {
    const { speaker, listener } = await pair(t, server);
    for (const i of [0, 1, 2]) speaker.send(`42["broadcast",${i}]`);
    speaker.send('42["panic"]');
    for (const i of [3, 4]) speaker.send(`42["broadcast",${i}]`);
    listener.send('427["message-with-ack","me too"]');
    const frames = [];
    const done = () => frames.some((frame) => frame.startsWith?.('437')) && heard(frames).includes(4);
    await listener.until((frame) => {
      frames.push(frame);
      return done();
    }, 'all that came after the panic');
    assert.deepEqual(heard(frames), [0, 1, 2, 3, 4]);
  });
});
