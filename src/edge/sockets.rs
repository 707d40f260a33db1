//! The object's WebSockets by number. They stay with JavaScript, so that a frame for many of them crosses from wasm once.

use std::cell::{Cell, RefCell};

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Error, Result, State, WebSocket, WebSocketRequestResponsePair};

use crate::host::HibernatedSocket;
use crate::ids::{ConnId, Millis};
use crate::outbox::Frame;

#[wasm_bindgen(inline_js = r#"
// The number of each WebSocket: the runtime gives the same object at each of its events.
const numbers = new WeakMap();

// The WebSockets of which the log has told that they are closing.
const closing = new WeakSet();

function close(socket, code) {
  try {
    if (code === undefined) socket.close();
    else socket.close(code, '');
  } catch {
    // It is closed already.
  }
}

export class Sockets {
  #state;
  #open = new Map();

  constructor(state) {
    this.#state = state;
  }

  /** Takes up the WebSockets that outlived the object's memory; gives them as `hibernated` does. */
  restore() {
    return this.#tagged((number, socket) => this.#insert(number, socket));
  }

  /** The numbers and the core's tags of those that are open and outlive the object's memory, one after the other. */
  hibernated() {
    return this.#tagged((number) => this.#open.has(number));
  }

  /** The number of a WebSocket; `undefined` where it has none. */
  numberOf(socket) {
    return numbers.get(socket);
  }

  #tagged(accept) {
    return this.#state.getWebSockets().flatMap((socket) => {
      const [text, tag] = this.#state.getTags(socket);
      const number = Number(text);
      return Number.isSafeInteger(number) && accept(number, socket) ? [number, tag] : [];
    });
  }

  /** Makes a WebSocket; gives the client's end. It outlives the object's memory, or else has its events told to `frames`. */
  accept(number, tag, frames) {
    const { 0: client, 1: server } = new WebSocketPair();
    if (frames) this.#listen(server, frames);
    else this.#state.acceptWebSocket(server, [String(number), tag]);
    this.#insert(number, server);
    return client;
  }

  #insert(number, socket) {
    numbers.set(socket, number);
    this.#open.set(number, socket);
    return true;
  }

  #listen(socket, frames) {
    const closed = (failed) => {
      close(socket); // the other half of the closing handshake
      frames.closed(socket, failed);
    };
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => frames.receive(socket, data));
    socket.addEventListener('close', () => closed(false));
    socket.addEventListener('error', () => closed(true));
    socket.accept();
  }

  /** How many are open. */
  count() {
    return this.#open.size;
  }

  /** The numbers of all that are open. */
  all() {
    return Float64Array.from(this.#open.keys());
  }

  /** Sends the same text, or the same bytes, to many. A socket that is closing, or died meanwhile, will say so itself. */
  send(to, frame) {
    for (const number of to) {
      const socket = this.#open.get(number);
      try {
        socket?.send(frame);
      } catch (error) {
        if (!closing.has(socket)) console.debug(`frames for a socket that is closing are not sent: ${error}`);
        closing.add(socket);
      }
    }
  }

  /** Keeps a text beside a WebSocket while the object sleeps; gives why it can't be kept. */
  attach(number, text) {
    try {
      this.#open.get(number)?.serializeAttachment(text);
    } catch (error) {
      return String(error);
    }
  }

  /** The text beside a WebSocket. */
  attachment(number) {
    const text = this.#open.get(number)?.deserializeAttachment();
    return typeof text === 'string' ? text : undefined;
  }

  /** When the runtime last answered a pong of a WebSocket, in milliseconds since 1970. */
  lastPong(number) {
    const socket = this.#open.get(number);
    return socket && this.#state.getWebSocketAutoResponseTimestamp(socket)?.getTime();
  }

  /** Closes a WebSocket and forgets it. */
  close(number, code) {
    const socket = this.#open.get(number);
    this.#open.delete(number);
    if (socket) close(socket, code);
  }

  /** Forgets a WebSocket that closed. */
  remove(number) {
    this.#open.delete(number);
  }
}
"#)]
extern "C" {
    pub(super) type Sockets;

    #[wasm_bindgen(constructor)]
    fn new(state: &JsValue) -> Sockets;
    #[wasm_bindgen(method)]
    fn restore(this: &Sockets) -> Vec<JsValue>;
    #[wasm_bindgen(method, js_name = numberOf)]
    fn number_of(this: &Sockets, socket: &web_sys::WebSocket) -> Option<f64>;
    #[wasm_bindgen(method, catch)]
    fn accept(this: &Sockets, number: f64, tag: &str, frames: Option<&JsValue>) -> Result<web_sys::WebSocket, JsValue>;
    #[wasm_bindgen(method)]
    fn hibernated(this: &Sockets) -> Vec<JsValue>;
    #[wasm_bindgen(method)]
    fn all(this: &Sockets) -> Vec<f64>;
    #[wasm_bindgen(method, js_name = send)]
    fn send_text(this: &Sockets, to: &[f64], text: &str);
    #[wasm_bindgen(method, js_name = send)]
    fn send_bytes(this: &Sockets, to: &[f64], bytes: &[u8]);
    #[wasm_bindgen(method)]
    fn attach(this: &Sockets, number: f64, text: &str) -> Option<String>;
    #[wasm_bindgen(method)]
    fn attachment(this: &Sockets, number: f64) -> Option<String>;
    #[wasm_bindgen(method, js_name = lastPong)]
    fn last_pong(this: &Sockets, number: f64) -> Option<f64>;
    #[wasm_bindgen(method)]
    fn close(this: &Sockets, number: f64, code: Option<u16>);
    #[wasm_bindgen(method)]
    fn remove(this: &Sockets, number: f64);
}

/// The open WebSockets. One that outlives hibernation is tagged with its number; the numbers of requests that didn't become
/// one are from the same counter.
pub(super) struct SocketTable {
    pub(super) sockets: Sockets,
    /// Whether the sockets are to outlive the object's memory.
    hibernates: bool,
    /// Those that outlived it, until somebody asks.
    restored: RefCell<Option<Vec<HibernatedSocket>>>,
    next: Cell<u64>,
}

impl SocketTable {
    /// A table of the WebSockets that outlived the object's memory. Where sockets hibernate, the runtime answers pongs from now on.
    pub(super) fn new(state: &State, hibernates: bool) -> Self {
        if hibernates && let Err(error) = absorb_pongs(state) {
            // Then pongs come as messages, which costs more and works as well.
            worker::console_error!("pongs will wake this room: {error}");
        }
        let sockets = Sockets::new(state.as_raw());
        let restored = hibernated_sockets(&sockets.restore());
        let next = Cell::new(restored.iter().map(|socket| socket.conn.0 + 1).max().unwrap_or_default());
        Self { sockets, hibernates, restored: RefCell::new(Some(restored)), next }
    }

    /// The open WebSockets that outlived the object's memory.
    pub(super) fn hibernated(&self) -> Vec<HibernatedSocket> {
        self.restored.take().unwrap_or_else(|| hibernated_sockets(&self.sockets.hibernated()))
    }

    /// Closes the WebSockets that don't outlive the object's memory: the room has lost it.
    pub(super) fn close_unrestorable(&self) {
        if !self.hibernates {
            self.sockets.all().into_iter().for_each(|number| self.sockets.close(number, None));
        }
    }

    /// A number for a request.
    pub(super) fn next_conn(&self) -> ConnId {
        let conn = self.next.get();
        self.next.set(conn + 1);
        ConnId(conn)
    }

    /// The number of a WebSocket, if it has one.
    pub(super) fn conn(&self, socket: &web_sys::WebSocket) -> Option<ConnId> {
        self.sockets.number_of(socket).map(conn)
    }

    /// Makes a WebSocket under this number and with this tag; gives the client's end. The events of one that hibernates go to
    /// the object, those of any other to `frames`.
    pub(super) fn accept(&self, conn: ConnId, tag: &str, frames: &JsValue) -> Result<WebSocket> {
        // Not through the SDK, which panics where the runtime refuses.
        let frames = (!self.hibernates).then_some(frames);
        Ok(self.sockets.accept(number(conn), tag, frames).map_err(Error::from)?.into())
    }

    /// Sends a frame to these. A socket that is closing, or died meanwhile, will say so itself.
    pub(super) fn send(&self, to: &[ConnId], frame: &Frame) {
        let to: Vec<_> = to.iter().copied().map(number).collect();
        match frame {
            Frame::Text(text) => self.sockets.send_text(&to, text),
            Frame::Binary(bytes) => self.sockets.send_bytes(&to, bytes),
        }
    }

    /// Closes a WebSocket and forgets it.
    pub(super) fn close(&self, conn: ConnId, code: Option<u16>) {
        self.sockets.close(number(conn), code);
    }

    /// Forgets a WebSocket that closed.
    pub(super) fn remove(&self, conn: ConnId) {
        self.sockets.remove(number(conn));
    }

    /// Keeps a text beside a WebSocket while the object sleeps. A socket whose state can't be kept is closed: its client
    /// comes back, and is never taken for what it was before.
    pub(super) fn attach(&self, conn: ConnId, text: &str) {
        if !self.hibernates {
            return;
        }
        if let Some(error) = self.sockets.attach(number(conn), text) {
            worker::console_error!("a socket's state can't be kept, so it is closed: {error}");
            self.close(conn, None);
        }
    }

    /// What was attached to a WebSocket.
    pub(super) fn attachment(&self, conn: ConnId) -> Option<String> {
        self.sockets.attachment(number(conn))
    }

    /// When the runtime last answered a pong of a WebSocket.
    pub(super) fn last_pong(&self, conn: ConnId) -> Option<Millis> {
        // A time since 1970 in milliseconds is no negative number.
        self.sockets.last_pong(number(conn)).map(|at| Millis(at as u64))
    }
}

/// The number as JavaScript has it. Lossless: no object lives to see 2⁵³ requests.
pub(super) fn number(conn: ConnId) -> f64 {
    conn.0 as f64
}

/// The WebSocket of such a number.
pub(super) fn conn(number: f64) -> ConnId {
    // It was made of a whole number.
    ConnId(number as u64)
}

/// WebSockets of numbers and tags.
fn hibernated_sockets(tagged: &[JsValue]) -> Vec<HibernatedSocket> {
    let (sockets, _) = tagged.as_chunks();
    let socket =
        |[number, tag]: &[JsValue; 2]| Some(HibernatedSocket { conn: conn(number.as_f64()?), tag: tag.as_string() });
    sockets.iter().filter_map(socket).collect()
}

/// Has the runtime answer pongs, so that they don't wake the object. The answer is a noop: a ping would have the client
/// pong again, and nothing is no packet.
fn absorb_pongs(state: &State) -> Result<()> {
    let pair = WebSocketRequestResponsePair::new("3", "6")?;
    state.as_raw().set_websocket_auto_response(&pair).map_err(Error::from)
}
