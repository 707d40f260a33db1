// The benchmark works: each part runs small, and everything that was sent arrived. Nothing here depends on how fast it was.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from './runtime/support/paths.mjs';
import { DEPLOYED } from './runtime/support/server.mjs';
import { eventually, within } from './runtime/support/wait.mjs';

/** The load generator may have to be compiled first. */
const PATIENCE = 600_000;

/** Runs the benchmark with these options: `child`, and `done`, which is `{code, output}`. */
function run(...args) {
  const child = spawn(process.execPath, [path.join(ROOT, 'bench', 'run.mjs'), ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
  return { child, output: () => output, done: within(ended, () => `the benchmark to end; it printed ${output}`, PATIENCE) };
}

/** What it measures with these options, and the tables that it prints. */
async function measured(t, ...args) {
  const folder = mkdtempSync(path.join(tmpdir(), 'roomcast-bench-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'all.json');
  const { code, output } = await run('--quick', '--json', file, ...args).done;
  assert.equal(code, 0, output);
  return { output, parts: JSON.parse(readFileSync(file, 'utf8')) };
}

/** A cell of messages: on all of these servers, everything arrived, and nothing twice. */
function assertArrived({ reports }, servers) {
  assert.deepEqual(Object.keys(reports), servers);
  for (const [report] of Object.values(reports)) {
    assert.ok(report.deliveries > 0 && report.cpuUsPerDelivery > 0 && report.latencyMs.max >= report.latencyMs.p50, JSON.stringify(report));
    assert.deepEqual([report.missing, report.strays], [0, 0]);
  }
}

/** The processes below this one, with all of theirs. */
function descendants(pid) {
  const parents = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      return [[Number(name), Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ')[1])]];
    } catch {
      return []; // it has ended
    }
  });
  const below = (parent) => parents.filter(([, of]) => of === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

describe('npm run bench', { skip: process.platform !== 'linux' && 'it reads /proc' }, () => {
  test('messages arrive on all servers, and are compared with the floor', async (t) => {
    const { output, parts } = await measured(t, '--only', 'fanout', '--rooms', '5', '--ours', `again=${DEPLOYED}`);
    assertArrived(parts.fanout[0], ['floor', 'floor-row', 'least-chat', 'socket.io', 'partyserver', 'chat', 'tutorial', 'chat@again', 'tutorial@again']);
    assert.match(output, /^\| chat \|.* × floor \+ row, .* × least chat \|$/m);
    assert.match(output, /^\| chat \(again\) \|.* × chat \|$/m);
  });

  test('payloads, bytes, polling, compression and many rooms', async (t) => {
    const { parts } = await measured(t, '--servers', 'socket.io,chat,relay', '--only', 'payloads,binary,polling,deflate,many,large', '--rooms', '5');
    assert.deepEqual(parts.payloads.map(({ shape }) => shape.bytes), [1_024, 65_536]);
    assertArrived(parts.payloads[0], ['socket.io', 'chat']);
    assertArrived(parts.payloads[1], ['socket.io']); // more than the chat takes
    for (const cell of parts.binary) assertArrived(cell, ['socket.io', 'relay']);
    assertArrived(parts.polling[0], ['socket.io', 'chat']);
    assertArrived(parts.deflate[0], ['socket.io', 'chat']);
    assert.deepEqual(Object.values(parts.deflate[0].reports).map(([{ compressed }]) => compressed), [false, true]);
    for (const part of [parts.many, parts.large]) assertArrived(part[0], ['socket.io', 'chat']);
  });

  test('connections, polling up to an ack, first answers, and sizes', async (t) => {
    const { parts } = await measured(t, '--servers', 'floor-row,chat', '--only', 'connect,exchange,start,size', '--rooms', '10');
    for (const name of ['floor-row', 'chat']) {
      const [{ connected, seconds, residentKbPerConnection }] = parts.connect[0].reports[name];
      assert.ok(connected === 10 && seconds > 0 && residentKbPerConnection > 0, name);
      assert.ok(parts.exchange[name][0].medianMs > 0 && parts.exchange[name][0].times > 1, name);
      assert.ok(parts.start[name][0].first.medianMs > 0 && parts.start[name][0].other.medianMs > 0, name);
    }
    const [{ files }] = parts.size;
    for (const { raw, gzip } of files) assert.ok(raw > gzip && gzip > 1_000);
  });

  test('one message reaches all sockets of a room that has slept', async (t) => {
    const { parts } = await measured(t, '--servers', 'least-chat,chat', '--only', 'wake', '--rooms', '20');
    for (const server of ['least-chat', 'chat']) {
      const [{ receivers, lastMs }] = parts.wake[server];
      assert.deepEqual([receivers, lastMs > 0], [19, true], server);
    }
  });

  test('in an open loop, messages are sent at the rate that was asked for', async (t) => {
    const { parts } = await measured(t, '--servers', 'floor', '--only', 'fanout', '--rooms', '3', '--rate', '200', '--seconds', '1');
    const [{ messagesASecond }] = parts.fanout[0].reports.floor;
    assert.ok(messagesASecond > 100 && messagesASecond < 300, `${messagesASecond} messages a second`);
  });

  test('a wrong option is refused with a sentence that says what there is', async () => {
    for (const [args, sentence] of [
      [['--only', 'nothing'], /^roomcast: there is no part 'nothing': there are fanout, /m],
      [['--servers', 'nothing'], /^roomcast: there is no server 'nothing': there are floor, /m],
      [['--nothing'], /^roomcast: Unknown option '--nothing': the options are --only, /m],
      [['--rooms', '2,x'], /^roomcast: --rooms is 'x': it must be a number from 2 to 30000\.$/m],
      [['--ours', '/nothing'], /^roomcast: --ours names \/nothing, and there is no index_bg\.wasm in it/m],
    ]) {
      const { code, output } = await run(...args).done;
      assert.equal(code, 1, output);
      assert.match(output, sentence);
    }
  });

  test('what it started ends with it when it is interrupted', async () => {
    const { child, output, done } = run('--servers', 'chat', '--only', 'fanout', '--rooms', '2', '--seconds', '60');
    await eventually(() => output().includes('round 1'), 'the first round', PATIENCE);
    // The script in the project's Node, the server, and the load generator.
    const started = await eventually(() => {
      const below = descendants(child.pid);
      return below.length >= 3 && below;
    }, 'a server and the load generator');
    process.kill(child.pid, 'SIGINT');
    await done;
    await eventually(() => !started.some((pid) => existsSync(`/proc/${pid}`)), 'all processes to end');
  });
});
