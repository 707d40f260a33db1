//! What outlives the object's memory: SQLite, and what the runtime keeps of the WebSockets.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
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
    fault: Cell<Fault>,
    /// The transactions that fail, by number.
    failing: RefCell<Range<u64>>,
    /// How many transactions were to be kept since then.
    commits: Cell<u64>,
    depth: Cell<u32>,
    written: Cell<u64>,
    read: Cell<u64>,
    statements: Cell<u64>,
    warnings: RefCell<Vec<String>>,
}

/// What is wrong with the storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Statements that write fail: the disk is full.
    Writes,
    /// All is done as asked, and no transaction can be kept.
    Commits,
    /// No statement and no transaction is done at all.
    All,
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
            fault: Cell::default(),
            failing: RefCell::default(),
            commits: Cell::default(),
            depth: Cell::default(),
            written: Cell::default(),
            read: Cell::default(),
            statements: Cell::default(),
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
        self.fail(if fail { Fault::Writes } else { Fault::None });
    }

    /// From now on the storage has this fault.
    pub(crate) fn fail(&self, fault: Fault) {
        self.0.fault.set(fault);
    }

    /// Of the transactions that are to be kept from now on these fail; the first is 1.
    pub(crate) fn fail_commits(&self, numbers: Range<u64>) {
        self.0.failing.replace(numbers);
        self.0.commits.set(0);
    }

    /// How many transactions were to be kept since then. Those within another one don't count.
    pub(crate) fn commits(&self) -> u64 {
        self.0.commits.get()
    }

    /// Whether the transaction that ends now fails.
    fn commit_fails(&self) -> bool {
        self.0.commits.set(self.0.commits.get() + 1);
        self.0.failing.borrow().contains(&self.0.commits.get()) || self.0.fault.get() == Fault::Commits
    }

    /// How many rows were written since last asked, but for those of indexes.
    pub(crate) fn rows_written(&self) -> u64 {
        self.0.written.take()
    }

    /// How many rows statements gave back since last asked.
    pub(crate) fn rows_read(&self) -> u64 {
        self.0.read.take()
    }

    /// How many statements were run since last asked.
    pub(crate) fn statements(&self) -> u64 {
        self.0.statements.take()
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

fn broken() -> DatabaseError {
    DatabaseError("disk I/O error".to_owned())
}

fn full() -> DatabaseError {
    DatabaseError("database or disk is full".to_owned())
}

/// A transaction, or one within another. It is rolled back unless it is to be kept: also where what runs in it panics.
struct Step<'a> {
    memory: &'a Memory,
    depth: u32,
    keep: bool,
}

impl<'a> Step<'a> {
    fn begin(memory: &'a Memory) -> Self {
        let depth = memory.0.depth.get();
        memory.0.depth.set(depth + 1);
        memory.script(&format!("SAVEPOINT step{depth}"));
        Self { memory, depth, keep: false }
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let Self { memory, depth, keep } = self;
        if !*keep {
            memory.script(&format!("ROLLBACK TO step{depth}"));
        }
        memory.script(&format!("RELEASE step{depth}"));
        memory.0.depth.set(*depth);
    }
}

impl Database for Memory {
    fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError> {
        let database = &self.0.database;
        self.0.statements.set(self.0.statements.get() + 1);
        let before = database.total_changes();
        let mut statement = database.prepare_cached(sql).map_err(|error| failed(&error))?;
        if self.0.fault.get() == Fault::All {
            return Err(broken());
        }
        if self.0.fault.get() == Fault::Writes && !statement.readonly() {
            return Err(full());
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

    fn execute_batch(&self, sql: &str) -> Result<(), DatabaseError> {
        match self.0.fault.get() {
            Fault::All => return Err(broken()),
            Fault::Writes => return Err(full()),
            _ => {}
        }
        let before = self.0.database.total_changes();
        self.0.database.execute_batch(sql).map_err(|error| failed(&error))?;
        self.0.written.set(self.0.written.get() + self.0.database.total_changes() - before);
        Ok(())
    }

    fn atomically(&self, run: &mut dyn FnMut() -> bool) -> Result<(), DatabaseError> {
        if self.0.fault.get() == Fault::All {
            return Err(broken());
        }
        let mut step = Step::begin(self);
        step.keep = run();
        if step.keep && step.depth == 0 && self.commit_fails() {
            step.keep = false;
            return Err(broken());
        }
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
