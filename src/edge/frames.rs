//! Frames in the order in which they came, one turn each.
//!
//! Where something was said moments ago, what comes is gathered and then handled at once: while rows are on their way to the
//! disk, and for as long as each look at the network brings more. So all of it shares one commit, and the runtime writes
//! all that goes to a socket in one go, for half of what frames cost one by one. A frame after a pause is handled at once.
//!
//! The frames wait with JavaScript, because a panic takes wasm's memory: the room that starts then finds them here.

use std::rc::{Rc, Weak};

use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::State;
use worker::js_sys::Function;

use super::sockets::{SocketTable, Sockets, conn};
use crate::ids::ConnId;
use crate::outbox::Input;

#[wasm_bindgen(inline_js = r#"
/** The close code for a frame that is too large. */
const TOO_LARGE = 1009;
/** The close code for whoever speaks to a room that is gone. */
const INTERNAL_ERROR = 1011;
/** A frame that comes so long after the last one is handled at once, in milliseconds. */
const PAUSE = 100;
/** How often it is looked at most whether more frames come in. */
const MOST_LOOKS = 8;
/** How many frames wait at most, and how much they may be together, in bytes or UTF-16 units: beyond that nothing is waited for. */
const MOST_FRAMES = 256;
const MOST_BYTES = 1_000_000;

// The frames that wait, by object.
const waiting = new WeakMap();

// How often wasm's memory was lost: what belongs to an earlier one must not be called.
let losses = 0;
addEventListener('error', ({ error }) => {
  if (error instanceof WebAssembly.RuntimeError) losses += 1;
});

/** Bytes of a frame, or UTF-16 units of a text: at most its bytes. */
const size = (frame) => (typeof frame === 'string' ? frame.length : frame.byteLength);

export class Frames {
  #state;
  #sockets;
  #most;
  #on;
  #waiting;
  #bytes = 0;
  #life = losses;
  #gathers = false;
  #handledAt = 0;

  /**
   * Frames of more than `most` bytes are refused before they are copied, since wasm's memory never shrinks. Of all others
   * `text` and `bytes` are told; `closed` is told of sockets that are closed.
   */
  constructor(state, sockets, most, text, bytes, closed) {
    this.#state = state;
    this.#sockets = sockets;
    this.#most = most;
    this.#on = { text, bytes, closed };
    this.#waiting = waiting.get(state) ?? [];
    waiting.set(state, this.#waiting);
    for (const [, frame] of this.#waiting) this.#bytes += size(frame);
  }

  /** A frame came in. */
  receive(socket, frame) {
    if (this.#life !== losses) return void socket.close(INTERNAL_ERROR, '');
    if (!this.#gathers && this.#waiting.length === 0 && Date.now() - this.#handledAt > PAUSE) {
      this.#handle(socket, frame);
      return;
    }
    this.#waiting.push([socket, frame]);
    this.#bytes += size(frame);
    if (this.#waiting.length >= MOST_FRAMES || this.#bytes > MOST_BYTES) this.flush();
    else if (!this.#gathers) this.#gather();
  }

  /** A socket that the object itself isn't told of is closed. */
  closed(socket, failed) {
    if (this.#life !== losses) return;
    this.flush();
    this.#on.closed(this.#sockets.numberOf(socket), failed);
  }

  /** Handles what waits, since something else has come after it. */
  flush() {
    while (this.#waiting.length > 0) {
      const [socket, frame] = this.#waiting.shift();
      this.#bytes -= size(frame);
      if (this.#handle(socket, frame)) continue;
      // The object must be called for the rest: nothing of it can run before.
      if (this.#waiting.length > 0) this.#state.storage.setAlarm(Date.now());
      return;
    }
  }

  /** Waits for rows that are on their way, and for frames: the runtime reads one frame of each socket between two looks. */
  async #gather() {
    this.#gathers = true;
    for (let looks = 0, known = 0; looks < MOST_LOOKS && known < this.#waiting.length; looks += 1) {
      known = this.#waiting.length;
      // Where rows can't be stored, the runtime ends the object.
      await this.#state.storage.sync().catch(() => {});
    }
    this.#gathers = false;
    if (this.#life === losses) this.flush();
  }

  /** One turn; `false` where it ended in a panic. */
  #handle(socket, frame) {
    try {
      this.#handledAt = Date.now();
      this.#tell(socket, frame);
      return true;
    } catch (error) {
      reportError(error);
      return false;
    }
  }

  #tell(socket, frame) {
    const number = this.#sockets.numberOf(socket);
    if (number === undefined) return;
    if (size(frame) > this.#most) {
      socket.close(TOO_LARGE, '');
      this.#on.closed(number, true);
    } else if (typeof frame === 'string') {
      this.#on.text(number, frame);
    } else {
      this.#on.bytes(number, new Uint8Array(frame));
    }
  }
}
"#)]
extern "C" {
    /// The frames of one room.
    pub(super) type Frames;

    #[wasm_bindgen(constructor)]
    fn new(
        state: &JsValue,
        sockets: &Sockets,
        most: f64,
        text: &Function,
        bytes: &Function,
        closed: &Function,
    ) -> Frames;

    /// A frame came in.
    #[wasm_bindgen(method)]
    pub(super) fn receive(this: &Frames, socket: &web_sys::WebSocket, frame: &JsValue);

    /// Handles what waits.
    #[wasm_bindgen(method)]
    pub(super) fn flush(this: &Frames);
}

/// Who is told of frames.
pub(super) trait OnFrame {
    /// A frame, whose turn it is now.
    fn frame(self: Rc<Self>, frame: Input<'_>);
    /// A WebSocket is closed, after all frames that came before.
    fn closed(self: Rc<Self>, conn: ConnId, failed: bool);
}

/// The frames of one room, and what handles them.
pub(super) struct Inbox {
    pub(super) frames: Frames,
    _text: Closure<dyn Fn(f64, String)>,
    _bytes: Closure<dyn Fn(f64, Vec<u8>)>,
    _closed: Closure<dyn Fn(f64, bool)>,
}

impl Inbox {
    /// An inbox for a room. Frames of more than `most` bytes are refused.
    pub(super) fn new<T: OnFrame + 'static>(state: &State, sockets: &SocketTable, most: usize, room: &Weak<T>) -> Self {
        let (of_text, of_bytes, of_closed) = (room.clone(), room.clone(), room.clone());
        let text = Closure::<dyn Fn(f64, String)>::new(move |number, text: String| {
            if let Some(room) = of_text.upgrade() {
                room.frame(Input::Text { conn: conn(number), text: &text });
            }
        });
        let bytes = Closure::<dyn Fn(f64, Vec<u8>)>::new(move |number, bytes: Vec<u8>| {
            if let Some(room) = of_bytes.upgrade() {
                room.frame(Input::Binary { conn: conn(number), bytes: &bytes });
            }
        });
        let closed = Closure::<dyn Fn(f64, bool)>::new(move |number, failed| {
            if let Some(room) = of_closed.upgrade() {
                room.closed(conn(number), failed);
            }
        });
        // Lossless: no limit is above 2⁵³ bytes.
        let (text_fn, bytes_fn) = (text.as_ref().unchecked_ref(), bytes.as_ref().unchecked_ref());
        let frames = Frames::new(
            state.as_raw(),
            &sockets.sockets,
            most as f64,
            text_fn,
            bytes_fn,
            closed.as_ref().unchecked_ref(),
        );
        Self { frames, _text: text, _bytes: bytes, _closed: closed }
    }
}
