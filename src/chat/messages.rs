//! Messages: the members' own, and those of the tutorial's clients.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::presence::{Member, parse_name};
use super::problem::Problem;
use super::{MEMBERS, reply};
use crate::app::Io;
use crate::ids::{Millis, SocketId};

/// The longest message, in Unicode characters.
pub(super) const MAX_MESSAGE_CHARS: usize = 4_000;

/// The numbers of messages: they only grow, so they order a room's messages.
///
/// They start at the time in microseconds, so a room that forgot its last number never gives one twice.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    last: u64,
}

impl Numbering {
    fn next(&mut self, now: Millis) -> u64 {
        self.last = self.last.saturating_add(1).max(now.0.saturating_mul(1_000));
        self.last
    }
}

/// `message`.
#[derive(Deserialize)]
pub(super) struct Post {
    text: String,
}

/// The answer to `message`.
#[derive(Serialize)]
struct Posted {
    id: u64,
    time: u64,
}

/// `newMessage`.
#[derive(Serialize)]
struct NewMessage<'a> {
    id: u64,
    time: u64,
    author: &'a Member,
    text: &'a str,
}

/// `createdMessage` and `newIncomingMessage`.
#[derive(Serialize, Deserialize)]
pub(super) struct TutorialMessage {
    author: String,
    message: String,
}

/// A member speaks.
pub(super) fn post(
    io: &mut Io<'_>,
    numbering: &mut Numbering,
    socket: &SocketId,
    post: Post,
) -> Result<Value, Problem> {
    let author = Member::of(io, socket).ok_or(Problem::NotJoined)?;
    check_text(&post.text)?;
    let time = io.now().0;
    let id = numbering.next(io.now());
    let message = NewMessage { id, time, author: &author, text: &post.text };
    io.to(MEMBERS).except(socket).emit("newMessage", &message)?;
    let message = TutorialMessage { author: author.name, message: post.text };
    io.all().except(MEMBERS).emit("newIncomingMessage", &message)?;
    reply(&Posted { id, time })
}

/// A tutorial's client speaks: everybody else gets the same object.
pub(super) fn relay(io: &mut Io<'_>, socket: &SocketId, message: &TutorialMessage) -> Result<Value, Problem> {
    parse_name(&message.author)?;
    check_text(&message.message)?;
    io.all().except(socket).emit("newIncomingMessage", message)?;
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
    fn numbers_only_grow_even_when_the_clock_stands_or_goes_back() {
        let mut numbering = Numbering::default();
        let numbers: Vec<_> = [5, 5, 4, 6].map(|now| numbering.next(Millis(now))).into();
        assert_eq!(numbers, [5_000, 5_001, 5_002, 6_000]);
    }

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
