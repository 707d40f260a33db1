//! Messages: the members' own, and those of the tutorial's clients.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::history::{self, Author, Posted};
use super::identity::{Member, is_token, parse_name};
use super::problem::Problem;
use super::{Chat, MEMBERS, news};
use crate::app::handlers::Socket;

/// The longest message, in Unicode characters.
pub(super) const MAX_MESSAGE_CHARS: usize = 4_000;

/// How long the id may be that a client gives to its message, in characters: a UUID has 36.
pub(super) const CLIENT_ID_CHARS: RangeInclusive<usize> = 1..=64;

/// A member's message.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub(super) struct Post {
    /// 1 to 4,000 characters, of which not all are blanks.
    text: String,
    /// The client's own id of the message, 1 to 64 characters of `A–Z a–z 0–9 _ -`: what is sent twice is posted once.
    id: Option<String>,
}

/// A message as the tutorial's clients have it, both ways.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct TutorialMessage<'a> {
    /// Whatever name the sender goes by: 1 to 32 characters, not counting blanks around it.
    author: Cow<'a, str>,
    /// 1 to 4,000 characters, of which not all are blanks.
    message: Cow<'a, str>,
}

/// The answer to `createdMessage`: it was told.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Relayed {}

/// A member speaks.
pub(super) fn post(socket: &mut Socket<'_, '_, Chat>, Post { text, id }: Post) -> Result<Posted, Problem> {
    let sender = socket.id;
    let member = Member::of(socket.io, sender).ok_or(Problem::NotJoined)?;
    check_text(&text)?;
    let client_id = id.as_deref();
    if let Some(client_id) = client_id {
        if !is_token(client_id, &CLIENT_ID_CHARS) {
            return Err(Problem::InvalidId);
        }
        // The answer was lost on the way, but not the message.
        if let Some(posted) = history::find(socket.io, member.id.as_str(), client_id)? {
            return Ok(posted);
        }
    }
    let author = Author { id: Some(member.id.as_str().into()), name: member.name.as_str().into() };
    let posted = socket.app.history.append(socket.io, author, &text, client_id, |io, message| {
        news::NEW_MESSAGE.emit(io.to(MEMBERS).except(sender), message)?;
        let message =
            TutorialMessage { author: message.author.name.as_ref().into(), message: message.text.as_ref().into() };
        news::NEW_INCOMING_MESSAGE.emit(io.all().except(MEMBERS), &message)
    })?;
    Ok(posted)
}

/// A tutorial's client speaks: everybody else gets the same object.
#[allow(clippy::needless_pass_by_value, reason = "handlers are given their payload")]
pub(super) fn relay(socket: &mut Socket<'_, '_, Chat>, message: TutorialMessage<'static>) -> Result<Relayed, Problem> {
    let sender = socket.id;
    let name = parse_name(&message.author)?;
    check_text(&message.message)?;
    let author = Author { id: None, name: name.into() };
    socket.app.history.append(socket.io, author, &message.message, None, |io, _| {
        news::NEW_INCOMING_MESSAGE.emit(io.all().except(sender), &message)
    })?;
    Ok(Relayed {})
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
