// What the runtime loads: the Worker and the room's class as they are built from Rust (scripts/bundle.mjs says from which build),
// with two additions.
//
// A panic resets the wasm instance, and whatever it was still to answer it has forgotten: such a request would wait for ever,
// and those to other rooms of the same isolate too. Here they fail at once, and their clients come back and recover.
//
// A frame that is too large is refused before it is copied into wasm, whose memory never shrinks.
import Worker, { ChatRoom as Room } from 'roomcast-rust';

/** The default of the setting MAX_PAYLOAD_BYTES, as in src/config.rs. */
const MAX_PAYLOAD_BYTES = 1_000_000;
/** The close code for a frame that is too large (W2). */
const TOO_LARGE = 1009;

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
  #maxPayload;

  constructor(state, env) {
    super(state, env);
    this.#maxPayload = Number(env.MAX_PAYLOAD_BYTES ?? MAX_PAYLOAD_BYTES);
  }

  fetch(request) {
    return answered(super.fetch(request));
  }

  // An alarm that fails is tried again by the runtime.
  alarm(info) {
    return answered(super.alarm(info));
  }

  webSocketMessage(socket, message) {
    // A text has at least as many bytes as UTF-16 units; the room counts the bytes of those that pass.
    const size = typeof message === 'string' ? message.length : message.byteLength;
    if (!(size > this.#maxPayload)) return super.webSocketMessage(socket, message);
    socket.close(TOO_LARGE, '');
    return super.webSocketError(socket, new Error('A frame was too large.'));
  }
}

export default class extends Worker {
  fetch(request) {
    return answered(super.fetch(request));
  }
}
