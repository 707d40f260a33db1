//! What clients say: joining and leaving namespaces, events and acks.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::hub::Hub;
use super::recovery::Claim;
use crate::app::handlers::{Failure, refuse};
use crate::app::{Ack, Connection, Event, Joining, Refusal, send};
use crate::engine_io::{Engine, Revision, Turn};
use crate::ids::{Pid, Sid, SocketId};
use crate::socket_io::recovery::Profile;
use crate::socket_io::{Body, DisconnectReason, Packet, Reply};

impl Hub {
    /// A packet that could be read.
    pub(super) fn packet(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, packet: Packet<'_>) {
        let packet = match engine.revision(sid) {
            Some(Revision::V3) => with_query(packet),
            _ => packet,
        };
        let Packet { namespace, body } = packet;
        let namespace: Rc<str> = namespace.as_ref().into();
        let socket = self.sockets.find(sid, &namespace);
        match (body, socket) {
            (Body::Connect(auth), None) => self.connect(engine, turn, sid, &namespace, auth.as_deref()),
            (Body::Disconnect, Some(socket)) => {
                self.sockets.leave(&namespace, &socket, DisconnectReason::ClientNamespaceDisconnect, turn.now);
                self.settle(engine, turn);
            }
            (Body::Event { name, args, ack }, Some(socket)) => {
                let ack = ack.map(|id| Ack::new(socket.clone(), id));
                if let Err(sentence) = self.sockets.limits.check_event(&name) {
                    let failure = Failure::new("name_too_long", sentence);
                    return self.call(engine, turn, &namespace, |_, io| refuse(io, &socket, ack, &failure));
                }
                let event = Event { socket: &socket, name: &name, args: &args, ack };
                self.call(engine, turn, &namespace, |app, io| app.event(io, event));
            }
            (Body::Ack { id: Some(id), args }, Some(socket)) => {
                let kept = self.services.questions.answered(turn.runtime, &namespace, &socket, id, args);
                if let Err(error) = kept {
                    turn.runtime.warn(&format!("an answer won't outlive a restart: {error}"));
                }
                self.settle(engine, turn);
            }
            // Nobody's answer (E3).
            (Body::Ack { id: None, .. }, Some(_)) => {}
            // On its way while the server took the socket out (E12).
            (Body::Event { .. } | Body::Ack { .. } | Body::Disconnect, None) if self.dismissed(sid, &namespace) => {}
            // Joined twice, not joined at all, or what only a server says (C6).
            (Body::Connect(_) | Body::ConnectError, Some(_)) | (_, None) => {
                self.close(engine, turn, sid, DisconnectReason::ForcedServerClose);
            }
        }
    }

    fn dismissed(&self, sid: &Sid, namespace: &str) -> bool {
        self.sockets.clients.get(sid).is_some_and(|client| client.dismissed.contains(namespace))
    }

    /// A client wants to join a namespace.
    pub(super) fn connect(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        sid: &Sid,
        namespace: &Rc<str>,
        auth: Option<&RawValue>,
    ) {
        let joined = self.sockets.clients.get(sid).map_or(0, |client| client.joined.len());
        if let Err(sentence) = self.sockets.limits.check_namespace(namespace, joined) {
            return self.refuse(engine, turn, sid, namespace, &Refusal::new(sentence), Revision::V4);
        }
        if !self.app.has_namespace(namespace) {
            let refusal = Refusal { message: "Invalid namespace".to_owned(), data: None };
            // Said so to clients of every revision.
            return self.refuse(engine, turn, sid, namespace, &refusal, Revision::V4);
        }
        let Some(handshake) = self.sockets.clients.get(sid).map(|client| client.handshake.clone()) else {
            return;
        };
        let joining = Joining { auth, handshake: &handshake };
        let verdict = self.call(engine, turn, namespace, |app, io| app.connecting(io, &joining));
        // A hook may have closed this very client.
        let (true, Some(revision)) = (self.sockets.clients.contains_key(sid), engine.revision(sid)) else {
            return;
        };
        if let Err(refusal) = verdict {
            return self.refuse(engine, turn, sid, namespace, &refusal, revision);
        }
        let told = revision == Revision::V4 && self.sockets.recovery.is_on();
        let mut given_up = None;
        if told && let Some(claim) = Claim::read(auth) {
            match self.recover(engine, turn, sid, namespace, &claim, auth) {
                Ok(()) => return,
                Err(lost) => given_up = lost,
            }
        }
        // Clients of Socket.IO 2 derive an id from the session's. The reference uses the same, and so shows it to whoever
        // sees the id; here the session's stays a secret (H3, C12).
        let id = SocketId::random(turn.runtime);
        let pid = Pid::random(turn.runtime);
        self.sockets.join(sid, namespace, &id, Profile::new(pid.clone(), told, self.sockets.recovery.log.last()));
        self.connects.clear(sid);
        let connect =
            Reply::Connect { id: (revision == Revision::V4).then_some(id.as_str()), pid: told.then_some(pid.as_str()) };
        send(engine, turn, &self.sockets, sid, namespace, &connect);
        let connection = Connection { socket: &id, auth, recovered: false };
        self.call(engine, turn, namespace, |app, io| app.connected(io, &connection));
        // Last, so that an app that knows people rather than sockets sees that this one is still there.
        if let Some(lost) = given_up {
            self.expire_lost(engine, turn, &lost);
        }
    }

    fn refuse(
        &self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        sid: &Sid,
        namespace: &str,
        refusal: &Refusal,
        revision: Revision,
    ) {
        let payload = match revision {
            Revision::V4 => to_raw_value(&ConnectError::from(refusal)),
            Revision::V3 => match &refusal.data {
                Some(data) if is_truthy(data) => to_raw_value(data),
                _ => to_raw_value(&refusal.message),
            },
        };
        // A JSON value and a sentence always have their JSON.
        let payload = payload.unwrap_or_else(|_| RawValue::NULL.to_owned());
        send(engine, turn, &self.sockets, sid, namespace, &Reply::ConnectError(&payload));
    }
}

/// Why a client may not join (C5).
#[derive(Serialize)]
struct ConnectError<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
}

impl<'a> From<&'a Refusal> for ConnectError<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Self { message: &refusal.message, data: refusal.data.as_ref() }
    }
}

/// What JavaScript counts as true: the reference tells clients of Socket.IO 2 the data in place of the sentence then.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// A packet of a client of Socket.IO 2, whose namespace may bear a query: that is what it has to say for itself in a
/// CONNECT (C12).
fn with_query(packet: Packet<'_>) -> Packet<'_> {
    let (namespace, query) = packet.namespace.split_once('?').unwrap_or((&packet.namespace, ""));
    let body = match packet.body {
        Body::Connect(_) if query.is_empty() => Body::Connect(None),
        Body::Connect(_) => Body::Connect(to_raw_value(&Auth(query)).ok().map(Cow::Owned)),
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
