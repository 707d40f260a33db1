//! Messages: the members' own, and those of the tutorial's clients.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::history::{self, Author, History};
use super::identity::{Member, is_token, parse_name};
use super::problem::Problem;
use super::{MEMBERS, reply};
use crate::app::Io;
use crate::ids::SocketId;

/// The longest message, in Unicode characters.
pub(super) const MAX_MESSAGE_CHARS: usize = 4_000;

/// How long the id may be that a client gives to its message, in characters: a UUID has 36.
pub(super) const CLIENT_ID_CHARS: RangeInclusive<usize> = 1..=64;

/// `message`.
#[derive(Deserialize)]
pub(super) struct Post {
    text: String,
    /// The client's own id of the message: what is sent twice is posted once.
    id: Option<String>,
}

/// `createdMessage` and `newIncomingMessage`.
#[derive(Serialize, Deserialize)]
pub(super) struct TutorialMessage<'a> {
    author: Cow<'a, str>,
    message: Cow<'a, str>,
}

/// A member speaks.
pub(super) fn post(
    io: &mut Io<'_>,
    history: &mut History,
    socket: &SocketId,
    Post { text, id }: &Post,
) -> Result<Value, Problem> {
    let member = Member::of(io, socket).ok_or(Problem::NotJoined)?;
    check_text(text)?;
    let client_id = id.as_deref();
    if let Some(client_id) = client_id {
        if !is_token(client_id, &CLIENT_ID_CHARS) {
            return Err(Problem::InvalidId);
        }
        // The answer was lost on the way, but not the message.
        if let Some(posted) = history::find(io, member.id.as_str(), client_id)? {
            return reply(&posted);
        }
    }
    let author = Author { id: Some(member.id.as_str().into()), name: member.name.as_str().into() };
    let posted = history.append(io, author, text, client_id, |io, message| {
        io.to(MEMBERS).except(socket).emit("newMessage", message)?;
        let message = TutorialMessage { author: message.author.name.as_ref().into(), message: text.into() };
        io.all().except(MEMBERS).emit("newIncomingMessage", &message)
    })?;
    reply(&posted)
}

/// A tutorial's client speaks: everybody else gets the same object.
pub(super) fn relay(
    io: &mut Io<'_>,
    history: &mut History,
    socket: &SocketId,
    message: &TutorialMessage<'_>,
) -> Result<Value, Problem> {
    let name = parse_name(&message.author)?;
    check_text(&message.message)?;
    let author = Author { id: None, name: name.into() };
    history.append(io, author, &message.message, None, |io, _| {
        io.all().except(socket).emit("newIncomingMessage", message)
    })?;
    Ok(Value::Object(serde_json::Map::new()))
}

fn check_text(text: &str) -> Result<(), Problem> {
    // Counting stops where the answer is clear.
    if text.trim().is_empty() || text.chars().nth(MAX_MESSAGE_CHARS).is_some() {
        return Err(Problem::InvalidMessage);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_1_to_4000_characters() {
        for (text, fine) in [
            ("é".repeat(4_000), true),
            ("é".repeat(4_001), false),
            (String::new(), false),
            (" \n\t".to_owned(), false),
            (" x ".to_owned(), true),
        ] {
            assert_eq!(check_text(&text).is_ok(), fine, "{} characters", text.chars().count());
        }
    }
}
