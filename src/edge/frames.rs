//! Frames in the order in which they came, one turn each.
//!
//! Where something was said moments ago, what comes is gathered and then handled at once: while rows are on their way to the
//! disk, and for as long as each look at the network brings more. So all of it shares one commit, and the runtime writes
//! all that goes to a socket in one go, for half of what frames cost one by one. A frame after a pause is handled at once.
//!
//! The frames wait with JavaScript, because a panic takes wasm's memory: the room that starts then finds them here.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::State;
use worker::js_sys::Function;

use super::answered::present_life;
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
/** Each WebSocket makes that longer by so much: sending to thousands takes its time, and who waits for an answer speaks only then. */
const PAUSE_A_SOCKET = 0.5;
/** How often it is looked at most whether more frames come in. */
const MOST_LOOKS = 8;
/** How many frames wait at most, and how much they may be together, in bytes or UTF-16 units: beyond that nothing is waited for. */
const MOST_FRAMES = 256;
const MOST_BYTES = 1_000_000;
/** How many frames have a turn together at most. */
const MOST_TOGETHER = 64;
/** Where it stands that a frame has a turn of its own: one that it had with others ended in a panic. */
const ALONE = 2;

// The frames that wait, by object.
const waiting = new WeakMap();

/** Bytes of a frame, or UTF-16 units of a text: at most its bytes. */
const size = (frame) => (typeof frame === 'string' ? frame.length : frame.byteLength);

export class Frames {
  #state;
  #sockets;
  #most;
  #on;
  #waiting;
  #bytes = 0;
  #life;
  #gathers = false;
  #handledAt = 0;
  #kept = false;

  /**
   * Frames of more than `most` bytes are refused before they are copied, since wasm's memory never shrinks. Of all others
   * `text` and `bytes` are told, and then `told`; `closed` is told of sockets that are closed.
   */
  constructor(state, sockets, life, most, text, bytes, told, closed) {
    this.#state = state;
    this.#sockets = sockets;
    this.#life = life;
    this.#most = most;
    this.#on = { text, bytes, told, closed };
    this.#waiting = waiting.get(state) ?? [];
    waiting.set(state, this.#waiting);
    for (const [, frame] of this.#waiting) this.#bytes += size(frame);
  }

  /** A frame came in. */
  receive(socket, frame) {
    if (this.#life.lost) return void socket.close(INTERNAL_ERROR, '');
    if (!this.#gathers && this.#waiting.length === 0 && Date.now() - this.#handledAt > this.#pause()) {
      this.#handle([[socket, frame]]);
      return;
    }
    this.#waiting.push([socket, frame]);
    this.#bytes += size(frame);
    if (this.#waiting.length >= MOST_FRAMES || this.#bytes > MOST_BYTES) this.flush();
    else if (!this.#gathers) this.#gather();
  }

  #pause() {
    return PAUSE + PAUSE_A_SOCKET * this.#sockets.count();
  }

  /** A socket that the object itself isn't told of is closed. */
  closed(socket, failed) {
    if (this.#life.lost) return;
    this.flush();
    this.#on.closed(this.#sockets.numberOf(socket), failed);
  }

  /** Handles what waits, since something else has come after it. */
  flush() {
    while (this.#waiting.length > 0) {
      const frames = this.#next();
      if (this.#handle(frames)) continue;
      // One of them was its cause. The object must be called for the others: nothing of it can run before.
      if (frames.length > 1 && !this.#kept) this.#waiting.unshift(...frames.map(([socket, frame]) => [socket, frame, true]));
      if (this.#waiting.length > 0) this.#state.storage.setAlarm(Date.now());
      return;
    }
  }

  /** The frames that are handled next, together or alone. */
  #next() {
    const isAlone = (entry) => entry[ALONE] || size(entry[1]) > this.#most;
    const together = this.#waiting.slice(0, MOST_TOGETHER);
    const alone = together.findIndex(isAlone);
    const frames = this.#waiting.splice(0, alone < 0 ? together.length : Math.max(alone, 1));
    for (const [, frame] of frames) this.#bytes -= size(frame);
    return frames;
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
    if (!this.#life.lost) this.flush();
  }

  /** What the present turn has stored is kept: from here on, its frames must not be handled again. */
  kept() {
    this.#kept = true;
  }

  /** One turn for all of these; `false` where it ended in a panic. */
  #handle(frames) {
    try {
      this.#handledAt = Date.now();
      this.#kept = false;
      for (const [socket, frame] of frames) this.#tell(socket, frame);
      this.#on.told();
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
        life: &JsValue,
        most: f64,
        text: &Function,
        bytes: &Function,
        told: &Function,
        closed: &Function,
    ) -> Frames;

    /// A frame came in.
    #[wasm_bindgen(method)]
    pub(super) fn receive(this: &Frames, socket: &web_sys::WebSocket, frame: &JsValue);

    /// What the present turn has stored is kept.
    #[wasm_bindgen(method)]
    pub(super) fn kept(this: &Frames);

    /// Handles what waits.
    #[wasm_bindgen(method)]
    pub(super) fn flush(this: &Frames);
}

/// Who is told of frames.
pub(super) trait OnFrame {
    /// Frames, whose turn it is now.
    fn frames(self: Rc<Self>, frames: &[Input<'_>]);
    /// A WebSocket is closed, after all frames that came before.
    fn closed(self: Rc<Self>, conn: ConnId, failed: bool);
}

/// A frame whose turn it is.
enum Received {
    Text(ConnId, String),
    Bytes(ConnId, Vec<u8>),
}

impl Received {
    fn input(&self) -> Input<'_> {
        match self {
            Self::Text(conn, text) => Input::Text { conn: *conn, text },
            Self::Bytes(conn, bytes) => Input::Binary { conn: *conn, bytes },
        }
    }
}

/// The frames of one room, and what handles them.
pub(super) struct Inbox {
    pub(super) frames: Frames,
    _text: Closure<dyn Fn(f64, String)>,
    _bytes: Closure<dyn Fn(f64, Vec<u8>)>,
    _told: Closure<dyn Fn()>,
    _closed: Closure<dyn Fn(f64, bool)>,
}

impl Inbox {
    /// An inbox for a room. Frames of more than `most` bytes are refused.
    pub(super) fn new<T: OnFrame + 'static>(state: &State, sockets: &SocketTable, most: usize, room: &Weak<T>) -> Self {
        let received = Rc::new(RefCell::new(Vec::new()));
        let (texts, all) = (received.clone(), received.clone());
        let (of_told, of_closed) = (room.clone(), room.clone());
        let text = Closure::<dyn Fn(f64, String)>::new(move |number, text: String| {
            texts.borrow_mut().push(Received::Text(conn(number), text));
        });
        let bytes = Closure::<dyn Fn(f64, Vec<u8>)>::new(move |number, bytes: Vec<u8>| {
            all.borrow_mut().push(Received::Bytes(conn(number), bytes));
        });
        let told = Closure::<dyn Fn()>::new(move || {
            let received = received.take();
            if let Some(room) = of_told.upgrade()
                && !received.is_empty()
            {
                let inputs: Vec<_> = received.iter().map(Received::input).collect();
                room.frames(&inputs);
            }
        });
        let closed = Closure::<dyn Fn(f64, bool)>::new(move |number, failed| {
            if let Some(room) = of_closed.upgrade() {
                room.closed(conn(number), failed);
            }
        });
        let frames = Frames::new(
            state.as_raw(),
            &sockets.sockets,
            &present_life(),
            // Lossless: no limit is above 2⁵³ bytes.
            most as f64,
            text.as_ref().unchecked_ref(),
            bytes.as_ref().unchecked_ref(),
            told.as_ref().unchecked_ref(),
            closed.as_ref().unchecked_ref(),
        );
        Self { frames, _text: text, _bytes: bytes, _told: told, _closed: closed }
    }
}
