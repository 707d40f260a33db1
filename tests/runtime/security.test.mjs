// What once broke the reference, its clients or its peers (1.14), each under the name of its advisory: it must not break a room,
// and the others in it must not notice. (CVE-2020-28481 is in cors.test.mjs. WebTransport, GHSA-gr94-w7qr-f4j3, is not offered: R5.)
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { describe, test } from 'node:test';
import { greetedPoller, greetedSocket, placeholder } from './support/conformance.mjs';
import { OldPoller } from './support/eio3.mjs';
import { assertBadRequest } from './support/refusals.mjs';
import { serverFor, WITHOUT_PINGS } from './support/target.mjs';
import { sleep, within } from './support/wait.mjs';
import { ECHO, engineUrl, freshRoom, Poller, refusedUpgrade, request, RS, WireSocket } from './support/wire.mjs';

const INTERVAL = 300;
const server = serverFor({ ...WITHOUT_PINGS, APP: 'conformance', ALLOW_EIO3: 'true' });
const beating = serverFor({ APP: 'conformance', PING_INTERVAL_MS: INTERVAL, PING_TIMEOUT_MS: 5_000 });

const WITHOUT_CODE = { code: 1005, reason: '' };
const ONE = Buffer.from([1]);

/** Two in a room: one that is going to misbehave, and one that must not notice. */
async function pair(t) {
  const room = freshRoom();
  const [bad, other] = [await greetedSocket(t, server, { room }), await greetedSocket(t, server, { room })];
  const assertUnharmed = async () => {
    other.send('427["message-with-ack","alive"]');
    assert.equal(await other.next('the ack of the other'), '437["alive"]');
  };
  return { room, bad, assertUnharmed };
}

/** Raw bytes to the server, and whether it is there afterwards. */
async function rawRequest(t, url, headers, then) {
  const { hostname, port, pathname, search, host } = new URL(url);
  const socket = connectTcp(port, hostname);
  t.after(() => socket.destroy());
  socket.on('error', () => {}); // a reset is what some of these want
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${headers.join('\r\n')}\r\n\r\n`);
  await then(socket);
}

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];

describe('attachments', () => {
  test('CVE-2026-69185 GHSA-2m8v-j782-fhvr CVE-2026-48804: a packet of no attachments collects none', async (t) => {
    const { bad, assertUnharmed } = await pair(t);
    for (const frame of ['450-["message"]', ONE, ONE, ONE]) bad.send(frame);
    assert.deepEqual(await bad.close(), WITHOUT_CODE);
    await assertUnharmed();
  });

  test('CVE-2026-33151 GHSA-677m-j7p3-52f9 CVE-2026-48809: nor does one that announces very many', async (t) => {
    for (const count of ['11', '4294967296', '9'.repeat(30), '1e9', '-1']) {
      const { bad, assertUnharmed } = await pair(t);
      bad.send(`45${count}-["message",${placeholder(0)}]`);
      assert.deepEqual(await bad.close(), WITHOUT_CODE, count);
      await assertUnharmed();
    }
  });

  test('CVE-2022-2421 GHSA-qm95-pgcg-qqfq: the number of an attachment is a number', async (t) => {
    for (const num of ['"splice"', '"length"', '"constructor"', '"__proto__"', '"0"']) {
      const { bad, assertUnharmed } = await pair(t);
      bad.send(`451-["message",${placeholder(num)}]`);
      bad.send(ONE);
      assert.deepEqual(await bad.close(), WITHOUT_CODE, num);
      await assertUnharmed();
    }
  });
});

describe('packets', () => {
  test('CVE-2023-32695 GHSA-cqmj-92xf-r6r9: the name of an event is text or a number, and not a reserved one', async (t) => {
    for (const packet of ['42[{"toString":"foo"}]', '42[["message"]]', '42["newListener"]', '42["disconnecting"]', `451-[{"toString":"foo"},${placeholder(0)}]`]) {
      const { bad, assertUnharmed } = await pair(t);
      bad.send(packet);
      assert.deepEqual(await bad.close(), WITHOUT_CODE, packet);
      await assertUnharmed();
    }
  });

  test('CVE-2020-36049 GHSA-xfhh-g9f5-x4m4: a long run of digits costs no more than its length', async (t) => {
    const { bad, assertUnharmed } = await pair(t);
    const started = Date.now();
    bad.send(`45${'1'.repeat(900_000)}`);
    assert.deepEqual(await bad.close(), WITHOUT_CODE);
    assert.ok(Date.now() - started < 2_000, `it took ${Date.now() - started} ms`);
    await assertUnharmed();
  });

  test('CVE-2024-38355 GHSA-25hc-qcg6-38wj: an event by the name of "error" is like any other', async (t) => {
    const { bad, assertUnharmed } = await pair(t);
    bad.send('42["error","boom"]');
    bad.send('42["message","alive"]');
    assert.equal(await bad.next('the message back'), '42["message-back","alive"]');
    await assertUnharmed();
  });

  for (const [name, keys] of [['an event', '42["message",{"__proto__":{"polluted":true}}]'], ['auth', '40/custom,{"__proto__":{"token":"secret"}}']]) {
    test(`__proto__ in ${name} is a key like any other`, async (t) => {
      const { bad, assertUnharmed } = await pair(t);
      bad.send(keys);
      const answer = await bad.until((frame) => frame.includes('__proto__'), 'the answer');
      assert.ok(answer.includes(keys.slice(keys.indexOf('{'), keys.lastIndexOf('}') + 1)), answer);
      bad.send('40/admin,{"__proto__":{"token":"secret"}}');
      assert.equal(await bad.next('the refusal'), '44/admin,{"message":"not authorized","data":{"code":401}}');
      await assertUnharmed();
    });
  }
});

describe('HTTP', () => {
  test('CVE-2026-59725 GHSA-r635-g3xr-vw7x: POSTs of octets are answered, and not kept', async () => {
    for (let i = 0; i < 20; i += 1) {
      const poller = await Poller.open(server, ECHO);
      assertBadRequest(await poller.post('4a', { headers: { 'content-type': 'application/octet-stream' } }), /octet-stream/, { empty: true });
      assert.equal((await poller.get()).status, 400);
    }
  });

  test('CVE-2020-36048 GHSA-j4f2-536g-r55m: a payload of Engine.IO 3 costs no more than its length', async () => {
    const poller = await OldPoller.open(server, ECHO);
    const started = Date.now();
    for (const payload of ['1'.repeat(999_999), '2:6a'.repeat(200_000)]) {
      const closing = await OldPoller.open(server, ECHO);
      await closing.post(payload).catch(() => {});
    }
    assert.ok(Date.now() - started < 4_000, `it took ${Date.now() - started} ms`);
    assert.equal((await poller.post(`9:4${'x'.repeat(1_000_000)}`)).status, 413);
    await poller.send('4alive');
    assert.equal((await poller.get()).body, '6:4alive');
  });

  test('CVE-2023-31125 GHSA-q9mw-68c2-j6m5: a WebSocket with a transport that is none', async (t) => {
    const { room, assertUnharmed } = await pair(t);
    for (const transport of ['__proto__', 'constructor', 'toString', 'foo']) {
      const { status, body } = await refusedUpgrade(engineUrl(server, room, { transport }));
      assert.equal(status, 400);
      assert.match(body, /^Transport unknown/);
    }
    await assertUnharmed();
  });

  test('CVE-2022-41940 GHSA-r7qp-cfhv-p84w: a connection reset while its upgrade is being refused', async (t) => {
    const { room, assertUnharmed } = await pair(t);
    for (let i = 0; i < 20; i += 1) {
      await rawRequest(t, engineUrl(server, room, { transport: 'websocket', sid: 'nobody' }), UPGRADE, (socket) => socket.resetAndDestroy());
    }
    await assertUnharmed();
  });

  test('CVE-2022-21676 GHSA-273r-mgr4-v34f: garbage in place of the first frame', async (t) => {
    const { room, assertUnharmed } = await pair(t);
    for (const frame of ['ff00', '7f00', 'c1', '00'.repeat(64), '81fe', '8180']) {
      await rawRequest(t, engineUrl(server, room, { transport: 'websocket' }), UPGRADE, async (socket) => {
        await within(new Promise((resolve) => socket.once('data', resolve)), 'the answer to the upgrade');
        // When the server ends the connection is the platform's business: workerd takes its time.
        await new Promise((resolve) => socket.resume().end(Buffer.from(frame, 'hex'), resolve));
      });
    }
    await assertUnharmed();
  });

  test('many sessions that nobody comes back to leave room for others', async () => {
    const room = freshRoom();
    const open = await Promise.all(Array.from({ length: 200 }, () => request(engineUrl(server, room))));
    assert.ok(open.every(({ status }) => status === 200));
    assert.match(await (await Poller.open(server, room)).connect(), /^40/);
  });
});

describe('CVE-2026-48802: pongs that nobody asked for start no heartbeats', () => {
  test('over websocket', async (t) => {
    const wire = await WireSocket.session(t, beating, ECHO);
    let pings = 0;
    wire.socket.on('message', (data) => (pings += data.toString() === '2'));
    for (let i = 0; i < 500; i += 1) wire.send('3');
    await sleep(4 * INTERVAL);
    assert.ok(pings <= 2, `${pings} pings, none of which was answered`);
  });

  test('over polling', async () => {
    const poller = await greetedPoller(beating);
    assert.equal((await poller.post(Array(500).fill('3').join(RS))).body, 'ok');
    await sleep(4 * INTERVAL);
    assert.ok((await poller.get()).body.split(RS).length <= 2, 'pings wait in numbers');
  });
});
