//! The events that recovery covers, each in one row, in the order in which they were sent.

use std::rc::Rc;

use crate::config::Config;
use crate::database::{Database, DatabaseError, Row, Value};
use crate::ids::{Millis, Offset};
use crate::socket_io::args::Args;
use crate::socket_io::stored::{self, Stored, check_row};

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
        let (to, except, event) = (list(&logged.to), list(&logged.except), Stored::new(Some(name), args));
        check_row("an event", namespace.len() + to.len() + except.len() + event.size())?;
        let values = [
            logged.offset.0.into(),
            namespace.into(),
            to.into(),
            except.into(),
            event.list.into(),
            Value::from(event.attachments.as_deref()),
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
    let size = row.text(3)?.len() + row.bytes(4).map_or(0, <[u8]>::len);
    let (values, attachments) = stored::read(row, 3, 4)?;
    let mut values = values.into_iter();
    let name = serde_json::from_str(values.next()?.get()).ok()?;
    Some(Replay { logged, name, args: Args::numbered(values.collect(), attachments), size })
}

/// Rooms as a JSON list.
fn list(rooms: &[Rc<str>]) -> String {
    // Texts always have their JSON.
    serde_json::to_string(rooms).unwrap_or_default()
}
