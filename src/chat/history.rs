//! What was said: every message is stored before anybody gets it, and can be read again in pages.

use std::borrow::Cow;

use super::budget::Budget;
use super::problem::Problem;
use super::wire::{Author, Message, PAGE_MESSAGES, Page, Posted};
use crate::app::{Io, Result};
use crate::database::Row;
use crate::ids::Millis;

/// The messages, numbered without gaps beside their ids: so it takes two rows to know how many there are.
pub(super) const SCHEMA: &str = "
    CREATE TABLE chat_messages (
        id INTEGER PRIMARY KEY,
        number INTEGER NOT NULL,
        time INTEGER NOT NULL,
        author_id TEXT,
        author_name TEXT NOT NULL,
        client_id TEXT,
        text TEXT NOT NULL
    );
    CREATE UNIQUE INDEX chat_messages_of_clients ON chat_messages (author_id, client_id) WHERE client_id IS NOT NULL";

/// How many rows are read at once: what doesn't fit into an answer is read in vain.
const READ_ROWS: usize = 8;
/// How often old messages are deleted, in messages: seldom, and then several at once.
const PRUNE_EVERY: u64 = 100;
/// How many old messages are deleted at once at most, where the setting was lowered: a turn stays short.
const PRUNE_MOST: u64 = 1_000;
/// Greater than any message's id; the greatest number that JavaScript, and so the runtime, is sure of.
const NO_ID: u64 = 1 << 53;

/// Which messages are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Range {
    /// The newest.
    Last,
    /// Those just before this id.
    Before(u64),
    /// Those just after this id.
    After(u64),
}

impl Range {
    /// The range that a client asks for; not both ways at once.
    pub(super) fn parse(before: Option<u64>, after: Option<u64>) -> Result<Self, Problem> {
        match (before, after) {
            (None, None) => Ok(Self::Last),
            (Some(id), None) => Ok(Self::Before(id)),
            (None, Some(id)) => Ok(Self::After(id)),
            (Some(_), Some(_)) => Err(Problem::InvalidPayload),
        }
    }
}

/// The newest message.
#[derive(Debug, Clone, Copy, Default)]
struct Newest {
    /// Ids only grow, so they order a room's messages. They start at the time in microseconds, as they did when messages
    /// weren't stored.
    id: u64,
    number: u64,
}

impl Newest {
    fn next(self, now: Millis) -> Self {
        let Self { id, number } = self;
        Self { id: id.saturating_add(1).max(now.0.saturating_mul(1_000)), number: number.saturating_add(1) }
    }
}

/// The room's messages.
#[derive(Debug)]
pub(super) struct History {
    /// How many are kept at least; the newest always is, since ids go on from there.
    keep: u64,
    /// `None` until it was looked up.
    newest: Option<Newest>,
}

impl History {
    pub(super) fn new(keep: u64) -> Self {
        Self { keep: keep.max(1), newest: None }
    }

    /// Stores a message and tells it, both or neither.
    pub(super) fn append(
        &mut self,
        io: &Io<'_>,
        author: Author<'_>,
        text: &str,
        client_id: Option<&str>,
        tell: impl FnOnce(&Message<'_>) -> Result,
    ) -> Result<Posted> {
        let newest = self.newest(io)?.next(io.now());
        let message = Message { id: newest.id, time: io.now().0, author, text: text.into() };
        let posted = Posted { id: message.id, time: message.time };
        io.store_and_tell(|| insert(io, newest.number, &message, client_id), || tell(&message))?;
        self.newest = Some(newest);
        if newest.number.is_multiple_of(PRUNE_EVERY) {
            // If it fails, the next time makes up for it.
            _ = self.prune(io, newest.number);
        }
        Ok(posted)
    }

    fn newest(&mut self, io: &Io<'_>) -> Result<Newest> {
        if let Some(newest) = self.newest {
            return Ok(newest);
        }
        let rows = io.sql("SELECT id, number FROM chat_messages ORDER BY id DESC LIMIT 1", &[])?;
        let newest = rows.first().and_then(|row| Some(Newest { id: row.number(0)?, number: row.number(1)? }));
        Ok(*self.newest.insert(newest.unwrap_or_default()))
    }

    /// Deletes what is older than the newest ones that are kept.
    fn prune(&self, io: &Io<'_>, newest: u64) -> Result {
        let rows = io.sql("SELECT number FROM chat_messages ORDER BY id LIMIT 1", &[])?;
        let oldest = rows.first().and_then(|row| row.number(0)).unwrap_or(newest);
        let stored = newest.saturating_sub(oldest).saturating_add(1);
        let excess = stored.saturating_sub(self.keep).min(PRUNE_MOST);
        if excess > 0 {
            let oldest = "SELECT id FROM chat_messages ORDER BY id LIMIT ?";
            io.sql(&format!("DELETE FROM chat_messages WHERE id IN ({oldest})"), &[excess.into()])?;
        }
        Ok(())
    }
}

fn insert(io: &Io<'_>, number: u64, message: &Message<'_>, client_id: Option<&str>) -> Result {
    const INSERT: &str = "INSERT INTO chat_messages (id, number, time, author_id, author_name, client_id, text)
        VALUES (?, ?, ?, ?, ?, ?, ?)";
    let Message { id, time, author, text } = message;
    let values = [
        (*id).into(),
        number.into(),
        (*time).into(),
        author.id.as_deref().into(),
        author.name.as_ref().into(),
        client_id.into(),
        text.as_ref().into(),
    ];
    io.sql(INSERT, &values).map(drop)
}

/// The message to which its author gave this id, if it is stored.
pub(super) fn find(io: &Io<'_>, author: &str, client_id: &str) -> Result<Option<Posted>> {
    let sql = "SELECT id, time FROM chat_messages WHERE author_id = ? AND client_id = ?";
    let rows = io.sql(sql, &[author.into(), client_id.into()])?;
    Ok(rows.first().and_then(|row| Some(Posted { id: row.number(0)?, time: row.number(1)? })))
}

/// The messages of a range: as many as a page and the budget have room for.
pub(super) fn page(io: &Io<'_>, range: Range, budget: &mut Budget) -> Result<Page> {
    let (mut at, condition) = match range {
        Range::Last => (NO_ID, "id < ? ORDER BY id DESC"),
        Range::Before(id) => (id, "id < ? ORDER BY id DESC"),
        Range::After(id) => (id, "id > ? ORDER BY id"),
    };
    let sql = format!("SELECT id, time, author_id, author_name, text FROM chat_messages WHERE {condition} LIMIT ?");
    let mut page = Page { messages: Vec::new(), more: false };
    loop {
        // One more than the page has room for tells whether there are more.
        let count = READ_ROWS.min(PAGE_MESSAGES + 1 - page.messages.len());
        let rows = io.sql(&sql, &[at.min(NO_ID).into(), (count as u64).into()])?;
        for message in rows.iter().filter_map(message_of) {
            page.more = page.messages.len() == PAGE_MESSAGES || !budget.takes(&message);
            if page.more {
                break;
            }
            page.messages.push(message);
        }
        let last = rows.last().and_then(|row| row.number(0)).filter(|_| rows.len() == count && !page.more);
        match last {
            Some(last) => at = last,
            None => break,
        }
    }
    if !matches!(range, Range::After(_)) {
        page.messages.reverse();
    }
    Ok(page)
}

/// The message in the row of a page; `None` where it isn't one of ours.
fn message_of(row: &Row) -> Option<Message<'static>> {
    let text = |column| row.text(column).map(|text| Cow::Owned(text.to_owned()));
    let author = Author { id: text(2), name: text(3)? };
    Some(Message { id: row.number(0)?, time: row.number(1)?, author, text: text(4)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_only_grow_even_when_the_clock_stands_or_goes_back() {
        let mut newest = Newest::default();
        let given = [5, 5, 4, 6].map(|now| {
            newest = newest.next(Millis(now));
            (newest.id, newest.number)
        });
        assert_eq!(given, [(5_000, 1), (5_001, 2), (5_002, 3), (6_000, 4)]);
    }
}
