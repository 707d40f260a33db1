//! The product: a chat, written on [`App`] as anybody's own app would be.
//!
//! Two kinds of client talk in one room. *Members* have joined with a nickname and use the page's events; others send
//! `createdMessage {author, message}` as the tutorial's client does. Each hears the other in its own events.
//!
//! | from a client | answer | to others |
//! |---|---|---|
//! | `join {name}` | `{id, name, members}` | `memberJoined` or `memberRenamed` to members |
//! | `message {text}` | `{id, time}` | `newMessage` to members, `newIncomingMessage` to the rest |
//! | `createdMessage {author, message}` | `{}` | `newIncomingMessage` to all |
//!
//! What can't be done is answered `{code, message}`; without an ack to answer to, it is sent as the event `error`.

mod messages;
mod presence;
mod problem;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::{App, Departed, Event, Io};
use messages::Numbering;
use problem::Problem;

/// The room of those who joined with a nickname.
const MEMBERS: &str = "members";

/// The chat of one room.
#[derive(Debug, Default)]
pub struct Chat {
    numbering: Numbering,
}

impl App for Chat {
    fn event(&mut self, io: &mut Io<'_>, event: Event<'_>) {
        let outcome = match event.name {
            "join" => payload(&event).and_then(|join| presence::join(io, event.socket, &join)),
            "message" => {
                payload(&event).and_then(|message| messages::post(io, &mut self.numbering, event.socket, message))
            }
            "createdMessage" => payload(&event).and_then(|message| messages::relay(io, event.socket, &message)),
            _ => Err(Problem::UnknownEvent),
        };
        let sent = match (event.ack, outcome) {
            (Some(ack), outcome) => io.answer(ack, &outcome.unwrap_or_else(|problem| problem.to_json())),
            (None, Err(problem)) => io.to(event.socket).emit("error", &problem.to_json()),
            (None, Ok(_)) => Ok(()),
        };
        // JSON values always serialize, and `error` is no reserved name.
        debug_assert_eq!(sent, Ok(()));
    }

    fn disconnected(&mut self, io: &mut Io<'_>, departed: &Departed) {
        let told = presence::left(io, departed);
        debug_assert_eq!(told, Ok(()));
    }
}

/// The event's first argument, which must be an object of this type; what else is in it doesn't matter.
fn payload<T: DeserializeOwned>(event: &Event<'_>) -> Result<T, Problem> {
    let object = event.args.json(0).filter(|arg| arg.get().starts_with('{'));
    object.and_then(|arg| serde_json::from_str(arg.get()).ok()).ok_or(Problem::InvalidPayload)
}

/// The answer of a handler as JSON.
fn reply(value: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|_| Problem::Internal)
}
