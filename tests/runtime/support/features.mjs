// The features of the matrix: each is something a client does with the conformance app, and what has to come of it.
import { cuttable, Peer, plain } from './peers.mjs';
import { within } from './wait.mjs';
import { freshRoom } from './wire.mjs';

const SMALL = Buffer.from([0, 1, 2, 127, 128, 255]);
const EMPTY = Buffer.alloc(0);
const ARGS = [1, 'zwei ✓', { three: [true, null, 1.5] }];
const BINARY = ['a', SMALL, { deep: [EMPTY, { deeper: SMALL }] }];
const PLAIN_BINARY = plain(BINARY);
/** The origin of a page that the server `foreign` lets in. */
export const FOREIGN_ORIGIN = 'https://page.example.com';
/** What comes first, on the transport that the client has in the end. */
const FIRST = (kind, transport) => ({ transport: transport === 'polling' ? 'polling' : 'websocket', first: ['auth', {}] });
const CUT = /^disconnect: transport (close|error)$/;

/**
 * `{name: {run(t, server, kind, transport), expected(kind, transport)}}`; `run` returns what has to equal `expected`. `server` has
 * the name of another server than the plain one. Only kinds that recover have a feature that `recovers`, and only clients in
 * JavaScript one of their `options`.
 */
const FEATURES = {
  connect: {
    async run(t, server, kind, transport) {
      const peer = await Peer.open(t, kind, server.url, freshRoom(), { transport });
      return { transport: peer.transport, first: await peer.next('the greeting') };
    },
    expected: FIRST,
  },

  namespaces: {
    async run(t, server, kind, transport) {
      const main = await Peer.open(t, kind, server.url, freshRoom(), { transport });
      await main.next('the greeting');
      const got = {};
      for (const name of ['/custom', '/dynamic-7']) {
        const peer = main.namespace(name);
        await peer.connected(`${name} to be joined`);
        peer.emit('message', name);
        got[name] = [await peer.next('the greeting'), await peer.next('the message back')];
      }
      got['/nowhere'] = await main.namespace('/nowhere').refused();
      got['/'] = await main.call('message-with-ack', 'still here');
      return got;
    },
    expected: ({ old }) => ({
      '/custom': [['auth', {}], ['message-back', '/custom']],
      '/dynamic-7': [['auth', {}], ['message-back', '/dynamic-7']],
      '/nowhere': old ? { data: { message: 'Invalid namespace' } } : { message: 'Invalid namespace', data: undefined },
      '/': ['still here'],
    }),
  },

  auth: {
    async run(t, server, kind, transport) {
      const peer = await Peer.open(t, kind, server.url, freshRoom(), { transport, namespace: '/admin', auth: { token: 'secret' } });
      return peer.next('the greeting');
    },
    expected: () => ['auth', { token: 'secret' }],
  },

  events: {
    async run(t, server, kind, transport) {
      const room = freshRoom();
      const peer = await Peer.open(t, kind, server.url, room, { transport });
      const other = await Peer.open(t, kind, server.url, room);
      for (const each of [peer, other]) await each.next('the greeting');
      peer.emit('message', ...ARGS);
      const back = await peer.next('the message back');
      peer.emit('broadcast', ...ARGS);
      other.emit('broadcast', 'from the other');
      return { back, heard: [await other.next('the broadcast'), await peer.next('the broadcast of the other, and not the own')] };
    },
    expected: () => ({ back: ['message-back', ...ARGS], heard: [['broadcast', ...ARGS], ['broadcast', 'from the other']] }),
  },

  acks: {
    async run(t, server, kind, transport) {
      const peer = await Peer.open(t, kind, server.url, freshRoom(), { transport });
      await peer.next('the greeting');
      peer.answer = ['forty', 2];
      peer.emit('emit-with-ack', 'what?', 6, 9);
      return [await peer.call('message-with-ack', ...ARGS), await peer.call('message-with-ack'),
        await peer.next('the question'), await peer.next('the answer')];
    },
    expected: () => [ARGS, [], ['question', 'what?', 6, 9], ['answer', 'forty', 2]],
  },

  binary: {
    async run(t, server, kind, transport) {
      const peer = await Peer.open(t, kind, server.url, freshRoom(), { transport });
      await peer.next('the greeting');
      peer.emit('message', ...BINARY);
      const back = await peer.next('the message back');
      const acked = await peer.call('message-with-ack', ...BINARY);
      peer.answer = [SMALL, 'and', EMPTY];
      peer.emit('emit-with-ack', ...BINARY);
      return plain({ back, acked, question: await peer.next('the question'), answer: await peer.next('the answer') });
    },
    expected: () => ({
      back: ['message-back', ...PLAIN_BINARY], acked: PLAIN_BINARY,
      question: ['question', ...PLAIN_BINARY], answer: ['answer', ...plain([SMALL, 'and', EMPTY])],
    }),
  },

  refusal: {
    async run(t, server, kind, transport) {
      const wrong = Peer.start(t, kind, server.url, freshRoom(), { transport, namespace: '/admin', auth: { token: 'wrong' } });
      const refusal = await wrong.life.until(({ refused }) => refused, 'the refusal');
      const right = Peer.start(t, kind, server.url, freshRoom(), { transport, namespace: '/admin', auth: { token: 'secret' } });
      await right.connected();
      return refusal.refused;
    },
    // Before connect_error there was one value only, and the reference sends the data then.
    expected: ({ old }) => (old ? { data: { code: 401 } } : { message: 'not authorized', data: { code: 401 } }),
  },

  'server disconnect': {
    async run(t, server, kind, transport) {
      const main = await Peer.open(t, kind, server.url, freshRoom(), { transport });
      const custom = main.namespace('/custom');
      await custom.connected();
      custom.emit('kick', { close: false });
      const left = await custom.life.next('the end of the namespace');
      const stays = await main.call('message-with-ack', 'still here');
      const closed = new Promise((resolve) => main.socket.io.engine.once('close', () => resolve('closed')));
      main.emit('kick', { close: true });
      return { left, stays, kicked: await main.life.next('the end of the socket'), engine: await within(closed, 'the end of the connection') };
    },
    expected: () => ({
      left: 'disconnect: io server disconnect', stays: ['still here'],
      kicked: 'disconnect: io server disconnect', engine: 'closed',
    }),
  },

  reconnection: {
    async run(t, server, kind, transport) {
      const proxy = await (server.cuttable ?? cuttable)(t, server);
      const peer = await Peer.open(t, kind, proxy.url, freshRoom(), { transport, reconnection: true, reconnectionDelay: 20 });
      await peer.next('the greeting');
      const before = peer.socket.id;
      proxy.cut();
      const lost = await peer.life.until((step) => step.startsWith?.('disconnect'), 'the loss of the connection');
      proxy.restore();
      await peer.life.until((step) => step === 'connect', 'the client to connect again');
      return { lost: CUT.test(lost) || lost, newId: peer.socket.id !== before, alive: await peer.call('message-with-ack', 'back') };
    },
    expected: () => ({ lost: true, newId: true, alive: ['back'] }),
  },

  recovery: {
    recovers: true,
    server: 'recovering',
    async run(t, server, kind, transport) {
      const [proxy, room] = [await (server.cuttable ?? cuttable)(t, server), freshRoom()];
      const peer = await Peer.open(t, kind, proxy.url, room, { transport, reconnection: true, reconnectionDelay: 20 });
      const other = await Peer.open(t, kind, server.url, room);
      await peer.next('the greeting');
      const before = peer.socket.id;
      await other.call('message-with-ack'); // by then the next poll is under way, or the reference doesn't notice the cut
      proxy.cut();
      await peer.life.until((step) => step.startsWith?.('disconnect'), 'the loss of the connection');
      other.emit('broadcast', 'missed');
      await other.call('message-with-ack');
      proxy.restore();
      await peer.life.until((step) => step === 'connect', 'the client to connect again');
      const [event, missed] = await peer.next('the event that it missed');
      return { recovered: peer.socket.recovered, sameId: peer.socket.id === before, event, missed };
    },
    expected: () => ({ recovered: true, sameId: true, event: 'broadcast', missed: 'missed' }),
  },

  heartbeat: {
    async run(t, server, kind, transport) {
      const peer = await Peer.open(t, kind, server.url, freshRoom(), { transport });
      for (const which of ['first', 'second']) await peer.beats.next(`the ${which} heartbeat`);
      return peer.call('message-with-ack', 'alive');
    },
    expected: () => ['alive'],
  },

  subprotocol: {
    options: true,
    async run(t, server, kind, transport) {
      const peer = await Peer.open(t, kind, server.url, freshRoom(), { transport, protocols: ['chat.v1', 'chat.v2'] });
      return { transport: peer.transport, first: await peer.next('the greeting') };
    },
    expected: FIRST,
  },

  'another origin': {
    options: true,
    server: 'foreign',
    async run(t, server, kind, transport) {
      const options = { extraHeaders: { origin: FOREIGN_ORIGIN }, withCredentials: true };
      const peer = await Peer.open(t, kind, server.url, freshRoom(), { transport, ...options });
      return { transport: peer.transport, first: await peer.next('the greeting') };
    },
    expected: FIRST,
  },

  transports: {
    options: true,
    server: 'websocketOnly',
    async run(t, server, kind, transport) {
      const peer = Peer.start(t, kind, server.url, freshRoom(), { transport });
      const failed = new Promise((resolve) => {
        // Version 2 of the client has another name for it than the later ones.
        for (const event of ['error', 'connect_error']) peer.socket.io.on(event, () => resolve('refused'));
      });
      return within(Promise.race([failed, peer.connected().then(() => peer.transport)]), 'the client to connect or to fail');
    },
    expected: (kind, transport) => (transport === 'websocket' ? 'websocket' : 'refused'),
  },
};

/** The features that this kind of client has. */
export const featuresOf = ({ recovers, io }) =>
  Object.entries(FEATURES).filter(([, feature]) => (recovers || !feature.recovers) && (io || !feature.options));
