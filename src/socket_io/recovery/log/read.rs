//! What a client that comes back has missed.

use std::rc::Rc;

use super::Log;
use super::tail::{Missed, Tail};
use crate::database::{Database, DatabaseError, Row};
use crate::ids::Offset;
use crate::socket_io::args::Args;
use crate::socket_io::recovery::{Logged, Replay};
use crate::socket_io::stored;

/// How many rows are read at once: the rows of a page are in memory together.
const PAGE: usize = 64;

impl Log {
    /// Whether an event of this namespace has, or had, this offset.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn contains(&self, database: &dyn Database, namespace: &str, offset: Offset) -> Result<bool, DatabaseError> {
        if offset > self.last {
            return Ok(false);
        }
        if self.extent.first.is_none_or(|first| offset < first) {
            // It may have been pruned.
            return Ok(true);
        }
        const FIND: &str = "SELECT 1 FROM roomcast_log WHERE offset = ? AND namespace = ?";
        Ok(!database.query(FIND, &[offset.0.into(), namespace.into()])?.is_empty())
    }

    /// The events of a namespace after `offset` that `sees` wants, oldest first; `None` where they are more than `most`
    /// bytes, or more events than a client is sent again.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn after(
        &self,
        database: &dyn Database,
        namespace: &str,
        offset: Offset,
        most: usize,
        sees: impl Fn(&Logged) -> bool,
    ) -> Result<Option<Vec<Rc<Replay>>>, DatabaseError> {
        const PAGE_AFTER: &str = "SELECT offset, to_rooms, except_rooms, event, attachments FROM roomcast_log
            WHERE offset > ? AND namespace = ? ORDER BY offset LIMIT ?";
        self.waiting.borrow_mut().write(database)?;
        let (events, bytes) = Default::default();
        let mut missed = Missed { sees, most_bytes: most, most_events: self.max_replayed, events, bytes };
        let known = self.tail.take();
        let mut tail = if known.covers(namespace, offset) { known } else { Tail::new(namespace, offset) };
        tail.after(offset).for_each(|event| missed.look_at(event));
        let mut position = tail.upto();
        while !missed.is_too_much() {
            let values = [position.0.into(), namespace.into(), (PAGE as u64).into()];
            let rows = database.query(PAGE_AFTER, &values)?;
            for row in &rows {
                let Some(replay) = read(row).map(Rc::new) else {
                    return Err(DatabaseError("an event in the log can't be read".to_owned()));
                };
                position = replay.logged.offset;
                if position > offset {
                    missed.look_at(&replay);
                }
                // Where the tail is too long for the memory, each client reads it.
                if tail.size() <= most {
                    tail.push(replay);
                }
            }
            if rows.len() < PAGE {
                break;
            }
        }
        if tail.size() <= most {
            self.tail.replace(tail);
        }
        Ok((!missed.is_too_much()).then_some(missed.events))
    }
}

fn read(row: &Row) -> Option<Replay> {
    let rooms = |column| serde_json::from_str::<Vec<Rc<str>>>(row.text(column)?).ok();
    let logged = Logged { offset: Offset(row.number(0)?), to: rooms(1)?, except: rooms(2)? };
    let size = row.text(3)?.len() + row.bytes(4).map_or(0, <[u8]>::len);
    let (values, attachments) = stored::read(row, 3, 4)?;
    let mut values = values.into_iter();
    let name = serde_json::from_str(values.next()?.get()).ok()?;
    Some(Replay { logged, name, args: Args::numbered(values.collect(), attachments), size })
}
