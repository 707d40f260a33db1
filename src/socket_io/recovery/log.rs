//! The events that recovery covers, each in one row, in the order in which they were sent.

use std::rc::Rc;

use serde_json::value::RawValue;

use crate::config::Config;
use crate::database::{Database, DatabaseError, Row, Value};
use crate::ids::{Millis, Offset};
use crate::socket_io::args::Args;

/// The bytes that a row may have: the platform takes 2 MB, and there is more in a row than what is counted.
const MAX_ROW_BYTES: usize = 2_000_000 - 1_000;

/// How many rows are read at once: the rows of a page are in memory together.
const PAGE: usize = 64;

/// Who an event was for, and where it stands in the log.
#[derive(Debug, Clone, Default)]
pub struct Logged {
    /// Its place.
    pub offset: Offset,
    /// The rooms that it was sent to; empty for everybody.
    pub to: Vec<Rc<str>>,
    /// The rooms that it wasn't sent to.
    pub except: Vec<Rc<str>>,
}

/// An event that is sent again.
#[derive(Debug)]
pub struct Replay {
    /// Whom it was for.
    pub logged: Logged,
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Args<'static>,
    /// The bytes that it takes about.
    pub size: usize,
}

/// The log of a room.
#[derive(Debug)]
pub struct Log {
    max_age: Millis,
    max_events: u64,
    /// The place of the newest event ever appended.
    last: Offset,
    /// The oldest that is there, as far as is known.
    first: Option<Offset>,
    /// Events up to this one are gone that were younger than `max_age`.
    lost: Offset,
    /// Whether there may be more than `max_events`.
    grown: bool,
}

impl Log {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            max_age: config.log_age(),
            max_events: config.log_max_events,
            last: Offset::default(),
            first: None,
            lost: Offset::default(),
            grown: false,
        }
    }

    pub(super) fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        const ENDS: &str = "SELECT (SELECT min(offset) FROM roomcast_log), (SELECT max(offset) FROM roomcast_log),
            (SELECT value FROM roomcast_meta WHERE name = 'lost')";
        let rows = database.query(ENDS, &[])?;
        let column = |column| rows.first().and_then(|row| row.number(column)).map(Offset);
        self.first = column(0);
        self.lost = column(2).unwrap_or_default();
        self.last = column(1).unwrap_or_default().max(self.lost);
        Ok(())
    }

    /// The place of the newest event.
    pub fn last(&self) -> Offset {
        self.last
    }

    /// Events before this one may be gone.
    pub fn oldest(&self, now: Millis) -> Offset {
        Offset::at(now.before(self.max_age))
    }

    /// Appends an event, which has its place from [`next`](Self::next).
    ///
    /// # Errors
    /// [`DatabaseError`]: then it isn't there, and must not be sent.
    pub fn append(
        &mut self,
        database: &dyn Database,
        namespace: &str,
        logged: &Logged,
        name: &str,
        args: &Args<'_>,
    ) -> Result<(), DatabaseError> {
        const INSERT: &str = "INSERT INTO roomcast_log VALUES (?, ?, ?, ?, ?, ?)";
        let (to, except, event) = (list(&logged.to), list(&logged.except), event(name, args));
        let attachments = join(args.attachments());
        let size = namespace.len() + to.len() + except.len() + event.len() + attachments.as_ref().map_or(0, Vec::len);
        if size > MAX_ROW_BYTES {
            return Err(DatabaseError(format!("an event of {size} bytes is more than a row may have")));
        }
        let values = [
            logged.offset.0.into(),
            namespace.into(),
            to.into(),
            except.into(),
            event.into(),
            Value::from(attachments.as_deref()),
        ];
        database.query(INSERT, &values)?;
        self.last = logged.offset;
        self.first.get_or_insert(logged.offset);
        self.grown = true;
        Ok(())
    }

    /// The place of the next event.
    pub fn next(&self, now: Millis) -> Offset {
        self.last.next(now)
    }

    /// Whether all events after `offset` are still there, as far as they are young enough to be missed by anybody.
    pub fn reaches(&self, offset: Offset) -> bool {
        self.lost <= offset
    }

    /// Whether an event of this namespace has, or had, this place.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn contains(&self, database: &dyn Database, namespace: &str, offset: Offset) -> Result<bool, DatabaseError> {
        if offset > self.last {
            return Ok(false);
        }
        if self.first.is_none_or(|first| offset < first) {
            // It may have been pruned.
            return Ok(true);
        }
        const FIND: &str = "SELECT 1 FROM roomcast_log WHERE offset = ? AND namespace = ?";
        Ok(!database.query(FIND, &[offset.0.into(), namespace.into()])?.is_empty())
    }

    /// The events of a namespace after `offset` that `sees` wants, oldest first; `None` where they are more than `most`
    /// bytes.
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
    ) -> Result<Option<Vec<Replay>>, DatabaseError> {
        const PAGE_AFTER: &str = "SELECT offset, to_rooms, except_rooms, event, attachments FROM roomcast_log
            WHERE offset > ? AND namespace = ? ORDER BY offset LIMIT ?";
        let (mut found, mut size, mut position) = (Vec::new(), 0_usize, offset);
        loop {
            let values = [position.0.into(), namespace.into(), (PAGE as u64).into()];
            let rows = database.query(PAGE_AFTER, &values)?;
            for row in &rows {
                let Some(replay) = read(row) else {
                    return Err(DatabaseError("an event in the log can't be read".to_owned()));
                };
                position = replay.logged.offset;
                if sees(&replay.logged) {
                    size = size.saturating_add(replay.size);
                    found.push(replay);
                }
            }
            if size > most {
                return Ok(None);
            }
            if rows.len() < PAGE {
                return Ok(Some(found));
            }
        }
    }

    /// Drops what is too old, and the oldest of what is too much.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn prune(&mut self, database: &dyn Database, now: Millis) -> Result<(), DatabaseError> {
        let oldest = self.oldest(now);
        let mut keep_after = self.first.filter(|first| *first < oldest).map(|_| oldest);
        if std::mem::take(&mut self.grown) {
            const SURPLUS: &str = "SELECT offset FROM roomcast_log ORDER BY offset DESC LIMIT 1 OFFSET ?";
            let rows = database.query(SURPLUS, &[self.max_events.into()])?;
            if let Some(surplus) = rows.first().and_then(|row| row.number(0)).map(Offset).filter(|at| *at >= oldest) {
                const NOTE: &str = "INSERT INTO roomcast_meta VALUES ('lost', ?)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                database.query(NOTE, &[surplus.0.into()])?;
                self.lost = surplus;
                keep_after = Some(Offset(surplus.0 + 1));
            }
        }
        if let Some(keep) = keep_after {
            database.query("DELETE FROM roomcast_log WHERE offset < ?", &[keep.0.into()])?;
            let rows = database.query("SELECT min(offset) FROM roomcast_log", &[])?;
            self.first = rows.first().and_then(|row| row.number(0)).map(Offset);
        }
        Ok(())
    }
}

fn read(row: &Row) -> Option<Replay> {
    let rooms = |column| serde_json::from_str::<Vec<Rc<str>>>(row.text(column)?).ok();
    let logged = Logged { offset: Offset(row.number(0)?), to: rooms(1)?, except: rooms(2)? };
    let event = row.text(3)?;
    let mut values = serde_json::from_str::<Vec<Box<RawValue>>>(event).ok()?.into_iter();
    let name = serde_json::from_str(values.next()?.get()).ok()?;
    let bytes = row.bytes(4).unwrap_or_default();
    let args = Args::numbered(values.collect(), split(bytes)?);
    Some(Replay { logged, name, args, size: event.len() + bytes.len() })
}

/// Rooms as a JSON list.
fn list(rooms: &[Rc<str>]) -> String {
    // Texts always have their JSON.
    serde_json::to_string(rooms).unwrap_or_default()
}

/// Name and arguments as a JSON list, as they stand in a packet.
fn event(name: &str, args: &Args<'_>) -> String {
    let mut list = format!("[{}", serde_json::Value::from(name));
    for value in args.iter() {
        list.push(',');
        list.push_str(value.get());
    }
    list.push(']');
    list
}

/// Attachments in one row: each with its length before it.
fn join(attachments: &[Rc<[u8]>]) -> Option<Vec<u8>> {
    if attachments.is_empty() {
        return None;
    }
    let mut joined = Vec::new();
    for bytes in attachments {
        joined.extend((bytes.len() as u64).to_be_bytes());
        joined.extend_from_slice(bytes);
    }
    Some(joined)
}

fn split(mut joined: &[u8]) -> Option<Vec<Rc<[u8]>>> {
    let mut attachments = Vec::new();
    while !joined.is_empty() {
        let (length, rest) = joined.split_first_chunk()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        attachments.push(bytes.into());
        joined = rest;
    }
    Some(attachments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_come_back_as_they_were() {
        for sizes in [vec![], vec![0], vec![3, 0, 300]] {
            let attachments: Vec<Rc<[u8]>> = sizes.iter().map(|size| vec![7; *size].into()).collect();
            assert_eq!(split(&join(&attachments).unwrap_or_default()), Some(attachments));
        }
        for damaged in [&[0, 0][..], &[0, 0, 0, 0, 0, 0, 0, 2, 1], &[255; 9]] {
            assert_eq!(split(damaged), None);
        }
    }
}
