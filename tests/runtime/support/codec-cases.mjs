// Random packets, and random damage to what they are written as. The same seed gives the same cases.

const TYPES = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop'];
const RESERVED = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'];
/** What headers, JSON and payloads are made of, and what only looks like it. */
const TELLING = [...'0123456789-,:;/[]{}"\\ .+eEx?#_=b*', '\u001e', '\t', '\n', '\u0085', '\u00a0', '\ufeff', '\u2028', 'é', '😀',
  '_placeholder', '"num":1', 'null', 'true', '1e0', '0x1', '18446744073709551616', '\\ud83d', '["a"]', '{}'];

/** What MessagePack has besides JSON: undefined, dates by either type, extensions, numbers of other widths. And UTF-8 that is none. */
const TELLING_BYTES = ['d40000', 'd6ff00000001', 'd7ff0000000400000001', 'd7000000018bcfe56800', 'c7020061ff', 'd50501ff', 'ca3fc00000',
  'd3ffffffffffffffff', 'cfffffffffffffffff', 'cb7ff8000000000000', 'd90161', 'dc000101', 'df00000001a16101', 'eda080']
  .map((hex) => Buffer.from(hex, 'hex'));
/** Numbers as only some read them. */
const ODD_NUMBERS = ['1.0', '0x1', '1e0', '01', ' 1', '+1', '-1', '-0', '0.5', '1 2', '9007199254740993', '18446744073709551616', ''];

/** Steele and Vigna's SplitMix, on 32 bits. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed | 0;
  }

  next() {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** A whole number from 0 up to, but not including, `end`. */
  below(end) {
    return this.next() % end;
  }

  of(list) {
    return list[this.below(list.length)];
  }

  /** True once in `times`. */
  once(times) {
    return this.below(times) === 0;
  }

  list(most, make) {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

/** A string without half surrogate pairs: those have no UTF-8, in which everything travels. */
export function text(random) {
  const character = () => {
    const ranges = [[0x20, 0x5f], [0x20, 0x5f], [0, 0x20], [0x7f, 0x22], [0xa0, 0x700], [0x2020, 0x10], [0xe000, 0x1ffe], [0x1f300, 0x400]];
    const [from, count] = random.of(ranges);
    return String.fromCodePoint(from + random.below(count));
  };
  return random.list(random.once(20) ? 300 : 12, character).join('');
}

export const bytes = (random) =>
  Buffer.from(random.list(random.once(20) ? 300 : 9, () => random.below(256)));

function number(random) {
  const wide = random.next() * 2 ** random.below(40);
  const of = [random.below(200), -random.below(200), wide, -wide, wide / 2 ** 52, Number.MAX_SAFE_INTEGER, 1e21, 5e-324, 1.7e308];
  return random.of(of);
}

/** Any value that JSON has, with bytes in it where `binary` is set. */
export function value(random, binary, depth = 0) {
  const kind = random.below(depth > 5 ? 5 : 8);
  if (binary && random.once(4)) return bytes(random);
  if (kind === 0) return random.of([null, true, false]);
  if (kind <= 2) return number(random);
  if (kind <= 4) return text(random);
  const inner = () => value(random, binary, depth + 1);
  if (kind === 5) return random.list(random.once(30) ? 20 : 4, inner);
  return Object.fromEntries(random.list(random.once(30) ? 20 : 4, () => [random.of(['a', 'num', '1', '', text(random)]), inner()]));
}

/** A packet of Engine.IO. Those with no meaning in what follows their type have nothing there. */
export function enginePacket(random, { separator = true } = {}) {
  const type = random.once(2) ? 'message' : random.of(TYPES);
  if (type === 'message' && random.once(3)) return { type, data: bytes(random) };
  const data = ['close', 'upgrade', 'noop'].includes(type) ? '' : text(random);
  return { type, data: separator ? data : data.replaceAll('\u001e', '') };
}

const namespace = (random) => random.of(['/', '/', '/', '/a', '/a/b', `/${text(random).replaceAll(',', '')}`]);

function ackId(random) {
  return random.of([undefined, 0, random.below(1_000), random.next() * 2 ** 21 + random.next() % 2 ** 21, Number.MAX_SAFE_INTEGER]);
}

function eventName(random) {
  const name = text(random);
  return RESERVED.includes(name) ? 'a' : random.of([name, 'message', 'hello world', random.below(100)]);
}

/** A packet of Socket.IO as a client sends it, or with `fromServer` as the server does. */
export function packet(random, { fromServer = false } = {}) {
  const type = random.of([0, 1, 2, 2, 2, 3, 3, ...(fromServer ? [4] : [])]);
  const nsp = namespace(random);
  const args = () => random.list(4, () => value(random, binary));
  const binary = random.once(2);
  if (type === 0 && fromServer) return { type, nsp, data: random.once(4) ? undefined : { sid: text(random) } };
  if (type === 0) return { type, nsp, data: random.once(2) ? undefined : { ...value(random, false), token: text(random) } };
  if (type === 1) return { type, nsp };
  if (type === 2) return { type, nsp, id: ackId(random), data: [fromServer ? String(eventName(random)) : eventName(random), ...args()] };
  if (type === 3) return { type, nsp, id: ackId(random) ?? 7, data: args() };
  return { type, nsp, data: random.once(2) ? { message: text(random), data: value(random, false) } : text(random) };
}

/** A packet with a member that it can't have, or that is not what it seems. */
export function strangePacket(random) {
  const whole = packet(random);
  const binary = [new Date(random.next() * 1_000), bytes(random), new Uint8Array(random.list(9, () => random.below(256))).buffer];
  const any = [undefined, null, true, -1, 1.5, 2 ** 60, NaN, -0, '', 'a', '\ud83d', [], {}, ...binary];
  const edits = [
    () => (whole.type = random.of([...any, 3, 4, 5, 7])),
    () => (whole.nsp = random.of(any)),
    () => (whole.id = random.of(any)),
    () => (whole.data = random.of([...any, { a: [random.of(any)] }, { message: 'a' }])),
    () => (whole.data = [random.of([...any, ...RESERVED]), random.of(any), { a: random.of(any) }]),
  ];
  random.of(edits)();
  return whole;
}

function damagedText(random, whole) {
  const characters = [...whole];
  for (let i = random.below(3); i >= 0; i -= 1) {
    // What comes first decides the most.
    const at = random.below(1 + (random.once(2) ? Math.min(8, characters.length) : characters.length));
    const few = 1 + random.below(3);
    const edits = [
      () => characters.splice(at, 0, random.of(TELLING)),
      () => characters.splice(at, 1, random.of(TELLING)),
      () => characters.splice(at, few),
      () => characters.splice(at, 0, ...characters.slice(at, at + few)),
      () => characters.splice(at + few * few),
    ];
    random.of(edits)();
  }
  const written = characters.join('').toWellFormed();
  if (!random.once(4)) return written;
  const numbers = [...whole.matchAll(/\d+/g)].slice(0, random.once(2) ? 4 : undefined);
  if (numbers.length === 0) return written;
  const { 0: digits, index } = random.of(numbers);
  return whole.slice(0, index) + random.of(ODD_NUMBERS) + whole.slice(index + digits.length);
}

function damagedBytes(random, whole) {
  const all = [...whole];
  for (let i = random.below(2); i >= 0; i -= 1) {
    const at = random.below(all.length + 1);
    const byte = random.of([random.below(256), random.below(8), 4, 255, 0xc0, 0xc4, 0xc7, 0xd4, 0xd7, 0x80, 0x90, 0xa1]);
    const edits = [
      () => all.splice(at, 0, byte),
      () => all.splice(at, 1, byte),
      () => all.splice(at, 1, ...random.of(TELLING_BYTES)),
      () => all.splice(at, 1, (all[at] ?? 0) ^ (1 << random.below(8))),
      () => all.splice(at, 1),
      () => all.splice(at),
    ];
    random.of(edits)();
  }
  return Buffer.from(all);
}

export const damaged = (random, whole) => (typeof whole === 'string' ? damagedText(random, whole) : damagedBytes(random, whole));

/** Whether bytes may announce gigabytes that don't follow: the npm package takes that memory, and half a minute, first. */
function isBomb(message) {
  if (typeof message === 'string') return false;
  return [...message.keys()].some((at) =>
    message[at] === 0xc9 && message[at + 5] === 0 && message.readUInt32BE(at + 1) > message.length);
}

/** The messages of a packet with one of them damaged, gone, or out of place. */
export function damagedMessages(random, messages) {
  const some = [...messages];
  const at = random.once(2) ? 0 : random.below(some.length);
  const edits = [
    () => some.splice(at, 1, damaged(random, some[at])),
    () => some.splice(at, 1, damaged(random, some[at])),
    () => some.splice(at, 1, damaged(random, some[at])),
    () => some.splice(at, some.length > 1 ? 1 : 0),
    () => some.splice(at, 0, random.of([bytes(random), '2["a"]', '51-["a",{"_placeholder":true,"num":0}]'])),
  ];
  random.of(edits)();
  return some.some(isBomb) ? messages : some;
}
