//! What happens at a WebSocket, and ordinary WebSockets for rooms that never sleep.
//!
//! With an interval of less than a second between pings a room has no time to fall asleep, so its sockets need not outlive
//! its memory. They are spared what hibernation costs, and a trap of it: 2026-11, workerd doesn't end the TCP connection of
//! a hibernatable socket that the server closes before the client has sent anything, until the object hibernates.

use std::rc::Rc;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Result, WebSocket, js_sys};

/// The close code for a frame that is larger than `MAX_PAYLOAD_BYTES` (W2).
pub(super) const TOO_LARGE: u16 = 1009;

/// Something that happened at a WebSocket.
#[derive(Clone, Copy)]
pub(super) enum SocketEvent<'a> {
    /// A text frame arrived.
    Text(&'a str),
    /// A binary frame arrived.
    Binary(&'a [u8]),
    /// It is closed, by whichever side.
    Closed {
        /// Whether it ended by a fault rather than by a close frame.
        failed: bool,
    },
}

/// Who is told of a WebSocket's events.
pub(super) type OnEvent = Rc<dyn Fn(SocketEvent<'_>)>;

/// What listens to one WebSocket, until it is dropped.
pub(super) struct Listening {
    socket: WebSocket,
    handlers: [(&'static str, Handler); 3],
}

type Handler = Closure<dyn FnMut(web_sys::Event)>;

impl Drop for Listening {
    fn drop(&mut self) {
        for (event, handler) in &self.handlers {
            let handler = handler.as_ref().unchecked_ref();
            // A socket that doesn't know the handler has nothing to forget.
            _ = self.socket.as_ref().remove_event_listener_with_callback(event, handler);
        }
    }
}

/// Opens the server's end and hands its events on. Frames of more than `most` bytes are refused before they are copied.
pub(super) fn listen(socket: &WebSocket, most: usize, on_event: &OnEvent) -> Result<Listening> {
    let closed = |failed| {
        let (on_event, socket) = (on_event.clone(), socket.clone());
        Closure::new(move |_: web_sys::Event| {
            // The other half of the closing handshake; it may be done already.
            _ = socket.close(None, None::<&str>);
            on_event(SocketEvent::Closed { failed });
        })
    };
    let message = {
        let (on_event, socket) = (on_event.clone(), socket.clone());
        Closure::new(move |event: web_sys::Event| {
            let data = event.unchecked_into::<web_sys::MessageEvent>().data();
            match receive(&data, most) {
                Received::Text(text) => on_event(SocketEvent::Text(&text)),
                Received::Binary(bytes) => on_event(SocketEvent::Binary(&bytes)),
                Received::TooLarge => {
                    _ = socket.close(Some(TOO_LARGE), Some(""));
                    on_event(SocketEvent::Closed { failed: true });
                }
            }
        })
    };
    let handlers = [("message", message), ("close", closed(false)), ("error", closed(true))];
    for (event, handler) in &handlers {
        socket.as_ref().add_event_listener_with_callback(event, handler.as_ref().unchecked_ref())?;
    }
    socket.as_ref().set_binary_type(web_sys::BinaryType::Arraybuffer);
    socket.accept()?;
    Ok(Listening { socket: socket.clone(), handlers })
}

/// A frame in wasm's memory.
pub(super) enum Received {
    Text(String),
    Binary(Vec<u8>),
    /// It has more bytes than are taken, and was not copied: wasm's memory never shrinks.
    TooLarge,
}

/// Takes a frame of at most `most` bytes from JavaScript.
pub(super) fn receive(data: &JsValue, most: usize) -> Received {
    if size(data) > most {
        return Received::TooLarge;
    }
    match data.as_string() {
        Some(text) => Received::Text(text),
        None => Received::Binary(js_sys::Uint8Array::new(data).to_vec()),
    }
}

/// Bytes of a frame that is still JavaScript's, or UTF-16 units of a text: at most its bytes.
fn size(data: &JsValue) -> usize {
    let text = data.dyn_ref::<js_sys::JsString>().map(js_sys::JsString::length);
    let bytes = || data.dyn_ref::<js_sys::ArrayBuffer>().map(js_sys::ArrayBuffer::byte_length);
    text.or_else(bytes).unwrap_or_default() as usize
}
