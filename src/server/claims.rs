//! Callbacks that are stored until they have run, and what is known of attempts to run them. `deferred` says why they are
//! claimed.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::app::schedule::TimerKey;
use crate::database::{Database, DatabaseError};
use crate::ids::{Millis, Pid};
use crate::socket_io::DisconnectReason;
use crate::socket_io::recovery::AwaySocket;
use crate::sorted::{SortedMap, SortedSet};

/// The steps that make the table.
pub(super) const SCHEMA: &[&str] = &["CREATE TABLE roomcast_claims (id INTEGER PRIMARY KEY, claims TEXT NOT NULL)"];

/// How many times a callback is tried.
pub(super) const MAX_ATTEMPTS: u32 = 3;

/// How many callbacks are claimed together, and so run in one turn.
pub(super) const MAX_CLAIMED: usize = 256;

/// The number of attempts of a callback that is set aside.
pub(super) const SET_ASIDE: u32 = MAX_ATTEMPTS + 1;

/// Something that is to be done at some time, whatever becomes of the object's memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Callback {
    /// The socket was lost with the object's memory, and the app is to be told.
    Orphan { pid: String },
    /// Nobody has come back to the socket in time.
    Expiry { pid: String, at: u64 },
    /// The time for answers is over.
    Answers { namespace: Rc<str>, id: u64 },
    /// A request to another server was lost with the object's memory.
    Fetch { id: u64 },
    /// A timer is due. An earlier release has claimed timers without a `key`.
    Timer {
        namespace: Rc<str>,
        name: Rc<str>,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        key: Rc<str>,
        at: u64,
    },
}

impl Callback {
    pub(super) fn orphan(pid: &Pid) -> Self {
        Self::Orphan { pid: pid.as_str().to_owned() }
    }

    /// A timer that is due at `at`.
    pub(super) fn of_timer(TimerKey { namespace, name, key }: TimerKey, at: Millis) -> Self {
        Self::Timer { namespace, name, key, at: at.0 }
    }

    /// The timer, if it is one.
    pub(super) fn timer(&self) -> Option<TimerKey> {
        match self {
            Self::Timer { namespace, name, key, .. } => {
                Some(TimerKey { namespace: namespace.clone(), name: name.clone(), key: key.clone() })
            }
            _ => None,
        }
    }
}

/// Callbacks, and what is known of earlier attempts.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    /// How many times callbacks were tried; of those that are not due any more, nobody asks.
    pub(super) attempts: SortedMap<Callback, u32>,
    /// Claimed in this turn.
    pub(super) claimed: Vec<Callback>,
    /// Claimed in an earlier turn: they may run.
    pub(super) ready: Vec<Callback>,
    /// They run in this turn.
    pub(super) running: Vec<Callback>,
    /// They failed too often.
    pub(super) aside: SortedSet<Callback>,
    /// Sockets without a connection that the app wasn't told of.
    pub(super) orphans: SortedMap<Pid, Orphan>,
    /// How many times in a row the storage has refused a claim.
    pub(super) refusals: u32,
    /// When to try again to claim what is due.
    pub(super) claim_at: Millis,
}

impl Deferred {
    /// Reads what an earlier life of the object has tried.
    #[inline(never)] // The runtime compiles a function when it is first called: a new room never calls this one.
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
        self.claim_at = self.claim_at.before(by);
    }

    /// How many times a callback was tried.
    pub(super) fn attempts(&self, callback: &Callback) -> u32 {
        self.attempts.get(callback).copied().unwrap_or_default()
    }

    /// Whether an earlier life of the object has set a callback aside.
    pub(super) fn was_set_aside(&self, callback: &Callback) -> bool {
        self.attempts(callback) == SET_ASIDE
    }

    /// Forgets that a callback was set aside; `false` where it wasn't.
    pub(super) fn forget_aside(&mut self, callback: &Callback) -> bool {
        self.attempts.remove(callback);
        self.aside.remove(callback)
    }
}

/// A socket that lost its connection, of which the app was not told yet. Its row says until then that it is connected, so that
/// the next life of the object finds it again.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) away: AwaySocket,
    pub(super) reason: DisconnectReason,
    /// Whether this life of the object closed the connection. The app is told in the next tick, and no claim is needed: if that
    /// goes wrong, it is found as one that was lost with the memory.
    pub(super) is_fresh: bool,
}
