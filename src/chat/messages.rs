//! Messages: the members' own, and those of the tutorial's clients; the handlers of `message`, `createdMessage` and
//! `history`.

use super::budget::Budget;
use super::history::{self, Range};
use super::identity::{Member, is_token, parse_name};
use super::news::{self, MEMBERS};
use super::problem::Problem;
use super::state::Chat;
use super::wire::{
    ANSWER_BYTES, Author, CLIENT_ID_CHARS, MAX_MESSAGE_CHARS, Message, Page, Post, Posted, ReadHistory, Relayed,
    TutorialMessage,
};
use crate::app::Result;
use crate::app::handlers::Socket;

/// A member speaks.
pub(super) fn post(socket: &mut Socket<'_, Chat>, Post { text, id }: Post) -> Result<Posted> {
    let member = Member::of(&socket.io, socket.id).ok_or(Problem::NotJoined)?;
    check_text(&text)?;
    let client_id = id.as_deref();
    if client_id.is_some_and(|id| !is_token(id, &CLIENT_ID_CHARS)) {
        return Err(Problem::InvalidId.into());
    }
    let author = Author { id: Some(member.id.as_str().into()), name: member.name.as_str().into() };
    let (members, others) = (socket.to(MEMBERS), socket.io.except(MEMBERS));
    let posted = socket.app.history.append(&socket.io, author, &text, client_id, |message| {
        news::NEW_MESSAGE.emit(members, message)?;
        let message =
            TutorialMessage { author: message.author.name.as_ref().into(), message: message.text.as_ref().into() };
        news::NEW_INCOMING_MESSAGE.emit(others, &message)
    });
    match (posted, client_id) {
        // No two messages of an author have the same id. The answer was lost on the way, but not the message.
        (Err(error), Some(client_id)) => history::find(&socket.io, member.id.as_str(), client_id)?.ok_or(error),
        (posted, _) => posted,
    }
}

/// A tutorial's client speaks: everybody else gets the same object, with the name as it was checked. Blanks around it would
/// have no bound.
#[allow(clippy::needless_pass_by_value, reason = "handlers are given their payload")]
pub(super) fn relay(socket: &mut Socket<'_, Chat>, message: TutorialMessage<'static>) -> Result<Relayed> {
    let name = parse_name(&message.author)?;
    check_text(&message.message)?;
    let author = Author { id: None, name: name.into() };
    let told = TutorialMessage { author: name.into(), message: message.message.as_ref().into() };
    let others = socket.broadcast();
    let tell = |_: &Message<'_>| news::NEW_INCOMING_MESSAGE.emit(others, &told);
    socket.app.history.append(&socket.io, author, &message.message, None, tell)?;
    Ok(Relayed {})
}

/// A member reads what was said.
pub(super) fn read(socket: &mut Socket<'_, Chat>, ReadHistory { before, after }: ReadHistory) -> Result<Page> {
    let range = Range::parse(before, after)?;
    Member::of(&socket.io, socket.id).ok_or(Problem::NotJoined)?;
    history::page(&socket.io, range, &mut Budget::new(ANSWER_BYTES))
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
