// Where roomcast reads damaged input otherwise than the npm packages, on purpose. Each row says for which input, and is counted.
// `at` is the number of packets on which both agree: what they disagree on comes next.
import { read } from './codec-readers.mjs';

/** In groups of four; the padding may be left out. */
const isCut = (text) => !text.isWellFormed();
const onlyWeRefuse = ({ ours, reference, at }) => ours.refused && ours.packets.length === at && (!reference.refused || reference.packets.length > at);

/** The packets of a payload of revision 3, each with its length as it is spelt. */
function counted(body) {
  const pieces = [];
  for (let rest = body; rest.includes(':');) {
    const spelling = rest.slice(0, rest.indexOf(':'));
    const start = spelling.length + 1;
    const end = start + Number(spelling);
    pieces.push({ spelling, packet: rest.slice(start, end) });
    if (!(end >= start)) break;
    rest = rest.slice(end);
  }
  return pieces.filter(({ spelling, packet }) => packet !== '' || /[^0]/.test(spelling));
}

/** The packets of a payload of bytes, each with what is before it. */
function inBytes(body) {
  const pieces = [];
  for (let rest = body; rest.length > 0;) {
    const end = rest.indexOf(255);
    const digits = [...rest.subarray(1, Math.max(end, 1))];
    const length = Number(digits.join(''));
    const packet = rest.subarray(end + 1, end + 1 + length);
    pieces.push({ kind: rest[0], digits, length, packet });
    if (end < 1 || digits.some((digit) => digit > 9)) break;
    rest = rest.subarray(end + 1 + length);
  }
  return pieces;
}

/** Where the two differ in a frame or payload: the text or bytes of one packet, and what is before it. */
function pieceAt({ layer, input, at }) {
  if (layer.startsWith('frame')) return { packet: input };
  if (layer === 'payload 4') return { packet: input.split('\u001e')[at] };
  return (typeof input === 'string' ? counted(input) : inBytes(input))[at];
}

const engine = (holds) => (found) => {
  const piece = found.layer in parsers || !onlyWeRefuse(found) ? undefined : pieceAt(found);
  return piece !== undefined && holds(piece, found);
};
const asText = ({ kind, packet }) => (typeof packet === 'string' ? packet : kind === 0 ? packet.toString() : undefined);
const revision3 = ({ layer }) => layer !== 'frame 4' && layer !== 'payload 4';

const parsers = { default: true, msgpack: true };
const texts = ({ input }) => input.filter((message) => typeof message === 'string');
const refuses = (layer, error, holds) => (found) =>
  found.layer === layer && onlyWeRefuse(found) && found.ours.error === error && holds(found);
const header = (pattern) => (found) => texts(found).some((text) => pattern.test(text));
const reserved = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'];

/** JavaScript's own text for a date. */
const hasDateText = (packet) => /"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d+ [\d:]{8} GMT/.test(JSON.stringify(packet));

/** Whether the npm package turns an object into a key as it reads: JavaScript then asks the object how. */
function hasObjectAsKey({ input }) {
  let asked = false;
  Object.defineProperty(Object.prototype, Symbol.toPrimitive, { configurable: true, get: () => void (asked = true) });
  try {
    read('msgpack', input);
  } finally {
    delete Object.prototype[Symbol.toPrimitive];
  }
  return asked;
}

export const EXCEPTIONS = {
  'base64 with a character above U+00FF: they take its low byte for a letter or for the end': (found) =>
    !(found.layer in parsers) && /^b.*[^\0-\xff]/s.test(asText(pieceAt(found) ?? {}) ?? ''),
  'revision 3, bytes that are no message, or of a type that there is not: they drop them': engine((piece, found) =>
    revision3(found) && (/^b(?!4)/.test(asText(piece) ?? '') || (asText(piece) === undefined && piece.packet[0] !== 4))),
  'revision 3, a length that is not just digits: they take what Number() takes': engine(({ spelling }) =>
    spelling !== undefined && !/^\d+$/.test(spelling)),
  'revision 3, a length that ends inside a surrogate pair: they cut it': engine(({ spelling, packet }) =>
    spelling !== undefined && isCut(packet)),
  'revision 3, a length in bytes without digits, or with bytes that are none: they go on somewhere': engine(({ digits }) =>
    digits?.length === 0 || digits?.some((digit) => digit > 9)),
  'revision 3, fewer bytes than announced: they take what there is': engine(({ digits, length, packet }) =>
    digits !== undefined && packet.length < length),
  'revision 3, a kind besides text and bytes: they take it for bytes': engine(({ kind }) => kind > 1),
  'revision 3, half of a surrogate pair in three bytes: they replace it': engine(({ kind, packet }) =>
    kind === 0 && packet.toString('latin1').search(/\xed[\xa0-\xbf]/) >= 0),
  'revision 3, a payload without a byte: refused, as one without a character is': ({ layer, input, ours }) =>
    layer === 'payload 3 in bytes' && input.length === 0 && ours.refused,
  'revision 3, a payload of bytes that ends badly: they drop all of it, not just the rest': ({ layer, input, ours, reference, at }) =>
    layer === 'payload 3 in bytes' && typeof input !== 'string' && ours.refused && reference.refused && reference.packets.length === at,

  'an event without a payload: refused, as the protocol says': refuses('default', 'invalid payload',
    header(/^(2|5[^-]*-)(\/[^,]*,?)?[\s\ufeff\d]*$/)),
  'an ack id above 64 bits, or with blanks in it: refused': refuses('default', 'invalid payload',
    header(/^([0-4]|[56][^-]*-)(\/[^,]*,)?[\s\ufeff]*(\d{20,}|\d+[\s\ufeff]+\d)/)),
  'an event whose name has half of a surrogate pair: U+FFFD in its place': ({ layer, ours, reference, at }) => {
    const { type, data } = reference.packets[at] ?? {};
    return layer === 'default' && type === 2 && typeof data?.[0] === 'string' && isCut(data[0]) && ours.packets[at]?.data[0] === data[0].toWellFormed();
  },
  'a number of attachments that is not just digits: refused': refuses('default', 'Illegal attachments',
    header(/^[56](?!\d+-)[^-]+-/)),
  'a placeholder with a number that is not whole: refused': refuses('default', 'illegal attachments',
    header(/"num":\s*\d*(\.\d|\d*e-)/)),
  'no text at all, or a blank: they take it for a CONNECT': ({ layer, ours, ...found }) =>
    layer === 'default' && ours.error?.startsWith('unknown packet type') && header(/^(\s|\ufeff|$)/)(found),
  'a CONNECT_ERROR of a client: the end of the connection, whatever it says': ({ layer, ours, at }) =>
    layer in parsers && ours.packets[at]?.type === 4,

  'MessagePack, an event name that the default parser refuses: refused': refuses('msgpack', 'invalid payload', ({ reference: { raw }, at }) =>
    raw[at].type === 2 && (!['string', 'number'].includes(typeof raw[at].data[0]) || reserved.includes(raw[at].data[0]) || !Number.isFinite(raw[at].data[0] ?? 0))),
  'MessagePack, a date for the name of an event or a member: the text that JSON has for it': ({ layer, ours, reference, at }) =>
    layer === 'msgpack' && !ours.refused && hasDateText(reference.packets[at]) && !hasDateText(ours.packets[at]),
  'MessagePack, its own type for moments: a date as well; they do not know it': ({ layer, reference, at }) =>
    layer === 'msgpack' && /\[-1,{"\$bytes"|"-1,/.test(JSON.stringify(reference.packets[at])),
  'MessagePack, bytes in what a CONNECT brings: a list of numbers, since it is JSON': ({ layer, ours, reference, at }) =>
    layer === 'msgpack' && reference.packets[at]?.type === 0 && ours.packets[at]?.type === 0
    && JSON.stringify(reference.packets[at].data).includes('"$bytes"') && !JSON.stringify(ours.packets[at].data).includes('"$bytes"'),
  'MessagePack, a list, a map or bytes as a key: refused; they take its text': refuses('msgpack', 'Could not parse', hasObjectAsKey),
  'MessagePack, an ack id that is negative or above 2^64: no answer is wanted': ({ layer, ours, reference: { raw }, at }) =>
    layer === 'msgpack' && (raw[at]?.id < 0 || raw[at]?.id >= 2 ** 53) && ours.packets[at] !== undefined && ours.packets[at].id !== raw[at].id,
};

/** The name of the first exception that a disagreement falls under. */
export const exceptionFor = (found) => Object.keys(EXCEPTIONS).find((name) => EXCEPTIONS[name](found));
