// What the runtime loads: the Worker and the room's class as they are built from Rust (scripts/bundle.mjs says from which build),
// with one addition.
//
// A panic resets the wasm instance, and whatever it was still to answer it has forgotten: such a request would wait for ever,
// and those to other rooms of the same isolate too. Here they fail at once, and their clients come back and recover.
import Worker, { ChatRoom as Room } from 'roomcast-rust';

/** What fails each request that has no answer yet. */
const waiting = new Set();

addEventListener('error', ({ error }) => {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  for (const fail of waiting) fail(new Error('The room was restarted while it handled this request.'));
  waiting.clear();
});

function answered(answer) {
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    answer.finally(() => waiting.delete(reject)).then(resolve, reject);
  });
}

export class ChatRoom extends Room {
  fetch(request) {
    return answered(super.fetch(request));
  }
}

export default class extends Worker {
  fetch(request) {
    return answered(super.fetch(request));
  }
}
