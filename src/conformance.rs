//! What the reference's public protocol suites expect of a server; chosen by the setting `APP`, and not for an ordinary
//! deploy.
//!
//! At `/engine.io/` every message is sent back. At `/socket.io/` the namespaces `/`, `/custom`, `/dynamic-<digits>` and
//! `/admin` answer events with events and with acks, as [`Conformance`] says.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::app::{Answer, App, Event, Io, IoError, Refusal};
use crate::engine_io::{Engine, Listener, Message, Packet, Reason, Turn};
use crate::ids::{Sid, SocketId};

/// The name of the object that speaks raw Engine.IO; no URL can name a room like it.
pub const RAW_ROOM: &str = "engine.io";

/// Sends each Engine.IO message back.
#[derive(Debug)]
pub struct Echo;

impl Listener for Echo {
    fn opened(&mut self, _: &mut Engine, _: &mut Turn<'_>, _: &Sid) {}

    fn message(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, message: Message<'_>) {
        engine.send(turn, sid, Packet::from(message).encode());
    }

    fn closed(&mut self, _: &mut Engine, _: &mut Turn<'_>, _: &Sid, _: Reason) {}
}

/// The Socket.IO side.
///
/// | event | what happens |
/// |---|---|
/// | (on connection) | the socket gets `auth` with the object that it connected with |
/// | `message` | the socket gets `message-back` with the same arguments |
/// | `message-with-ack` | is acked with the same arguments |
/// | `emit-with-ack` | the socket gets `question` with the same arguments; its ack comes back as `answer` |
/// | `broadcast` | all others in the namespace get `broadcast` with the same arguments |
/// | `kick {close}` | the socket is disconnected; with `close`, the whole connection |
#[derive(Debug, Default)]
pub struct Conformance {
    /// What the client that is just connecting has sent along.
    auth: Option<Box<RawValue>>,
}

/// What `/admin` wants to know.
#[derive(Deserialize)]
struct Credentials {
    token: String,
}

/// `kick`.
#[derive(Deserialize)]
struct Kick {
    close: bool,
}

impl App for Conformance {
    fn has_namespace(&self, name: &str) -> bool {
        let dynamic = name.strip_prefix("/dynamic-");
        matches!(name, "/" | "/custom" | "/admin")
            || dynamic.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    }

    fn connecting(&mut self, io: &mut Io<'_>, auth: Option<&RawValue>) -> Result<(), Refusal> {
        self.auth = auth.map(ToOwned::to_owned);
        let known = auth.and_then(|auth| serde_json::from_str(auth.get()).ok());
        if io.namespace() == "/admin" && known.is_none_or(|Credentials { token }| token != "secret") {
            return Err(Refusal { message: "not authorized".to_owned(), data: Some(json!({ "code": 401 })) });
        }
        Ok(())
    }

    fn connected(&mut self, io: &mut Io<'_>, socket: &SocketId) {
        let sent = match self.auth.take() {
            Some(auth) => io.to(socket).emit("auth", &auth),
            None => io.to(socket).emit("auth", &json!({})),
        };
        report(&sent);
    }

    fn event(&mut self, io: &mut Io<'_>, Event { socket, name, args, ack }: Event<'_>) {
        report(&match (name, ack) {
            ("message", _) => io.to(socket).emit_args("message-back", args),
            ("message-with-ack", Some(ack)) => io.answer_args(ack, args),
            ("emit-with-ack", _) => io.to(socket).emit_args_with_ack("question", args).map(drop),
            ("broadcast", _) => io.all().except(socket).emit_args("broadcast", args),
            ("kick", _) => {
                io.disconnect(socket, args.get(0).is_some_and(|Kick { close }| close));
                Ok(())
            }
            _ => Ok(()),
        });
    }

    fn acked(&mut self, io: &mut Io<'_>, answer: Answer<'_>) {
        report(&io.to(answer.socket).emit_args("answer", answer.args));
    }
}

/// No name here is reserved, and what came in as JSON goes out as such.
fn report(sent: &Result<(), IoError>) {
    debug_assert_eq!(*sent, Ok(()));
}
