// Recovery (1.11) in other dialects: packets of MessagePack, clients of Socket.IO 2, clients that don't know of it, and none at all.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import parser from 'socket.io-msgpack-parser';
import { placeholder } from './support/conformance.mjs';
import { programFrom, run } from './support/clients.mjs';
import { OldPoller } from './support/eio3.mjs';
import { cuttable, KINDS, Peer } from './support/peers.mjs';
import { connect, connection, Person } from './support/recovery.mjs';
import { AS_DEPLOYED, onReference, roomcastOnly, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, WireSocket } from './support/wire.mjs';

const app = { ...WITHOUT_PINGS, APP: 'conformance', ALLOW_EIO3: 'true', ...AS_DEPLOYED };
const [CONNECT, DISCONNECT, EVENT, ACK] = [0, 1, 2, 3];
const BYTES = Buffer.from([0, 1, 127, 128, 255]);

describe('MessagePack', () => {
  const server = serverFor({ ...app, PARSER: 'msgpack' });
  const encoder = new parser.Encoder();

  /** One socket, packet by packet; `packet` is the next one that comes. */
  class Packed {
    static async open(t, room, data) {
      const packed = new Packed();
      packed.wire = await WireSocket.session(t, server, room, { recovery: '1' });
      packed.send({ type: CONNECT, data });
      packed.missed = [];
      for (;;) {
        const packet = await packed.next('the answer to CONNECT');
        if (packet.type === CONNECT) {
          assert.deepEqual(Object.keys(packet.data).sort(), ['pid', 'sid']);
          return Object.assign(packed, packet.data);
        }
        packed.missed.push(packet);
      }
    }

    send(packet) {
      this.wire.send(encoder.encode({ nsp: '/', ...packet })[0]);
    }

    async next(what) {
      const decoder = new parser.Decoder();
      let decoded;
      decoder.on('decoded', (packet) => (decoded = packet));
      decoder.add(await this.wire.next(what));
      return decoded;
    }

    /** The arguments of the next event, name first; its offset is noted. */
    async event(what = 'an event') {
      const { type, data } = await this.next(what);
      assert.equal(type, EVENT);
      this.offset = data.pop();
      assert.equal(typeof this.offset, 'string');
      return data;
    }

    async ask(...data) {
      this.send({ type: EVENT, data, id: 7 });
      const { type, id, data: answer } = await this.next(`the ack of ${data[0]}`);
      assert.deepEqual({ type, id }, { type: ACK, id: 7 });
      return answer[0];
    }
  }

  test('1.11.1 to 1.11.6: pid, offsets, what was missed, with bytes, before CONNECT', async (t) => {
    const room = freshRoom();
    const [away, here] = [await Packed.open(t, room), await Packed.open(t, room)];
    for (const each of [away, here]) assert.deepEqual(await each.event('the greeting'), ['auth', {}]);
    assert.deepEqual(await away.ask('join', { room: 'tea' }), {});
    away.wire.socket.terminate();
    here.send({ type: EVENT, data: ['broadcast', 'missed', { deep: [BYTES] }] });
    assert.deepEqual(await here.ask('to', { room: 'tea', event: 'room', data: -1.5 }), {});
    const again = await Packed.open(t, room, { pid: away.pid, offset: away.offset });
    assert.deepEqual({ sid: again.sid, pid: again.pid }, { sid: away.sid, pid: away.pid });
    assert.deepEqual(again.missed.map(({ type, nsp, data }) => ({ type, nsp, data: data.slice(0, -1) })), [
      { type: EVENT, nsp: '/', data: ['broadcast', 'missed', { deep: [BYTES] }] },
      { type: EVENT, nsp: '/', data: ['room', -1.5] },
    ]);
    for (const { data } of again.missed) assert.equal(typeof data.at(-1), 'string');
    assert.deepEqual(await again.ask('whoami'), { id: away.sid, sockets: 2, away: 0 });
  });

  test('1.11.2 acks, and events that ask for one, have no offset', async (t) => {
    const packed = await Packed.open(t, freshRoom());
    await packed.event('the greeting');
    assert.equal(await packed.ask('message-with-ack', 'a text'), 'a text');
    packed.send({ type: EVENT, data: ['emit-with-ack', 'a text'] });
    const question = await packed.next('the question');
    assert.deepEqual({ id: question.id, data: question.data }, { id: 0, data: ['question', 'a text'] });
    packed.send({ type: ACK, id: 0, data: ['an answer'] });
    assert.deepEqual(await packed.event(), ['answer', 'an answer']);
  });

  test('1.11.7 after DISCONNECT it is a new client', async (t) => {
    const room = freshRoom();
    const packed = await Packed.open(t, room);
    await packed.event('the greeting');
    packed.send({ type: DISCONNECT });
    packed.wire.socket.close();
    await packed.wire.end();
    const again = await Packed.open(t, room, { pid: packed.pid, offset: packed.offset });
    assert.notEqual(again.sid, packed.sid);
    assert.deepEqual(again.missed, []);
  });
});

describe('Socket.IO 2', () => {
  const server = serverFor(app);

  test('1.11.1 1.11.2 there is no pid in CONNECT, and no event has an offset', { skip: onReference && 'it sends offsets' }, async (t) => {
    const room = freshRoom();
    const wire = await WireSocket.session(t, server, room, { EIO: '3' });
    assert.equal(await wire.next('CONNECT'), '40');
    assert.equal(await wire.next('the greeting'), '42["auth",{}]');
    wire.send('42["message",1]');
    assert.equal(await wire.next('the message back'), '42["message-back",1]');
    wire.send('421["message-with-ack",1]');
    assert.equal(await wire.next('the ack'), '431[1]');
    wire.send('40/custom');
    assert.equal(await wire.next('CONNECT'), '40/custom,');
    const poller = await OldPoller.open(server, room);
    assert.equal(await poller.connect(), '40');
  });

  test('1.11.2 a broadcast has an offset for those who recover alone', { skip: onReference && 'it sends offsets' }, async (t) => {
    const room = freshRoom();
    const old = await WireSocket.session(t, server, room, { EIO: '3' });
    await old.next('CONNECT');
    await old.next('the greeting');
    const [young, here] = [await Person.open(t, server, { room }), await Person.open(t, server, { room })];
    await here.line.send(`451-["broadcast",${placeholder(0)}]`);
    await here.line.send(BYTES);
    assert.deepEqual(await young.event(), ['broadcast', BYTES]);
    assert.equal(await old.next('the broadcast'), `451-["broadcast",${placeholder(0)}]`);
    assert.deepEqual(await old.next('its bytes'), Buffer.concat([Buffer.from([4]), BYTES]));
  });

  test('1.11.8 what looks like a pid in the query of an old client is none', async (t) => {
    const room = freshRoom();
    const person = await Person.open(t, server, { room, namespace: '/custom' });
    const wire = await WireSocket.session(t, server, room, { EIO: '3' });
    for (const what of ['CONNECT', 'the greeting']) await wire.next(what);
    wire.send(`40/custom?pid=${person.pid}&offset=${encodeURIComponent(person.offset)}`);
    assert.equal(await wire.next('CONNECT'), '40/custom,');
    await wire.next('the greeting');
    assert.equal(await person.ask('message-with-ack', 'still here'), 'still here');
  });
});

describe('clients that know nothing of it', () => {
  const server = serverFor(app);
  const old = Object.keys(KINDS).filter((name) => /2\.5|3\.1|4\.5/.test(name));

  for (const name of old) {
    // The client in JavaScript passes the text more to handlers that ignore it. That of Socket.IO 2 gets none from roomcast.
    const more = name.includes('2.5') && !onReference ? [] : ['string'];
    test(`${name} goes on as ever, with ${more.length} texts more behind each event`, async (t) => {
      const options = { transport: 'upgrade', reconnection: true, reconnectionDelay: 50 };
      const peer = await Peer.open(t, KINDS[name], server.url, freshRoom(), options);
      const [event, auth, ...rest] = await peer.next('the greeting');
      assert.deepEqual([event, auth, rest.map((each) => typeof each)], ['auth', {}, more]);
      const { id } = peer.socket;
      peer.socket.io.engine.close();
      await peer.life.until((step) => step === 'connect', 'the client to connect again');
      assert.notEqual(peer.socket.id, id);
      assert.deepEqual(await peer.call('message-with-ack', 'back'), ['back']);
    });
  }

  /** A Python client that loses its connection and comes back: what it was told. */
  async function python(t, transport, query = '') {
    const program = programFrom('ROOMCAST_PYTHON', 'a Python that has python-socketio[client]');
    const script = fileURLToPath(new URL('support/python_recovery.py', import.meta.url));
    const proxy = await cuttable(t, server);
    const onOutput = (chunk) => {
      if (!String(chunk).startsWith('cut')) return;
      proxy.cut();
      setTimeout(proxy.restore, 500); // a client that polls and is between two requests doesn't notice a shorter loss
    };
    const [, line] = (await run(t, program, [script, proxy.url + query, freshRoom(), transport], { onOutput })).split('\n');
    const { sids, ...told } = JSON.parse(line);
    assert.notEqual(sids[0], sids[1], 'it comes back as a new client');
    return told;
  }

  for (const transport of ['websocket', 'polling']) {
    test(`python-socketio over ${transport} gets exactly what was sent`, { skip: onReference && 'it sends offsets' }, async (t) => {
      const told = await python(t, transport);
      assert.deepEqual(told, { greetings: [[{}], [{}]], broadcasts: [['from one handler to another']], acked: 'back', errors: [] });
    });

    test(`python-socketio over ${transport} with recovery=1 gets the offset too`, async (t) => {
      const { greetings, broadcasts, acked } = await python(t, transport, '?recovery=1');
      for (const [auth, offset] of greetings) assert.deepEqual([auth, typeof offset], [{}, 'string']);
      assert.equal(greetings.length, 2);
      // Its handler takes one argument.
      assert.deepEqual([broadcasts, acked], [[], 'back']);
    });
  }

  for (const transport of ['websocket', 'polling', 'upgrade']) {
    test(`socket.io-client 4.8 over ${transport} with recovery=0 is one of them`, { skip: roomcastOnly }, async (t) => {
      const options = { transport, query: { recovery: 0 }, reconnection: true, reconnectionDelay: 50 };
      const peer = await Peer.open(t, KINDS['socket.io-client 4.8'], server.url, freshRoom(), options);
      assert.deepEqual(await peer.next('the greeting'), ['auth', {}]);
      const { id } = peer.socket;
      peer.socket.io.engine.close();
      await peer.life.until((step) => step === 'connect', 'the client to connect again');
      assert.ok(!peer.socket.recovered && peer.socket.id !== id);
      assert.deepEqual(await peer.next('the greeting'), ['auth', {}]);
    });
  }

  test('an auth without pid, or with one that is no text, is a first CONNECT', async (t) => {
    const room = freshRoom();
    for (const auth of [{}, { offset: 'x' }, { pid: null }, { pid: 7, offset: 7 }, { pid: ['a'], offset: {} }]) {
      const { missed } = await connect(await connection(t, server, room), auth);
      assert.deepEqual(missed, []);
    }
  });
});

describe('RECOVERY_MS = 0', () => {
  const off = serverFor({ ...app, RECOVERY_MS: 0 });

  test('no pid, no offset, and whoever comes back is new', async (t) => {
    const room = freshRoom();
    const wire = await WireSocket.session(t, off, room);
    wire.send('40');
    assert.match(await wire.next('CONNECT'), /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
    assert.equal(await wire.next('the greeting'), '42["auth",{}]');
    wire.send('42["message",1]');
    assert.equal(await wire.next('the message back'), '42["message-back",1]');
    wire.send(`451-["message",${placeholder(0)}]`);
    wire.send(BYTES);
    assert.equal(await wire.next('the bytes’ message'), `451-["message-back",${placeholder(0)}]`);
    assert.deepEqual(await wire.next('the bytes'), BYTES);
    const again = await WireSocket.session(t, off, room);
    const auth = { pid: 'A'.repeat(20), offset: '1700000000000000' };
    again.send(`40${JSON.stringify(auth)}`);
    assert.match(await again.next('CONNECT'), /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
    assert.equal(await again.next('the greeting'), `42["auth",${JSON.stringify(auth)}]`);
  });
});

describe('an app without recovery', { skip: roomcastOnly }, () => {
  const without = serverFor({ ...app, APP: 'conformance-without-recovery' });

  test('no pid, no offset, and whoever comes back is new, even who asks for it', async (t) => {
    for (const recovery of [undefined, '1']) {
      const wire = await WireSocket.session(t, without, freshRoom(), { recovery });
      wire.send('40{"pid":"of another life"}');
      assert.match(await wire.next('CONNECT'), /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
      assert.equal(await wire.next('the greeting'), '42["auth",{"pid":"of another life"}]');
    }
    const options = { reconnection: true, reconnectionDelay: 50 };
    const peer = await Peer.open(t, KINDS['socket.io-client 4.8'], without.url, freshRoom(), options);
    assert.deepEqual(await peer.next('the greeting'), ['auth', {}]);
    peer.socket.io.engine.close();
    await peer.life.until((step) => step === 'connect', 'the client to connect again');
    assert.ok(!peer.socket.recovered);
  });
});
