// A proxy for WebSockets that takes the room's object out of memory before whatever a client does, and a record of all frames:
// what is said must be the same as where the object stays.
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import msgpack from 'socket.io-msgpack-parser';
import { plain } from './peers.mjs';
import { Inbox, sleep, within } from './wait.mjs';

/** Heartbeats, which come when their time has come, and say nothing. */
const BEATS = new Set(['2', '3', '6']);

/** For so long nothing has to come for everything to have come, in ms. */
const SETTLED = 120;

/** How long a server may take to close its side of a WebSocket, in ms. */
const CLOSING = 2_000;

/**
 * Starts it in front of `server`. With `evict: false` it only records. Its `url` is to be used in place of the server's;
 * `transcript()` is what each connection has sent and received, and `evictions` how often an object was evicted.
 * What clients do on several connections reaches the server in the order in which it came here: each action waits for the
 * server to have read the one before. `leave(client)` disconnects, and waits for that too.
 * `packed`: each binary frame is a packet; else those of a packet follow its text, and are no action of their own.
 */
export async function evictingProxy(t, server, { evict = true, packed = false } = {}) {
  const proxy = { evictions: 0, actions: 0, rooms: new Set() };
  const closes = new Inbox('the proxy');
  const connections = [];
  let queue = Promise.resolve();
  /** One thing after the other, and each with the object just out of memory. */
  const act = (room, action) => {
    const done = queue.then(async () => {
      proxy.actions += 1;
      proxy.rooms.add(room);
      if (evict) await evictRunning(room);
      await action();
    });
    queue = done.catch(() => {});
    return done;
  };
  const evictRunning = async (room) => {
    try {
      await within(server.evict(room, 'hibernate'), 'the eviction');
      proxy.evictions += 1;
    } catch (error) {
      if (!/not currently running/.test(error.message)) throw error; // it is out of memory already
    }
  };

  const http = createServer((_, response) => response.writeHead(404).end());
  const near = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  http.on('upgrade', (request, socket, head) => {
    const room = /^\/r\/([^/]+)\//.exec(request.url)[1];
    const target = new URL(request.url, server.url);
    target.protocol = 'ws:';
    act(room, async () => {
      const far = new WebSocket(target, { perMessageDeflate: false });
      far.on('error', () => far.terminate());
      const record = { sent: [], received: [] };
      connections.push(record);
      const early = [];
      far.on('message', (data, isBinary) => early.push([data, isBinary])); // until there is somebody to pass it on to
      await within(new Promise((resolve) => far.on('open', resolve)), 'the server to take the WebSocket');
      near.handleUpgrade(request, socket, head, (client) => {
        far.removeAllListeners('message');
        const pass = (data, isBinary) => {
          note(record.received, data, isBinary);
          client.send(data, { binary: isBinary });
        };
        early.forEach((frame) => pass(...frame));
        far.on('message', pass);
        far.on('close', () => client.close());
        client.on('error', () => client.terminate());
        client.on('message', (data, isBinary) => {
          note(record.sent, data, isBinary);
          const send = () => sendRead(far, data, isBinary);
          const isAction = isBinary ? packed : !BEATS.has(data.toString());
          if (isAction) act(room, send);
          else queue = queue.then(send);
        });
        client.on('close', (code) => {
          record.cut = code === 1006;
          const closed = act(room, () => (record.cut ? far.terminate() : close(far)));
          closed.catch(() => {}).then(() => closes.push(code));
        });
      });
    }).catch(() => socket.destroy());
  });
  t.after(() => {
    for (const client of near.clients) client.terminate();
    http.close();
    http.closeAllConnections();
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));

  return Object.assign(proxy, {
    url: `http://127.0.0.1:${http.address().port}`,
    async leave(client) {
      client.socket.disconnect();
      await closes.next('a client to have left');
    },
    /**
     * All that was said once nothing more comes, but for connections that were cut in the middle: how much has come by then
     * is a matter of chance.
     */
    async transcript() {
      const total = () => connections.reduce((sum, { sent, received }) => sum + sent.length + received.length, proxy.actions);
      for (let before = -1; before !== total();) {
        before = total();
        await queue;
        await sleep(SETTLED);
      }
      return sameNames(connections.filter(({ cut }) => !cut).map(({ sent, received }) => ({ sent, received })));
    },
  });
}

/** Sends a frame, and waits until the server has read it: what is sent on another connection can't overtake it then. */
async function sendRead(far, data, isBinary) {
  if (far.readyState !== far.OPEN) return;
  const over = new Promise((resolve) => ['pong', 'close'].forEach((event) => far.once(event, resolve)));
  far.send(data, { binary: isBinary });
  far.ping();
  await within(over, 'the server to read a frame');
}

/** Closes a WebSocket, and waits for the server to close it too, if it does. */
async function close(far) {
  const closed = new Promise((resolve) => far.once('close', resolve));
  far.close();
  await Promise.race([closed, sleep(CLOSING)]);
}

function note(list, data, isBinary) {
  if (isBinary) list.push(plain(unpacked(data) ?? data));
  else if (!BEATS.has(data.toString())) list.push(data.toString());
}

/** A packet of MessagePack, if it is one. */
function unpacked(data) {
  const decoder = new msgpack.Decoder();
  let packet;
  decoder.on('decoded', (decoded) => (packet = decoded));
  try {
    decoder.add(data);
  } catch {
    return undefined;
  }
  return packet;
}

/** The same with what differs from run to run named in the order of appearance: ids, offsets, times. */
export function sameNames(value) {
  const names = new Map();
  const name = (text) => {
    if (!names.has(text)) names.set(text, `#${names.size + 1}`);
    return names.get(text);
  };
  const number = (digits) => 1_000 + Number(name(digits).slice(1)); // ids of messages are numbers
  const text = JSON.stringify(value)
    .replace(/(?<=")[A-Za-z0-9_-]{20}(?=\\*")/g, name)
    .replace(/(?<=")\d{16}(?=\\*")/g, 'offset')
    .replace(/(?<="time\\*":)\d+/g, '0')
    .replace(/(?<=":)\d{16}(?=[,}])/g, number);
  return JSON.parse(text);
}
