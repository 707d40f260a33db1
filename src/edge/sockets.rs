//! The object's WebSockets by number, and the calls to the runtime that the SDK lacks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, State, WebSocket, WebSocketPair, WebSocketRequestResponsePair, js_sys};

use crate::ids::{ConnId, Millis};
use crate::outbox::Frame;

#[wasm_bindgen]
extern "C" {
    type StateExt;

    // 2026-11: `worker` 0.8.7 has no binding for this.
    #[wasm_bindgen(method, catch, js_name = getWebSocketAutoResponseTimestamp)]
    fn auto_response_time(this: &StateExt, socket: &web_sys::WebSocket) -> Result<Option<js_sys::Date>, JsValue>;

    type SocketExt;

    // The SDK's `send_with_str` makes a new JavaScript string for each receiver.
    #[wasm_bindgen(method, catch)]
    fn send(this: &SocketExt, frame: &JsValue) -> Result<(), JsValue>;
}

/// The open WebSockets. Each is tagged with its number, which outlives hibernation; the numbers of requests that didn't
/// become one are from the same counter.
#[derive(Default)]
pub(super) struct SocketTable {
    sockets: RefCell<HashMap<ConnId, WebSocket>>,
    next: Cell<u64>,
    /// The last text sent and its JavaScript string: a broadcast sends the same one to everybody.
    last: RefCell<Option<(Rc<str>, JsValue)>>,
}

impl SocketTable {
    /// Finds the WebSockets that outlived the object's memory, each with what was attached to it.
    pub(super) fn find(&self, state: &State) -> Vec<(ConnId, Option<String>)> {
        let mut found = Vec::new();
        for socket in state.get_websockets() {
            let Some(conn) = number(state, &socket) else {
                continue;
            };
            self.next.set(self.next.get().max(conn.0 + 1));
            found.push((conn, socket.deserialize_attachment().ok().flatten()));
            self.sockets.borrow_mut().insert(conn, socket);
        }
        found
    }

    /// A number for a request.
    pub(super) fn next_conn(&self) -> ConnId {
        let conn = self.next.get();
        self.next.set(conn + 1);
        ConnId(conn)
    }

    /// Makes a WebSocket under this number; gives the client's end.
    pub(super) fn accept(&self, state: &State, conn: ConnId) -> Result<WebSocket> {
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        // Not through the SDK, which panics where the runtime refuses.
        let tag = vec![JsValue::from(conn.0.to_string())];
        state.as_raw().accept_websocket_with_tags(server.as_ref(), tag).map_err(Error::from)?;
        self.sockets.borrow_mut().insert(conn, server);
        Ok(client)
    }

    /// Sends a frame. A socket that died meanwhile will say so itself.
    pub(super) fn send(&self, conn: ConnId, frame: &Frame) {
        let sockets = self.sockets.borrow();
        let Some(socket) = sockets.get(&conn) else {
            return;
        };
        let sent = match frame {
            Frame::Text(text) => {
                let socket: &SocketExt = socket.as_ref().unchecked_ref();
                socket.send(&self.js_string(text)).map_err(Error::from)
            }
            Frame::Binary(bytes) => socket.send_with_bytes(bytes),
        };
        if let Err(error) = sent {
            worker::console_debug!("a frame was not sent: {error}");
        }
    }

    fn js_string(&self, text: &Rc<str>) -> JsValue {
        let mut last = self.last.borrow_mut();
        match last.as_ref() {
            Some((known, string)) if Rc::ptr_eq(known, text) => string.clone(),
            _ => {
                let string = JsValue::from(text.as_ref());
                *last = Some((text.clone(), string.clone()));
                string
            }
        }
    }

    /// Drops what only the turn needed that is over.
    pub(super) fn end_turn(&self) {
        self.last.take();
    }

    /// Closes a WebSocket and forgets it.
    pub(super) fn close(&self, conn: ConnId, code: Option<u16>) {
        if let Some(socket) = self.sockets.borrow_mut().remove(&conn) {
            // It may be closed already.
            _ = socket.close(code, code.map(|_| ""));
        }
    }

    /// Forgets a WebSocket that closed; gives its number.
    pub(super) fn remove(&self, state: &State, socket: &WebSocket) -> Option<ConnId> {
        let conn = number(state, socket)?;
        self.sockets.borrow_mut().remove(&conn);
        Some(conn)
    }

    /// Keeps a text beside a WebSocket while the object sleeps.
    pub(super) fn attach(&self, conn: ConnId, text: &str) {
        let sockets = self.sockets.borrow();
        if let Some(Err(error)) = sockets.get(&conn).map(|socket| socket.serialize_attachment(text)) {
            // Then it can't be taken up again, and its client will have to reconnect.
            worker::console_error!("a socket's state was not kept: {error}");
        }
    }

    /// When the runtime last answered a pong, for each WebSocket where it ever did.
    pub(super) fn pong_times(&self, state: &State) -> Vec<(ConnId, Millis)> {
        let state: &StateExt = state.as_raw().unchecked_ref();
        let sockets = self.sockets.borrow();
        let time = |socket: &WebSocket| state.auto_response_time(socket.as_ref()).ok().flatten();
        let times = sockets.iter().filter_map(|(conn, socket)| Some((*conn, time(socket)?)));
        // A time since 1970 in milliseconds is no negative number.
        times.map(|(conn, date)| (conn, Millis(date.get_time() as u64))).collect()
    }
}

/// The number that a WebSocket is tagged with.
pub(super) fn number(state: &State, socket: &WebSocket) -> Option<ConnId> {
    let tags = state.as_raw().get_tags(socket.as_ref()).ok()?;
    Some(ConnId(tags.first()?.parse().ok()?))
}

/// Has the runtime answer pongs, so that they don't wake the object. The answer is a noop: a ping would have the client
/// pong again, and nothing is no packet.
pub(super) fn absorb_pongs(state: &State) -> Result<()> {
    let pair = WebSocketRequestResponsePair::new("3", "6")?;
    state.as_raw().set_websocket_auto_response(&pair).map_err(Error::from)
}
