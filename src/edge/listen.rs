//! Ordinary WebSockets, for rooms that never sleep.
//!
//! With an interval of less than a second between pings a room has no time to fall asleep, so its sockets need not outlive
//! its memory. They are spared what hibernation costs, and a trap of it: 2026-11, workerd doesn't end the TCP connection of
//! a hibernatable socket that the server closes before the client has sent anything, until the object hibernates.

use std::rc::Rc;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Result, WebSocket, js_sys};

use super::room::Room;
use crate::ids::ConnId;
use crate::outbox::Input;

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

/// Opens the server's end and hands its events to the room.
pub(super) fn listen(room: &Rc<Room>, conn: ConnId, socket: &WebSocket) -> Result<Listening> {
    let closed = |failed| {
        let (room, socket) = (room.clone(), socket.clone());
        Closure::new(move |_: web_sys::Event| {
            // The other half of the closing handshake; it may be done already.
            _ = socket.close(None, None::<&str>);
            room.closed(conn, failed);
            set_alarm(&room);
        })
    };
    let message = {
        let room = room.clone();
        Closure::new(move |event: web_sys::Event| {
            message(&room, conn, &event.unchecked_into::<web_sys::MessageEvent>().data());
            set_alarm(&room);
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

fn message(room: &Rc<Room>, conn: ConnId, data: &JsValue) {
    if let Some(text) = data.as_string() {
        room.handle(Input::Text { conn, text: &text });
    } else if let Some(bytes) = data.dyn_ref::<js_sys::ArrayBuffer>() {
        let bytes = js_sys::Uint8Array::new(bytes).to_vec();
        room.handle(Input::Binary { conn, bytes: &bytes });
    }
}

/// Nobody waits for these events to be handled, so neither for the alarm.
fn set_alarm(room: &Rc<Room>) {
    let room = room.clone();
    js_sys::futures::spawn_local(async move {
        if let Err(error) = room.set_alarm().await {
            worker::console_error!("the alarm was not set: {error}");
        }
    });
}
