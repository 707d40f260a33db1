//! What the chat of one room remembers.

use super::history::History;
use super::presence::Presence;
use crate::app::Io;

/// What the chat of one room remembers; all of it can be found again.
#[derive(Debug)]
pub struct Chat {
    pub(super) history: History,
    /// `None` until the first hook after a start, which finds the sockets there.
    presence: Option<Presence>,
}

impl Chat {
    /// The chat of a room that keeps so many messages.
    pub(super) fn new(keep: u64) -> Self {
        Self { history: History::new(keep), presence: None }
    }

    pub(super) fn presence(&mut self, io: &Io<'_>) -> &mut Presence {
        self.presence.get_or_insert_with(|| Presence::load(io))
    }
}
