//! What clients say: who joins and leaves namespaces, events and acks.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde::{Serialize, Serializer};
use serde_json::value::to_raw_value;

use super::live::Live;
use crate::app::handlers::refuse;
use crate::app::{Ack, Error, Event};
use crate::engine_io::Revision;
use crate::ids::Sid;
use crate::socket_io::{DisconnectReason, Packet, PacketBody};

impl Live {
    /// A packet that could be read.
    pub(super) fn packet(&mut self, sid: &Sid, packet: Packet<'_>) {
        let packet = match self.state.engine.revision(sid) {
            Some(Revision::V3) => with_query(packet),
            _ => packet,
        };
        let Packet { namespace, body } = packet;
        let namespace: Rc<str> = namespace.as_ref().into();
        let socket = self.state.sockets.find(sid, &namespace);
        match (body, socket) {
            (PacketBody::Connect(auth), None) => self.connect(sid, &namespace, auth.as_deref()),
            (PacketBody::Disconnect, Some(socket)) => {
                self.state.sockets.leave(
                    &namespace,
                    &socket,
                    DisconnectReason::ClientNamespaceDisconnect,
                    self.state.now,
                );
                self.settle();
            }
            (PacketBody::Event { name, args, ack }, Some(socket)) => {
                let ack = ack.map(|id| Ack::new(socket.clone(), id));
                if let Err(sentence) = self.state.sockets.limits.check_event(&name) {
                    let error = Error::new("name_too_long", sentence);
                    return self.call(&namespace, |_, io| refuse(io, &socket, ack, &error));
                }
                let event = Event { socket: &socket, name: &name, args: &args, ack };
                self.call(&namespace, |app, io| app.event(io, event));
            }
            (PacketBody::Ack { id: Some(id), args }, Some(socket)) => {
                let host = self.state.host.clone();
                let kept = self.state.pending_acks.answered(host.as_ref(), &namespace, &socket, id, args);
                if let Err(error) = kept {
                    host.warn(&format!("an answer won't outlive a restart: {error}"));
                }
                self.settle();
            }
            // Nobody's answer (E3).
            (PacketBody::Ack { id: None, .. }, Some(_)) => {}
            // On its way while the server took the socket out (E12).
            (PacketBody::Event { .. } | PacketBody::Ack { .. } | PacketBody::Disconnect, None)
                if self.dismissed(sid, &namespace) => {}
            // Joined twice, not joined at all, or what only a server says (C6).
            (PacketBody::Connect(_) | PacketBody::ConnectError, Some(_)) | (_, None) => {
                self.close(sid, DisconnectReason::ForcedServerClose);
            }
        }
    }

    fn dismissed(&self, sid: &Sid, namespace: &str) -> bool {
        self.state.sockets.clients.get(sid).is_some_and(|client| client.dismissed.contains(namespace))
    }
}

/// A packet of a client of Socket.IO 2, whose namespace may bear a query: that is what it has to say for itself in a
/// CONNECT (C12).
fn with_query(packet: Packet<'_>) -> Packet<'_> {
    let (namespace, query) = packet.namespace.split_once('?').unwrap_or((&packet.namespace, ""));
    let body = match packet.body {
        PacketBody::Connect(_) if query.is_empty() => PacketBody::Connect(None),
        PacketBody::Connect(_) => PacketBody::Connect(to_raw_value(&Auth(query)).ok().map(Cow::Owned)),
        other => other,
    };
    Packet { namespace: Cow::Owned(namespace.to_owned()), body }
}

/// A query as a JSON object, in its own order; a name that is there again is told once, with its last value.
struct Auth<'a>(&'a str);

impl Serialize for Auth<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = || form_urlencoded::parse(self.0.as_bytes());
        let last: HashMap<_, _> = pairs().collect();
        let mut told = HashSet::new();
        let first = pairs().map(|(name, _)| name).filter(|name| told.insert(name.clone()));
        serializer.collect_map(first.map(|name| {
            let value = last.get(&name).cloned().unwrap_or_default();
            (name, value)
        }))
    }
}
