//! A client joins a namespace, or is refused.

use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::live::Live;
use super::recover::Claim;
use crate::app::{Connection, Joining, Refusal};
use crate::engine_io::Revision;
use crate::ids::{Pid, Sid, SocketId};
use crate::socket_io::ServerPacket;
use crate::socket_io::recovery::SocketState;

impl Live {
    /// A client wants to join a namespace.
    pub(super) fn connect(&mut self, sid: &Sid, namespace: &Rc<str>, auth: Option<&RawValue>) {
        let joined = self.state.sockets.clients.get(sid).map_or(0, |client| client.joined.len());
        if let Err(sentence) = self.state.sockets.limits.check_namespace(namespace, joined) {
            return self.refuse(sid, namespace, &Refusal::new(sentence), Revision::V4);
        }
        if !self.app.has_namespace(namespace) {
            let refusal = Refusal { message: "Invalid namespace".to_owned(), data: None };
            // Said so to clients of every revision.
            return self.refuse(sid, namespace, &refusal, Revision::V4);
        }
        let client = self.state.sockets.clients.get(sid);
        let Some((handshake, recovery)) = client.map(|client| (client.handshake.clone(), client.recovery)) else {
            return;
        };
        let joining = Joining { auth, handshake: &handshake };
        let verdict = self.call(namespace, |app, io| app.connecting(io, &joining));
        // A hook may have closed this very client.
        let (true, Some(revision)) = (self.state.sockets.clients.contains_key(sid), self.state.engine.revision(sid))
        else {
            return;
        };
        if let Err(refusal) = verdict {
            return self.refuse(sid, namespace, &refusal, revision);
        }
        let claim = Claim::read(auth);
        let is_on = revision == Revision::V4 && self.state.sockets.recovery.is_on();
        let told = is_on && recovery.allows(claim.is_some());
        let mut given_up = None;
        if told && let Some(claim) = claim {
            match self.recover(sid, namespace, &claim, auth) {
                Ok(()) => return,
                Err(away) => given_up = away,
            }
        }
        // Clients of Socket.IO 2 derive an id from the session's. The reference uses the same, and so shows it to whoever
        // sees the id; here the session's stays a secret (H3, C12).
        let id = SocketId::random(self.state.host.as_ref());
        let pid = Pid::random(self.state.host.as_ref());
        self.state.sockets.join(
            sid,
            namespace,
            &id,
            SocketState::new(pid.clone(), told, self.state.sockets.recovery.log.last()),
        );
        self.connects.clear(sid);
        let connect = ServerPacket::Connect {
            id: (revision == Revision::V4).then_some(id.as_str()),
            pid: told.then_some(pid.as_str()),
        };
        self.state.send_to_client(sid, namespace, &connect);
        let connection = Connection { socket: &id, auth, recovered: false };
        self.call(namespace, |app, io| app.connected(io, &connection));
        // Last, so that an app that knows people rather than sockets sees that this one is still there.
        if let Some(away) = given_up {
            self.tell_expired(&away);
        }
    }

    fn refuse(&mut self, sid: &Sid, namespace: &str, refusal: &Refusal, revision: Revision) {
        let payload = match revision {
            Revision::V4 => to_raw_value(&ConnectError::from(refusal)),
            Revision::V3 => match &refusal.data {
                Some(data) if is_truthy(data) => to_raw_value(data),
                _ => to_raw_value(&refusal.message),
            },
        };
        // A JSON value and a sentence always have their JSON.
        let payload = payload.unwrap_or_else(|_| RawValue::NULL.to_owned());
        self.state.send_to_client(sid, namespace, &ServerPacket::ConnectError(&payload));
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
