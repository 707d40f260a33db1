//! Whom something is for, and what they get: the reference's `BroadcastOperator`.

use std::rc::Rc;

use serde::Serialize;

use super::error::IoError;
use super::outgoing::Delivery;
use super::pending_acks::NewPendingAck;
use super::remote::RemoteSocket;
use super::state::RoomState;
use crate::ids::{Millis, SocketId};
use crate::socket_io::{Args, Selection, is_reserved};

/// Who is meant: everybody in the namespace, or those in some rooms, but for those in others. Then an event is sent to
/// them, or something else happens to them.
#[must_use = "nothing happens before it is said what"]
pub struct BroadcastOperator<'i> {
    room: &'i mut RoomState,
    selection: Selection,
    delivery: Delivery,
    timeout: Option<Millis>,
    context: Result<Option<Rc<str>>, IoError>,
}

impl<'i> BroadcastOperator<'i> {
    /// Everybody in the namespace.
    pub(super) fn new(room: &'i mut RoomState, namespace: Rc<str>) -> Self {
        let selection = Selection::all(namespace);
        Self { room, selection, delivery: Delivery::Logged, timeout: None, context: Ok(None) }
    }

    /// Those in this room, besides those in the rooms named before. Who is in several counts once; a socket's id is a room
    /// with just that socket.
    pub fn to(mut self, room: impl AsRef<str>) -> Self {
        self.selection.to.push(room.as_ref().into());
        self
    }

    /// But nobody in this room.
    pub fn except(mut self, room: impl AsRef<str>) -> Self {
        self.selection.except.push(room.as_ref().into());
        self
    }

    /// Only whom it reaches at once: for what the next event makes obsolete, such as a position. Whoever has no poll
    /// pending, or was sent something else at the same moment, misses it (1.12). Events that want an answer are sent all
    /// the same.
    pub fn volatile(mut self) -> Self {
        self.delivery = Delivery::Volatile;
        self
    }

    /// As a volatile event where it can't be stored: for what isn't to be kept from those who are there, since nothing else
    /// depends on it.
    pub fn or_volatile(mut self) -> Self {
        self.delivery = Delivery::LoggedOrVolatile;
        self
    }

    /// Not kept for those who miss it, and without an offset: for what only matters to a client that is there. Unlike a volatile
    /// event, it waits for a client that isn't ready.
    pub(crate) fn unlogged(mut self) -> Self {
        self.delivery = Delivery::Unlogged;
        self
    }

    /// How long answers are waited for, in place of [`Config::ack_timeout`](crate::config::Config::ack_timeout).
    pub fn timeout(mut self, timeout: Millis) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Keeps a value for when the answers are there: see [`Answers::context`](super::Answers::context).
    pub fn context(mut self, value: &impl Serialize) -> Self {
        self.context = serde_json::to_string(value).map(|json| Some(json.into())).map_err(IoError::from);
        self
    }

    /// Sends the event with one argument. It is stored first, for those whose connection is lost just then (1.11).
    ///
    /// # Errors
    /// [`IoError::ReservedName`], [`IoError::NotJson`], [`IoError::Storage`]: then nobody gets anything.
    pub fn emit(self, event: &str, value: &(impl Serialize + ?Sized)) -> Result<(), IoError> {
        self.emit_args(event, &Args::of(value)?)
    }

    /// Sends the event `message`.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send(self, value: &(impl Serialize + ?Sized)) -> Result<(), IoError> {
        self.emit("message", value)
    }

    /// Sends the event with any number of arguments, such as those of an event that came in. Clients take 10 attachments
    /// a packet, unless they are set up otherwise (E7).
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_args(self, event: &str, args: &Args<'_>) -> Result<(), IoError> {
        self.emit_counted(event, args).map(drop)
    }

    /// The same; gives how many connected sockets it was for.
    pub(crate) fn emit_counted(self, event: &str, args: &Args<'_>) -> Result<usize, IoError> {
        check(event)?;
        self.room.emit(self.selection, event, args, self.delivery)
    }

    /// Sends the event with one argument and asks each receiver for an answer. All answers together are handed to
    /// [`App::answered`](super::App::answered) under the name `then`, when the last one is there or the time is over; after
    /// a restart too. Without receivers, that is at once. It costs two rows written, and each answer two.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_with_ack(self, event: &str, value: &(impl Serialize + ?Sized), then: &str) -> Result<(), IoError> {
        self.emit_args_with_ack(event, &Args::of(value)?, then)
    }

    /// Sends the event with any number of arguments and asks each receiver for an answer.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_args_with_ack(self, event: &str, args: &Args<'_>, then: &str) -> Result<(), IoError> {
        check(event)?;
        let receivers = self.receivers();
        let room = self.room;
        let deadline = room.now + self.timeout.unwrap_or(room.ack_timeout);
        let sockets = receivers.iter().cloned().collect();
        let new = NewPendingAck { name: then, context: self.context?, deadline, sockets };
        let id = room.pending_acks.ask(room.host.as_ref(), &self.selection.namespace, new)?;
        room.emit_with_ack(self.selection, receivers, event, args, id)
    }

    /// The sockets that are meant, as they are now.
    pub fn fetch_sockets(self) -> Vec<RemoteSocket> {
        let receivers = self.receivers();
        receivers.into_iter().filter_map(|id| self.room.remote(&self.selection.namespace, id)).collect()
    }

    /// Puts them into a room.
    pub fn sockets_join(self, room: &str) {
        for socket in self.receivers() {
            self.room.join(&self.selection.namespace, &socket, room);
        }
    }

    /// Takes them out of a room.
    pub fn sockets_leave(self, room: &str) {
        for socket in self.receivers() {
            self.room.leave_room(&self.selection.namespace, &socket, room);
        }
    }

    /// Takes them out of the namespace; with `close`, their clients' whole connections end.
    pub fn disconnect_sockets(self, close: bool) {
        for socket in self.receivers() {
            self.room.disconnect(&self.selection.namespace, &socket, close);
        }
    }

    fn receivers(&self) -> Vec<SocketId> {
        self.room.receivers(&self.selection)
    }
}

fn check(event: &str) -> Result<(), IoError> {
    if is_reserved(event) { Err(IoError::ReservedName) } else { Ok(()) }
}
