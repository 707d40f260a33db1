//! Callbacks: what the app is called for at some time, and what is stored until then. Timers, answers whose time is over,
//! sockets that nobody came back to, and sockets that were lost with the object's memory.
//!
//! A callback that ends in a panic, or in a reset of the object, is found again by the next life, which would run it again,
//! for ever. So a callback is claimed before it runs: a turn writes that it is about to be tried, and runs it in a later turn
//! that no client's input waits for. One that was tried [`MAX_ATTEMPTS`] times is set aside, which is stored too. Claims that came to nothing are
//! told from the others by what they claim: a callback that ran isn't due any more. So a claim costs one row for all
//! callbacks that are due, and none when they are done.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::live::Live;
use super::orphans::Orphan;
use super::{MAX_RETRY_DELAY, retry_delay};
use crate::database::{Database, DatabaseError};
use crate::ids::{Millis, Pid};

/// The steps that make the table.
pub(super) const SCHEMA: &[&str] = &["CREATE TABLE roomcast_claims (id INTEGER PRIMARY KEY, claims TEXT NOT NULL)"];

/// How many times a callback is tried.
const MAX_ATTEMPTS: u32 = 3;

/// How many callbacks are claimed together, and so run in one turn.
const MAX_CLAIMED: usize = 256;

/// The number of attempts of a callback that is set aside.
const SET_ASIDE: u32 = MAX_ATTEMPTS + 1;

/// Something that is to be done at some time, whatever becomes of the object's memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Callback {
    /// The socket was lost with the object's memory, and the app is to be told.
    Orphan { pid: String },
    /// Nobody has come back to the socket in time.
    Expiry { pid: String, at: u64 },
    /// The time for answers is over.
    Answers { namespace: Rc<str>, id: u64 },
    /// A timer is due.
    Timer { namespace: Rc<str>, name: Rc<str>, at: u64 },
}

impl Callback {
    pub(super) fn orphan(pid: &Pid) -> Self {
        Self::Orphan { pid: pid.as_str().to_owned() }
    }

    /// Whether it is a timer of this namespace and name.
    fn is_timer(&self, key: &(Rc<str>, Rc<str>)) -> bool {
        matches!(self, Self::Timer { namespace, name, .. } if (namespace, name) == (&key.0, &key.1))
    }
}

/// Callbacks, and what is known of earlier attempts.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    /// How many times callbacks were tried; of those that are not due any more, nobody asks.
    attempts: BTreeMap<Callback, u32>,
    /// Claimed in this turn.
    claimed: Vec<Callback>,
    /// Claimed in an earlier turn: they may run.
    ready: Vec<Callback>,
    /// They run in this turn.
    running: Vec<Callback>,
    /// They failed too often.
    pub(super) aside: BTreeSet<Callback>,
    /// Sockets without a connection that the app wasn't told of.
    pub(super) orphans: BTreeMap<Pid, Orphan>,
    /// How many times in a row the storage has refused a claim.
    refusals: u32,
    /// When to try again to claim what is due.
    claim_at: Millis,
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

    /// How many times a callback was tried.
    fn attempts(&self, callback: &Callback) -> u32 {
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

impl Live {
    /// When something is due that is stored.
    pub(super) fn next_due(&self) -> Option<Millis> {
        let state = &self.state;
        if !self.deferred.ready.is_empty() || self.news.waits {
            // The next tick runs it. If the memory is lost before that, somebody has to wake the room: with the heartbeat, since
            // its alarm is set anyway where somebody is connected.
            let heartbeat = state.engine.next_heartbeat(state.now);
            return Some(heartbeat.min(state.now + MAX_RETRY_DELAY));
        }
        let stored = [state.sockets.recovery.next_expiry(), state.schedule.next(), state.pending_acks.next()];
        let orphans = (!self.deferred.orphans.is_empty()).then_some(state.now);
        let due = stored.into_iter().chain([orphans]).flatten().min()?;
        Some(due.max(self.deferred.claim_at))
    }

    /// When the room must be woken.
    pub(super) fn next_wake(&self, now: Millis) -> Option<Millis> {
        let hibernated = self.hibernated.as_ref().filter(|sockets| !sockets.is_empty());
        let heartbeat = hibernated.map(|_| self.state.engine.next_heartbeat(now));
        let deadlines = [heartbeat, self.state.engine.next_wake(now), self.connects.next(), self.next_due()];
        deadlines.into_iter().flatten().min()
    }

    /// When another turn is wanted for what is in memory alone.
    pub(super) fn next_tick(&self) -> Option<Millis> {
        let ready = (!self.deferred.ready.is_empty() || self.news.waits).then_some(self.state.now);
        let ticks = [ready, self.news.paused_until, self.state.engine.next_tick(), self.state.schedule.next_timeout()];
        ticks.into_iter().flatten().min()
    }

    /// Claims what is due: it runs in the next tick. Callbacks that were tried before are claimed one at a time, so that the
    /// one that fails is found.
    pub(super) fn claim_due(&mut self) {
        let deferred = &self.deferred;
        if !deferred.ready.is_empty() || deferred.claim_at > self.state.now {
            return;
        }
        let attempts = |callback: &Callback| deferred.attempts(callback);
        let (failed, open): (Vec<_>, Vec<_>) = self.due().into_iter().partition(|one| attempts(one) >= MAX_ATTEMPTS);
        let tried = open.iter().filter(|one| attempts(one) > 0).min_by_key(|one| attempts(one)).cloned();
        let claimed = match tried {
            Some(one) => vec![one],
            None => open.into_iter().take(MAX_CLAIMED).collect(),
        };
        if claimed.is_empty() && failed.is_empty() {
            return;
        }
        let before = deferred.attempts.clone();
        for callback in claimed.iter().chain(&failed) {
            *self.deferred.attempts.entry(callback.clone()).or_default() += 1;
        }
        match self.write_claims() {
            Ok(()) => {
                self.deferred.refusals = 0;
                self.deferred.claimed = claimed;
                for callback in failed {
                    self.set_aside(callback);
                }
            }
            Err(error) => {
                self.deferred.attempts = before;
                self.deferred.claim_at = self.state.now + retry_delay(self.deferred.refusals);
                if self.deferred.refusals == 0 {
                    self.state.host.warn(&format!("callbacks wait until they can be stored: {error}"));
                }
                self.deferred.refusals = self.deferred.refusals.saturating_add(1);
            }
        }
    }

    /// Writes the attempts of all callbacks that are due or set aside.
    fn write_claims(&self) -> Result<(), DatabaseError> {
        const UPSERT: &str = "INSERT INTO roomcast_claims VALUES (0, ?)
            ON CONFLICT (id) DO UPDATE SET claims = excluded.claims";
        let due: BTreeSet<_> = self.due().into_iter().collect();
        let is_open = |callback: &Callback| due.contains(callback) || self.is_aside(callback);
        let known: Vec<_> = self.deferred.attempts.iter().filter(|(callback, _)| is_open(callback)).collect();
        // Texts and numbers always have their JSON.
        let claims = serde_json::to_string(&known).unwrap_or_default();
        self.state.host.query(UPSERT, &[claims.into()]).map(drop)
    }

    /// The same, where nothing depends on it.
    pub(super) fn rewrite_claims(&self) {
        if let Err(error) = self.write_claims() {
            self.state.host.warn(&format!("a claim was not dropped: {error}"));
        }
    }

    /// What is due, in the order in which it runs.
    fn due(&self) -> Vec<Callback> {
        let (state, now) = (&self.state, self.state.now);
        let orphans = self.deferred.orphans.iter().filter(|(_, orphan)| !orphan.is_fresh);
        let orphans = orphans.map(|(pid, _)| Callback::orphan(pid));
        let expiries = state
            .sockets
            .recovery
            .due(now)
            .map(|(pid, at)| Callback::Expiry { pid: pid.as_str().to_owned(), at: at.0 });
        let answers = state.pending_acks.due(now);
        let answers = answers.map(|(namespace, id)| Callback::Answers { namespace: namespace.clone(), id: *id });
        let timers = state.schedule.due(now).map(|((namespace, name), at)| Callback::Timer {
            namespace: namespace.clone(),
            name: name.clone(),
            at: at.0,
        });
        orphans.chain(expiries).chain(answers).chain(timers).collect()
    }

    /// Runs what was claimed, as far as it is still due.
    pub(super) fn run_claimed(&mut self) {
        self.deferred.running = std::mem::take(&mut self.deferred.ready);
        for callback in self.deferred.running.clone() {
            self.run(callback);
        }
        self.forget_claims_of_orphans();
    }

    /// A socket may be lost with the object's memory more than once: that it was lost before must not count as an attempt.
    fn forget_claims_of_orphans(&mut self) {
        let before = self.deferred.attempts.len();
        let told = |callback: &Callback| matches!(callback, Callback::Orphan { .. });
        let running = std::mem::take(&mut self.deferred.running);
        self.deferred.attempts.retain(|callback, _| !(told(callback) && running.contains(callback)));
        self.deferred.running = running;
        if self.deferred.attempts.len() < before {
            self.rewrite_claims();
        }
    }

    fn run(&mut self, callback: Callback) {
        let host = self.state.host.clone();
        match callback {
            Callback::Orphan { pid } => self.tell_orphan(&Pid::from_wire(&pid)),
            Callback::Expiry { pid, .. } => self.expire_lost(&Pid::from_wire(&pid)),
            Callback::Answers { namespace, id } => {
                self.state.pending_acks.expire(host.as_ref(), &(namespace, id));
                self.settle();
            }
            Callback::Timer { namespace, name, at } => {
                if self.state.schedule.take(host.as_ref(), &(namespace.clone(), name.clone()), Millis(at)) {
                    self.call(&namespace, |app, io| app.scheduled(io, &name));
                }
            }
        }
    }

    /// A callback that failed too often is not run any more. Its row stays, for whoever mends the app.
    fn set_aside(&mut self, callback: Callback) {
        let sentence = format!("a callback failed {MAX_ATTEMPTS} times and is set aside: {callback:?}");
        if self.leave(&callback) {
            self.state.host.warn(&sentence);
            self.deferred.aside.insert(callback);
        }
    }

    /// Leaves alone what earlier lives of the object have set aside.
    pub(super) fn leave_aside(&mut self) {
        let attempts = self.deferred.attempts.iter().filter(|(_, attempts)| **attempts == SET_ASIDE);
        for callback in attempts.map(|(callback, _)| callback.clone()).collect::<Vec<_>>() {
            if self.leave(&callback) {
                self.deferred.aside.insert(callback);
            }
        }
    }

    /// Has a callback never be due; `false` where there is none.
    fn leave(&mut self, callback: &Callback) -> bool {
        match callback {
            Callback::Orphan { pid } => self.deferred.orphans.remove(&Pid::from_wire(pid)).is_some(),
            Callback::Expiry { pid, at } => {
                let (pid, recovery) = (Pid::from_wire(pid), &mut self.state.sockets.recovery);
                recovery.expires(&pid) == Some(Millis(*at)) && recovery.take(&pid).is_some()
            }
            Callback::Answers { namespace, id } => self.state.pending_acks.set_aside(&(namespace.clone(), *id)),
            Callback::Timer { namespace, name, at } => {
                let key = (namespace.clone(), name.clone());
                // One of the name that was set aside before has no row any more.
                self.deferred.aside.retain(|aside| !aside.is_timer(&key));
                self.state.schedule.set_aside(&key, Millis(*at))
            }
        }
    }

    /// Whether a callback is set aside, and what it is for still stands in its row.
    fn is_aside(&self, callback: &Callback) -> bool {
        let is_kept = match callback {
            Callback::Timer { namespace, name, .. } => self.state.schedule.is_aside(&(namespace.clone(), name.clone())),
            _ => true,
        };
        is_kept && self.deferred.aside.contains(callback)
    }

    /// How many callbacks are set aside.
    pub(super) fn set_aside_count(&self) -> usize {
        self.deferred.aside.iter().filter(|callback| self.is_aside(callback)).count()
    }
}
