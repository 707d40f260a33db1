// Engine.IO 3 as its clients write it: payloads of packets with their lengths, and a polling client.
import { Poller } from './wire.mjs';

/** A payload as text: each packet with the number of its characters (as JavaScript counts them) before it. */
export const encode = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join('');

/** The packets of such a payload. */
export function decode(payload) {
  const packets = [];
  for (let rest = payload; rest !== '';) {
    const [head, length] = /^(\d+):/.exec(rest) ?? [];
    if (!head || rest.length < head.length + Number(length)) throw new Error(`no payload of Engine.IO 3: ${payload.slice(0, 200)}`);
    packets.push(rest.slice(head.length, head.length + Number(length)));
    rest = rest.slice(head.length + Number(length));
  }
  return packets;
}

/** A payload as bytes, for clients that can take them: a kind (0 text, 1 bytes), decimal digits of the length, 255, the packet. */
export const encodeBytes = (...packets) => Buffer.concat(packets.flatMap((packet) => {
  const bytes = Buffer.from(packet);
  return [Buffer.from([typeof packet === 'string' ? 0 : 1, ...[...String(bytes.length)].map(Number), 255]), bytes];
}));

/** The packets of such a payload: strings, and for bytes Buffers that begin with the type. */
export function decodeBytes(payload) {
  const packets = [];
  for (let rest = payload; rest.length > 0;) {
    const end = rest.indexOf(255);
    const start = end + 1;
    const length = Number([...rest.subarray(1, end)].join(''));
    if (end < 2 || rest.length < start + length) throw new Error(`no binary payload of Engine.IO 3: ${payload.toString('hex')}`);
    const packet = rest.subarray(start, start + length);
    packets.push(rest[0] === 0 ? packet.toString() : packet);
    rest = rest.subarray(start + length);
  }
  return packets;
}

/** A polling session of Engine.IO 3. */
export class OldPoller extends Poller {
  static parse({ headers, body, bytes }) {
    return headers['content-type'] === 'application/octet-stream' ? decodeBytes(bytes) : decode(body);
  }

  static open(server, room, query = {}) {
    return super.open(server, room, { EIO: '3', ...query });
  }

  /** Posts packets as text. */
  send(...packets) {
    return this.post(encode(...packets));
  }

  /** The server joins the main namespace by itself: returns its CONNECT packet. */
  connect() {
    return this.read((packet) => packet.startsWith?.('40'), 'CONNECT');
  }
}
