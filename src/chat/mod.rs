//! The product: a chat, a list of [`Handlers`] as anybody's own app would be.
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
//!
//! All of it in TypeScript, for clients, is `public/chat.d.ts`: a test here writes it from the types below.

mod history;
mod identity;
mod messages;
mod news;
mod people;
mod presence;
mod problem;

use serde::{Deserialize, Serialize};

use crate::app::handlers::{Failure, Handlers, Room, Socket};
use crate::app::{BroadcastOperator, Io, Joining, Refusal};
use crate::config::Config;
use crate::ids::SocketId;
use history::{History, Page, Range};
use identity::{Auth, Member, PersonId, parse_name};
use news::News;
use presence::{ListedMember, Presence};
use problem::Problem;

/// The room of those who joined with a nickname.
const MEMBERS: &str = "members";

/// What the chat of one room remembers; all of it can be found again.
#[derive(Debug)]
pub struct Chat {
    history: History,
    /// `None` until the first hook after a start, which finds the sockets there.
    presence: Option<Presence>,
}

impl Chat {
    fn presence(&mut self, io: &Io<'_>) -> &mut Presence {
        self.presence.get_or_insert_with(|| Presence::load(io))
    }
}

/// The chat of a room with these settings.
pub fn chat(config: &Config) -> Handlers<Chat> {
    Handlers::with(Chat { history: History::new(config.history_messages), presence: None })
        .named("chat")
        .tables(&[history::SCHEMA, presence::SCHEMA])
        .middleware(may_connect)
        .on_connection(connected)
        .on("join", join)
        .on("message", messages::post)
        .on("history", read)
        .on("createdMessage", messages::relay)
        .fallback(|_, _| Failure::from(Problem::UnknownEvent))
        .on_disconnect(|room, departed| room.app.presence(room.io).departed(room.io, departed))
        .on_expired(|room, departed| room.app.presence(room.io).expired(room.io, departed))
        .on_timer(presence::TIMER, |room| room.app.presence(room.io).scheduled(room.io))
}

fn may_connect(room: &mut Room<'_, '_, Chat>, joining: &Joining<'_>) -> Result<(), Refusal> {
    // Asked here, it still knows since when a client was gone that recovers.
    room.app.presence(room.io);
    Ok(Auth::parse(joining.auth()).map(drop)?)
}

fn connected(socket: &mut Socket<'_, '_, Chat>) -> Result<(), Problem> {
    let (shown, recovered) = (socket.auth(), socket.recovered);
    let presence = socket.app.presence(socket.io);
    if recovered {
        presence.recovered(socket.io, socket.id)
    } else {
        presence.connected(socket.io, socket.id, Auth::parse(shown)?)
    }
}

/// To join the conversation.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
struct Join {
    /// The nickname: 1 to 32 characters, not counting blanks around it.
    name: String,
    /// The secret that makes all its sockets one person, if it wasn't shown on connection: 16 to 64 characters of
    /// `A–Z a–z 0–9 _ -`.
    key: Option<String>,
    /// The id of the newest message that the client has: then the answer has those after it.
    after: Option<u64>,
}

/// The answer to `join`: the conversation as it is.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Joined {
    /// One's own id.
    id: PersonId,
    /// One's own nickname, without the blanks around it.
    name: String,
    /// Everybody who has joined, oneself too.
    members: Vec<ListedMember>,
    #[serde(flatten)]
    page: Page,
}

/// Somebody joins, or wants to know what a member may know.
fn join(socket: &mut Socket<'_, '_, Chat>, Join { name, key, after }: Join) -> Result<Joined, Problem> {
    let name = parse_name(&name)?;
    let person = key.as_deref().map(PersonId::of_key).transpose()?;
    let page = history::page(socket.io, Range::parse(None, after)?)?;
    let presence = socket.app.presence(socket.io);
    let id = presence.join(socket.io, socket.id, name, person)?;
    Ok(Joined { id, name: name.to_owned(), members: presence.roster(), page })
}

/// To read what was said: the newest messages, or those on one side of a message.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
struct ReadHistory {
    /// The id of a message: those just before it are wanted.
    before: Option<u64>,
    /// The id of a message: those just after it are wanted. Not both at once.
    after: Option<u64>,
}

/// A member reads what was said.
fn read(socket: &mut Socket<'_, '_, Chat>, ReadHistory { before, after }: ReadHistory) -> Result<Page, Problem> {
    let range = Range::parse(before, after)?;
    Member::of(socket.io, socket.id).ok_or(Problem::NotJoined)?;
    Ok(history::page(socket.io, range)?)
}

/// Tells those in a room. What can't be stored isn't kept from those who are there: nothing else depends on it.
fn tell<P: Serialize>(io: &mut Io<'_>, room: &str, except: &[SocketId], news: News<P>, payload: &P) {
    let to = except.iter().fold(io.to(room).or_volatile(), BroadcastOperator::except);
    // These values are JSON, and these names aren't reserved.
    let told = news.emit(to, payload);
    debug_assert_eq!(told, Ok(()));
}

#[cfg(test)]
mod typescript;
