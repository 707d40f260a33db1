//! The events that recovery covers, each in one row, in the order in which they were sent.

mod read;
mod steps;
mod tail;
mod waiting;

use std::cell::RefCell;
use std::rc::Rc;

use super::logged::Logged;
use crate::config::Config;
use crate::database::{Database, DatabaseError, Row, Value};
use crate::ids::{Millis, Offset};
use crate::socket_io::args::Args;
use crate::socket_io::stored::{Stored, check_row};
pub use steps::Mark;
use tail::Tail;
pub use waiting::Step;
use waiting::Waiting;

/// The log of a room.
///
/// It is bounded whenever an event is appended: the limits are exceeded by an eighth at most (`SLACK`), by one event that
/// is larger than the whole log may be, or by the events of one step that waits. Dropping many events at once keeps the number of statements low.
///
/// Each row has the number of its event and the sum of all sizes so far. The first and the last row thus tell how much there
/// is, and a room that wakes reads these two instead of counting all rows, which would be billed each time. Rows of the release
/// before have zeros there and count as nothing; they go by their age.
#[derive(Debug)]
pub struct Log {
    max_age: Millis,
    max_events: u64,
    max_bytes: u64,
    max_replayed: usize,
    /// The offset of the newest event ever appended. It only grows, also where the event was taken back: sockets may have noted
    /// it as the last event before something.
    last: Offset,
    extent: Extent,
    /// What clients that came back have missed; until the next pruning.
    tail: RefCell<Tail>,
    /// The newest events, where their rows aren't written yet.
    waiting: RefCell<Waiting>,
}

/// Which events are there.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    /// The oldest that is there, as far as is known.
    first: Option<Offset>,
    /// Events up to this one are gone that were younger than `max_age`.
    lost: Offset,
    /// All events before the oldest that is there.
    start: Tally,
    /// All events up to the newest.
    end: Tally,
}

/// A number of events and the sum of their bytes, from an arbitrary beginning.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    events: u64,
    bytes: u64,
}

/// The log exceeds its limits by at most this part of them before the oldest events are dropped.
const SLACK: u64 = 8;

impl Log {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            max_age: config.log_age(),
            max_events: config.log_max_events,
            max_bytes: config.log_max_bytes,
            max_replayed: config.max_replayed_events,
            last: Offset::default(),
            extent: Extent::default(),
            tail: RefCell::default(),
            waiting: RefCell::default(),
        }
    }

    pub(super) fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        const ENDS: &str = "SELECT offset, number, total, size FROM roomcast_log
            WHERE offset IN ((SELECT min(offset) FROM roomcast_log), (SELECT max(offset) FROM roomcast_log)) ORDER BY offset";
        const LOST: &str = "SELECT value FROM roomcast_meta WHERE name = 'lost'";
        let number = |row: Option<&Row>, column| row.and_then(|row| row.number(column)).unwrap_or_default();
        let ends = database.query(ENDS, &[])?;
        let lost = Offset(number(database.query(LOST, &[])?.first(), 0));
        let (first, last) = (ends.first(), ends.last());
        let start = Tally {
            events: number(first, 1).saturating_sub(1),
            bytes: number(first, 2).saturating_sub(number(first, 3)),
        };
        let end = Tally { events: number(last, 1), bytes: number(last, 2) };
        self.extent = Extent { first: first.map(|_| Offset(number(first, 0))), lost, start, end };
        self.last = Offset(number(last, 0)).max(lost);
        Ok(())
    }

    /// The offset of the newest event.
    pub fn last(&self) -> Offset {
        self.last
    }

    /// Events before this one may be gone.
    pub fn oldest(&self, now: Millis) -> Offset {
        Offset::at(now.before(self.max_age))
    }

    /// Appends an event, which has its offset from [`next`](Self::next), after having made room for it. Its row may wait for the
    /// end of the turn.
    ///
    /// # Errors
    /// [`DatabaseError`]: then it isn't there, and must not be sent.
    pub fn append(
        &mut self,
        database: &dyn Database,
        now: Millis,
        namespace: &str,
        logged: &Logged,
        name: &str,
        args: &Args<'_>,
    ) -> Result<(), DatabaseError> {
        let (to, except, event) = (list(&logged.to), list(&logged.except), Stored::new(Some(name), args));
        let size = namespace.len() + to.len() + except.len() + event.size();
        check_row("an event", size)?;
        // Lossless: a row has less than 32 bits of bytes.
        let size = size as u64;
        // Where all must wait, the next event makes room.
        if self.waiting.get_mut().step() != Step::Waits {
            self.make_room(database, now, size)?;
        }
        let end = Tally { events: self.extent.end.events + 1, bytes: self.extent.end.bytes + size };
        let row = [
            logged.offset.0.into(),
            namespace.to_owned().into(),
            to.into(),
            except.into(),
            event.list.into(),
            event.attachments.map_or(Value::Null, |bytes| Value::Blob(bytes.into())),
            end.events.into(),
            size.into(),
            end.bytes.into(),
        ];
        self.waiting.get_mut().push(database, row, size)?;
        self.last = logged.offset;
        self.extent.first.get_or_insert(logged.offset);
        self.extent.end = end;
        Ok(())
    }

    /// Whether one more event of this size isn't too much.
    fn has_room(&self, size: u64) -> bool {
        let Extent { start, end, .. } = self.extent;
        let most = |limit: u64| limit + limit / SLACK;
        let (events, bytes) = (end.events + 1 - start.events, end.bytes + size - start.bytes);
        events <= most(self.max_events) && bytes <= most(self.max_bytes)
    }

    /// Drops the oldest events where one more of this size would be too much.
    fn make_room(&mut self, database: &dyn Database, now: Millis, size: u64) -> Result<(), DatabaseError> {
        if self.has_room(size) {
            return Ok(());
        }
        self.waiting.get_mut().write(database)?;
        let end = self.extent.end;
        let (events, bytes) = (end.events + 1, end.bytes + size);
        // The last one that has to go. The rows before it are read once, to be deleted.
        const SURPLUS: &str = "SELECT offset, number, total FROM roomcast_log WHERE number >= ? AND total >= ?
            ORDER BY offset LIMIT 1";
        let values = [events.saturating_sub(self.max_events).into(), bytes.saturating_sub(self.max_bytes).into()];
        let rows = database.query(SURPLUS, &values)?;
        // None where all of them together are too much.
        let (through, start) = rows.first().and_then(position).unwrap_or((self.last, end));
        self.drop_through(database, now, through, start)
    }

    /// Drops the events up to this one, which have this sum.
    fn drop_through(
        &mut self,
        database: &dyn Database,
        now: Millis,
        through: Offset,
        start: Tally,
    ) -> Result<(), DatabaseError> {
        if through >= self.oldest(now) {
            const NOTE: &str = "INSERT INTO roomcast_meta VALUES ('lost', ?)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            database.query(NOTE, &[through.0.into()])?;
            self.extent.lost = through;
        }
        database.query("DELETE FROM roomcast_log WHERE offset <= ?", &[through.0.into()])?;
        let rows = database.query("SELECT min(offset) FROM roomcast_log", &[])?;
        self.extent.first = rows.first().and_then(|row| row.number(0)).map(Offset);
        self.extent.start = start;
        Ok(())
    }

    /// The offset of the next event.
    pub fn next(&self, now: Millis) -> Offset {
        self.last.next(now)
    }

    /// Whether all events after `offset` are still there, as far as they are young enough to be missed by anybody.
    pub fn reaches(&self, offset: Offset) -> bool {
        self.extent.lost <= offset
    }

    /// Drops what is too old.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn prune(&mut self, database: &dyn Database, now: Millis) -> Result<(), DatabaseError> {
        self.tail.take();
        self.waiting.get_mut().write(database)?;
        let oldest = self.oldest(now);
        if self.extent.first.is_none_or(|first| first >= oldest) {
            return Ok(());
        }
        const TOO_OLD: &str =
            "SELECT offset, number, total FROM roomcast_log WHERE offset < ? ORDER BY offset DESC LIMIT 1";
        let rows = database.query(TOO_OLD, &[oldest.0.into()])?;
        match rows.first().and_then(position) {
            Some((through, start)) => self.drop_through(database, now, through, start),
            None => Ok(()),
        }
    }
}

/// Where an event stands, and the sum up to it.
fn position(row: &Row) -> Option<(Offset, Tally)> {
    Some((Offset(row.number(0)?), Tally { events: row.number(1)?, bytes: row.number(2)? }))
}

/// Rooms as a JSON list.
fn list(rooms: &[Rc<str>]) -> String {
    // Texts always have their JSON.
    serde_json::to_string(rooms).unwrap_or_default()
}
