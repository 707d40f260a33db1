// Raw connections to the conformance app that are past its greeting, and bytes in Socket.IO packets.
import assert from 'node:assert/strict';
import { freshRoom, Poller, WireSocket } from './wire.mjs';

/** What stands for the attachment `num` in a packet. */
export const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;

/** A WebSocket that is in the namespace `/` (or `namespace`). */
export async function greetedSocket(t, server, { room = freshRoom(), query = {}, namespace } = {}) {
  const wire = await WireSocket.session(t, server, room, query);
  await greet(wire, namespace);
  return wire;
}

/** Joins a namespace on an open WebSocket, and takes the app's greeting. */
export async function greet(wire, namespace) {
  const prefix = namespace ? `${namespace},` : '';
  wire.send(`40${prefix}`);
  assert.ok((await wire.next('CONNECT')).startsWith(`40${prefix}{"sid":`));
  assert.equal(await wire.next('the greeting'), `42${prefix}["auth",{}]`);
}

/** A polling session in the namespace `/`. */
export async function greetedPoller(server, query = {}) {
  const poller = await Poller.open(server, freshRoom(), query);
  await poller.connect();
  assert.equal(await poller.read(() => true, 'the greeting'), '42["auth",{}]');
  return poller;
}

/** The next event or ack of a WebSocket with its attachments put in place: `{header, data}`; bytes are Buffers. */
export async function nextWithBytes(wire) {
  const packet = await wire.next('a packet');
  const [, header, count, json] = /^(4[2356](?:(\d+)-)?(?:\/[^,]*,)?\d*)(\[.*)$/.exec(packet) ?? assert.fail(`no event or ack: ${packet}`);
  const attachments = [];
  for (let i = 0; i < Number(count ?? 0); i += 1) attachments.push(await wire.next(`attachment ${i}`));
  for (const attachment of attachments) assert.ok(Buffer.isBuffer(attachment), `${attachment} should be bytes`);
  const inPlace = (_, value) => (value?._placeholder === true ? attachments[value.num] : value);
  return { header, data: JSON.parse(json, (key, value) => (Buffer.isBuffer(value) ? value : inPlace(key, value))) };
}
