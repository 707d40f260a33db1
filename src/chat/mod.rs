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
//! | `members {after?}` | `{members, more}` | – |
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
//!   those just after `after`; `more` tells whether there are more that way. The lists of one answer have at most 64 KiB of
//!   JSON: long messages make a shorter page, and of very many members the answer to `join` has the first, with
//!   `moreMembers: true`; `members`, with the last one's id as `after`, goes on. The room keeps the newest `HISTORY_MESSAGES`.
//! - `message.id` is the client's own id of the message, 1–64 characters as in a key. Sent again by the same person, it
//!   is answered as the first time, and nobody gets it twice.
//!
//! All of it in TypeScript, for clients, is `public/chat.d.ts`: a test here writes it from the types below.

mod budget;
mod history;
mod identity;
mod members;
mod messages;
mod news;
mod people;
mod presence;
mod problem;
mod state;
#[cfg(test)]
mod typescript;
mod wire;

use crate::app::{Error, Handlers};
use crate::config::MOST_ROWS;
use crate::env::{ConfigError, Env, Setting};
use problem::Problem;

pub use state::Chat;

/// How many messages a room keeps.
pub const HISTORY_MESSAGES: Setting<u64> =
    Setting::number("HISTORY_MESSAGES", 10_000, 1..=MOST_ROWS).about("How many messages the chat keeps in a room.");

/// The chat of a room.
///
/// # Errors
/// [`ConfigError`] where [`HISTORY_MESSAGES`] isn't what it must be.
pub fn chat(env: &Env) -> Result<Handlers<Chat>, ConfigError> {
    Ok(chat_that_keeps(env.get(&HISTORY_MESSAGES)?))
}

/// The chat of a room that keeps so many messages.
pub fn chat_that_keeps(messages: u64) -> Handlers<Chat> {
    Handlers::with(Chat::new(messages))
        .named("chat")
        .tables(&[history::SCHEMA, presence::SCHEMA])
        .middleware(members::may_connect)
        .on_connection(members::connected)
        .on("join", members::join)
        .on("members", members::members)
        .on("message", messages::post)
        .on("history", messages::read)
        .on("createdMessage", messages::relay)
        .fallback(|_, _| Error::from(Problem::UnknownEvent))
        .on_disconnect(|room, departed| room.app.presence(&room.io).departed(&room.io, departed))
        .on_expired(|room, departed| room.app.presence(&room.io).expired(&room.io, departed))
        .on_timer(presence::TIMER, |room, ()| room.app.presence(&room.io).scheduled(&room.io))
}
