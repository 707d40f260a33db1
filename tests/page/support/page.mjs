// What the page's modules are tested with: a room that keeps messages, and a socket in place of the client's.

/** Messages of these numbers, as the room tells them. */
export const messages = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => message(from + at));

export const message = (id, author = { id: 'cleo', name: 'Cleo' }) => ({ id, time: id * 1000, author, text: `message ${id}` });

/** The room's answer to `{}`, `{before}` or `{after}`, if it has the messages 1 to `last`. */
export function pageOf(last, { before, after }, size = 50) {
  const all = messages(1, last).filter(({ id }) => id < (before ?? Infinity) && id > (after ?? 0));
  return { messages: after === undefined ? all.slice(-size) : all.slice(0, size), more: all.length > size };
}

/** Stands in for `io` of the stock client: notes what is sent, and the test answers it. */
export class FakeSocket {
  connected = false;
  active = false;
  recovered = false;
  sendBuffer = [];
  sent = [];
  #listeners = new Map();

  /** The `io` to give to a Connection. */
  static io() {
    const socket = new FakeSocket();
    const io = (options) => Object.assign(socket, { options });
    return { socket, io };
  }

  on(event, listener) {
    this.#listeners.set(event, listener);
  }

  emit(event, payload, ack) {
    // As JSON leaves out what is undefined.
    this.sent.push({ event, payload: JSON.parse(JSON.stringify(payload)), answer: (reply) => ack(null, reply) });
  }

  connect() {
    this.active = true;
  }

  disconnect() {
    this.active = false;
    this.lose();
  }

  /** What has been sent since the last time, as `[event, payload]`. */
  took() {
    const taken = this.sent.splice(0);
    this.last = taken.at(-1) ?? this.last;
    return taken.map(({ event, payload }) => [event, payload]);
  }

  receive(event, payload, offset = 'offset') {
    this.#listeners.get(event)?.(payload, offset);
  }

  /** Connects; `missed` events come before a recovered connection is told of. */
  arrive({ recovered = false, missed = [] } = {}) {
    Object.assign(this, { connected: true, active: true, recovered });
    for (const [event, payload] of missed) this.receive(event, payload);
    this.#listeners.get('connect')();
  }

  lose() {
    if (!this.connected) return;
    this.connected = false;
    this.#listeners.get('disconnect')('transport close');
  }

  refuse(error) {
    this.active = false;
    this.#listeners.get('connect_error')(error);
  }
}

/** Handlers that write down their calls as `[name, argument]` into `calls`; `told(name)` has the arguments of one. */
export function recorder() {
  const calls = [];
  const note = (name) => (argument) => void calls.push([name, argument]);
  const history = new Proxy({}, { get: (_, name) => note(name) });
  const handlers = new Proxy({ history }, { get: (target, name) => target[name] ?? note(name) });
  const told = (name) => calls.filter(([called]) => called === name).map(([, argument]) => argument);
  return { calls, handlers, told };
}
