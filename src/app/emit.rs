//! The one way out: events, answers, CONNECT, DISCONNECT, the end of a session and requests to other servers leave here, in order.
//!
//! Within a step that may still fail ([`Io::atomically`](super::Io::atomically)) all of it is held back until the step is
//! done, and dropped where it fails.

use std::rc::Rc;

use serde_json::value::to_raw_value;

use super::error::{Result, not_json};
use super::outgoing::{Delivery, Outgoing, Output};
use super::state::RoomState;
use crate::engine_io;
use crate::fetch::FetchRequest;
use crate::ids::{Sid, SocketId};
use crate::outbox::Frame;
use crate::socket_io::recovery::Logged;
use crate::socket_io::{Args, DisconnectReason, Selection, ServerPacket, WireMessage};

/// Who gets an event.
#[derive(Default)]
struct Receivers {
    /// The sessions of the sockets that may come back.
    recovering: Vec<Sid>,
    /// The sessions of all others.
    others: Vec<Sid>,
    /// The sockets, where the app wants to know what is sent.
    sockets: Vec<SocketId>,
}

impl RoomState {
    /// Sends an event; gives how many connected sockets it was for.
    pub(crate) fn emit(
        &mut self,
        selection: Selection,
        event: &str,
        args: &Args<'_>,
        delivery: Delivery,
    ) -> Result<usize> {
        let receivers = self.carriers(&selection);
        let count = receivers.recovering.len() + receivers.others.len();
        let Receivers { recovering, others, sockets } = receivers;
        if let Some(logged) = self.logged(&selection, !recovering.is_empty(), delivery) {
            self.emit_logged(&selection.namespace, &logged, (recovering, others), event, args, delivery)?;
        } else {
            let frames = self.frames(&selection.namespace, &ServerPacket::Event { name: event, args, ack: None })?;
            let to = [recovering, others].concat();
            self.leave(Output::Frames { to, frames, volatile: delivery == Delivery::Volatile });
        }
        self.note_outgoing(selection.namespace, event, args, sockets);
        Ok(count)
    }

    /// What the log is to have of an event; `None` where nobody who recovers gets it (`is_got`) or misses it.
    fn logged(&self, selection: &Selection, is_got: bool, delivery: Delivery) -> Option<Logged> {
        let recovery = &self.sockets.recovery;
        if matches!(delivery, Delivery::Volatile | Delivery::Unlogged) || !recovery.is_on() {
            return None;
        }
        let Selection { namespace, to, except } = selection;
        let logged = Logged { offset: recovery.log.next(self.now), to: to.clone(), except: except.clone() };
        (is_got || recovery.is_missed(namespace, &logged)).then_some(logged)
    }

    /// Stores an event and sends it: with its offset to those who may come back, whose clients know what that is, and as it
    /// is to all others.
    fn emit_logged(
        &mut self,
        namespace: &Rc<str>,
        logged: &Logged,
        (recovering, others): (Vec<Sid>, Vec<Sid>),
        event: &str,
        args: &Args<'_>,
        delivery: Delivery,
    ) -> Result {
        let offset = to_raw_value(&logged.offset.to_string()).map_err(not_json)?;
        let with_offset = args.and(&offset);
        let of_event = |args| ServerPacket::Event { name: event, args, ack: None };
        let frames = self.frames(namespace, &of_event(&with_offset))?;
        let plain = if others.is_empty() { Vec::new() } else { self.frames(namespace, &of_event(args))? };
        let log = &mut self.sockets.recovery.log;
        match log.append(self.host.as_ref(), self.now, namespace, logged, event, args) {
            Ok(()) => {}
            Err(_) if delivery == Delivery::LoggedOrVolatile => {
                let frames = self.frames(namespace, &of_event(args))?;
                self.leave(Output::Frames { to: [recovering, others].concat(), frames, volatile: true });
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.leave(Output::Frames { to: recovering, frames, volatile: false });
        self.leave(Output::Frames { to: others, frames: plain, volatile: false });
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
    ) -> Result {
        let frames = self.frames(&selection.namespace, &ServerPacket::Event { name: event, args, ack: Some(ack) })?;
        let sessions = receivers.iter().filter_map(|socket| self.carrier(&selection.namespace, socket)).collect();
        self.leave(Output::Frames { to: sessions, frames, volatile: false });
        self.note_outgoing(selection.namespace, event, args, receivers);
        Ok(())
    }

    /// Sends a packet to one socket, if it is connected.
    pub(crate) fn send_to_socket(
        &mut self,
        namespace: &Rc<str>,
        socket: &SocketId,
        packet: &ServerPacket<'_>,
    ) -> Result {
        let frames = self.frames(namespace, packet)?;
        let to = self.carrier(namespace, socket).into_iter().collect();
        self.leave(Output::Frames { to, frames, volatile: false });
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

    /// A request to another server leaves, as all that is sent.
    pub(super) fn fetch(&mut self, id: u64, request: FetchRequest) {
        self.leave(Output::Fetch(id, request));
    }

    /// The connected sockets that a selection means now.
    pub(crate) fn receivers(&self, selection: &Selection) -> Vec<SocketId> {
        let namespace = self.namespace(&selection.namespace);
        let selected = namespace.map(|namespace| namespace.rooms.select(&selection.to, &selection.except));
        selected.unwrap_or_default().into_iter().cloned().collect()
    }

    /// The sessions that carry the sockets that a selection means now.
    fn carriers(&self, selection: &Selection) -> Receivers {
        let mut receivers = Receivers::default();
        let Some(namespace) = self.namespace(&selection.namespace) else {
            return receivers;
        };
        for id in namespace.rooms.select(&selection.to, &selection.except) {
            let Some(socket) = namespace.sockets.get(id) else {
                continue;
            };
            let sessions = if socket.state.told { &mut receivers.recovering } else { &mut receivers.others };
            sessions.push(socket.sid.clone());
            if self.sent.is_some() {
                receivers.sockets.push(id.clone());
            }
        }
        receivers
    }

    /// The session that carries a socket, if it is connected.
    fn carrier(&self, namespace: &str, socket: &SocketId) -> Option<Sid> {
        Some(self.namespace(namespace)?.sockets.get(socket)?.sid.clone())
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
                // One frame after the other: all its receivers share an effect.
                for frame in &frames {
                    for sid in &to {
                        self.engine.send(sid, frame.clone());
                    }
                }
            }
            Output::Close(sid) => _ = self.engine.close(&sid),
            Output::Fetch(id, request) => self.fetches.enqueue(id, request),
        }
    }

    /// A packet as the frames that carry it, written once for all receivers.
    fn frames(&self, namespace: &str, packet: &ServerPacket<'_>) -> Result<Vec<Frame>> {
        let messages = self.sockets.parser.encode(namespace, packet).map_err(not_json)?;
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
