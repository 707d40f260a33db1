//! Callbacks that are stored until they have run, and what is known of attempts to run them. `deferred` says why they are
//! claimed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::database::{Database, DatabaseError};
use crate::ids::{Millis, Pid};
use crate::socket_io::recovery::AwaySocket;

/// The steps that make the table.
pub(super) const SCHEMA: &[&str] = &["CREATE TABLE roomcast_claims (id INTEGER PRIMARY KEY, claims TEXT NOT NULL)"];

/// How many times a callback is tried.
pub(super) const MAX_ATTEMPTS: u32 = 3;

/// How many callbacks are claimed together, and so run in one turn.
pub(super) const MAX_CLAIMED: usize = 256;

/// Something that is to be done at some time, whatever becomes of the object's memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Callback {
    /// The socket was lost with the object's memory, and the app is to be told.
    Orphan { pid: String },
    /// Nobody has come back to the socket in time.
    Expiry { pid: String, gone: u64 },
    /// The time for answers is over.
    Answers { namespace: Rc<str>, id: u64 },
    /// A timer is due.
    Timer { namespace: Rc<str>, name: Rc<str>, at: u64 },
}

/// Callbacks, and what is known of earlier attempts.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    /// How many times callbacks were tried; of those that are not due any more, nobody asks.
    pub(super) attempts: BTreeMap<Callback, u32>,
    /// Claimed in this turn.
    pub(super) claimed: Vec<Callback>,
    /// Claimed in an earlier turn: they may run.
    pub(super) ready: Vec<Callback>,
    /// They run in this turn.
    pub(super) running: Vec<Callback>,
    /// They failed too often.
    pub(super) aside: BTreeSet<Callback>,
    /// Sockets lost with the object's memory that the app wasn't told of.
    pub(super) orphans: BTreeMap<Pid, AwaySocket>,
    /// Until when news waits.
    pub(super) paused_until: Option<Millis>,
    /// When to try again to claim what is due, where the storage refused it.
    pub(super) claim_at: Millis,
}

impl Deferred {
    /// Reads what an earlier life of the object has tried.
    pub(super) fn open(database: &dyn Database) -> Result<Self, DatabaseError> {
        let rows = database.query("SELECT claims FROM roomcast_claims", &[])?;
        let claims = rows.first().and_then(|row| row.text(0)).unwrap_or("[]");
        let attempts: Vec<(Callback, u32)> = serde_json::from_str(claims).unwrap_or_default();
        Ok(Self { attempts: attempts.into_iter().collect(), ..Self::default() })
    }

    /// These were tried in a turn that was lost for another reason.
    pub(super) fn forgive(&mut self, callbacks: &[Callback]) {
        for callback in callbacks {
            if let Some(attempts) = self.attempts.get_mut(callback) {
                *attempts = attempts.saturating_sub(1);
            }
        }
    }

    /// The callbacks that were claimed and haven't come to their end.
    pub(super) fn unfinished(self) -> impl Iterator<Item = Callback> {
        self.running.into_iter().chain(self.ready)
    }

    /// The turn is kept, and its claims with it.
    pub(super) fn committed(&mut self) {
        self.running.clear();
        self.ready.append(&mut self.claimed);
    }

    /// The clock has gone back by so much.
    pub(super) fn bring_forward(&mut self, by: Millis) {
        self.paused_until = self.paused_until.map(|until| until.before(by));
        self.claim_at = self.claim_at.before(by);
    }

    /// How many callbacks are set aside.
    pub(super) fn set_aside_count(&self) -> usize {
        self.aside.len()
    }

    pub(super) fn write(&self, database: &dyn Database, due: &[Callback]) -> Result<(), DatabaseError> {
        const UPSERT: &str = "INSERT INTO roomcast_claims VALUES (0, ?)
            ON CONFLICT (id) DO UPDATE SET claims = excluded.claims";
        let due: BTreeSet<_> = due.iter().collect();
        let is_open = |callback: &Callback| due.contains(callback) || self.aside.contains(callback);
        let known: Vec<_> = self.attempts.iter().filter(|(callback, _)| is_open(callback)).collect();
        // Texts and numbers always have their JSON.
        let claims = serde_json::to_string(&known).unwrap_or_default();
        database.query(UPSERT, &[claims.into()]).map(drop)
    }
}
