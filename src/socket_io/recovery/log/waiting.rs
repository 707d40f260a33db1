//! Rows of the log that are written when their turn ends: one statement for several of them costs less than one for each.
//!
//! The first event of a turn has its row at once, unless something else was written before: that shows that the storage can be
//! written, and where it can't, the app is told so.
//!
//! The frames of events that wait for their rows wait as well. Where the rows can't be written, the turn is lost and nothing is sent.

use crate::database::{Database, DatabaseError, Value};

/// The columns of the log.
const COLUMNS: usize = 9;

/// As many rows as a statement may have values for: the platform takes 100.
const ROWS_A_STATEMENT: usize = 100 / COLUMNS;

/// How many rows wait at most.
const MOST_ROWS: usize = 64;

/// How many bytes they have at most, but for the last one.
const MOST_BYTES: u64 = 256 * 1024;

/// A step that may still fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Step {
    /// There is none.
    #[default]
    None,
    /// Where it fails, the database takes back all rows that were written since it began. So each event in it has its row at once:
    /// no row of before may be among them.
    TakenBack,
    /// It writes nothing before all of it has succeeded. So each event in it waits.
    Waits,
}

/// The rows that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    rows: Vec<[Value<'static>; COLUMNS]>,
    bytes: u64,
    /// Whether something was written in this turn.
    has_written: bool,
    /// Whether each event has its row at once, always.
    at_once: bool,
    step: Step,
}

impl Waiting {
    /// Whether an event may wait.
    fn takes(&self) -> bool {
        self.step == Step::Waits || self.has_written && self.may_begin()
    }

    /// Whether a step may begin in which events wait.
    pub(super) fn may_begin(&self) -> bool {
        match self.step {
            Step::None => !self.at_once && self.rows.len() < MOST_ROWS && self.bytes < MOST_BYTES,
            Step::TakenBack => false,
            Step::Waits => true,
        }
    }

    /// From now on, each event has its row at once.
    pub(super) fn write_at_once(&mut self) {
        self.at_once = true;
    }

    /// Something was written in this turn.
    pub(super) fn note_written(&mut self) {
        self.has_written = true;
    }

    pub(super) fn step(&self) -> Step {
        self.step
    }

    /// Begins a step, or goes back to the one around it; gives the one before.
    pub(super) fn set_step(&mut self, step: Step) -> Step {
        std::mem::replace(&mut self.step, step)
    }

    /// The next event is the first of another turn.
    pub(super) fn begin_turn(&mut self) {
        self.has_written = false;
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds the row of an event, or writes it with all that wait where it may not wait.
    ///
    /// # Errors
    /// [`DatabaseError`]: then it isn't added.
    pub(super) fn push(
        &mut self,
        database: &dyn Database,
        row: [Value<'static>; COLUMNS],
        size: u64,
    ) -> Result<(), DatabaseError> {
        let waits = self.takes();
        self.rows.push(row);
        self.bytes += size;
        if waits { Ok(()) } else { self.write(database).inspect_err(|_| _ = self.rows.pop()) }
    }

    /// Drops all but the first ones.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        if rows == 0 {
            self.bytes = 0;
        }
    }

    /// Writes them.
    ///
    /// # Errors
    /// [`DatabaseError`]: then those that aren't written still wait.
    pub(super) fn write(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        while !self.rows.is_empty() {
            let count = self.rows.len().min(ROWS_A_STATEMENT);
            let values = self.rows.get(..count).unwrap_or_default().as_flattened();
            database.query(&insert(count), values)?;
            self.rows.drain(..count);
            self.has_written = true;
        }
        self.bytes = 0;
        Ok(())
    }
}

/// The statement for so many rows.
fn insert(rows: usize) -> String {
    let row = format!("({})", ["?"; COLUMNS].join(", "));
    format!("INSERT INTO roomcast_log VALUES {}", vec![row; rows].join(", "))
}
