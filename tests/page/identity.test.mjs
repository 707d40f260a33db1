// Who somebody is, as this browser remembers it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Identity } from '../../public/js/identity.js';
import { randomId } from '../../public/js/random-id.js';

/** As localStorage, with the part of it that is used. */
function storage(entries = {}) {
  const kept = new Map(Object.entries(entries));
  return { kept, getItem: (item) => kept.get(item) ?? null, setItem: (item, value) => void kept.set(item, value) };
}

const OFF = {
  getItem() { throw new Error('storage is off'); },
  setItem() { throw new Error('storage is off'); },
};

test('a random id has 22 characters of base64url, and another one each time', () => {
  const ids = Array.from({ length: 2000 }, () => randomId());
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{22}$/);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(randomId({ getRandomValues: (bytes) => bytes.fill(255) }), '_____________________w');
  assert.equal(randomId({ getRandomValues: (bytes) => bytes.fill(251) }), '-_v7-_v7-_v7-_v7-_v7-w');
});

test('name and key are the same after a reload, the key another one in each room', () => {
  const browser = storage();
  const before = new Identity(browser);
  assert.equal(before.name, null);
  before.remember('Ada');
  const keys = ['tea', 'lobby'].map((room) => before.keyFor(room));
  const after = new Identity(browser);
  assert.equal(after.name, 'Ada');
  assert.deepEqual(['tea', 'lobby'].map((room) => after.keyFor(room)), keys);
  assert.notEqual(keys[0], keys[1]);
  assert.notEqual(new Identity(storage()).keyFor('tea'), keys[0]);
});

test('what is remembered but no key that the room takes is replaced', () => {
  for (const kept of ['', 'too short', 'x'.repeat(15), 'x'.repeat(65), 'x'.repeat(20) + '+']) {
    const browser = storage({ 'roomcast.key.tea': kept });
    const key = new Identity(browser).keyFor('tea');
    assert.match(key, /^[A-Za-z0-9_-]{22}$/, kept);
    assert.equal(browser.kept.get('roomcast.key.tea'), key);
  }
});

test('where storage is off or missing, both hold for the page', () => {
  for (const none of [OFF, null]) {
    const identity = new Identity(none);
    assert.equal(identity.name, null);
    identity.remember('Ada');
    assert.equal(identity.name, 'Ada');
    assert.match(identity.keyFor('tea'), /^[A-Za-z0-9_-]{22}$/);
    assert.equal(identity.keyFor('tea'), identity.keyFor('tea'));
  }
});
