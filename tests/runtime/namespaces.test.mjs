// Several namespaces on one connection (C3 to C11), on the conformance app, and what their sockets say to one another.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { greet, greetedPoller } from './support/conformance.mjs';
import { serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, RS, WireSocket } from './support/wire.mjs';

const server = serverFor({ ...WITHOUT_PINGS, APP: 'conformance' });

const WITHOUT_CODE = { code: 1005, reason: '' };
const ALL = ['', '/custom', '/dynamic-7', '/dynamic-70'];
const prefix = (name) => (name ? `${name},` : '');
const session = (t, room = freshRoom()) => WireSocket.session(t, server, room);

/** One connection that is in all of `names`. */
async function everywhere(t, room, names = ALL) {
  const wire = await session(t, room);
  for (const name of names) await greet(wire, name);
  return wire;
}

async function assertAlive(wire, name = '') {
  wire.send(`42${prefix(name)}7["message-with-ack","alive"]`);
  assert.equal(await wire.next('the ack'), `43${prefix(name)}7["alive"]`);
}

describe('joining', () => {
  test('C3 each namespace has its own id, and none is that of the engine', async (t) => {
    const wire = await session(t);
    const ids = [wire.sid];
    for (const name of ALL) {
      wire.send(`40${prefix(name)}`);
      ids.push(JSON.parse((await wire.next('CONNECT')).slice(2 + prefix(name).length)).sid);
      await wire.next('the greeting');
    }
    for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{20}$/);
    assert.equal(new Set(ids).size, ids.length);
  });

  for (const name of ['/', '/custom', '/dynamic-0']) {
    test(`C1 C3 ${name} may be joined without the main one, with a comma and without`, async (t) => {
      for (const packet of [`40${name}`, `40${name},`]) {
        const wire = await session(t);
        wire.send(packet);
        assert.ok((await wire.next('CONNECT')).startsWith(name === '/' ? '40{' : `40${name},{`));
      }
    });
  }

  test('C2 each CONNECT has its own auth', async (t) => {
    const wire = await session(t);
    for (const [name, auth] of [['/', '{"a":1}'], ['/custom', '{"b":{"c":[2]}}'], ['/dynamic-1', '{}']]) {
      wire.send(`40${name},${auth}`);
      await wire.next('CONNECT');
      assert.equal(await wire.next('the greeting'), `42${name === '/' ? '' : `${name},`}["auth",${auth}]`);
    }
  });

  test('C5 a refusal has its data, leaves the others alone, and may be tried again', async (t) => {
    const wire = await everywhere(t);
    wire.send('40/admin,{"token":"wrong"}');
    assert.equal(await wire.next('the refusal'), '44/admin,{"message":"not authorized","data":{"code":401}}');
    for (const name of ALL) await assertAlive(wire, name);
    wire.send('40/admin,{"token":"secret"}');
    assert.match(await wire.next('CONNECT'), /^40\/admin,/);
  });

  test('C5 C6 an event for a namespace that refused closes the connection', async (t) => {
    const wire = await everywhere(t);
    wire.send('40/admin');
    await wire.next('the refusal');
    wire.send('42/admin,["message"]');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });

  for (const packet of ['40/custom', '42/nowhere,["message"]', '41/nowhere', '43/dynamic-8,0[]', '44/custom,{"message":"no"}']) {
    test(`C6 ${packet} in vain closes all of them`, async (t) => {
      const room = freshRoom();
      const [other, wire] = [await everywhere(t, room), await everywhere(t, room)];
      wire.send(packet);
      assert.deepEqual(await wire.close(), WITHOUT_CODE);
      for (const name of ALL) await assertAlive(other, name);
    });
  }
});

describe('what reaches whom', () => {
  test('events and acks stay in their namespace; the same ack id is another in another', async (t) => {
    const wire = await everywhere(t);
    for (const name of ALL) wire.send(`42${prefix(name)}7["message-with-ack","${name}"]`);
    for (const name of ALL) assert.equal(await wire.next('the ack'), `43${prefix(name)}7["${name}"]`);
  });

  test('a broadcast reaches the others of its namespace in its room, the sender and all else not', async (t) => {
    const [room, elsewhere] = [freshRoom(), freshRoom()];
    const [sender, other] = [await everywhere(t, room), await everywhere(t, room)];
    const partly = await everywhere(t, room, ['', '/dynamic-70']);
    const stranger = await everywhere(t, elsewhere);
    sender.send('42/dynamic-7,["broadcast",1]');
    assert.equal(await other.next('the broadcast'), '42/dynamic-7,["broadcast",1]');
    sender.send('42/dynamic-70,["broadcast",2]');
    for (const wire of [other, partly]) assert.equal(await wire.next('the broadcast'), '42/dynamic-70,["broadcast",2]');
    for (const wire of [sender, stranger]) await assertAlive(wire); // whose ack is the first thing that they hear
  });

  test('E3 the ids of the server’s questions count up from 0 in each namespace', async (t) => {
    const wire = await everywhere(t);
    for (const id of [0, 1, 2]) {
      for (const name of ['/custom', '']) {
        wire.send(`42${prefix(name)}["emit-with-ack","?"]`);
        assert.equal(await wire.next('the question'), `42${prefix(name)}${id}["question","?"]`);
      }
    }
    for (const [name, id] of [['', 2], ['/custom', 0], ['', 0]]) {
      wire.send(`43${prefix(name)}${id}["${name}",${id}]`);
      assert.equal(await wire.next('the answer'), `42${prefix(name)}["answer","${name}",${id}]`);
    }
    wire.send('430["a second answer"]');
    await assertAlive(wire);
  });

  test('E11 what one client sends is dealt with in order, through all its namespaces', async (t) => {
    const wire = await everywhere(t);
    const sent = Array.from({ length: 200 }, (_, i) => `42${prefix(ALL[i % ALL.length])}["message",${i}]`);
    for (const packet of sent) wire.send(packet);
    for (const packet of sent) assert.equal(await wire.next(packet), packet.replace('message', 'message-back'));
  });

  test('E10 values are what JSON says they are, however they are written', async (t) => {
    const wire = await everywhere(t, freshRoom(), ['']);
    for (const json of [
      'null', 'true', '0', '-0', '1.0', '1e3', '-1.5e-7', '0.1', '123456789012345680000', '9007199254740993', '1e400',
      '""', '"\\u0041\\n\\/\\ud83d\\udc69"', '"\\ud83d"', '"\\u0000\\u001e"', '"é漢👩‍🚀"', '"\u2028\u2029"',
      '[]', '{}', '[[],{"a":{}}]', '{"a":1,"a":2}', '{"__proto__":{"x":1},"constructor":1,"":2}', ' [ 1 , { "a" : null } ] ',
    ]) {
      wire.send(`42["message",${json}]`);
      const back = await wire.next(`the echo of ${json}`);
      assert.ok(back.startsWith('42["message-back",'), back);
      assert.equal(JSON.stringify(JSON.parse(back.slice(2))[1]), JSON.stringify(JSON.parse(json)), json);
    }
  });
});

describe('leaving', () => {
  test('C11 the server takes one socket out: DISCONNECT, and the rest goes on', async (t) => {
    const wire = await everywhere(t);
    wire.send('42/custom,["kick",{"close":false}]');
    assert.equal(await wire.next('DISCONNECT'), '41/custom,');
    for (const name of ALL.filter((left) => left !== '/custom')) await assertAlive(wire, name);
    await greet(wire, '/custom');
    await assertAlive(wire, '/custom');
  });

  test('C11 the server closes the connection: DISCONNECT for each namespace, then the end', async (t) => {
    const wire = await everywhere(t);
    wire.send('42/custom,["kick",{"close":true}]');
    const told = [];
    for (let i = 0; i < ALL.length; i += 1) told.push(await wire.next('DISCONNECT'));
    assert.deepEqual(told.sort(), ALL.map((name) => `41${prefix(name)}`).sort());
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });

  test('C11 P11 the same over polling: all of it in the answers to the GETs that follow', async () => {
    const poller = await greetedPoller(server);
    await poller.post('42["kick",{"close":true}]');
    const packets = [];
    while (packets.at(-1) !== '1') packets.push(...(await poller.get()).body.split(RS));
    assert.equal(packets[0], '41', `the GETs had ${packets}`);
    assert.equal((await poller.get()).status, 400);
  });

  test('C11 a client leaves one namespace; after that it may not speak there', async (t) => {
    const wire = await everywhere(t);
    wire.send('41/custom');
    await assertAlive(wire);
    wire.send('42/custom,["message"]');
    assert.deepEqual(await wire.close(), WITHOUT_CODE);
  });

  test('E12 what was said to a socket that has left is not answered to the one that comes after', async (t) => {
    const wire = await everywhere(t, freshRoom(), ['', '/custom']);
    wire.send('42/custom,["emit-with-ack","?"]');
    assert.equal(await wire.next('the question'), '42/custom,0["question","?"]');
    wire.send('41/custom,');
    await assertAlive(wire);
    await greet(wire, '/custom');
    wire.send('43/custom,0["too late"]');
    await assertAlive(wire, '/custom');
  });
});
