//! The room's own database: SQLite, asked at once and without waiting.
//!
//! The statements stand in the core and run against whatever [`Database`] it is given: the object's storage at the edge,
//! SQLite in memory in tests. Tables have the prefix of the part that owns them, and a part's schema is a list of steps
//! ([`migrate`]): a database that an older release wrote is brought up to date, and one of a newer release is refused.

use std::borrow::Cow;
use std::fmt;

use crate::ids::SocketId;

/// A database that answers at once.
///
/// What was written in one turn of the core becomes durable together, before anything is sent that the turn wants sent.
pub trait Database {
    /// Runs one statement; `?` in it stands for a value each. Gives the rows of its result.
    ///
    /// # Errors
    /// [`DatabaseError`]: then the statement has changed nothing.
    fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError>;

    /// Runs a script: statements without values, each ended by `;`. The results are dropped. SQLite itself finds the ends, so
    /// triggers, literals and comments may have `;` in them.
    ///
    /// # Errors
    /// [`DatabaseError`]: then the statements before the one that failed may have been run, unless this is within
    /// [`atomically`](Self::atomically).
    fn execute_batch(&self, sql: &str) -> Result<(), DatabaseError>;

    /// Keeps what `run` writes if it returns `true`, and else none of it. May be nested.
    ///
    /// # Errors
    /// [`DatabaseError`] where it can't be kept.
    fn atomically(&self, run: &mut dyn FnMut() -> bool) -> Result<(), DatabaseError>;
}

/// A value in a statement or in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// SQL's NULL.
    Null,
    /// A whole number, at most 2⁵³ from zero: the runtime's are JavaScript's.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The same value, borrowed from nobody.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(number),
            Self::Real(number) => Value::Real(number),
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Blob(bytes) => Value::Blob(bytes.into_owned().into()),
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl<'a> From<&'a SocketId> for Value<'a> {
    fn from(socket: &'a SocketId) -> Self {
        socket.as_str().into()
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Blob(bytes.into())
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row of a result, its values in the order of the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<Value<'static>>);

impl Row {
    /// A whole number that isn't negative; `None` for anything else.
    pub fn number(&self, column: usize) -> Option<u64> {
        u64::try_from(self.integer(column)?).ok()
    }

    /// A whole number; `None` for anything else. The runtime's numbers are all floating: so 5.0 is one too.
    pub fn integer(&self, column: usize) -> Option<i64> {
        match self.0.get(column)? {
            Value::Integer(number) => Some(*number),
            Value::Real(number) => whole(*number),
            _ => None,
        }
    }

    /// A number, whole or not; `None` for anything else.
    pub fn real(&self, column: usize) -> Option<f64> {
        match self.0.get(column)? {
            Value::Integer(number) => Some(*number as f64),
            Value::Real(number) => Some(*number),
            _ => None,
        }
    }

    /// A text; `None` for anything else.
    pub fn text(&self, column: usize) -> Option<&str> {
        match self.0.get(column)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes; `None` for anything else.
    pub fn bytes(&self, column: usize) -> Option<&[u8]> {
        match self.0.get(column)? {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// A script up to the end of its last statement, without the comments behind it: the runtime takes those for a statement and
/// finds none in them ("SQL code did not contain a statement", 2026-11).
pub(crate) fn trim_comments(script: &str) -> &str {
    let (mut rest, mut end) = (script, 0);
    while let Some(first) = rest.chars().next() {
        let until = |close: &str, from: usize| {
            let found = rest.get(from..).and_then(|inner| inner.find(close));
            found.map_or(rest.len(), |at| from + at + close.len())
        };
        let (length, is_code) = match first {
            _ if rest.starts_with("--") => (until("\n", 2), false),
            _ if rest.starts_with("/*") => (until("*/", 2), false),
            // A quote within is doubled, and so begins another literal.
            '\'' => (until("'", 1), true),
            '"' => (until("\"", 1), true),
            '`' => (until("`", 1), true),
            '[' => (until("]", 1), true),
            other => (other.len_utf8(), !other.is_whitespace()),
        };
        rest = rest.get(length..).unwrap_or_default();
        if is_code {
            end = script.len() - rest.len();
        }
    }
    script.get(..end).unwrap_or(script)
}

/// Whether a statement changes nothing. One that isn't known to is taken for one that does, which is right as well.
pub(crate) fn only_reads(sql: &str) -> bool {
    begins_with(sql, "SELECT")
}

/// Whether a statement may give rows. One that isn't known to give none may.
pub(crate) fn may_give_rows(sql: &str) -> bool {
    const RETURNING: &[u8] = b"RETURNING";
    // A literal may have the word in it too: then rows are asked for that aren't there, which does no harm.
    let is_it = |word: &[u8]| matches!(word, [b'R' | b'r', ..]) && word.eq_ignore_ascii_case(RETURNING);
    let returns = || sql.as_bytes().windows(RETURNING.len()).any(is_it);
    !["INSERT", "UPDATE", "DELETE"].iter().any(|word| begins_with(sql, word)) || returns()
}

fn begins_with(sql: &str, word: &str) -> bool {
    sql.trim_start().get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word))
}

/// The whole number that a float is. JavaScript has one kind of number, and up to 2⁵³ each whole one has a float of its own;
/// `None` beyond, and for a fraction.
pub(crate) fn whole(float: f64) -> Option<i64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    (float.fract() == 0.0 && float.abs() <= MOST).then_some(float as i64)
}

/// Why a statement failed: it is wrong, or the storage is full or broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseError(pub String);

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the room's storage failed: {}", self.0)
    }
}

/// A part that has tables.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Its name, under which a database remembers the steps that it has run.
    pub name: &'a str,
    /// The steps that make the tables, the oldest first; each is a [script](Database::execute_batch).
    pub steps: &'a [&'a str],
    /// The script that makes the tables as all steps together leave them, for a database that has none of them.
    pub newest: Option<&'a str>,
}

impl<'a> Part<'a> {
    /// A part whose tables are made by these steps.
    pub const fn new(name: &'a str, steps: &'a [&'a str]) -> Self {
        Self { name, steps, newest: None }
    }

    fn version(&self) -> u64 {
        self.steps.len() as u64
    }

    /// Runs what a database lacks that has run so many steps.
    fn run_after(&self, database: &dyn Database, done: u64) -> Result<(), DatabaseError> {
        match self.newest {
            Some(script) if done == 0 => database.execute_batch(script),
            _ => (1..)
                .zip(self.steps)
                .skip_while(|(number, _)| *number <= done)
                .try_for_each(|(_, step)| database.execute_batch(step)),
        }
    }
}

/// Brings the tables of these parts up to date, wholly or not at all, and notes which steps this database has seen. Gives
/// whether it was new: then the tables have only the rows that the steps put there.
///
/// # Errors
/// [`DatabaseError`] where a step fails, or where a newer release has run steps that this one doesn't know.
pub fn migrate(database: &dyn Database, parts: &[Part<'_>]) -> Result<bool, DatabaseError> {
    let seen = versions(database)?;
    let mut behind = Vec::new();
    for part in parts {
        let known = seen.iter().flatten().find(|row| row.text(0) == Some(part.name));
        let (done, newest) = (known.and_then(|row| row.number(1)).unwrap_or(0), part.version());
        if done > newest {
            return Err(DatabaseError(format!(
                "a newer release wrote version {done} of the tables of {:?}; this one knows {newest}",
                part.name
            )));
        }
        if done < newest {
            behind.push((part, done));
        }
    }
    if !behind.is_empty() {
        let mut outcome = Ok(());
        database.atomically(&mut || {
            outcome = bring_up_to_date(database, &behind);
            outcome.is_ok()
        })?;
        outcome?;
    }
    Ok(seen.is_none())
}

/// How many steps of which part a database has run; `None` for a new one. It only reads, since this is done whenever a room
/// wakes.
fn versions(database: &dyn Database) -> Result<Option<Vec<Row>>, DatabaseError> {
    let table = database.query("SELECT 1 FROM sqlite_master WHERE name = 'roomcast_schema'", &[])?;
    let read = || database.query("SELECT part, version FROM roomcast_schema", &[]);
    if table.is_empty() { Ok(None) } else { read().map(Some) }
}

fn bring_up_to_date(database: &dyn Database, behind: &[(&Part<'_>, u64)]) -> Result<(), DatabaseError> {
    const TABLE: &str =
        "CREATE TABLE IF NOT EXISTS roomcast_schema (part TEXT PRIMARY KEY, version INTEGER) WITHOUT ROWID";
    database.query(TABLE, &[])?;
    let mut notes = Vec::new();
    for (part, done) in behind {
        part.run_after(database, *done)?;
        notes.extend([part.name.into(), part.version().into()]);
    }
    let rows = vec!["(?, ?)"; behind.len()].join(", ");
    let note = format!(
        "INSERT INTO roomcast_schema VALUES {rows} ON CONFLICT (part) DO UPDATE SET version = excluded.version"
    );
    database.query(&note, &notes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_give_no_rows_gives_none() {
        for (sql, gives) in [
            ("SELECT 1", true),
            ("INSERT INTO a VALUES (1)", false),
            ("\n  insert into a values (1)", false),
            ("INSERT INTO a VALUES (1) RETURNING id", true),
            ("DELETE FROM a\nreturning id", true),
            ("UPDATE a SET b = 1", false),
            ("WITH c AS (SELECT 1) INSERT INTO a SELECT * FROM c", true),
            ("PRAGMA x", true),
            ("", true),
        ] {
            assert_eq!(may_give_rows(sql), gives, "{sql:?}");
        }
    }

    #[test]
    fn a_script_ends_with_its_last_statement() {
        for (script, trimmed) in [
            ("", ""),
            (" -- nothing\n /* at all; */ ", ""),
            ("SELECT 1", "SELECT 1"),
            ("SELECT 1; \n", "SELECT 1;"),
            ("SELECT 1; -- the end;", "SELECT 1;"),
            ("SELECT 1; /* the; \n end */ -- and\n", "SELECT 1;"),
            ("-- first\nSELECT 1; /* not closed", "-- first\nSELECT 1;"),
            ("SELECT 1 -- one\n; SELECT 2 /* two */;--", "SELECT 1 -- one\n; SELECT 2 /* two */;"),
            ("SELECT '-- no comment'", "SELECT '-- no comment'"),
            ("SELECT 'it''s -- none' -- one", "SELECT 'it''s -- none'"),
            ("SELECT \"/* none\", `-- x`, [--y] /* é */", "SELECT \"/* none\", `-- x`, [--y]"),
            ("SELECT 4-1, 4/2, 'é'; -- é", "SELECT 4-1, 4/2, 'é';"),
            ("SELECT 'not closed; -- none", "SELECT 'not closed; -- none"),
        ] {
            assert_eq!(trim_comments(script), trimmed, "{script:?}");
        }
    }
}
