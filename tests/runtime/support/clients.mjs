// Stock clients with bounded waits: what they were sent comes out of an inbox in order, and every ack is awaited in time.
import { spawn } from 'node:child_process';
import { io } from 'socket.io-client';
import { Inbox, PATIENCE, within } from './wait.mjs';

/** The three ways in which a stock client can go. */
export const TRANSPORTS = {
  websocket: ['websocket'],
  polling: ['polling'],
  upgrade: ['polling', 'websocket'],
};

/** Where a client asks for a room: in the path or in the query. */
const ADDRESSES = {
  path: (room) => ({ path: `/r/${room}/socket.io/` }),
  query: (room) => ({ query: { room } }),
  none: () => ({}), // the bare /socket.io/, whose room is the lobby
};

export class Client {
  /** Connects, and disconnects when the test `t` ends. `with: io` takes another version of the client. */
  static async connect(t, server, room, { transport = 'websocket', address = 'path', with: connect = io, ...options } = {}) {
    const socket = connect(server.url, {
      forceNew: true, reconnection: false, transports: TRANSPORTS[transport], ...ADDRESSES[address](room), ...options,
    });
    const client = new Client(socket);
    t.after(() => socket.close());
    await within(client.connected, `a ${transport} client to connect`);
    if (transport === 'upgrade') await within(client.upgraded, 'the client to upgrade');
    return client;
  }

  constructor(socket) {
    this.socket = socket;
    this.events = new Inbox('the client');
    this.connected = new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    this.upgraded = new Promise((resolve) => socket.io.once('open', () => socket.io.engine.once('upgrade', resolve)));
    socket.onAny((event, ...args) => this.events.push([event, ...withoutOffset(args)]));
    socket.on('disconnect', (reason) => this.events.end(`disconnected: ${reason}`));
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }

  /** Emits, and returns the ack's only argument. */
  async ask(event, ...args) {
    const answer = new Promise((resolve) => this.socket.emit(event, ...args, (...answers) => resolve(answers)));
    const answers = await within(answer, () => `the ack of ${event}; ${this.events.history()}`);
    if (answers.length !== 1) throw new Error(`the ack of ${event} has ${answers.length} arguments`);
    return answers[0];
  }

  async join(name) {
    this.me = await this.ask('join', { name });
    if (this.me?.id !== this.socket.id) throw new Error(`join was answered with ${JSON.stringify(this.me)}`);
    return this.me;
  }

  say(text) {
    return this.ask('message', { text });
  }

  /** The argument of the very next event, which must be `event`: what came in between would be an error. */
  async next(event, what = event) {
    const [name, ...args] = await this.events.next(what);
    if (name !== event || args.length !== 1) {
      throw new Error(`expected ${what}, and ${JSON.stringify([name, ...args])} came; ${this.events.history()}`);
    }
    return args[0];
  }

  /** The argument of the next event with that name, whatever comes before it. */
  async until(event, what = event) {
    return (await this.events.until(([name]) => name === event, what))[1];
  }
}

/** The arguments of an event of the chat, of which each has one: with recovery (1.11) an offset stands behind it. */
const withoutOffset = (args) => (args.length === 2 && typeof args[1] === 'string' ? args.slice(0, 1) : args);

/** A client that has joined under `name`. */
export async function member(t, server, room, name, options) {
  const client = await Client.connect(t, server, room, options);
  await client.join(name);
  return client;
}

/** The program that the variable of the environment names; without it the test fails, and says what is missing. */
export function programFrom(variable, what) {
  const program = process.env[variable];
  if (!program) throw new Error(`${variable} is not set: it has to be the path of ${what}`);
  return program;
}

/**
 * Runs a program to its end, and returns what it printed; fails with its complaints if it fails. Killed with the test.
 * `onOutput` gets each piece of its output at once.
 */
export async function run(t, program, args, { ms = 3 * PATIENCE, onOutput } = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => (output[name] += chunk));
  if (onOutput) child.stdout.on('data', onOutput);
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const code = await within(ended, () => `${program} to end; it printed ${output.stdout} ${output.stderr}`, ms);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output.stderr}`);
  return output.stdout;
}
