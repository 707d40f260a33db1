//! Requests to other servers: which wait, which are on their way, and what is done with the answers.
//!
//! Each has a row until the app was told what came of it. A request whose row is found after the object has lost its memory is
//! told as [`FetchError::Restarted`]: nobody can know whether it was sent, and it isn't sent again.

use std::collections::VecDeque;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::data::parse_context;
use super::error::{Error, Result};
use crate::config::Config;
use crate::database::{Database, DatabaseError};
use crate::fetch::{FetchError, FetchOutcome, FetchRequest, FetchResponse};
use crate::ids::Millis;
use crate::outbox::{Effect, Outbox};
use crate::socket_io::stored::check_row;
use crate::sorted::{SortedMap, SortedSet};

/// The steps that make the table.
pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE roomcast_fetches (id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, context TEXT)
"];

/// How many requests are on their way at once: the platform allows as many connections.
const MAX_AT_ONCE: usize = 6;

/// What came of a request to another server: handed to [`Handlers::on_fetched`](super::Handlers::on_fetched).
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn told(room: &mut Room, fetched: &Fetched) -> Result {
///     let asker: SocketId = fetched.context()?;
///     room.io.to(asker).emit("told", &fetched.response()?.is_ok())
/// }
/// # let _: Handlers = Handlers::new().on_fetched(FetchName::new("told"), told);
/// ```
#[derive(Debug)]
pub struct Fetched {
    /// The name that was given with the request.
    pub name: Rc<str>,
    /// The answer, or why there is none.
    pub outcome: FetchOutcome,
    context: Option<Rc<str>>,
}

impl Fetched {
    /// The answer, whatever its status.
    ///
    /// # Errors
    /// [`Error::Internal`] with the reason why there is none.
    pub fn response(&self) -> Result<&FetchResponse> {
        self.outcome.as_ref().map_err(|error| error.clone().into())
    }

    /// What was kept for the answer.
    ///
    /// # Errors
    /// [`Error::Internal`] where nothing was kept, or something else.
    pub fn context<T: DeserializeOwned>(&self) -> Result<T> {
        parse_context(self.context.as_ref())
    }
}

/// What is done with the answer to a request.
#[derive(Debug, Clone)]
pub(crate) struct Then {
    pub(crate) namespace: Rc<str>,
    pub(crate) name: Rc<str>,
    pub(crate) context: Option<Rc<str>>,
}

impl Then {
    /// What the app is told.
    pub(crate) fn fetched(self, outcome: FetchOutcome) -> Fetched {
        Fetched { name: self.name, outcome, context: self.context }
    }
}

/// The requests of a room.
#[derive(Debug)]
pub(crate) struct Fetches {
    /// Whose answers the app wasn't told yet, but for the lost ones.
    open: SortedMap<u64, Then>,
    /// Those that are still to be sent.
    waiting: VecDeque<(u64, FetchRequest)>,
    on_their_way: SortedSet<u64>,
    /// Those of an earlier life of the object.
    lost: SortedMap<u64, Then>,
    /// The greatest number that was given.
    last: u64,
    most: usize,
    timeout: Millis,
    max_bytes: usize,
}

/// A moment in [`Fetches`]: the number that was given last.
pub(crate) struct Mark(u64);

impl Fetches {
    pub(crate) fn new(config: &Config) -> Self {
        let (open, waiting, on_their_way, lost) = Default::default();
        let Config { max_fetches: most, fetch_timeout: timeout, max_fetch_bytes: max_bytes, .. } = *config;
        Self { open, waiting, on_their_way, lost, last: 0, most, timeout, max_bytes }
    }

    /// Reads what an earlier life of the object has asked for.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        for row in database.query("SELECT id, namespace, name, context FROM roomcast_fetches", &[])? {
            if let (Some(id), Some(namespace), Some(name)) = (row.number(0), row.text(1), row.text(2)) {
                let context = row.text(3).map(Rc::from);
                self.last = self.last.max(id);
                self.lost.insert(id, Then { namespace: namespace.into(), name: name.into(), context });
            }
        }
        Ok(())
    }

    /// Notes a request; gives its number.
    ///
    /// # Errors
    /// [`Error::Internal`] where too many wait, [`Error::Storage`].
    pub(crate) fn ask(&mut self, database: &dyn Database, now: Millis, then: Then) -> Result<u64> {
        const INSERT: &str = "INSERT INTO roomcast_fetches VALUES (?, ?, ?, ?)";
        if self.open.len() >= self.most {
            return Err(Error::Internal(format!("{} requests to other servers wait already", self.most)));
        }
        // An answer that comes late must not be taken for another one's, so no number is given twice, though rows go.
        let id = self.last.saturating_add(1).max(now.0.saturating_mul(1_000));
        let context = then.context.as_deref();
        check_row("a request", then.name.len() + context.map_or(0, str::len))?;
        database.query(INSERT, &[id.into(), (*then.namespace).into(), (*then.name).into(), context.into()])?;
        self.last = id;
        self.open.insert(id, then);
        Ok(id)
    }

    /// The step that asked for it is done: the request may leave.
    pub(crate) fn enqueue(&mut self, id: u64, request: FetchRequest) {
        self.waiting.push_back((id, request));
    }

    /// Has as many sent as may be on their way.
    pub(crate) fn send(&mut self, out: &mut Outbox) {
        while self.on_their_way.len() < MAX_AT_ONCE
            && let Some((id, mut request)) = self.waiting.pop_front()
        {
            request.timeout.get_or_insert(self.timeout);
            request.max_bytes.get_or_insert(self.max_bytes);
            self.on_their_way.insert(id);
            out.push(Effect::Fetch { id, request });
        }
    }

    /// Whether an answer is waited for.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.open.is_empty()
    }

    /// An answer is there; `None` where the app was told of that request already.
    pub(crate) fn answered(&mut self, database: &dyn Database, id: u64) -> Option<Then> {
        self.on_their_way.remove(&id);
        let then = self.open.remove(&id).or_else(|| self.lost.remove(&id))?;
        delete(database, id);
        Some(then)
    }

    /// The requests that were lost with the object's memory.
    pub(crate) fn lost(&self) -> impl Iterator<Item = u64> {
        self.lost.keys().copied()
    }

    /// Takes out a lost one, to tell the app of it.
    pub(crate) fn take_lost(&mut self, database: &dyn Database, id: u64) -> Option<(Rc<str>, Fetched)> {
        let then = self.lost.remove(&id)?;
        delete(database, id);
        Some((then.namespace.clone(), then.fetched(Err(FetchError::Restarted))))
    }

    /// Has the app not told of a lost one any more; its row stays. `false` where there is none.
    pub(crate) fn set_aside(&mut self, id: u64) -> bool {
        self.lost.remove(&id).is_some()
    }

    /// A moment to go back to, if what is asked next can't be kept.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.last)
    }

    /// Forgets what was asked since: its rows are gone.
    pub(crate) fn rewind(&mut self, Mark(last): Mark) {
        self.open.retain(|id, _| *id <= last);
        self.last = last;
    }
}

/// A row that can't be deleted comes again after a restart, as a request that was lost.
fn delete(database: &dyn Database, id: u64) {
    _ = database.query("DELETE FROM roomcast_fetches WHERE id = ?", &[id.into()]);
}
