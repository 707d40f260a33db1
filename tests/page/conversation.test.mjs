// The order of what the page shows, whatever order it comes in.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Conversation } from '../../public/js/conversation.js';

const never = () => false;
const shown = (conversation) => conversation.items.map(({ id, text }) => text ?? id);

/** A conversation with messages of these numbers. */
function withMessages(...ids) {
  const conversation = new Conversation();
  for (const id of ids) conversation.add({ id });
  return conversation;
}

/** Numbers from 0 up to a bound, the same ones in each run. */
function dice(seed) {
  return (below) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
}

describe('messages', () => {
  test('stand by their numbers, each once, in whatever order and however often they come', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const roll = dice(seed);
      const ids = Array.from({ length: 1 + roll(12) }, (_, at) => at + 1);
      const coming = [...ids, ...ids, ...ids].sort(() => roll(3) - 1);
      const conversation = new Conversation();
      const waiting = new Map();
      for (const id of coming) {
        if (roll(4) > 0) conversation.add({ id });
        else if (!waiting.has(id)) {
          waiting.set(id, {});
          conversation.wait(waiting.get(id));
        } else {
          conversation.number(waiting.get(id), id);
          waiting.delete(id);
        }
      }
      for (const [id, item] of waiting) conversation.number(item, id);
      assert.deepEqual(shown(conversation), [...new Set(coming)].sort((a, b) => a - b), `seed ${seed}`);
    }
  });

  test('one that waits for its number is last of all, and then stands where the number says', () => {
    const conversation = withMessages(1, 2);
    const own = { text: 'own' };
    conversation.wait(own);
    conversation.add({ id: 3 });
    conversation.add({ id: 5 });
    assert.deepEqual(shown(conversation), [1, 2, 3, 5, 'own']);
    assert.equal(conversation.number(own, 4), true);
    assert.deepEqual(shown(conversation), [1, 2, 3, 'own', 5]);
  });

  test('one whose number has come in another way too goes: the other is the same message', () => {
    const conversation = withMessages(1);
    const own = { text: 'own' };
    conversation.wait(own);
    conversation.add({ id: 2 });
    assert.equal(conversation.number(own, 2), false);
    assert.deepEqual(shown(conversation), [1, 2]);
  });

  test('one that was refused stays where the conversation was, until it is tried again', () => {
    const conversation = withMessages(1);
    const own = { text: 'own' };
    conversation.wait(own);
    conversation.stay(own);
    conversation.add({ id: 2 });
    assert.deepEqual(shown(conversation), [1, 'own', 2]);
    conversation.wait(own);
    assert.deepEqual(shown(conversation), [1, 2, 'own']);
  });
});

describe('what has no number', () => {
  test('stays behind what was there when it came, and before what is still to be sent', () => {
    const conversation = withMessages(10);
    conversation.wait({ text: 'waiting' });
    conversation.note({ text: 'joined' });
    conversation.note({ text: 'left' });
    for (const id of [11, 5]) conversation.add({ id });
    assert.deepEqual(shown(conversation), [5, 10, 'joined', 'left', 11, 'waiting']);
  });

  test('goes behind the message that is named', () => {
    const conversation = withMessages(1, 2, 5);
    conversation.note({ text: 'away' }, 2);
    conversation.add({ id: 3 });
    assert.deepEqual(shown(conversation), [1, 2, 'away', 3, 5]);
  });

  test("a guest's message that comes again with its number is the one that came live", () => {
    const conversation = withMessages(1, 4);
    for (const text of ['hi', 'hi', 'there']) conversation.note({ text, guest: text });
    assert.equal(conversation.add({ id: 5, text: 'hi', guest: 'hi' }), false);
    assert.equal(conversation.add({ id: 6, text: 'hi', guest: 'hi' }), false);
    assert.equal(conversation.add({ id: 7, text: 'a member' }), true);
    assert.equal(conversation.add({ id: 8, text: 'there', guest: 'there' }), true, 'it came before the member spoke');
    assert.deepEqual(shown(conversation), [1, 4, 'hi', 'hi', 'there', 'a member', 'there']);
    assert.equal(conversation.add({ id: 5, text: 'hi', guest: 'hi' }), false, 'it has its number by now');
  });

  test("another guest's message of the same number range is another message", () => {
    const conversation = withMessages(1);
    conversation.note({ text: 'live', guest: 'a' });
    conversation.add({ id: 2, text: 'missed', guest: 'b' });
    assert.equal(shown(conversation).length, 3);
  });
});

describe('letting go', () => {
  test('the oldest go first, up to a message with a number; what stays and what waits does not', () => {
    const conversation = withMessages(1, 2);
    conversation.note({ text: 'failed' });
    conversation.note({ text: 'joined' });
    for (const id of [3, 4, 5]) conversation.add({ id });
    conversation.wait({ text: 'waiting' });
    const gone = conversation.trim(6, ({ text }) => text === 'failed');
    assert.deepEqual(gone.map(({ id, text }) => text ?? id), [1, 2, 'joined']);
    assert.deepEqual(shown(conversation), ['failed', 3, 4, 5, 'waiting']);
    assert.equal(conversation.first, 3);
    assert.equal(conversation.add({ id: 2 }), true, 'what has gone may come back');
  });

  test('where nothing has a number, no more go than have to', () => {
    const conversation = new Conversation();
    for (let count = 0; count < 5; count += 1) conversation.note({ text: `guest ${count}` });
    conversation.trim(3, never);
    assert.deepEqual(shown(conversation), ['guest 2', 'guest 3', 'guest 4']);
    assert.equal(conversation.first, undefined);
  });

  test('nothing goes as long as there is room', () => {
    assert.deepEqual(withMessages(1, 2, 3).trim(3, never), []);
  });

  test('beginning again keeps what waits and what stays', () => {
    const conversation = withMessages(1, 2);
    conversation.note({ text: 'failed' });
    conversation.note({ text: 'joined' });
    conversation.wait({ text: 'waiting' });
    conversation.clear(({ text }) => text === 'failed');
    conversation.add({ id: 1 });
    assert.deepEqual(shown(conversation).sort(), [1, 'failed', 'waiting']);
  });
});
