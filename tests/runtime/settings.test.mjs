// Settings as they arrive from wrangler.toml, quoted or not; and what a server that is set up wrongly says, to the public and in its log.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { roomcastOnly } from './support/target.mjs';
import { eventually } from './support/wait.mjs';
import { engineUrl, freshRoom, request } from './support/wire.mjs';
import { startWorkerd } from './support/workerd.mjs';

const LOG_SAYS_MORE = 'Its log says more.';

/** Runs the bundle with these variables until the test ends. */
async function workerd(t, options) {
  const server = await startWorkerd(options);
  t.after(() => server.close());
  return server;
}

const health = (server, query = '') => request(new URL(`/healthz${query}`, server.url));

describe('a setting that wrangler.toml has without quotes', { skip: roomcastOnly }, () => {
  test('works as it does with them', async (t) => {
    const server = await workerd(t, { vars: { DEBUG: true, ALLOW_EIO3: false, MAX_CONNECTIONS: 1, PING_INTERVAL_MS: 12_345 } });
    assert.equal((await health(server)).status, 200);
    const room = freshRoom();
    const opened = await request(engineUrl(server, room));
    assert.equal(JSON.parse(opened.body.slice(1)).pingInterval, 12_345);
    assert.equal((await request(engineUrl(server, room))).status, 403, 'a second session');
    assert.equal((await request(new URL(`/r/${room}/debug`, server.url))).status, 200);
  });

  for (const [name, value] of [['PARSER', ['default']], ['COOKIE', { name: 'io' }], ['DEBUG', 1], ['MAX_CONNECTIONS', true]]) {
    test(`is shown as its JSON where it can't be used: ${name} = ${JSON.stringify(value)}`, async (t) => {
      const server = await workerd(t, { vars: { [name]: value } });
      assert.equal((await health(server)).status, 500);
      const wanted = `but it is ${JSON.stringify(JSON.stringify(value))}.`;
      const said = await eventually(() => server.output().includes(wanted) && server.output(), 'the sentence in the log');
      assert.ok(said.includes(`The setting ${name} must be `) && !said.includes('JsValue'), said);
    });
  }
});

describe('a server that is set up wrongly', { skip: roomcastOnly }, () => {
  test('tells the public which setting it is, and only its log the value', async (t) => {
    const server = await workerd(t, { vars: { PING_INTERVAL_MS: 'soon-2f9c' } });
    for (const url of [new URL('/healthz', server.url), new URL('/', server.url), engineUrl(server, freshRoom())]) {
      const { status, body } = await request(url);
      const wanted = `This server is set up wrongly: its setting PING_INTERVAL_MS can't be used. ${LOG_SAYS_MORE}`;
      assert.deepEqual({ status, body }, { status: 500, body: wanted }, url.href);
    }
    await eventually(() => server.output().includes('but it is "soon-2f9c".'), 'the value in the log');
  });

  test('tells the public of the app\'s settings no more, in a room either', async (t) => {
    const server = await workerd(t, { vars: { HISTORY_MESSAGES: 'many-2f9c' } });
    for (const url of [new URL('/healthz', server.url), engineUrl(server, freshRoom())]) {
      const { status, body } = await request(url);
      const wanted = `This server is set up wrongly: its setting HISTORY_MESSAGES can't be used. ${LOG_SAYS_MORE}`;
      assert.deepEqual({ status, body }, { status: 500, body: wanted }, url.href);
    }
    await eventually(() => server.output().includes('but it is "many-2f9c".'), 'the value in the log');
  });

  test('fails at /healthz without a binding that it needs, and its log names it', async (t) => {
    const entry = `import worker from './index.js';
export * from './index.js';
export default { fetch(request, env, ctx) {
  const without = new URL(request.url).searchParams.get('without');
  const rest = Object.fromEntries(Object.entries(env).filter(([name]) => name !== without));
  return new worker(ctx, rest).fetch(request);
} };`;
    const server = await workerd(t, { entry });
    assert.equal((await health(server)).status, 200);
    for (const name of ['ROOMS', 'ASSETS']) {
      const { status, body } = await health(server, `?without=${name}`);
      assert.deepEqual({ status, body }, { status: 500, body: `This server is set up wrongly. ${LOG_SAYS_MORE}` });
      await eventually(() => server.output().includes(`aren't bound as ${name}: `), `${name} in the log`);
    }
  });
});
