//! How what an app says gets to its sockets.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Io;
use crate::app::questions::Asking;
use crate::app::{Ack, Args, IoError, Outgoing};
use crate::engine_io::{self, Engine, Turn};
use crate::ids::{Millis, Sid, SocketId};
use crate::outbox::Frame;
use crate::socket_io::recovery::Logged;
use crate::socket_io::{Held, Message, Reply, Sockets};

impl Io<'_> {
    /// Answers an event. An answer to a socket that is gone is dropped.
    ///
    /// # Errors
    /// [`IoError::NotJson`].
    pub fn answer(&mut self, ack: Ack, value: &impl Serialize) -> Result<(), IoError> {
        self.answer_args(ack, &Args::of(value)?)
    }

    /// Answers an event with any number of arguments.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    #[allow(clippy::needless_pass_by_value, reason = "an event is answered once")]
    pub fn answer_args(&mut self, ack: Ack, args: &Args<'_>) -> Result<(), IoError> {
        self.send(&[ack.socket], &Reply::Ack { id: ack.id, args }, false)
    }

    /// How long answers are waited for unless the app says otherwise.
    pub(in crate::app) fn ack_timeout(&self) -> Millis {
        self.services.ack_timeout
    }

    /// Notes a question; gives the id under which it is to be asked.
    pub(in crate::app) fn ask(&mut self, asking: Asking<'_>) -> Result<u64, IoError> {
        Ok(self.services.questions.ask(self.turn.runtime, &self.namespace, asking)?)
    }

    /// Notes what is sent, where the app wants to know.
    pub(in crate::app) fn note_outgoing(&mut self, event: &str, args: &Args<'_>, to: BTreeSet<SocketId>) {
        if let Some(sent) = &mut self.services.sent {
            sent.push_back(Outgoing {
                namespace: self.namespace.clone(),
                name: event.to_owned(),
                args: args.clone().into_owned(),
                to,
            });
        }
    }

    /// Notes an event for those who may miss it.
    pub(in crate::app) fn append(&mut self, logged: &Logged, event: &str, args: &Args<'_>) -> Result<(), IoError> {
        let Turn { now, runtime, .. } = self.turn;
        Ok(self.sockets.recovery.log.append(runtime, now, &self.namespace, logged, event, args)?)
    }

    /// A packet to sockets of the namespace: its frames are written once and shared by all receivers.
    pub(in crate::app) fn send<'s>(
        &mut self,
        to: impl IntoIterator<Item = &'s SocketId>,
        packet: &Reply<'_>,
        volatile: bool,
    ) -> Result<(), IoError> {
        let frames = self.frames(packet)?;
        self.deliver(to, frames, volatile);
        Ok(())
    }

    pub(in crate::app) fn frames(&self, packet: &Reply<'_>) -> Result<Vec<Frame>, IoError> {
        Ok(frames(self.sockets.parser.encode(&self.namespace, packet)?))
    }

    /// Frames to sockets of the namespace, as soon as it is sure that they are to be sent.
    pub(in crate::app) fn deliver<'s>(
        &mut self,
        to: impl IntoIterator<Item = &'s SocketId>,
        frames: Vec<Frame>,
        volatile: bool,
    ) {
        let sockets = self.place().map(|place| &place.sockets);
        let carrier = |socket| Some(sockets?.get(socket)?.sid.clone());
        let to: Vec<_> = to.into_iter().filter_map(carrier).collect();
        self.dispatch(to, frames, volatile);
    }

    pub(super) fn dispatch(&mut self, to: Vec<Sid>, frames: Vec<Frame>, volatile: bool) {
        // Within a larger step that may still fail, it waits for that one's end.
        if let Some(held) = &mut self.sockets.held {
            held.push(Held { to, frames, volatile });
            return;
        }
        for sid in to {
            if volatile {
                self.engine.send_volatile(&mut self.turn, &sid, &frames);
                continue;
            }
            for frame in &frames {
                self.engine.send(&mut self.turn, &sid, frame.clone());
            }
        }
    }
}

/// A packet to one client, whether it has joined the namespace or not.
pub(crate) fn send(
    engine: &mut Engine,
    turn: &mut Turn<'_>,
    sockets: &Sockets,
    sid: &Sid,
    namespace: &str,
    packet: &Reply<'_>,
) {
    // Only what an app made up can be what a parser has no words for: then there is nothing to be told.
    for frame in frames(sockets.parser.encode(namespace, packet).unwrap_or_default()) {
        engine.send(turn, sid, frame);
    }
}

/// Messages as the Engine.IO packets that carry them.
fn frames(messages: Vec<Message>) -> Vec<Frame> {
    let frame = |message| match message {
        Message::Text(text) => engine_io::Packet::Message(text.into()).encode(),
        Message::Binary(bytes) => Frame::Binary(bytes),
    };
    messages.into_iter().map(frame).collect()
}
