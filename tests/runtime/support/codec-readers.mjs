// roomcast's codecs, as the program `examples/codec.rs`, and those of the npm packages, each with its results in the same words:
// `{packets, refused}`, the packets being plain JSON with bytes as `{$bytes: <base64>}`.
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import msgpackParser from 'socket.io-msgpack-parser';
import { ROOT } from './paths.mjs';
import { requireLikeSocketIo } from './reference.mjs';

const require = createRequire(import.meta.url);
// Revision 4 as the reference server reads it, revision 3 as the client of Socket.IO 2 does.
const engineParsers = {
  4: createRequire(requireLikeSocketIo.resolve('engine.io'))('engine.io-parser'),
  3: createRequire(require.resolve('socket.io-client-25'))('engine.io-parser'),
};
const jsonParser = requireLikeSocketIo('socket.io-parser');
const parsers = { default: jsonParser, msgpack: msgpackParser };

/** Answers all requests, in their order. */
export function roomcast(requests) {
  const lines = requests.map((request) => `${JSON.stringify(plain(request))}\n`);
  const { status, stdout, stderr } = spawnSync(program(), { input: lines.join(''), maxBuffer: 2 ** 30, encoding: 'utf8' });
  if (status !== 0) throw new Error(`codec ended with ${status}: ${stderr}`);
  const answers = stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  if (answers.length !== requests.length) throw new Error(`${answers.length} answers to ${requests.length} requests`);
  return answers;
}

let built;
function program() {
  if (!built) {
    const args = ['build', '--quiet', '--example', 'codec', '--message-format=json-render-diagnostics'];
    const messages = execFileSync('cargo', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 30 }).trim().split('\n');
    const isCodec = ({ executable, target }) => executable && target.name === 'codec';
    built = path.resolve(messages.map((message) => JSON.parse(message)).find(isCodec).executable);
  }
  return built;
}

const isBytes = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/** What JSON makes of a value, but for bytes; the members of objects in one order. */
export function plain(value) {
  if (isBytes(value)) return { $bytes: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return Array.from(value, (item) => plain(item) ?? null);
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null; // there is no -0 either
  if (value instanceof Date) return value.toJSON();
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.keys(value).sort().map((key) => [key, plain(value[key])]);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

/** The bytes in what came out of `plain`, or of roomcast. */
export function unplain(data) {
  return typeof data === 'string' ? data : Buffer.from(data.$bytes, 'base64');
}

/** Behind these types nothing is read, by neither side; and nothing behind a type is the same as an empty text. */
function engineWords({ type, data = '' }) {
  return plain({ type, data: ['close', 'upgrade', 'noop'].includes(type) && !isBytes(data) ? '' : data });
}

export function readFrame(revision, frame) {
  const packet = engineParsers[revision].decodePacket(frame);
  return packet.type === 'error' ? { packets: [], refused: true } : { packets: [engineWords(packet)], refused: false };
}

export function readPayload(revision, body) {
  const packets = [];
  const parser = engineParsers[revision];
  let refused = false;
  // A session ends with the first bad packet.
  const take = (packet) => {
    refused ||= packet.type === 'error';
    if (!refused) packets.push(engineWords(packet));
  };
  if (revision === 4) parser.decodePayload(body).forEach(take);
  else parser.decodePayload(body, take);
  return { packets, refused };
}

export function writePayload(revision, packets, supportsBinary) {
  let written;
  const done = (body) => (written = body);
  const own = packets.map((packet) => ({ ...packet }));
  if (revision === 4) engineParsers[4].encodePayload(own, done);
  else engineParsers[3].encodePayload(own, supportsBinary, done);
  return written;
}

/** How JavaScript writes an event's name that is a number. */
const nameOf = (name) => (/^-?\d/.test(name) && !Number.isNaN(Number(name)) ? String(Number(name)) : String(name));

/** What a packet says; the rest means nothing. So no answer to an event is an answer with nothing. */
function packetWords({ type, nsp, id, data }) {
  if (type === 0) return plain({ type, nsp, data });
  if (type === 1) return { type, nsp };
  if (type === 2) return plain({ type, nsp, id, data: data && [nameOf(data[0]), ...data.slice(1)] });
  return plain({ type, nsp, id: type === 3 ? id : undefined, data: type === 3 ? data ?? [] : data });
}

export const sent = packetWords;

export function read(parser, messages, most) {
  const decoder = new parsers[parser].Decoder(parser === 'default' ? { maxAttachments: most } : undefined);
  const packets = [];
  const raw = [];
  decoder.on('decoded', (packet) => {
    raw.push(packet);
    packets.push(packetWords(packet));
  });
  try {
    for (const message of messages) decoder.add(message);
  } catch (error) {
    return { packets, raw, refused: true, error: error.message };
  }
  return { packets, raw, refused: false, waiting: Boolean(decoder.reconstructor) };
}

export function write(parser, packet) {
  const messages = new parsers[parser].Encoder().encode({ ...packet });
  return messages.map((message) => (typeof message === 'string' ? message.toWellFormed() : message)); // as UTF-8 has it
}

/** roomcast's answer to `read` in the same words. Its placeholders stand for bytes only where there are attachments. */
export function heard({ packets, ...verdict }) {
  const inWords = ({ type, nsp, id, name, auth, args = [], attachments = [] }) => {
    if (type === 4) return { type, nsp };
    const inPlace = (_, value) => (attachments.length > 0 && value?._placeholder === true ? unplain(attachments[value.num]) : value);
    const data = type === 0 ? auth && JSON.parse(auth) : args.map((json) => JSON.parse(json, inPlace));
    return packetWords({ type, nsp, id: id ?? undefined, data: type === 2 ? [name, ...data] : data ?? undefined });
  };
  return { packets: packets.map(inWords), ...verdict };
}
