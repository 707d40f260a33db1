//! What a handler is given: [`Socket`] where somebody does something, [`Room`] where something happens.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::app::error::Result;
use crate::app::{Ack, Args, BroadcastOperator, Error, Extensions, Handshake, Io, parse_auth};
use crate::ids::{Millis, SocketId};

/// The room, at the moment of a handler.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn left(room: &mut Room<Vec<String>>, departed: &Departed) -> Result {
///     room.app.push(departed.id.to_string());
///     room.io.emit("left", &departed.id)
/// }
/// # let _ = Handlers::with(Vec::new()).on_disconnect(left);
/// ```
pub struct Room<'a, S = ()> {
    /// The room's sockets, and all that may be done with them.
    pub io: Io<'a>,
    /// The app's state, as it was given to [`Handlers::with`](super::Handlers::with). It is gone whenever the object loses
    /// its memory: what must stay is kept with the sockets, in values by key, or in tables.
    pub app: &'a mut S,
}

/// The socket that sent an event, or that has just connected.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn join(socket: &mut Socket<u64>, room: String) -> Result<u64> {
///     *socket.app += 1;
///     socket.join(&room);
///     socket.to(&room).emit("joined", &(socket.id, *socket.app))?;
///     Ok(*socket.app)
/// }
/// # let _ = Handlers::with(0).on("join", join);
/// ```
///
/// What [`to`](Self::to), [`broadcast`](Self::broadcast) and the like return doesn't borrow the socket: made before, it can be used
/// while the app's state is changed.
pub struct Socket<'a, S = ()> {
    /// The room's sockets, and all that may be done with them.
    pub io: Io<'a>,
    /// The app's state, as in [`Room::app`].
    pub app: &'a mut S,
    /// Its id: nobody else's, and the same again when its client has recovered.
    pub id: &'a SocketId,
    pub(super) ack: &'a Cell<Option<Ack>>,
    pub(super) auth: Option<&'a RawValue>,
    /// Whether it has just come back (1.11): its id, rooms and data are what they were, and it has got what it missed.
    pub recovered: bool,
}

/// A socket as a handler is called with it, before the type of the app's state is known.
pub(super) struct Caller<'a> {
    pub(super) io: Io<'a>,
    pub(super) id: &'a SocketId,
    pub(super) ack: Cell<Option<Ack>>,
    pub(super) auth: Option<&'a RawValue>,
    pub(super) recovered: bool,
}

impl Caller<'_> {
    /// Runs a handler; where it is `transactional` and fails, nothing of what it did remains, and the right to answer is what
    /// it was.
    pub(super) fn attempt<T>(&self, transactional: bool, run: impl FnOnce() -> Result<T>) -> Result<T> {
        if !transactional {
            return run();
        }
        let ack = self.ack.take();
        let again = ack.as_ref().map(Ack::again);
        self.ack.set(ack);
        let outcome = self.io.atomically(run);
        if outcome.is_err() {
            self.ack.set(again);
        }
        outcome
    }
}

/// The app's state. It is what the app was made with, so there is no error.
fn state<S: 'static>(app: &mut dyn Any) -> Result<&mut S> {
    app.downcast_mut().ok_or_else(|| Error::new("wrong_state", "The app has another state."))
}

impl<'a, S: 'static> Room<'a, S> {
    pub(super) fn of(io: &Io<'a>, app: &'a mut dyn Any) -> Result<Self> {
        Ok(Self { io: io.clone(), app: state(app)? })
    }
}

impl<'a, S: 'static> Socket<'a, S> {
    pub(super) fn of(caller: &'a Caller<'a>, app: &'a mut dyn Any) -> Result<Self> {
        let Caller { io, id, ack, auth, recovered } = caller;
        Ok(Self { io: io.clone(), app: state(app)?, id, ack, auth: *auth, recovered: *recovered })
    }
}

impl<'a, S> Socket<'a, S> {
    /// Whether it still is in the namespace: the handler itself may have disconnected it.
    pub fn connected(&self) -> bool {
        self.io.is_connected(self.id)
    }

    /// Sends it an event: with several arguments where the value is a tuple, with none where it is `()`, and else with this one.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&self, event: &str, value: &(impl Serialize + ?Sized)) -> Result {
        self.only().emit(event, value)
    }

    /// Sends it an event with arguments that came in, as they are.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn emit_args(&self, event: &str, args: &Args<'_>) -> Result {
        self.only().emit_args(event, args)
    }

    /// Sends it the event `message`.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn send(&self, value: &(impl Serialize + ?Sized)) -> Result {
        self.only().send(value)
    }

    /// This socket alone, for what isn't simply sent: with an answer, or only if it arrives at once.
    pub fn only(&self) -> BroadcastOperator<'a> {
        self.io.to(self.id)
    }

    /// This socket alone, and only if it arrives at once.
    pub fn volatile(&self) -> BroadcastOperator<'a> {
        self.only().volatile()
    }

    /// This socket alone, which has so long to answer.
    pub fn timeout(&self, timeout: Millis) -> BroadcastOperator<'a> {
        self.only().timeout(timeout)
    }

    /// Everybody else in the namespace.
    pub fn broadcast(&self) -> BroadcastOperator<'a> {
        self.io.except(self.id)
    }

    /// Everybody else in a room.
    pub fn to(&self, room: impl AsRef<str>) -> BroadcastOperator<'a> {
        self.broadcast().to(room)
    }

    /// Everybody else but those in a room.
    pub fn except(&self, room: impl AsRef<str>) -> BroadcastOperator<'a> {
        self.broadcast().except(room)
    }

    /// Joins a room.
    pub fn join(&self, room: &str) {
        self.io.join(self.id, room);
    }

    /// Leaves a room.
    pub fn leave(&self, room: &str) {
        self.io.leave(self.id, room);
    }

    /// The rooms that it is in: that of its own id too.
    pub fn rooms(&self) -> Vec<String> {
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
    pub fn set_data(&self, value: &(impl Serialize + ?Sized)) -> Result {
        self.io.set_data(self.id, value)
    }

    /// What the app keeps with it in memory alone. Where the handler has disconnected it, what is put in is forgotten.
    pub fn extensions(&self) -> Rc<Extensions> {
        self.io.extensions(self.id).unwrap_or_default()
    }

    /// What its client's first request said; `None` where the socket has been disconnected meanwhile.
    pub fn handshake(&self) -> Option<Rc<Handshake>> {
        self.io.handshake(self.id)
    }

    /// What its client sent along when it connected, if it is such a value. Only known on connection: what is wanted later
    /// is to be kept with the socket.
    pub fn auth<T: DeserializeOwned>(&self) -> Option<T> {
        parse_auth(self.auth)
    }

    /// Takes it out of the namespace; with `close`, the client's whole connection ends.
    pub fn disconnect(&self, close: bool) {
        self.io.disconnect(self.id, close);
    }

    /// The right to answer the event later, by [`Io::answer`]: then what the handler returns isn't sent. `None` where the
    /// client wants no answer. Not to answer at all, a handler returns [`NoAnswer`](super::NoAnswer).
    pub fn take_ack(&self) -> Option<Ack> {
        self.ack.take()
    }
}
