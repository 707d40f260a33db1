// The websocket transport (W): frames, close codes, and upgrades that are refused at the level of HTTP.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { assertBadUpgrade } from './support/refusals.mjs';
import { onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { eventually, within } from './support/wait.mjs';
import { engineUrl, freshRoom, Poller, refusedUpgrade, WireSocket } from './support/wire.mjs';

const LIMIT = 20_000;
const server = serverFor({ ...WITHOUT_PINGS, MAX_PAYLOAD_BYTES: LIMIT });

const WITHOUT_CODE = { code: 1005, reason: '' };

async function connected(t, room = freshRoom()) {
  const wire = await WireSocket.session(t, server, room);
  await wire.connect();
  return wire;
}

describe('frames', () => {
  test('W1 one packet a frame: what looks like a payload of several is one', async (t) => {
    const room = freshRoom();
    const [witness, wire] = [await connected(t, room), await connected(t, room)];
    wire.send('42["createdMessage",{"author":"a","message":"1\\u001e2"}]');
    const [, { message }] = JSON.parse((await witness.next('the message')).slice(2));
    assert.equal(message, '1\x1e2');
  });

  test('W1 a binary frame is a message; one that no header announced closes', async (t) => {
    const wire = await connected(t);
    wire.send(Buffer.from([1, 2, 3]));
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });

  test('W1 the text frame b<base64> is a binary message as well', async (t) => {
    const wire = await connected(t);
    wire.send('bAQID');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });

  test('W1 text outside ASCII survives', async (t) => {
    const wire = await connected(t);
    const name = 'Zoë 漢字 👩‍🚀';
    assert.equal(JSON.parse((await wire.proveAlive(name)).slice(4))[0].name, name);
  });

  test('W2 a frame of exactly the limit is taken, one byte more closes with 1009', async (t) => {
    const room = freshRoom();
    const [other, wire] = [await connected(t, room), await connected(t, room)];
    const packet = '420["nobody-knows-this",""]';
    const full = packet.replace('""', `"${'x'.repeat(LIMIT - packet.length)}"`);
    wire.send(full);
    assert.match(await wire.until((frame) => frame.startsWith('430'), 'the answer to the big event'), /unknown_event/);
    wire.send(`${full} `);
    assert.deepEqual(await wire.close(), { code: 1009, reason: '' });
    await other.proveAlive();
  });

  test('W2 the limit counts bytes, not characters', async (t) => {
    const wire = await connected(t);
    wire.send(`420["e","${'é'.repeat(LIMIT / 2)}"]`);
    assert.equal((await wire.close()).code, 1009);
  });
});

describe('closes', () => {
  for (const [name, frame] of [['a packet of unknown type', 'abc'], ['an empty frame', ''], ['a ping', '2'], ['a probe on a session of its own', '2probe']]) {
    test(`W3 W4 ${name} closes without a code`, async (t) => {
      const room = freshRoom();
      const [other, wire] = [await connected(t, room), await connected(t, room)];
      wire.send(frame);
      assert.deepEqual(await wire.close(), WITHOUT_CODE);
      await other.proveAlive();
    });
  }

  for (const frame of ['5', '6', '0']) {
    test(`P10 ${frame} on an open session is ignored`, async (t) => {
      const wire = await connected(t);
      wire.send(frame);
      await wire.proveAlive();
    });
  }

  test('W5 a close packet ends the session at once', { skip: onReference && 'the reference ignores it until the ping timeout' }, async (t) => {
    const room = freshRoom();
    const [witness, wire] = [await connected(t, room), await connected(t, room)];
    await witness.proveAlive('witness');
    await wire.proveAlive('leaver');
    wire.send('1');
    await wire.close();
    await witness.until((frame) => frame.startsWith('42["memberLeft"'), 'memberLeft');
  });

  test('W3 the client that closes its WebSocket leaves the room, with a code or without', async (t) => {
    const room = freshRoom();
    const witness = await connected(t, room);
    await witness.proveAlive('witness');
    for (const leave of [(ws) => ws.close(), (ws) => ws.close(1000), (ws) => ws.close(4321, 'bye'), (ws) => ws.terminate()]) {
      const wire = await connected(t, room);
      const id = JSON.parse((await wire.proveAlive('leaver')).slice(4))[0].id;
      leave(wire.socket);
      const left = await witness.until((frame) => frame.startsWith('42["memberLeft"'), 'memberLeft');
      assert.equal(JSON.parse(left.slice(2))[1].id, id);
      await wire.close('the close to be answered');
    }
  });
});

describe('takeover', () => {
  test('W6 a second WebSocket on the sid of a websocket session never takes it over', { skip: onReference && 'the reference lets it' }, async (t) => {
    const room = freshRoom();
    const first = await connected(t, room);
    const intruder = new WireSocket(engineUrl(server, room, { transport: 'websocket', sid: first.sid }));
    t.after(() => intruder.socket.terminate());
    intruder.opened.then(() => {
      intruder.send('2probe');
      intruder.send('5');
      intruder.send('42["createdMessage",{"author":"intruder","message":"mine now"}]');
    }, () => {}); // a refusal at the level of HTTP is as good
    await intruder.close();
    await first.proveAlive();
  });
});

describe('upgrades refused at the level of HTTP', () => {
  for (const [name, query, message] of [
    ['an unknown sid', { sid: 'abcdefghijklmnopqrst' }, 'Session ID unknown'],
    ['a prototype name as sid', { sid: '__proto__' }, 'Session ID unknown'],
    ['an unknown transport', { transport: 'tobi' }, 'Transport unknown'],
    ['a prototype name as transport', { transport: 'constructor' }, 'Transport unknown'],
    ['no transport', { transport: undefined }, 'Transport unknown'],
  ]) {
    test(`1.2 ${name} is 400 with the message as its text`, async () => {
      const { status, headers, body } = await refusedUpgrade(engineUrl(server, freshRoom(), { transport: 'websocket', ...query }));
      assert.equal(status, 400);
      assert.equal(body.split('.')[0], message);
      assert.match(headers['content-type'], /^text\/html/);
    });
  }

  for (const version of [undefined, '3', '5']) {
    test(`1.2 EIO=${version} is 400 too`, { skip: onReference && 'the reference notices after the 101, and writes HTTP into the socket' }, async () => {
      const { status, body } = await refusedUpgrade(engineUrl(server, freshRoom(), { transport: 'websocket', EIO: version }));
      assert.deepEqual({ status, body }, { status: 400, body: 'Unsupported protocol version' });
    });
  }

  test('1.2 an upgrade with transport=polling is 400 too, and a session that it names goes on', { skip: onReference && 'the reference accepts and closes it' }, async () => {
    const poller = await Poller.open(server, freshRoom());
    for (const url of [engineUrl(server, freshRoom()), poller.url()]) {
      assertBadUpgrade(await refusedUpgrade(url), /transport=polling can't be a WebSocket/);
    }
    assert.match(await poller.connect(), /^40\{/);
  });
});

describe('subprotocols', () => {
  for (const [offered, taken] of [[['chat.v1'], 'chat.v1'], [['graphql-ws', 'chat.v1'], 'graphql-ws'], [[], '']]) {
    test(`W9 of ${JSON.stringify(offered)}, ${JSON.stringify(taken)} is confirmed`, async (t) => {
      const url = engineUrl(server, freshRoom(), { transport: 'websocket' });
      const wire = await WireSocket.open(t, url, undefined, offered);
      assert.equal(wire.socket.protocol, taken);
      assert.match(await wire.next('the open packet'), /^0\{/);
    });
  }

  for (const transports of [['websocket'], ['polling', 'websocket']]) {
    test(`W9 the stock client with the option \`protocols\` is on WebSocket, by ${transports.join(' and ')}`, async (t) => {
      const path = `/r/${freshRoom()}/socket.io/`;
      const socket = io(server.url, { path, transports, protocols: ['chat.v1'], forceNew: true, reconnection: false });
      t.after(() => socket.close());
      await within(new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject)), 'the connection');
      await eventually(() => socket.io.engine.transport.name === 'websocket', 'the upgrade');
    });
  }
});
