//! What an application is, and what it may do: [`App`] has the hooks, [`Io`] is handed to each of them.
//!
//! An app sees sockets, events and rooms; packets, sessions and connections stay below. Its hooks are synchronous: what
//! they emit leaves the room object together, in order, when the hook is done. An app keeps what must outlive a nap of
//! the object in [`Io::set_data`], not in its own fields.

use std::fmt;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::engine_io::{self, Engine, Turn};
use crate::ids::{Millis, SocketId};
use crate::outbox::Frame;
pub use crate::socket_io::{Departed, DisconnectReason};
use crate::socket_io::{Namespace, Socket, Sockets, is_reserved, packet};

/// The largest [`Io::set_data`], in bytes of JSON: with its rooms it must fit the 16 KiB that the runtime keeps for a
/// sleeping WebSocket.
pub const MAX_DATA_BYTES: usize = 4_096;

/// An application: what happens in a room.
pub trait App {
    /// Whether clients may join this namespace at all; else they are told `Invalid namespace` (C4).
    fn has_namespace(&self, name: &str) -> bool {
        name == "/"
    }

    /// A client wants to join the namespace of `io`; `auth` is the JSON object that it sent along.
    ///
    /// # Errors
    /// A [`Refusal`] is sent to the client, which doesn't join (C5).
    fn connecting(&mut self, io: &mut Io<'_>, auth: Option<&RawValue>) -> Result<(), Refusal> {
        _ = (io, auth);
        Ok(())
    }

    /// A client has joined and knows it (C8).
    fn connected(&mut self, io: &mut Io<'_>, socket: &SocketId) {
        _ = (io, socket);
    }

    /// A socket sent an event.
    fn event(&mut self, io: &mut Io<'_>, event: Event<'_>);

    /// A socket answered an event that was sent by [`Emit::emit_with_ack`].
    fn acked(&mut self, io: &mut Io<'_>, answer: Answer<'_>) {
        _ = (io, answer);
    }

    /// A socket is gone, for whatever reason.
    fn disconnected(&mut self, io: &mut Io<'_>, departed: &Departed) {
        _ = (io, departed);
    }
}

/// An event as it came in.
#[derive(Debug)]
pub struct Event<'a> {
    /// Who sent it.
    pub socket: &'a SocketId,
    /// Its name.
    pub name: &'a str,
    /// Its arguments, as JSON.
    pub args: &'a [&'a RawValue],
    /// Set where the sender waits for an answer, to be given to [`Io::answer`].
    pub ack: Option<Ack>,
}

/// The right to answer an event, once (E2).
#[derive(Debug)]
pub struct Ack {
    socket: SocketId,
    id: u64,
}

impl Ack {
    pub(crate) fn new(socket: SocketId, id: u64) -> Self {
        Self { socket, id }
    }
}

/// The answer of a socket to an event of the app.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Who answers.
    pub socket: &'a SocketId,
    /// What [`Emit::emit_with_ack`] returned for it.
    pub id: u64,
    /// The answer, as JSON.
    pub args: &'a [&'a RawValue],
}

/// Why a client may not join (C5).
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The sentence that the client's `connect_error` shows.
    pub message: String,
    /// What else the client is told.
    pub data: Option<serde_json::Value>,
}

/// Why something that an app asked for can't be done: each is a mistake of the app itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IoError {
    /// The event's name means something to the clients themselves (E9).
    ReservedName,
    /// The value has no JSON.
    NotJson(String),
    /// More than [`MAX_DATA_BYTES`].
    DataTooLarge,
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedName => f.write_str("an event can't have a name that is reserved"),
            Self::NotJson(why) => write!(f, "the value can't be written as JSON: {why}"),
            Self::DataTooLarge => write!(f, "a socket's data has more than {MAX_DATA_BYTES} bytes"),
        }
    }
}

fn json(value: &impl Serialize) -> Result<Box<RawValue>, IoError> {
    to_raw_value(value).map_err(|error| IoError::NotJson(error.to_string()))
}

/// One namespace of the room, at the moment of a hook.
pub struct Io<'a> {
    engine: &'a mut Engine,
    sockets: &'a mut Sockets,
    turn: Turn<'a>,
    namespace: Rc<str>,
}

impl<'a> Io<'a> {
    pub(crate) fn new(engine: &'a mut Engine, sockets: &'a mut Sockets, turn: Turn<'a>, namespace: Rc<str>) -> Self {
        Self { engine, sockets, turn, namespace }
    }

    /// The time of this hook.
    pub fn now(&self) -> Millis {
        self.turn.now
    }

    /// The namespace that this is about.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// To everybody in the namespace.
    pub fn all(&mut self) -> Emit<'_, 'a> {
        Emit { io: self, to: Vec::new(), except: Vec::new() }
    }

    /// To a room; a socket's id is a room with just that socket.
    pub fn to(&mut self, room: impl AsRef<str>) -> Emit<'_, 'a> {
        self.all().to(room)
    }

    /// Answers an event. An answer to a socket that is gone is dropped.
    ///
    /// # Errors
    /// [`IoError::NotJson`].
    pub fn answer(&mut self, ack: Ack, value: &impl Serialize) -> Result<(), IoError> {
        let text = packet::ack_text(&self.namespace, ack.id, &[json(value)?]);
        self.send([ack.socket], &text);
        Ok(())
    }

    /// The sockets in the namespace, by id.
    pub fn sockets(&self) -> impl Iterator<Item = &SocketId> {
        self.place().into_iter().flat_map(|place| place.sockets.keys())
    }

    /// What the app keeps with a socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self, socket: &SocketId) -> Option<T> {
        parse_data(self.place()?.sockets.get(socket)?.data.as_ref())
    }

    /// Keeps something with a socket, in place of what was kept. It outlives hibernation. A socket that is gone keeps
    /// nothing.
    ///
    /// # Errors
    /// [`IoError::NotJson`] or [`IoError::DataTooLarge`]; what was kept stays.
    pub fn set_data(&mut self, socket: &SocketId, value: &impl Serialize) -> Result<(), IoError> {
        let data = json(value)?;
        if data.get().len() > MAX_DATA_BYTES {
            return Err(IoError::DataTooLarge);
        }
        if let Some(Socket { sid, data: kept }) = self.place_mut().and_then(|place| place.sockets.get_mut(socket)) {
            *kept = Some(data.get().into());
            let sid = sid.clone();
            self.sockets.changed.insert(sid);
        }
        Ok(())
    }

    /// Puts a socket into a room.
    pub fn join(&mut self, socket: &SocketId, room: &str) {
        self.change_rooms(socket, |place| place.rooms.join(socket, room));
    }

    /// Takes a socket out of a room.
    pub fn leave(&mut self, socket: &SocketId, room: &str) {
        self.change_rooms(socket, |place| place.rooms.leave(socket, room));
    }

    /// Takes a socket out of the namespace; with `close`, the client's whole connection ends (C11). The app's own
    /// `disconnected` follows when this hook is done.
    pub fn disconnect(&mut self, socket: &SocketId, close: bool) {
        let reason = DisconnectReason::ServerNamespaceDisconnect;
        let namespace = self.namespace.clone();
        let Some(sid) = self.sockets.leave(&namespace, socket, reason) else {
            return;
        };
        self.say_goodbye(&sid, &namespace);
        if close {
            let others = self.sockets.clients.get(&sid).map(|client| client.joined.clone());
            for (namespace, _) in others.unwrap_or_default() {
                self.say_goodbye(&sid, &namespace);
            }
            self.sockets.remove_client(&sid, reason);
            self.engine.close(&mut self.turn, &sid);
        }
    }

    fn say_goodbye(&mut self, sid: &crate::ids::Sid, namespace: &str) {
        let frame = message_frame(&packet::disconnect(namespace));
        self.engine.send(&mut self.turn, sid, frame);
    }

    fn place(&self) -> Option<&Namespace> {
        self.sockets.namespaces.get(&self.namespace)
    }

    fn place_mut(&mut self) -> Option<&mut Namespace> {
        self.sockets.namespaces.get_mut(&self.namespace)
    }

    fn change_rooms(&mut self, socket: &SocketId, change: impl FnOnce(&mut Namespace) -> bool) {
        let Some(place) = self.place_mut() else {
            return;
        };
        let Some(sid) = place.sockets.get(socket).map(|found| found.sid.clone()) else {
            return;
        };
        if change(place) {
            self.sockets.changed.insert(sid);
        }
    }

    /// One frame for all receivers, however many.
    fn send(&mut self, to: impl IntoIterator<Item = SocketId>, text: &str) {
        let frame = message_frame(text);
        for socket in to {
            let carrier = self.place().and_then(|place| place.sockets.get(&socket));
            if let Some(sid) = carrier.map(|found| found.sid.clone()) {
                self.engine.send(&mut self.turn, &sid, frame.clone());
            }
        }
    }
}

/// A Socket.IO packet as the Engine.IO message that carries it.
pub(crate) fn message_frame(text: &str) -> Frame {
    engine_io::Packet::Message(text.into()).encode()
}

fn parse_data<T: DeserializeOwned>(data: Option<&Rc<str>>) -> Option<T> {
    serde_json::from_str(data?).ok()
}

impl Departed {
    /// What the app had kept with the socket; `None` where it kept nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data.as_ref())
    }
}

/// Who an event goes to; then [`emit`](Self::emit) sends it.
#[must_use = "nobody gets anything before `emit`"]
pub struct Emit<'i, 'a> {
    io: &'i mut Io<'a>,
    to: Vec<Rc<str>>,
    except: Vec<Rc<str>>,
}

impl Emit<'_, '_> {
    /// Also to this room. Who is in several gets one copy.
    pub fn to(mut self, room: impl AsRef<str>) -> Self {
        self.to.push(room.as_ref().into());
        self
    }

    /// But to nobody in this room; a socket's id is a room with just that socket.
    pub fn except(mut self, room: impl AsRef<str>) -> Self {
        self.except.push(room.as_ref().into());
        self
    }

    /// Sends the event with one argument.
    ///
    /// # Errors
    /// [`IoError::ReservedName`], [`IoError::NotJson`]: then nobody gets anything.
    pub fn emit(self, event: &str, value: &impl Serialize) -> Result<(), IoError> {
        let arg = checked_arg(event, value)?;
        let text = packet::event_text(&self.io.namespace, None, event, &[arg]);
        let receivers = self.receivers();
        self.io.send(receivers, &text);
        Ok(())
    }

    /// Sends the event with one argument and asks each receiver for an answer: [`App::acked`] gets them, under the ids
    /// returned here beside their sockets.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_with_ack(self, event: &str, value: &impl Serialize) -> Result<Vec<(SocketId, u64)>, IoError> {
        let args = [checked_arg(event, value)?];
        let mut asked = Vec::new();
        for socket in self.receivers() {
            if let Some(id) = self.io.place_mut().map(|place| place.expect_ack(&socket)) {
                let text = packet::event_text(&self.io.namespace, Some(id), event, &args);
                self.io.send([socket.clone()], &text);
                asked.push((socket, id));
            }
        }
        Ok(asked)
    }

    fn receivers(&self) -> std::collections::BTreeSet<SocketId> {
        let place = self.io.place();
        place.map(|place| place.rooms.select(&self.to, &self.except)).unwrap_or_default()
    }
}

fn checked_arg(event: &str, value: &impl Serialize) -> Result<Box<RawValue>, IoError> {
    if is_reserved(event) {
        return Err(IoError::ReservedName);
    }
    json(value)
}
