//! The one way out to clients: events, answers, CONNECT, DISCONNECT and the end of a session leave here, in order.
//!
//! Within a step that may still fail ([`Io::atomically`](super::Io::atomically)) all of it is held back until the step is
//! done, and dropped where it fails.

use std::rc::Rc;

use serde_json::value::to_raw_value;

use super::error::IoError;
use super::outgoing::{Delivery, Outgoing, Output};
use super::state::RoomState;
use crate::engine_io;
use crate::ids::{Sid, SocketId};
use crate::outbox::Frame;
use crate::socket_io::recovery::Logged;
use crate::socket_io::{Args, DisconnectReason, Selection, ServerPacket, WireMessage};

impl RoomState {
    /// Sends an event; gives how many connected sockets it was for.
    pub(crate) fn emit(
        &mut self,
        selection: Selection,
        event: &str,
        args: &Args<'_>,
        delivery: Delivery,
    ) -> Result<usize, IoError> {
        let receivers = self.receivers(&selection);
        if let Some(logged) = self.logged(&selection, &receivers, delivery) {
            self.emit_logged(&selection.namespace, &logged, &receivers, event, args, delivery)?;
        } else {
            let frames = self.frames(&selection.namespace, &ServerPacket::Event { name: event, args, ack: None })?;
            self.deliver(&selection.namespace, &receivers, frames, delivery == Delivery::Volatile);
        }
        let count = receivers.len();
        self.note_outgoing(selection.namespace, event, args, receivers);
        Ok(count)
    }

    /// What the log is to have of an event; `None` where nobody who recovers gets it or misses it.
    fn logged(&self, selection: &Selection, receivers: &[SocketId], delivery: Delivery) -> Option<Logged> {
        let recovery = &self.sockets.recovery;
        if matches!(delivery, Delivery::Volatile | Delivery::Unlogged) || !recovery.is_on() {
            return None;
        }
        let Selection { namespace, to, except } = selection;
        let logged = Logged { offset: recovery.log.next(self.now), to: to.clone(), except: except.clone() };
        let is_got = receivers.iter().any(|socket| self.recovers(namespace, socket));
        (is_got || recovery.is_missed(namespace, &logged)).then_some(logged)
    }

    /// Whether a connected socket may come back: then its client knows what the offset is.
    fn recovers(&self, namespace: &str, socket: &SocketId) -> bool {
        let found = self.namespace(namespace).and_then(|namespace| namespace.sockets.get(socket));
        found.is_some_and(|socket| socket.state.told)
    }

    /// Stores an event and sends it: with its offset to those who may come back, and as it is to all others.
    fn emit_logged(
        &mut self,
        namespace: &Rc<str>,
        logged: &Logged,
        receivers: &[SocketId],
        event: &str,
        args: &Args<'_>,
        delivery: Delivery,
    ) -> Result<(), IoError> {
        let offset = to_raw_value(&logged.offset.to_string())?;
        let with_offset = args.and(&offset);
        let of_event = |args| ServerPacket::Event { name: event, args, ack: None };
        let is_told = |socket: &SocketId| self.recovers(namespace, socket);
        let (told, others): (Vec<_>, Vec<_>) = receivers.iter().cloned().partition(is_told);
        let frames = self.frames(namespace, &of_event(&with_offset))?;
        let plain = if others.is_empty() { Vec::new() } else { self.frames(namespace, &of_event(args))? };
        let log = &mut self.sockets.recovery.log;
        match log.append(self.host.as_ref(), self.now, namespace, logged, event, args) {
            Ok(()) => {}
            Err(_) if delivery == Delivery::LoggedOrVolatile => {
                let plain = self.frames(namespace, &of_event(args))?;
                self.deliver(namespace, receivers, plain, true);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.deliver(namespace, &told, frames, false);
        self.deliver(namespace, &others, plain, false);
        Ok(())
    }

    /// Sends an event that wants to be acknowledged under this id.
    pub(crate) fn emit_with_ack(
        &mut self,
        selection: Selection,
        receivers: Vec<SocketId>,
        event: &str,
        args: &Args<'_>,
        ack: u64,
    ) -> Result<(), IoError> {
        let frames = self.frames(&selection.namespace, &ServerPacket::Event { name: event, args, ack: Some(ack) })?;
        self.deliver(&selection.namespace, &receivers, frames, false);
        self.note_outgoing(selection.namespace, event, args, receivers);
        Ok(())
    }

    /// Sends a packet to one socket, if it is connected.
    pub(crate) fn send_to_socket(
        &mut self,
        namespace: &Rc<str>,
        socket: &SocketId,
        packet: &ServerPacket<'_>,
    ) -> Result<(), IoError> {
        let frames = self.frames(namespace, packet)?;
        self.deliver(namespace, std::slice::from_ref(socket), frames, false);
        Ok(())
    }

    /// Sends a packet to one client, whether it has joined the namespace or not.
    pub(crate) fn send_to_client(&mut self, sid: &Sid, namespace: &str, packet: &ServerPacket<'_>) {
        // Only a value that an app made up can be one that a parser can't write: then there is nothing to be told.
        let frames = self.frames(namespace, packet).unwrap_or_default();
        self.leave(Output::Frames { to: vec![sid.clone()], frames, volatile: false });
    }

    /// Takes a socket out of the namespace; with `close`, the client's whole connection ends (C11).
    pub(crate) fn disconnect(&mut self, namespace: &Rc<str>, socket: &SocketId, close: bool) {
        let reason = DisconnectReason::ServerNamespaceDisconnect;
        let Some(sid) = self.sockets.leave(namespace, socket, reason, self.now) else {
            return;
        };
        self.send_to_client(&sid, namespace, &ServerPacket::Disconnect);
        if close {
            let others = self.sockets.clients.get(&sid).map(|client| client.joined.clone());
            for (namespace, _) in others.unwrap_or_default() {
                self.send_to_client(&sid, &namespace, &ServerPacket::Disconnect);
            }
            self.sockets.remove_client(&sid, reason, self.now);
            self.leave(Output::Close(sid));
        }
    }

    /// The connected sockets that a selection means now.
    pub(crate) fn receivers(&self, selection: &Selection) -> Vec<SocketId> {
        let namespace = self.namespace(&selection.namespace);
        let selected = namespace.map(|namespace| namespace.rooms.select(&selection.to, &selection.except));
        selected.unwrap_or_default().into_iter().collect()
    }

    /// What was held back in a step leaves, now that the step is done.
    pub(super) fn release(&mut self, held: Vec<Output>) {
        for output in held {
            self.leave(output);
        }
    }

    fn leave(&mut self, output: Output) {
        if let Some(held) = &mut self.held {
            held.push(output);
            return;
        }
        match output {
            Output::Frames { to, frames, volatile: true } => {
                for sid in to {
                    self.engine.send_volatile(&sid, &frames);
                }
            }
            Output::Frames { to, frames, volatile: false } => {
                for sid in to {
                    for frame in &frames {
                        self.engine.send(&sid, frame.clone());
                    }
                }
            }
            Output::Close(sid) => _ = self.engine.close(&sid),
        }
    }

    /// Frames to the sessions that carry these sockets. All receivers share them.
    fn deliver(&mut self, namespace: &str, to: &[SocketId], frames: Vec<Frame>, volatile: bool) {
        let sockets = self.namespace(namespace).map(|namespace| &namespace.sockets);
        let carrier = |socket| Some(sockets?.get(socket)?.sid.clone());
        let to = to.iter().filter_map(carrier).collect();
        self.leave(Output::Frames { to, frames, volatile });
    }

    /// A packet as the frames that carry it, written once for all receivers.
    fn frames(&self, namespace: &str, packet: &ServerPacket<'_>) -> Result<Vec<Frame>, IoError> {
        let messages = self.sockets.parser.encode(namespace, packet)?;
        let frame = |message| match message {
            WireMessage::Text(text) => engine_io::Packet::Message(text.into()).encode(),
            WireMessage::Binary(bytes) => Frame::Binary(bytes),
        };
        Ok(messages.into_iter().map(frame).collect())
    }

    /// Notes what is sent, where the app wants to know.
    fn note_outgoing(&mut self, namespace: Rc<str>, event: &str, args: &Args<'_>, to: Vec<SocketId>) {
        if let Some(sent) = &mut self.sent {
            let args = args.clone().into_owned();
            sent.push_back(Outgoing { namespace, name: event.to_owned(), args, to: to.into_iter().collect() });
        }
    }
}
