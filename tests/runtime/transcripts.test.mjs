// What clients of other languages send, replayed packet by packet: their queries, headers and order, as their sources and a proxy in front
// of them show it. Nothing but what these clients themselves look at is asserted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { placeholder } from './support/conformance.mjs';
import { AS_DEPLOYED, onReference, serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { freshRoom, request, RS, WireSocket } from './support/wire.mjs';

const vars = { APP: 'conformance', ...WITHOUT_PINGS };
const server = serverFor(vars);
const old = serverFor({ ...vars, ALLOW_EIO3: 'true' });
const recovering = serverFor({ ...vars, ...AS_DEPLOYED });

/** The endpoint of a room of one's own: a function from a query, as it is written, to the URL. */
function endpoint(target = server) {
  const room = freshRoom();
  return (query) => `${target.url}/r/${room}/socket.io/?${query}`;
}

/** Sends a polling client's POST, which must be taken. */
async function post(url, body, headers) {
  const answer = await request(url, { method: 'POST', body, headers });
  assert.deepEqual({ status: answer.status, body: textOf(answer) }, { status: 200, body: 'ok' });
}

/** The text of an answer, which may be compressed where the client takes that. */
const textOf = ({ headers, body, bytes }) => (headers['content-encoding'] === 'gzip' ? gunzipSync(bytes).toString() : body);

const sidOf = (answer) => JSON.parse(/^0(\{.*\})$/.exec(textOf(answer))[1]).sid;

/** Polls until so many packets have come. */
async function poll(url, headers, count) {
  const packets = [];
  while (packets.length < count) {
    const answer = await request(url, { headers });
    assert.equal(answer.status, 200, textOf(answer));
    packets.push(...textOf(answer).split(RS));
  }
  return packets;
}

describe('Java: socket.io-client-java 2.1, engine.io-client-java 2.1, OkHttp 3.13', () => {
  const GET = { accept: '*/*', connection: 'Keep-Alive', 'accept-encoding': 'gzip', 'user-agent': 'okhttp/3.13.1' };
  const POST = { ...GET, 'content-type': 'text/plain;charset=UTF-8' };
  /** `Base64.DEFAULT`: a line feed after every 76 characters and at the end. */
  const base64 = (bytes) => bytes.toString('base64').replace(/.{76}|.+$/g, '$&\n');

  test('polling: its own parameters first, bytes in lines of base64, 41 and then 1', async () => {
    const at = endpoint();
    const query = 'x=1&name=J%C3%B6rg%20K&EIO=4&transport=polling&room=q1';
    const url = at(`${query}&sid=${sidOf(await request(at(query), { headers: GET }))}`);
    await post(url, '40', POST);
    const [connect, greeting] = await poll(url, GET, 2);
    assert.match(connect, /^40\{"sid":/);
    assert.equal(greeting, '42["auth",{}]');
    for (const bytes of [Buffer.from([1, 2, 3]), Buffer.alloc(57, 0xfe), Buffer.alloc(10_000, 0xa7)]) {
      const packet = (event) => `451-["${event}",${placeholder(0)}]`;
      await post(url, [packet('message'), `b${base64(bytes)}`].join(RS), POST);
      assert.deepEqual(await poll(url, GET, 2), [packet('message-back'), `b${bytes.toString('base64')}`]);
    }
    const held = request(url, { headers: GET });
    await post(url, '41', POST);
    await post(url, '1', POST);
    assert.equal(textOf(await held), '6');
    assert.equal((await request(url, { headers: GET })).status, 400);
  });
});

describe('C#: socket.io-client-csharp 4.0', () => {
  const GET = { 'content-type': 'text/plain; charset=utf-8', 'content-length': '0' };
  const POST = { 'content-type': 'text/plain; charset=utf-8' };

  /** Its handshake, and CONNECT by polling without any GET. */
  async function open(at) {
    const sid = sidOf(await request(at('EIO=4&transport=polling'), { headers: GET }));
    const url = at(`EIO=4&transport=polling&sid=${sid}`);
    await post(url, '40', POST);
    return { sid, url };
  }

  test('AutoUpgrade: 5 without a probe, and the answer to CONNECT over the WebSocket', async (t) => {
    const at = endpoint();
    const { sid } = await open(at);
    const wire = await WireSocket.open(t, at(`EIO=4&transport=websocket&sid=${sid}`));
    wire.send('5');
    assert.match(await wire.next('CONNECT'), /^40\{"sid":/);
    assert.equal(await wire.next('the greeting'), '42["auth",{}]');
    wire.send(`451-["message",${placeholder(0)}]`);
    wire.send(Buffer.from([1, 2, 3]));
    assert.equal(await wire.next('the echo'), `451-["message-back",${placeholder(0)}]`);
    assert.deepEqual(await wire.next('its bytes'), Buffer.from([1, 2, 3]));
    wire.send('41');
    wire.socket.close(1000);
    assert.equal((await wire.close()).code, 1000);
  });

  test('polling: the text of an event and its bytes in two POSTs', async () => {
    const { url } = await open(endpoint());
    assert.equal((await poll(url, GET, 2))[1], '42["auth",{}]');
    await post(url, `452-["message",${placeholder(0)},${placeholder(1)}]`, POST);
    await post(url, ['bAQID', 'bBAU='].join(RS), POST);
    assert.deepEqual(await poll(url, GET, 3), [`452-["message-back",${placeholder(0)},${placeholder(1)}]`, 'bAQID', 'bBAU=']);
    await post(url, '41', POST);
  });
});

describe('Swift: socket.io-client-swift 16, Starscream 4', () => {
  const POST = { 'content-type': 'text/plain; charset=UTF-8' };

  test('polling with b64=1, the upgrade with a 6 by POST before its 5, and the close packet', async (t) => {
    const at = endpoint();
    const sid = sidOf(await request(at('transport=polling&b64=1&EIO=4')));
    const url = at(`transport=polling&b64=1&EIO=4&sid=${sid}`);
    const held = request(url);
    const wire = await WireSocket.open(t, at(`transport=websocket&EIO=4&sid=${sid}`), { origin: server.url.replace('http', 'ws') });
    wire.send('2probe');
    assert.equal(await wire.next('the answer to the probe'), '3probe');
    await post(url, '6', POST);
    assert.equal((await held).body, '6');
    wire.send('5');
    wire.send('40/,{"token":"t"}');
    assert.match(await wire.next('CONNECT'), /^40\{"sid":/);
    assert.equal(await wire.next('the greeting'), '42["auth",{"token":"t"}]');
    wire.send('42["message","über",{"a":null}]');
    assert.equal(await wire.next('the echo'), '42["message-back","über",{"a":null}]');
    wire.send('41/,');
    wire.send('1');
    wire.socket.close(1000);
    await wire.close();
  });

  test('forcePolling: CONNECT with an object, and several packets of one POST', async () => {
    const at = endpoint();
    const url = at(`transport=polling&b64=1&EIO=4&sid=${sidOf(await request(at('transport=polling&b64=1&EIO=4')))}`);
    await post(url, '40/,{"token":"t"}', POST);
    assert.equal((await poll(url, {}, 2))[1], '42["auth",{"token":"t"}]');
    await post(url, [`451-["message",${placeholder(0)}]`, 'bAQID', '42["message",2]'].join(RS), POST);
    assert.deepEqual(await poll(url, {}, 3), [`451-["message-back",${placeholder(0)}]`, 'bAQID', '42["message-back",2]']);
    await post(url, '41/,', POST);
    await post(url, '1', POST);
  });
});

describe('Dart: socket_io_client 3.1', () => {
  const entering = (t, query) => {
    const at = endpoint(recovering);
    return async (auth) => {
      const wire = await WireSocket.open(t, at(query));
      assert.match(await wire.next('the open packet'), /^0\{/);
      wire.send(`40${JSON.stringify(auth)}`);
      const connect = JSON.parse((await wire.until((frame) => frame.startsWith('40'), 'CONNECT')).slice(2));
      return { wire, connect };
    };
  };

  test('pid and offset are null at first, and a handler gets what was sent alone', async (t) => {
    const enter = entering(t, 'EIO=4&transport=websocket');
    const { wire } = await enter({ pid: null, offset: null });
    const auth = { pid: null, offset: null };
    const greeting = JSON.parse((await wire.next('the greeting')).slice(2));
    assert.deepEqual(onReference ? greeting.slice(0, 2) : greeting, ['auth', auth]);
    wire.send('42["message",1]');
    assert.match(await wire.next('the echo'), onReference ? /^42\["message-back",1,"/ : /^42\["message-back",1\]$/);
  });

  test('with recovery=1 in its query it recovers after a close frame without a code', async (t) => {
    const enter = entering(t, 'EIO=4&transport=websocket&recovery=1');
    const { wire, connect } = await enter({ pid: null, offset: null });
    const greeting = JSON.parse((await wire.next('the greeting')).slice(2));
    assert.deepEqual(greeting[0], 'auth');
    wire.socket.close();
    assert.equal((await wire.close()).code, 1005);
    const back = await enter({ pid: connect.pid, offset: greeting.at(-1) });
    assert.equal(back.connect.sid, connect.sid, 'the same socket');
    back.wire.send('42["message",1]');
    assert.match(await back.wire.next('the echo'), /^42\["message-back",1/);
  });
});

describe('Arduino: timum-viw/socket.io-client, of Engine.IO 3', () => {
  test('no EIO at all, its own pings, and events as soon as it is connected', async (t) => {
    const wire = await WireSocket.open(t, endpoint(old)('transport=websocket'));
    assert.match(await wire.next('the open packet'), /^0\{/);
    assert.equal(await wire.next('CONNECT'), '40');
    assert.equal(await wire.next('the greeting'), '42["auth",{}]');
    wire.send('2');
    assert.equal(await wire.next('the pong'), '3');
    wire.send('42["message",1]');
    assert.equal(await wire.next('the echo'), '42["message-back",1]');
    wire.send('42["message"]');
    assert.equal(await wire.next('the echo'), '42["message-back"]');
  });
});

describe('C++: socket.io-client-cpp 3.1.0', () => {
  const open = async (t, at, more = '') => WireSocket.open(t, at(`EIO=4&transport=websocket&t=1795720648${more}`));

  test('CONNECT before the open packet, keys that are not encoded, namespaces without a comma, empty acks', async (t) => {
    const at = endpoint();
    const wire = await open(t, at, '&filter[a]|b=1');
    wire.send('40');
    wire.send('40/admin');
    wire.send('40/custom');
    assert.match(await wire.next('the open packet'), /^0\{/);
    assert.match(await wire.next('CONNECT'), /^40\{"sid":/);
    assert.equal(await wire.next('the greeting'), '42["auth",{}]');
    assert.match(await wire.next('the refusal'), /^44\/admin,\{"message":"not authorized"/);
    assert.match(await wire.next('CONNECT'), /^40\/custom,\{"sid":/);
    assert.equal(await wire.next('the greeting'), '42/custom,["auth",{}]');
    wire.send('42/custom,["emit-with-ack",1]');
    const id = /^42\/custom,(\d+)\["question",1\]$/.exec(await wire.next('the question'))[1];
    wire.send(`43/custom,${id}[]`);
    assert.equal(await wire.next('the answer'), '42/custom,["answer"]');
    wire.send('41/custom');
    wire.send('42["message","still here"]');
    assert.equal(await wire.next('the echo'), '42["message-back","still here"]');
  });

  test('clients of one process share the numbers of their acks', async (t) => {
    const at = endpoint();
    const [one, two] = [await open(t, at), await open(t, at)];
    for (const [wire, id] of [[one, 1], [two, 2], [one, 3]]) {
      if (id < 3) {
        wire.send('40');
        await wire.until((frame) => frame.startsWith('42["auth"'), 'the greeting');
      }
      wire.send(`42${id}["message-with-ack","a"]`);
      assert.equal(await wire.until((frame) => frame.startsWith('43'), 'the ack'), `43${id}["a"]`);
    }
  });

  for (const [name, args] of [['1000 End by user', [1000, 'End by user']], ['an empty close frame', []], ['1008 Ping timeout', [1008, 'Ping timeout']]]) {
    test(`it leaves with ${name}`, async (t) => {
      const at = endpoint();
      const [witness, wire] = [await open(t, at), await open(t, at)];
      for (const each of [witness, wire]) {
        each.send('40');
        await each.until((frame) => frame.startsWith('42["auth"'), 'the greeting');
      }
      wire.socket.close(...args);
      assert.equal((await wire.close()).code, args[0] ?? 1005);
      witness.send('42["message",1]');
      assert.equal(await witness.next('the echo'), '42["message-back",1]');
    });
  }
});
