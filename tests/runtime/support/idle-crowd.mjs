// A room full of people who say nothing: WebSockets that answer pings, stock clients among them; and the room's own account
// of how often it was woken.
import { Person } from './people.mjs';
import { eventually } from './wait.mjs';
import { request, WireSocket } from './wire.mjs';

/** The counters of a room, with the sum of what wakes it. */
export async function countersOf(server, room) {
  const { status, body } = await request(new URL(`/r/${room}/debug`, server.url));
  if (status !== 200) throw new Error(`the counters were answered with ${status} ${body}`);
  const counters = JSON.parse(body);
  return { ...counters, wakeUps: counters.alarms + counters.messages + counters.closes + counters.requests };
}

/** How much each counter grew from `earlier` to `later`. */
export const growth = (earlier, later) => Object.fromEntries(Object.keys(later).map((name) => [name, later[name] - earlier[name]]));

/** So many of what `make` makes of its number, `size` at a time: a machine that is busy takes no more at once. */
export async function inBatches(count, size, make) {
  const made = [];
  while (made.length < count) {
    const batch = Array.from({ length: Math.min(size, count - made.length) }, (_, i) => make(made.length + i));
    made.push(...(await Promise.all(batch)));
  }
  return made;
}

export class IdleCrowd {
  /** So many raw WebSockets and so many stock clients, half of which began with polling; all members of the chat. */
  static async gather(t, server, room, { wires, clients }) {
    const crowd = new IdleCrowd();
    crowd.wires = await inBatches(wires, 20, (i) => enterByWire(t, server, room, `wire ${i}`));
    crowd.people = await Promise.all(Array.from({ length: clients }, (_, i) =>
      Person.enter(t, server, room, `client ${i}`, { transport: i % 2 ? 'upgrade' : 'websocket' })));
    const upgraded = () => crowd.people.every(({ socket }) => socket.io.engine.transport.name === 'websocket');
    await eventually(upgraded, 'all to be upgraded');
    for (const person of crowd.people) person.pings = { count: 0 };
    for (const { socket, pings } of crowd.people) socket.io.engine.on('packet', ({ type }) => type === 'ping' && (pings.count += 1));
    return crowd;
  }

  /** How many pings each of them has had. */
  pings() {
    return [...this.wires, ...this.people].map(({ pings }) => pings.count);
  }

  /** Each of them says something, and is answered. */
  async speak() {
    for (const wire of this.wires) {
      wire.send('421["message",{"text":"by wire"}]');
      const answer = await wire.until((frame) => frame.startsWith('431['), 'the answer to a message');
      if (!answer.startsWith('431[{"id":')) throw new Error(`a message was answered with ${answer}`);
    }
    for (const person of this.people) await person.say('by a stock client');
  }
}

async function enterByWire(t, server, room, name) {
  const wire = await WireSocket.session(t, server, room, { recovery: '1' }); // as stock clients do
  wire.pings = { count: 0 };
  wire.socket.on('message', (data) => {
    if (data.toString() !== '2') return;
    wire.pings.count += 1;
    wire.send('3');
  });
  wire.send(`40${JSON.stringify({ name })}`);
  await wire.until((frame) => frame.startsWith('40{'), 'the answer to CONNECT');
  return wire;
}
