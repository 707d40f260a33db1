//! What a handler is given: [`Socket`] where somebody does something, [`Room`] where something happens.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::outcome::Failure;
use crate::app::{Ack, Args, BroadcastOperator, Handshake, Io, IoError, parse_auth};
use crate::ids::{Millis, SocketId};

/// The room, at the moment of a handler.
pub struct Room<'i, 'a, S = ()> {
    /// The room's sockets, and all that may be done with them.
    pub io: &'i mut Io<'a>,
    /// The app's state, as it was given to [`Handlers::with`](super::Handlers::with). It is gone whenever the object loses
    /// its memory: what must stay is kept with the sockets, in values by key, or in tables.
    pub app: &'i mut S,
}

/// The socket that sent an event, or that has just connected.
pub struct Socket<'i, 'a, S = ()> {
    /// The room's sockets, and all that may be done with them.
    pub io: &'i mut Io<'a>,
    /// The app's state, as in [`Room::app`].
    pub app: &'i mut S,
    /// Its id: nobody else's, and the same again when its client has recovered.
    pub id: &'i SocketId,
    pub(super) ack: Option<Ack>,
    pub(super) auth: Option<&'i RawValue>,
    /// Whether it has just come back (1.11): its id, rooms and data are what they were, and it has got what it missed.
    pub recovered: bool,
}

impl<'a, S> Room<'_, 'a, S> {
    /// Runs a handler; where it is `transactional` and fails, nothing of what it did remains.
    pub(super) fn attempt<T>(
        &mut self,
        transactional: bool,
        run: impl FnOnce(&mut Room<'_, 'a, S>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Room { io, app } = self;
        if transactional { io.atomically(|io| run(&mut Room { io, app })) } else { run(&mut Room { io, app }) }
    }
}

impl<'a, S> Socket<'_, 'a, S> {
    /// Runs a handler; where it is `transactional` and fails, nothing of what it did remains, and the right to answer is what
    /// it was.
    pub(super) fn attempt<T>(
        &mut self,
        transactional: bool,
        run: impl FnOnce(&mut Socket<'_, 'a, S>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Socket { io, app, id, ack, auth, recovered } = self;
        let (auth, recovered, before) = (*auth, *recovered, ack.as_ref().map(Ack::again));
        let step = |io: &mut Io<'a>| {
            let mut socket = Socket { io, app: &mut **app, id, ack: ack.take(), auth, recovered };
            let outcome = run(&mut socket);
            *ack = socket.ack.take();
            outcome
        };
        let outcome = if transactional { io.atomically(step) } else { step(io) };
        if transactional && outcome.is_err() {
            *ack = before;
        }
        outcome
    }

    /// Whether it still is in the namespace: the handler itself may have disconnected it.
    pub fn connected(&self) -> bool {
        self.io.is_connected(self.id)
    }

    /// Sends it an event with one argument. What stands in [`app`](Self::app) is sent by `socket.io.to(socket.id)`, which
    /// leaves that field to be borrowed; and an `id` that is to be among the arguments is copied before:
    /// `let id = socket.id`.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&mut self, event: &str, value: &(impl Serialize + ?Sized)) -> Result<(), IoError> {
        self.only().emit(event, value)
    }

    /// Sends it an event with any number of arguments.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn emit_args(&mut self, event: &str, args: &Args<'_>) -> Result<(), IoError> {
        self.only().emit_args(event, args)
    }

    /// Sends it the event `message`.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn send(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), IoError> {
        self.only().send(value)
    }

    /// This socket alone, for what isn't simply sent: with an answer, or only if it arrives at once.
    pub fn only(&mut self) -> BroadcastOperator<'_> {
        self.io.to(self.id)
    }

    /// This socket alone, and only if it arrives at once.
    pub fn volatile(&mut self) -> BroadcastOperator<'_> {
        self.only().volatile()
    }

    /// This socket alone, which has so long to answer.
    pub fn timeout(&mut self, timeout: Millis) -> BroadcastOperator<'_> {
        self.only().timeout(timeout)
    }

    /// Everybody else in the namespace.
    pub fn broadcast(&mut self) -> BroadcastOperator<'_> {
        self.io.except(self.id)
    }

    /// Everybody else in a room.
    pub fn to(&mut self, room: impl AsRef<str>) -> BroadcastOperator<'_> {
        self.broadcast().to(room)
    }

    /// Everybody else but those in a room.
    pub fn except(&mut self, room: impl AsRef<str>) -> BroadcastOperator<'_> {
        self.broadcast().except(room)
    }

    /// Joins a room.
    pub fn join(&mut self, room: &str) {
        self.io.join(self.id, room);
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: &str) {
        self.io.leave(self.id, room);
    }

    /// The rooms that it is in: that of its own id too.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.io.rooms_of(self.id)
    }

    /// What the app keeps with it; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        self.io.data(self.id)
    }

    /// Keeps something with it, as [`Io::set_data`] does.
    ///
    /// # Errors
    /// As [`Io::set_data`].
    pub fn set_data(&mut self, value: &impl Serialize) -> Result<(), IoError> {
        self.io.set_data(self.id, value)
    }

    /// What its client's first request said; `None` where the socket has been disconnected meanwhile.
    pub fn handshake(&self) -> Option<&Handshake> {
        self.io.handshake(self.id).map(AsRef::as_ref)
    }

    /// What its client sent along when it connected, if it is such a value. Only known on connection: what is wanted later
    /// is to be kept with the socket.
    pub fn auth<T: DeserializeOwned>(&self) -> Option<T> {
        parse_auth(self.auth)
    }

    /// Takes it out of the namespace; with `close`, the client's whole connection ends.
    pub fn disconnect(&mut self, close: bool) {
        self.io.disconnect(self.id, close);
    }

    /// The right to answer the event later, by [`Io::answer`]: then what the handler returns isn't sent. `None` where the
    /// client wants no answer.
    pub fn take_ack(&mut self) -> Option<Ack> {
        self.ack.take()
    }
}
