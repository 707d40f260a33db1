//! Callbacks: what the app is called for at some time, and what is stored until then. Timers, answers whose time is over,
//! sockets that nobody came back to, and sockets and fetches that were lost with the object's memory.
//!
//! A callback that ends in a panic, or in a reset of the object, is found again by the next life, which would run it again,
//! for ever. So a callback is claimed before it runs: a turn writes that it is about to be tried, and runs it in a later turn
//! that no client's input waits for. One that was tried [`MAX_ATTEMPTS`] times is set aside, which is stored too.
//!
//! A claim isn't deleted when its callback has run: the callback isn't due any more then, and nobody looks for its claim. So a
//! claim costs one row for all callbacks that are due, and none when they are done.

use super::claims::{Callback, MAX_ATTEMPTS, MAX_CLAIMED, SET_ASIDE};
use super::live::Live;
use super::{MAX_RETRY_DELAY, retry_delay};
use crate::app::schedule::TimerKey;
use crate::database::DatabaseError;
use crate::ids::{Millis, Pid};
use crate::sorted::SortedSet;

impl Live {
    /// When something is due that is stored.
    pub(super) fn next_due(&self) -> Option<Millis> {
        let state = &self.state;
        // If the memory is lost, somebody has to wake the room: with the heartbeat, since its alarm is set anyway where somebody
        // is connected.
        let backstop = state.engine.next_heartbeat(state.now).min(state.now + MAX_RETRY_DELAY);
        if !self.deferred.ready.is_empty() || self.news.waits {
            // The next tick runs it.
            return Some(backstop);
        }
        let fetching = state.fetches.is_waiting().then_some(backstop);
        let stored = [state.sockets.recovery.next_expiry(), state.schedule.next(), state.pending_acks.next()];
        let is_now = !self.deferred.orphans.is_empty() || state.fetches.lost().next().is_some();
        let due = stored.into_iter().chain([is_now.then_some(state.now)]).flatten().min();
        let due = due.map(|due| due.max(self.deferred.claim_at));
        [due, fetching].into_iter().flatten().min()
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
            self.deferred.attempts.change(callback.clone(), |attempts| *attempts += 1);
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
        let due: SortedSet<_> = self.due().into_iter().collect();
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
        let timers = state.schedule.due(now).map(|(timer, at)| Callback::of_timer(timer.clone(), at));
        let fetches = state.fetches.lost().map(|id| Callback::Fetch { id });
        orphans.chain(expiries).chain(answers).chain(fetches).chain(timers).collect()
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
            Callback::Expiry { pid, .. } => self.expire_away(&Pid::from_wire(&pid)),
            Callback::Answers { namespace, id } => {
                self.state.pending_acks.expire(host.as_ref(), &(namespace, id));
                self.settle();
            }
            Callback::Fetch { id } => {
                if let Some((namespace, fetched)) = self.state.fetches.take_lost(host.as_ref(), id) {
                    self.call(&namespace, |app, io| app.fetched(io, &fetched));
                }
            }
            Callback::Timer { namespace, name, key, at } => {
                let timer = TimerKey { namespace, name, key };
                if let Some(due) = self.state.schedule.take(host.as_ref(), &timer, Millis(at)) {
                    self.call(&timer.namespace, |app, io| app.scheduled(io, &due));
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

    /// Makes sure that a callback is never due again; `false` where there is no such callback.
    fn leave(&mut self, callback: &Callback) -> bool {
        match callback {
            Callback::Orphan { pid } => self.deferred.orphans.remove(&Pid::from_wire(pid)).is_some(),
            Callback::Expiry { pid, at } => {
                let (pid, recovery) = (Pid::from_wire(pid), &mut self.state.sockets.recovery);
                recovery.expires(&pid) == Some(Millis(*at)) && recovery.take(&pid).is_some()
            }
            Callback::Answers { namespace, id } => self.state.pending_acks.set_aside(&(namespace.clone(), *id)),
            Callback::Fetch { id } => self.state.fetches.set_aside(*id),
            Callback::Timer { namespace, name, key, at } => {
                let timer = TimerKey { namespace: namespace.clone(), name: name.clone(), key: key.clone() };
                // One of the key that was set aside before has no row any more.
                self.deferred.aside.retain(|aside| aside.timer().as_ref() != Some(&timer));
                self.state.schedule.set_aside(&timer, Millis(*at))
            }
        }
    }

    /// Whether a callback is set aside, and what it is for still stands in its row.
    fn is_aside(&self, callback: &Callback) -> bool {
        let is_kept = callback.timer().is_none_or(|timer| self.state.schedule.is_aside(&timer));
        is_kept && self.deferred.aside.contains(callback)
    }

    /// How many callbacks are set aside.
    pub(super) fn set_aside_count(&self) -> usize {
        self.deferred.aside.iter().filter(|callback| self.is_aside(callback)).count()
    }
}
