//! The database during a turn: what a turn writes is kept together or not at all, and a turn that writes nothing costs no transaction.
//!
//! The runtime has transactions that enclose a call, so whether there is one must be known before the turn begins. It is
//! guessed from the turns before. Where none is expected and something is written nevertheless, the statement waits for the end
//! of the turn. The first one, and one that gives rows, is tried before in a transaction that is taken back; what is read
//! meanwhile is read in such a transaction as well, behind all that waits.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::database::{Database, DatabaseError, Row, Value, may_give_rows, only_reads};
use crate::host::{HibernatedSocket, Host};
use crate::ids::{ConnId, Entropy, Millis};

/// How many turns of a kind after one that wrote are expected to write too.
const EXPECTED_FOR: u32 = 16;

/// What turns are about: those of a kind are alike in whether they write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnKind {
    /// The head of a request, in whose turn the app runs no statements.
    Request,
    /// A frame, or the body of a request.
    Message,
    /// A connection that is gone.
    Gone,
    /// Anything else.
    Other,
}

/// A statement that waits for the end of its turn.
type Waiting = (String, Vec<Value<'static>>);

/// A host whose database knows of turns.
pub(crate) struct TurnHost {
    host: Rc<dyn Host>,
    /// Whether every turn in which the app may run statements counts as one that writes.
    always: bool,
    /// How many turns more of each kind are expected to write.
    expected: [Cell<u32>; 4],
    /// Whether this turn has written.
    wrote: Cell<bool>,
    /// What waits for the end of the turn; `None` where there is a transaction, or no turn.
    waiting: RefCell<Option<Vec<Waiting>>>,
}

impl TurnHost {
    /// The host. With `always`, the app has tables of its own, and its statements are run as they come.
    pub(crate) fn new(host: Rc<dyn Host>, always: bool) -> Self {
        // What a room does first, it stores.
        let expected = [const { Cell::new(EXPECTED_FOR) }; 4];
        let (wrote, waiting) = Default::default();
        Self { host, always, expected, wrote, waiting }
    }

    /// Keeps what the turn `run` writes if it returns `true`, and else none of it.
    ///
    /// # Errors
    /// [`DatabaseError`] where it can't be kept.
    pub(crate) fn turn(&self, kind: TurnKind, run: &mut dyn FnMut() -> bool) -> Result<(), DatabaseError> {
        self.wrote.set(false);
        let expected = self.expected_of(kind);
        let must = self.always && kind != TurnKind::Request;
        let kept = if must || expected.get() > 0 {
            self.host.atomically(run)
        } else {
            self.waiting.replace(Some(Vec::new()));
            let keep = run();
            let waiting = self.waiting.take().unwrap_or_default();
            if keep && !waiting.is_empty() { self.keep(&waiting) } else { Ok(()) }
        };
        expected.set(if self.wrote.get() { EXPECTED_FOR } else { expected.get().saturating_sub(1) });
        kept
    }

    fn expected_of(&self, kind: TurnKind) -> &Cell<u32> {
        let [request, message, gone, other] = &self.expected;
        match kind {
            TurnKind::Request => request,
            TurnKind::Message => message,
            TurnKind::Gone => gone,
            TurnKind::Other => other,
        }
    }

    fn keep(&self, waiting: &[Waiting]) -> Result<(), DatabaseError> {
        let mut outcome = Ok(());
        let kept = self.host.atomically(&mut || {
            outcome = self.run_all(waiting);
            outcome.is_ok()
        });
        outcome.and(kept)
    }

    fn run_all(&self, waiting: &[Waiting]) -> Result<(), DatabaseError> {
        waiting.iter().try_for_each(|(sql, values)| self.host.query(sql, values).map(drop))
    }

    /// What a statement gives behind all that waits. Nothing of it is kept.
    fn attempt(&self, waiting: &[Waiting], sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError> {
        let mut outcome = Ok(Vec::new());
        self.host.atomically(&mut || {
            outcome = self.run_all(waiting).and_then(|()| self.host.query(sql, values));
            false
        })?;
        outcome
    }
}

impl Database for TurnHost {
    fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError> {
        let reads = only_reads(sql);
        self.wrote.set(self.wrote.get() || !reads);
        let mut waiting = self.waiting.borrow_mut();
        match waiting.as_mut() {
            Some(waiting) if !reads => {
                // The first one shows whether the storage can be written.
                let shows = waiting.is_empty() || may_give_rows(sql);
                let rows = if shows { self.attempt(waiting, sql, values)? } else { Vec::new() };
                waiting.push((sql.to_owned(), values.iter().cloned().map(Value::into_owned).collect()));
                Ok(rows)
            }
            Some(waiting) if !waiting.is_empty() => self.attempt(waiting, sql, values),
            _ => self.host.query(sql, values),
        }
    }

    fn execute_batch(&self, sql: &str) -> Result<(), DatabaseError> {
        self.host.execute_batch(sql)
    }

    fn atomically(&self, run: &mut dyn FnMut() -> bool) -> Result<(), DatabaseError> {
        let Some(before) = self.waiting.borrow().as_ref().map(Vec::len) else {
            return self.host.atomically(run);
        };
        if !run()
            && let Some(waiting) = self.waiting.borrow_mut().as_mut()
        {
            waiting.truncate(before);
        }
        Ok(())
    }
}

impl Entropy for TurnHost {
    fn fill(&self, bytes: &mut [u8]) {
        self.host.fill(bytes);
    }
}

impl Host for TurnHost {
    fn hibernated(&self) -> Vec<HibernatedSocket> {
        self.host.hibernated()
    }

    fn last_pong(&self, conn: ConnId) -> Option<Millis> {
        self.host.last_pong(conn)
    }

    fn attachment(&self, conn: ConnId) -> Option<String> {
        self.host.attachment(conn)
    }

    fn warn(&self, sentence: &str) {
        self.host.warn(sentence);
    }
}
