//! The object's WebSockets by number, and the calls to the runtime that the SDK lacks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, State, WebSocket, WebSocketPair, WebSocketRequestResponsePair, js_sys};

use super::listen::{Listening, OnEvent, listen};
use crate::host::HibernatedSocket;
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

/// The open WebSockets. One that outlives hibernation is tagged with its number; the numbers of requests that didn't become
/// one are from the same counter.
pub(super) struct SocketTable {
    state: Rc<State>,
    /// Whether the sockets are to outlive the object's memory.
    hibernates: bool,
    /// The largest frame that is taken, in bytes.
    max_payload: usize,
    sockets: RefCell<HashMap<ConnId, Socket>>,
    next: Cell<u64>,
    /// The last text sent and its JavaScript string: a broadcast sends the same one to everybody.
    last: RefCell<Option<(Rc<str>, JsValue)>>,
}

struct Socket {
    socket: WebSocket,
    /// Set for an ordinary socket.
    _listening: Option<Listening>,
    /// Whether a frame for it was dropped since it was closing.
    was_closing: Cell<bool>,
}

impl Socket {
    fn new(socket: WebSocket, _listening: Option<Listening>) -> Self {
        Self { socket, _listening, was_closing: Cell::new(false) }
    }

    /// Whether frames can be sent. The first time that they can't is logged.
    fn is_open(&self) -> bool {
        let open = self.socket.as_ref().ready_state() == web_sys::WebSocket::OPEN;
        if !open && !self.was_closing.replace(true) {
            worker::console_debug!("frames for a socket that is closing are not sent");
        }
        open
    }
}

impl SocketTable {
    /// A table of the WebSockets that outlived the object's memory. Where sockets hibernate, the runtime answers pongs from now on.
    pub(super) fn new(state: Rc<State>, hibernates: bool, max_payload: usize) -> Self {
        if hibernates && let Err(error) = absorb_pongs(&state) {
            // Then pongs come as messages, which costs more and works as well.
            worker::console_error!("pongs will wake this room: {error}");
        }
        let (sockets, next, last) = (RefCell::default(), Cell::default(), RefCell::default());
        let table = Self { state, hibernates, max_payload, sockets, next, last };
        for socket in table.state.get_websockets() {
            if let Some((conn, _)) = table.tags(&socket) {
                table.next.set(table.next.get().max(conn.0 + 1));
                table.sockets.borrow_mut().insert(conn, Socket::new(socket, None));
            }
        }
        table
    }

    /// The open WebSockets that outlive the object's memory, as the runtime keeps them.
    pub(super) fn hibernated(&self) -> Vec<HibernatedSocket> {
        let tagged = self.state.get_websockets().into_iter().filter_map(|socket| self.tags(&socket));
        let known = tagged.filter(|(conn, _)| self.sockets.borrow().contains_key(conn));
        known.map(|(conn, tag)| HibernatedSocket { conn, tag }).collect()
    }

    /// Closes the WebSockets that don't outlive the object's memory: the room has lost it.
    pub(super) fn close_unrestorable(&self) {
        if !self.hibernates {
            let open: Vec<_> = self.sockets.borrow().keys().copied().collect();
            open.into_iter().for_each(|conn| self.close(conn, None));
        }
    }

    /// A number for a request.
    pub(super) fn next_conn(&self) -> ConnId {
        let conn = self.next.get();
        self.next.set(conn + 1);
        ConnId(conn)
    }

    /// Makes a WebSocket under this number and with this tag; gives the client's end. `on_event` is told of the events of
    /// an ordinary socket; those of one that hibernates go to the object.
    pub(super) fn accept(&self, conn: ConnId, tag: &str, on_event: &OnEvent) -> Result<WebSocket> {
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        let listening = if self.hibernates {
            // Not through the SDK, which panics where the runtime refuses.
            let tags = vec![JsValue::from(conn.0.to_string()), JsValue::from(tag)];
            self.state.as_raw().accept_websocket_with_tags(server.as_ref(), tags).map_err(Error::from)?;
            None
        } else {
            Some(listen(&server, self.max_payload, on_event)?)
        };
        self.sockets.borrow_mut().insert(conn, Socket::new(server, listening));
        Ok(client)
    }

    /// Sends a frame. A socket that is closing, or died meanwhile, will say so itself.
    pub(super) fn send(&self, conn: ConnId, frame: &Frame) {
        let sockets = self.sockets.borrow();
        let Some(Socket { socket, .. }) = sockets.get(&conn).filter(|socket| socket.is_open()) else {
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
        let found = self.sockets.borrow_mut().remove(&conn);
        if let Some(Socket { socket, .. }) = found {
            // It may be closed already.
            _ = socket.close(code, code.map(|_| ""));
        }
    }

    /// Forgets a WebSocket that closed.
    pub(super) fn remove(&self, conn: ConnId) {
        let found = self.sockets.borrow_mut().remove(&conn);
        drop(found);
    }

    /// Keeps a text beside a WebSocket while the object sleeps. A socket whose state can't be kept is closed: its client
    /// comes back, and is never taken for what it was before.
    pub(super) fn attach(&self, conn: ConnId, text: &str) {
        if !self.hibernates {
            return;
        }
        let kept = self.sockets.borrow().get(&conn).map(|found| found.socket.serialize_attachment(text));
        if let Some(Err(error)) = kept {
            worker::console_error!("a socket's state can't be kept, so it is closed: {error}");
            self.close(conn, None);
        }
    }

    /// What was attached to a WebSocket.
    pub(super) fn attachment(&self, conn: ConnId) -> Option<String> {
        self.sockets.borrow().get(&conn)?.socket.deserialize_attachment().ok().flatten()
    }

    /// When the runtime last answered a pong of a WebSocket.
    pub(super) fn last_pong(&self, conn: ConnId) -> Option<Millis> {
        let state: &StateExt = self.state.as_raw().unchecked_ref();
        let sockets = self.sockets.borrow();
        let date = state.auto_response_time(sockets.get(&conn)?.socket.as_ref()).ok().flatten()?;
        // A time since 1970 in milliseconds is no negative number.
        Some(Millis(date.get_time() as u64))
    }

    /// The number of a WebSocket.
    pub(super) fn number(&self, socket: &WebSocket) -> Option<ConnId> {
        self.tags(socket).map(|(conn, _)| conn)
    }

    /// The number of a WebSocket, and the core's tag.
    fn tags(&self, socket: &WebSocket) -> Option<(ConnId, Option<String>)> {
        let mut tags = self.state.as_raw().get_tags(socket.as_ref()).ok()?.into_iter();
        Some((ConnId(tags.next()?.parse().ok()?), tags.next()))
    }
}

/// Has the runtime answer pongs, so that they don't wake the object. The answer is a noop: a ping would have the client
/// pong again, and nothing is no packet.
fn absorb_pongs(state: &State) -> Result<()> {
    let pair = WebSocketRequestResponsePair::new("3", "6")?;
    state.as_raw().set_websocket_auto_response(&pair).map_err(Error::from)
}
