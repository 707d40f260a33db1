//! Events from the app: to whom, and with what.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::Serialize;
use serde_json::value::to_raw_value;

use super::{Args, Io, IoError};
use crate::ids::SocketId;
use crate::socket_io::recovery::Logged;
use crate::socket_io::{Reply, is_reserved};

/// Who an event goes to; then [`emit`](Self::emit) sends it.
#[must_use = "nobody gets anything before `emit`"]
pub struct Emit<'i, 'a> {
    io: &'i mut Io<'a>,
    to: Vec<Rc<str>>,
    except: Vec<Rc<str>>,
    volatile: bool,
}

impl<'i, 'a> Emit<'i, 'a> {
    /// To everybody in the namespace.
    pub(super) fn new(io: &'i mut Io<'a>) -> Self {
        Self { io, to: Vec::new(), except: Vec::new(), volatile: false }
    }

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

    /// Only to whom it reaches at once: for what the next event makes obsolete, such as a position. Whoever has no poll
    /// pending, or was sent something else at the same moment, misses it (1.12). Events that want an answer are sent all
    /// the same.
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Sends the event with one argument. It is stored first, for those whose connection is lost just then (1.11).
    ///
    /// # Errors
    /// [`IoError::ReservedName`], [`IoError::NotJson`], [`IoError::Storage`]: then nobody gets anything.
    pub fn emit(self, event: &str, value: &impl Serialize) -> Result<(), IoError> {
        self.emit_args(event, &Args::of(value)?)
    }

    /// Sends the event with any number of arguments, such as those of an event that came in. Clients take 10 attachments
    /// a packet, unless they are set up otherwise (E7).
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_args(self, event: &str, args: &Args<'_>) -> Result<(), IoError> {
        check(event)?;
        let receivers = self.receivers();
        let recovery = &self.io.sockets.recovery;
        if self.volatile || !recovery.is_on() {
            return self.io.send(receivers, &Reply::Event { name: event, args, ack: None }, self.volatile);
        }
        let logged = Logged { offset: recovery.log.next(self.io.now()), to: self.to, except: self.except };
        if receivers.is_empty() && !recovery.is_missed(self.io.namespace(), &logged) {
            return Ok(());
        }
        let offset = to_raw_value(&logged.offset.to_string())?;
        let frames = self.io.frames(&Reply::Event { name: event, args: &args.and(&offset), ack: None })?;
        self.io.append(&logged, event, args)?;
        self.io.deliver(receivers, frames, false);
        Ok(())
    }

    /// Sends the event with one argument and asks each receiver for an answer: [`App::acked`](super::App::acked) gets
    /// them, under the ids returned here beside their sockets.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_with_ack(self, event: &str, value: &impl Serialize) -> Result<Vec<(SocketId, u64)>, IoError> {
        self.emit_args_with_ack(event, &Args::of(value)?)
    }

    /// Sends the event with any number of arguments and asks each receiver for an answer.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_args_with_ack(self, event: &str, args: &Args<'_>) -> Result<Vec<(SocketId, u64)>, IoError> {
        check(event)?;
        let mut asked = Vec::new();
        let namespace = self.io.namespace().to_owned();
        for socket in self.receivers() {
            if let Some(id) = self.io.sockets.expect_ack(&namespace, &socket) {
                self.io.send([socket.clone()], &Reply::Event { name: event, args, ack: Some(id) }, false)?;
                asked.push((socket, id));
            }
        }
        Ok(asked)
    }

    fn receivers(&self) -> BTreeSet<SocketId> {
        let place = self.io.place();
        place.map(|place| place.rooms.select(&self.to, &self.except)).unwrap_or_default()
    }
}

fn check(event: &str) -> Result<(), IoError> {
    if is_reserved(event) { Err(IoError::ReservedName) } else { Ok(()) }
}
