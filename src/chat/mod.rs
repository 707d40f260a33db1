//! The product: a chat, written on [`App`] as anybody's own app would be.
//!
//! Two kinds of client talk in one room. *Members* have joined with a nickname and use the page's events; others send
//! `createdMessage {author, message}` as the tutorial's client does. Each hears the other in its own events.
//!
//! | from a client | answer | to others |
//! |---|---|---|
//! | `join {name, key?, after?}` | `{id, name, members, messages, more}` | `memberJoined` or `memberRenamed` to members |
//! | `message {text, id?}` | `{id, time}` | `newMessage` to members, `newIncomingMessage` to the rest |
//! | `history {before?}` or `{after?}` | `{messages, more}` | – |
//! | `createdMessage {author, message}` | `{}` | `newIncomingMessage` to all |
//!
//! What can't be done is answered `{code, message}`; without an ack to answer to, it is sent as the event `error`.
//!
//! - Members are persons. A client's `key`, 16–64 characters of `A–Z a–z 0–9 _ -` that only it knows, makes all its
//!   sockets one person, whose public `id` is the beginning of the key's SHA-256; a socket without one is a person of its
//!   own. `members` has an entry `{id, name, away}` a person, and each `memberJoined`, `memberRenamed`, `memberAway`,
//!   `memberBack` and `memberLeft` is `{id, name, time}`. What tells which is the table in `presence`.
//! - A client may show `name` and `key` when it connects, as `auth`: then it's a member at once. What is wrong with them
//!   refuses the connection, with `{code, message}` as the error's data. To `join` again does no harm: it tells the roster, and
//!   the messages since.
//! - `newMessage` and each of `messages` is `{id, time, author: {id, name}, text}`; the author of a `createdMessage` has
//!   no `id`. Ids only grow. A page has at most 50 messages, oldest first: the last ones, those just before `before` or
//!   those just after `after`; `more` tells whether there are more that way. The room keeps the newest `HISTORY_MESSAGES`.
//! - `message.id` is the client's own id of the message, 1–64 characters as in a key. Sent again by the same person, it
//!   is answered as the first time, and nobody gets it twice.

mod history;
mod identity;
mod messages;
mod people;
mod presence;
mod problem;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::{App, BroadcastOperator, Connection, Departed, Event, Io, IoError, Joining, Refusal, Schema};
use crate::config::Config;
use crate::ids::SocketId;
use history::{History, Page, Range};
use identity::{Auth, Member, PersonId, parse_name};
use presence::{Listed, Presence};
use problem::Problem;

/// The room of those who joined with a nickname.
const MEMBERS: &str = "members";

/// The chat of one room.
#[derive(Debug)]
pub struct Chat {
    history: History,
    /// `None` until the first hook after a start, which finds the sockets there.
    presence: Option<Presence>,
}

impl Chat {
    /// The chat of a room with these settings.
    pub fn new(config: &Config) -> Self {
        Self { history: History::new(config.history_messages), presence: None }
    }

    fn presence(&mut self, io: &Io<'_>) -> &mut Presence {
        self.presence.get_or_insert_with(|| Presence::load(io))
    }

    fn handle(&mut self, io: &mut Io<'_>, event: &Event<'_>) -> Result<Value, Problem> {
        let socket = event.socket;
        match event.name {
            "join" => {
                let presence = self.presence(io);
                join(io, presence, socket, &payload(event)?)
            }
            "message" => messages::post(io, &mut self.history, socket, &payload(event)?),
            "history" => read(io, socket, &payload(event)?),
            "createdMessage" => messages::relay(io, &mut self.history, socket, &payload(event)?),
            _ => Err(Problem::UnknownEvent),
        }
    }
}

impl App for Chat {
    fn schema(&self) -> Schema {
        Schema { app: "chat", steps: &[history::SCHEMA, presence::SCHEMA] }
    }

    fn connecting(&mut self, io: &mut Io<'_>, joining: &Joining<'_>) -> Result<(), Refusal> {
        // Asked here, it still knows since when a client was gone that recovers.
        self.presence(io);
        Ok(Auth::parse(joining.auth).map(drop)?)
    }

    fn connected(&mut self, io: &mut Io<'_>, connection: &Connection<'_>) {
        let Connection { socket, auth, recovered, .. } = *connection;
        let presence = self.presence(io);
        let outcome = match Auth::parse(auth) {
            _ if recovered => presence.recovered(io, socket),
            Ok(auth) => presence.connected(io, socket, auth),
            Err(problem) => Err(problem),
        };
        if let Err(problem) = outcome {
            tell(io, socket.as_str(), &[], "error", &problem.to_json());
        }
    }

    fn event(&mut self, io: &mut Io<'_>, event: Event<'_>) {
        match (self.handle(io, &event), event.ack) {
            (outcome, Some(ack)) => {
                let answer = outcome.unwrap_or_else(Problem::to_json);
                // JSON values always serialize.
                let answered = io.answer(ack, &answer);
                debug_assert_eq!(answered, Ok(()));
            }
            (Err(problem), None) => tell(io, event.socket.as_str(), &[], "error", &problem.to_json()),
            (Ok(_), None) => {}
        }
    }

    fn disconnected(&mut self, io: &mut Io<'_>, departed: &Departed) {
        self.presence(io).departed(io, departed);
    }

    fn expired(&mut self, io: &mut Io<'_>, departed: &Departed) {
        self.presence(io).expired(io, departed);
    }

    fn scheduled(&mut self, io: &mut Io<'_>, name: &str) {
        if name == presence::TIMER {
            self.presence(io).scheduled(io);
        }
    }
}

/// `join`.
#[derive(Deserialize)]
struct Join {
    name: String,
    key: Option<String>,
    /// The id of the newest message that the client has.
    after: Option<u64>,
}

/// The answer to `join`.
#[derive(Serialize)]
struct Joined<'a> {
    id: &'a PersonId,
    name: &'a str,
    members: Vec<Listed<'a>>,
    #[serde(flatten)]
    page: Page,
}

/// Somebody joins, or wants to know what a member may know.
fn join(io: &mut Io<'_>, presence: &mut Presence, socket: &SocketId, join: &Join) -> Result<Value, Problem> {
    let name = parse_name(&join.name)?;
    let person = join.key.as_deref().map(PersonId::of_key).transpose()?;
    let page = history::page(io, Range::parse(None, join.after)?)?;
    let id = presence.join(io, socket, name, person)?;
    reply(&Joined { id: &id, name, members: presence.roster(), page })
}

/// `history`.
#[derive(Deserialize)]
struct Read {
    before: Option<u64>,
    after: Option<u64>,
}

/// A member reads what was said.
fn read(io: &Io<'_>, socket: &SocketId, read: &Read) -> Result<Value, Problem> {
    let range = Range::parse(read.before, read.after)?;
    Member::of(io, socket).ok_or(Problem::NotJoined)?;
    reply(&history::page(io, range)?)
}

/// The event's first argument, which must be an object of this type; what else is in it doesn't matter.
fn payload<T: DeserializeOwned>(event: &Event<'_>) -> Result<T, Problem> {
    let object = event.args.json(0).filter(|arg| arg.get().starts_with('{'));
    object.and_then(|arg| serde_json::from_str(arg.get()).ok()).ok_or(Problem::InvalidPayload)
}

/// The answer of a handler as JSON.
fn reply(value: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|_| Problem::Internal)
}

/// Tells those in a room. What can't be stored isn't kept from those who are there: nothing else depends on it.
fn tell(io: &mut Io<'_>, room: &str, except: &[SocketId], event: &str, value: &impl Serialize) {
    fn to<'i, 'a>(io: &'i mut Io<'a>, room: &str, except: &[SocketId]) -> BroadcastOperator<'i, 'a> {
        except.iter().fold(io.to(room), BroadcastOperator::except)
    }
    let told = match to(io, room, except).emit(event, value) {
        Err(IoError::Storage(_)) => to(io, room, except).volatile().emit(event, value),
        told => told,
    };
    // These values are JSON, and these names aren't reserved.
    debug_assert_eq!(told, Ok(()));
}
