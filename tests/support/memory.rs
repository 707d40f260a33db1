//! What outlives the object's memory: SQLite, and what the runtime keeps of the WebSockets.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use roomcast::database::{Database, DatabaseError, Row, Value};
use roomcast::host::{HibernatedSocket, Host};
use roomcast::ids::{ConnId, Entropy, Millis};

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, params_from_iter};

/// A runtime; its copies are the same one.
#[derive(Clone)]
pub(crate) struct Memory(Rc<Inner>);

struct Inner {
    database: Connection,
    /// Counts, so that each run draws the same identifiers, and none twice.
    drawn: Cell<u64>,
    /// The open WebSockets with their tags.
    sockets: RefCell<BTreeMap<ConnId, Option<String>>>,
    attached: RefCell<BTreeMap<ConnId, String>>,
    /// How often somebody looked there.
    looked: Cell<u64>,
    /// When the runtime last answered a pong by itself.
    pongs: RefCell<BTreeMap<ConnId, Millis>>,
    fails: Cell<bool>,
    depth: Cell<u32>,
    written: Cell<u64>,
    read: Cell<u64>,
    warnings: RefCell<Vec<String>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self(Rc::new(Inner {
            database: Connection::open_in_memory().expect("SQLite"),
            drawn: Cell::default(),
            sockets: RefCell::default(),
            attached: RefCell::default(),
            looked: Cell::default(),
            pongs: RefCell::default(),
            fails: Cell::default(),
            depth: Cell::default(),
            written: Cell::default(),
            read: Cell::default(),
            warnings: RefCell::default(),
        }))
    }
}

impl Memory {
    pub(crate) fn attach(&self, conn: ConnId, state: Option<String>) {
        let mut attached = self.0.attached.borrow_mut();
        match state {
            Some(state) => _ = attached.insert(conn, state),
            None => _ = attached.remove(&conn),
        }
    }

    pub(crate) fn attached(&self, conn: ConnId) -> Option<String> {
        self.0.attached.borrow().get(&conn).cloned()
    }

    pub(crate) fn pong(&self, conn: ConnId, now: Millis) {
        self.0.pongs.borrow_mut().insert(conn, now);
    }

    pub(crate) fn open_socket(&self, conn: ConnId, tag: Option<String>) {
        self.0.sockets.borrow_mut().insert(conn, tag);
    }

    pub(crate) fn close_socket(&self, conn: ConnId) {
        self.0.sockets.borrow_mut().remove(&conn);
    }

    pub(crate) fn forget_sockets(&self) {
        self.0.sockets.borrow_mut().clear();
        self.0.attached.borrow_mut().clear();
        self.0.pongs.borrow_mut().clear();
    }

    /// From now on each write fails, or none.
    pub(crate) fn fail_writes(&self, fail: bool) {
        self.0.fails.set(fail);
    }

    /// How many rows were written since last asked, but for those of indexes.
    pub(crate) fn rows_written(&self) -> u64 {
        self.0.written.take()
    }

    /// How many rows statements gave back since last asked.
    pub(crate) fn rows_read(&self) -> u64 {
        self.0.read.take()
    }

    /// How many attachments were read since last asked.
    pub(crate) fn attachments_read(&self) -> u64 {
        self.0.looked.take()
    }

    /// What the operator was told since last asked.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.0.warnings.take()
    }

    /// A number from the database, for tests that look behind the scenes.
    pub(crate) fn number(&self, sql: &str) -> u64 {
        let rows = self.query(sql, &[]).expect("a statement");
        rows.first().and_then(|row| row.number(0)).expect("a number")
    }

    /// Runs a script, such as one that makes the tables of an earlier release.
    pub(crate) fn script(&self, sql: &str) {
        self.0.database.execute_batch(sql).expect("a script");
    }
}

impl Entropy for Memory {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.drawn.set(self.0.drawn.get() + 1);
        let count = self.0.drawn.get().to_be_bytes();
        for (byte, digit) in bytes.iter_mut().rev().zip(count.iter().rev()) {
            *byte = *digit;
        }
    }
}

fn failed(error: &rusqlite::Error) -> DatabaseError {
    DatabaseError(error.to_string())
}

impl Database for Memory {
    fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError> {
        let database = &self.0.database;
        let before = database.total_changes();
        let mut statement = database.prepare_cached(sql).map_err(|error| failed(&error))?;
        if self.0.fails.get() && !statement.readonly() {
            return Err(DatabaseError("database or disk is full".to_owned()));
        }
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values.iter().map(to_sql))).map_err(|error| failed(&error))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|error| failed(&error))? {
            let value = |column| row.get_ref(column).map(from_sql).map_err(|error| failed(&error));
            found.push(Row((0..columns).map(value).collect::<Result<_, _>>()?));
        }
        self.0.written.set(self.0.written.get() + database.total_changes() - before);
        self.0.read.set(self.0.read.get() + found.len() as u64);
        Ok(found)
    }

    fn atomically(&self, run: &mut dyn FnMut() -> bool) -> Result<(), DatabaseError> {
        let depth = self.0.depth.get();
        self.0.depth.set(depth + 1);
        self.script(&format!("SAVEPOINT step{depth}"));
        let kept = run();
        if !kept {
            self.script(&format!("ROLLBACK TO step{depth}"));
        }
        self.script(&format!("RELEASE step{depth}"));
        self.0.depth.set(depth);
        Ok(())
    }
}

impl Host for Memory {
    fn hibernated(&self) -> Vec<HibernatedSocket> {
        let sockets = self.0.sockets.borrow();
        sockets.iter().map(|(conn, tag)| HibernatedSocket { conn: *conn, tag: tag.clone() }).collect()
    }

    fn last_pong(&self, conn: ConnId) -> Option<Millis> {
        self.0.pongs.borrow().get(&conn).copied()
    }

    fn attachment(&self, conn: ConnId) -> Option<String> {
        self.0.looked.set(self.0.looked.get() + 1);
        self.attached(conn)
    }

    fn warn(&self, sentence: &str) {
        self.0.warnings.borrow_mut().push(sentence.to_owned());
    }
}

fn to_sql(value: &Value<'_>) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Integer(number) => Sql::Integer(*number),
        Value::Real(number) => Sql::Real(*number),
        Value::Text(text) => Sql::Text(text.to_string()),
        Value::Blob(bytes) => Sql::Blob(bytes.to_vec()),
    }
}

fn from_sql(value: ValueRef<'_>) -> Value<'static> {
    match Sql::from(value) {
        Sql::Null => Value::Null,
        Sql::Integer(number) => Value::Integer(number),
        Sql::Real(number) => Value::Real(number),
        Sql::Text(text) => Value::Text(text.into()),
        Sql::Blob(bytes) => Value::Blob(bytes.into()),
    }
}
