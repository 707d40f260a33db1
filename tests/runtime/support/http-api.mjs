// The HTTP API, as a backend calls it; and stock clients of the conformance app, as they see it.
import assert from 'node:assert/strict';
import { KINDS, Peer } from './peers.mjs';
import { AS_DEPLOYED, WITHOUT_PINGS } from './target.mjs';
import { request } from './wire.mjs';

export const TOKEN = 'a-token_of.plain~characters';
export const LIMIT = 20_000;
export const SETTINGS = { ...WITHOUT_PINGS, ...AS_DEPLOYED, APP: 'conformance', MAX_PAYLOAD_BYTES: LIMIT, API_TOKEN: TOKEN };

/** A request to the API with the token: `{status, headers, json}`. */
export async function call(server, method, path, { body, token = TOKEN, headers = {} } = {}) {
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const url = new URL(`/api/rooms${path}`, server.url);
  const answer = await request(url, { method, body, headers: { ...authorization, ...headers } });
  assert.equal(answer.headers['content-type'], 'application/json', `${method} ${path}: ${answer.status} ${answer.body}`);
  assert.equal(answer.headers['cache-control'], 'no-store');
  return { status: answer.status, headers: answer.headers, json: JSON.parse(answer.body) };
}

/** A call that is done; its answer. */
export async function done(...args) {
  const { status, json } = await call(...args);
  assert.equal(status, 200, JSON.stringify(json));
  return json;
}

/** A call that is refused with this status and code, in a sentence; its headers. */
export async function refused(status, code, ...args) {
  const answer = await call(...args);
  assert.deepEqual([answer.status, answer.json.error?.code], [status, code], JSON.stringify([args.slice(1), answer.json]));
  assert.match(answer.json.error.message, /^[^\n]+\.$/);
  assert.deepEqual(Object.keys(answer.json), ['error']);
  return answer.headers;
}

export const emit = (server, room, event) => done(server, 'POST', `/${room}/emit`, { body: JSON.stringify(event) });

/** A stock client past its greeting. */
export async function greeted(t, server, room, options) {
  const peer = await Peer.open(t, KINDS['socket.io-client 4.8'], server.url, room, options);
  assert.equal((await peer.next('the greeting'))[0], 'auth');
  return peer;
}

/** The next event without its offset, which stands last. */
export const next = async (peer, what) => (await peer.next(what)).slice(0, -1);
