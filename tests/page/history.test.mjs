// Which part of the conversation is on the page: no holes, nothing twice, and no more pages than are wanted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { History } from '../../public/js/history.js';
import { pageOf, recorder } from './support/page.mjs';

/** A History of a room with the messages 1 to `last`, `size` a page; `asked` is answered in turn by `answer()`. */
function historyOf(last, size = 50) {
  const room = { last, asked: [], ...recorder() };
  const history = new History((payload, answered, refused) => room.asked.push({ payload, answered, refused }), room.handlers.history);
  const join = () => history.joined(pageOf(room.last, { after: history.newest }, size));
  const answer = () => {
    const { payload, answered } = room.asked.shift();
    answered(pageOf(room.last, payload, size));
    return payload;
  };
  return { room, history, join, answer };
}

const ids = (list) => list.map(({ id }) => id);
const from = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
const lastReach = (room) => room.told('reach').at(-1);

describe('on entering', () => {
  test('the latest page is shown, and there is more before it', () => {
    const { room, history, join } = historyOf(120);
    join();
    assert.deepEqual(room.told('latest').map(ids), [from(71, 120)]);
    assert.deepEqual(lastReach(room), { more: true, loading: false });
    assert.equal(history.newest, 120);
    assert.deepEqual(room.asked, []);
  });

  test('an empty room has nothing more, and what comes live is taken', () => {
    const { room, history, join } = historyOf(0);
    join();
    assert.deepEqual(lastReach(room), { more: false, loading: false });
    history.older();
    assert.deepEqual(room.asked, []);
    assert.equal(history.takes(1), true);
    assert.equal(history.newest, 1);
  });

  test('what comes live before that is left to the page', () => {
    const { history, join } = historyOf(3);
    assert.equal(history.takes(3), false);
    assert.equal(history.takes(), false);
    assert.equal(history.newest, undefined);
    join();
    assert.equal(history.takes(4), true);
    assert.equal(history.takes(), true);
  });
});

describe('on coming back', () => {
  function back(last, now, size) {
    const all = historyOf(last, size);
    all.join();
    all.room.last = now;
    all.history.behind();
    all.join();
    return all;
  }

  test('what was missed is shown page by page, and meanwhile nothing that comes live', () => {
    const { room, history, answer } = back(10, 130);
    assert.deepEqual(room.told('missed').map(ids), [from(11, 60)]);
    assert.equal(history.takes(131), false);
    room.last = 131;
    assert.deepEqual(answer(), { after: 60 });
    assert.equal(history.takes(131), false);
    assert.deepEqual(answer(), { after: 110 });
    assert.equal(history.takes(132), true, 'at once, as the last page has come');
    assert.deepEqual(room.told('missed').flatMap(ids), from(11, 131));
    assert.deepEqual(room.asked, []);
  });

  test('of too much only the latest is shown, and the rest can be had from there', () => {
    const { room, history, answer } = back(10, 2000);
    while (room.asked.length > 0) answer();
    assert.equal(room.told('missed').length, 10);
    assert.deepEqual(room.told('anew').map(ids), [from(1951, 2000)]);
    assert.equal(history.takes(2001), true);
    history.older();
    assert.deepEqual(answer(), { before: 1951 });
  });

  test('with short pages of long messages, as many messages are caught up with as with full ones', () => {
    for (const [now, size, pages] of [[503, 7, 71], [500, 1, 490]]) {
      const { room, history, answer } = back(10, now, size);
      while (room.asked.length > 0) answer();
      assert.equal(room.told('missed').length, pages);
      assert.deepEqual(room.told('missed').flatMap(ids), from(11, now));
      assert.deepEqual(room.told('anew'), []);
      assert.equal(history.takes(now + 1), true);
    }
  });

  test('of too much in short pages only the latest is shown, and the rest can be had from there', () => {
    const { room, history, answer } = back(10, 2000, 3);
    while (room.asked.length > 0) answer();
    assert.deepEqual(room.told('missed').flatMap(ids), from(11, 511));
    assert.deepEqual(room.told('anew').map(ids), [from(1998, 2000)]);
    history.older();
    assert.deepEqual(answer(), { before: 1998 });
    assert.deepEqual(room.told('older').map(ids), [from(1995, 1997)]);
  });

  test('an answer to what an earlier connection asked for is no longer wanted', () => {
    const { room, history, join, answer } = back(10, 130);
    history.behind();
    join();
    answer();
    assert.deepEqual(room.told('missed').map(ids), [from(11, 60), from(61, 110)]);
    assert.deepEqual(answer(), { after: 110 });
    assert.deepEqual(room.told('missed').flatMap(ids), from(11, 130));
  });

  test('an own message that is answered meanwhile does not hide what was said before it', () => {
    const { history, join, room } = historyOf(10);
    join();
    history.behind();
    history.sent(14);
    assert.equal(history.newest, 10);
    room.last = 14;
    join();
    assert.deepEqual(room.told('missed').flatMap(ids), from(11, 14));
    history.sent(15);
    assert.equal(history.newest, 15);
  });

  test('if the room refuses a page, the conversation goes on', () => {
    const { room, history } = back(10, 130);
    room.asked.shift().refused({ code: 'storage', message: 'Not now.' });
    assert.deepEqual(room.told('failed'), [{ code: 'storage', message: 'Not now.' }]);
    assert.equal(history.takes(131), true);
  });
});

describe('what is older', () => {
  test('comes page by page down to the first, asked for once at a time', () => {
    const { room, history, join, answer } = historyOf(120);
    join();
    history.older();
    history.older();
    assert.equal(room.asked.length, 1);
    assert.deepEqual(lastReach(room), { more: true, loading: true });
    assert.deepEqual(answer(), { before: 71 });
    history.older();
    assert.deepEqual(answer(), { before: 21 });
    assert.deepEqual(room.told('older').map(ids), [from(21, 70), from(1, 20)]);
    assert.deepEqual(lastReach(room), { more: false, loading: false });
    history.older();
    assert.deepEqual(room.asked, []);
  });

  test('can be had again after the page has let go of it; an answer to an earlier question is dropped', () => {
    const { room, history, join, answer } = historyOf(60);
    join();
    history.older();
    history.trimmed(31);
    answer();
    assert.deepEqual(room.told('older'), []);
    assert.deepEqual(lastReach(room), { more: true, loading: false });
    history.older();
    assert.deepEqual(answer(), { before: 31 });
    assert.deepEqual(room.told('older').map(ids), [from(1, 30)]);
  });

  test('may be refused, and asked for again', () => {
    const { room, history, join, answer } = historyOf(60);
    join();
    history.older();
    room.asked.shift().refused({ code: 'storage', message: 'Not now.' });
    assert.deepEqual(lastReach(room), { more: true, loading: false });
    history.older();
    answer();
    assert.deepEqual(room.told('older').map(ids), [from(1, 10)]);
  });
});
