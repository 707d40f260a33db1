//! Whom something is for, and what they get: the reference's `BroadcastOperator`.

use std::rc::Rc;

use serde::Serialize;

use super::data::write_context;
use super::error::{Error, Result, not_json};
use super::lend::Lend;
use super::names::AnswersName;
use super::outgoing::Delivery;
use super::pending_acks::NewPendingAck;
use super::remote::RemoteSocket;
use crate::ids::Millis;
use crate::socket_io::{Args, Selection, is_reserved};

/// Who is meant: everybody in the namespace, or those in some rooms, but for those in others. Then an event is sent to
/// them, or something else happens to them.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn moved(socket: &mut Socket, (x, y): (f64, f64)) -> Result {
///     socket.to("game").to("watchers").except("blind").volatile().emit("moved", &(socket.id, x, y))
/// }
/// # let _: Handlers = Handlers::new().on("moved", moved);
/// ```
#[must_use = "nothing happens before it is said what"]
pub struct BroadcastOperator<'a> {
    room: &'a dyn Lend,
    selection: Selection,
    delivery: Delivery,
    timeout: Option<Millis>,
    context: Result<Option<Rc<str>>>,
}

impl<'a> BroadcastOperator<'a> {
    /// Everybody in the namespace.
    pub(super) fn new(room: &'a dyn Lend, namespace: Rc<str>) -> Self {
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
    pub fn context(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        self.context = write_context(value);
        self
    }

    /// Sends the event: with several arguments where the value is a tuple, with none where it is `()`, and else with this one.
    /// It is stored before it is sent, for those whose connection is lost just then (1.11). Clients take 10 attachments a packet, unless
    /// they are set up otherwise (E7).
    ///
    /// # Errors
    /// [`Error::ReservedName`], [`Error::NotJson`], [`Error::Storage`]: then nobody gets anything. Events that follow others may be
    /// stored when the turn ends; where that fails, the whole turn is undone, and nobody gets anything either.
    pub fn emit(self, event: &str, value: &(impl Serialize + ?Sized)) -> Result {
        self.emit_args(event, &Args::of(value).map_err(not_json)?)
    }

    /// Sends the event `message`.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send(self, value: &(impl Serialize + ?Sized)) -> Result {
        self.emit("message", value)
    }

    /// Sends the event with arguments that came in, as they are.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_args(self, event: &str, args: &Args<'_>) -> Result {
        self.emit_counted(event, args).map(drop)
    }

    /// The same; gives how many connected sockets it was for.
    pub(crate) fn emit_counted(self, event: &str, args: &Args<'_>) -> Result<usize> {
        check(event)?;
        self.room.lend().emit(self.selection, event, args, self.delivery)
    }

    /// Sends the event as [`emit`](Self::emit) does, and asks each receiver for an answer. All answers together are handed to
    /// [`Handlers::on_answers`](super::Handlers::on_answers) of the name `then`, when the last one is there or the time is
    /// over; after a restart too. Without receivers, that is at once. It costs two rows written, and each answer two.
    ///
    /// # Errors
    /// As [`emit`](Self::emit), and [`Error::NoHandler`].
    pub fn emit_with_ack(self, event: &str, value: &(impl Serialize + ?Sized), then: AnswersName) -> Result {
        self.emit_args_with_ack(event, &Args::of(value).map_err(not_json)?, then)
    }

    /// Sends the event with arguments that came in, as they are, and asks each receiver for an answer.
    ///
    /// # Errors
    /// As [`emit_with_ack`](Self::emit_with_ack).
    pub fn emit_args_with_ack(self, event: &str, args: &Args<'_>, then: AnswersName) -> Result {
        check(event)?;
        let room = &mut *self.room.lend();
        room.check_name(&self.selection.namespace, then)?;
        let receivers = room.receivers(&self.selection);
        let deadline = room.now + self.timeout.unwrap_or(room.ack_timeout);
        let sockets = receivers.iter().cloned().collect();
        let new = NewPendingAck { name: then.0, context: self.context?, deadline, sockets };
        let id = room.pending_acks.ask(room.host.as_ref(), &self.selection.namespace, new)?;
        room.emit_with_ack(self.selection, receivers, event, args, id)
    }

    /// The sockets that are meant, as they are now.
    pub fn fetch_sockets(self) -> Vec<RemoteSocket> {
        let room = self.room.lend();
        let receivers = room.receivers(&self.selection);
        receivers.into_iter().filter_map(|id| room.remote(&self.selection.namespace, id)).collect()
    }

    /// Puts them into a room.
    pub fn sockets_join(self, name: &str) {
        let room = &mut *self.room.lend();
        for socket in room.receivers(&self.selection) {
            room.join(&self.selection.namespace, &socket, name);
        }
    }

    /// Takes them out of a room.
    pub fn sockets_leave(self, name: &str) {
        let room = &mut *self.room.lend();
        for socket in room.receivers(&self.selection) {
            room.leave_room(&self.selection.namespace, &socket, name);
        }
    }

    /// Takes them out of the namespace; with `close`, their clients' whole connections end.
    pub fn disconnect_sockets(self, close: bool) {
        let room = &mut *self.room.lend();
        for socket in room.receivers(&self.selection) {
            room.disconnect(&self.selection.namespace, &socket, close);
        }
    }
}

fn check(event: &str) -> Result {
    if is_reserved(event) { Err(Error::ReservedName) } else { Ok(()) }
}
