//! All that calls the app later than the input that caused it.
//!
//! Two kinds. *News* is told in the turn that makes it: rooms that changed, sockets that left, answers that are complete, events
//! that were sent. *Callbacks* are due at some time and are stored until they have run: timers, answers whose time is over,
//! sockets that nobody came back to, and sockets that were lost with the object's memory.
//!
//! A callback that ends in a panic, or in a reset of the object, is found again by the next life, which would run it again,
//! for ever. So a callback is claimed before it runs: a turn writes that it is about to be tried, and runs it in a later turn
//! that no client's input waits for. One that was tried [`MAX_ATTEMPTS`] times is set aside. Claims that came to nothing are
//! told from the others by what they claim: a callback that ran isn't due any more. So a claim costs one row for all
//! callbacks that are due, and none when they are done.

use std::collections::VecDeque;

use super::claims::{Callback, MAX_ATTEMPTS, MAX_CLAIMED};
use super::live::Live;
use crate::ids::{Millis, Pid};
use crate::socket_io::recovery::AwaySocket;

/// How many rounds of news a hook may cause: news that the app makes while it is told of news, and so on.
const MAX_ROUNDS: usize = 8;

/// News that a hook may cause beyond what was there when it was done.
const MAX_EXTRA_NEWS: usize = 1_000;

/// How long news waits whose app makes more whenever it is told of some.
const PAUSE: Millis = Millis(1_000);

impl Live {
    /// When something is due that is stored.
    pub(super) fn next_due(&self) -> Option<Millis> {
        let state = &self.state;
        if !self.deferred.ready.is_empty() {
            // It is claimed, and runs in the next turn.
            return None;
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
        let ready = (!self.deferred.ready.is_empty()).then_some(self.state.now);
        let ticks =
            [ready, self.deferred.paused_until, self.state.engine.next_tick(), self.state.schedule.next_timeout()];
        ticks.into_iter().flatten().min()
    }

    /// A socket that was lost with the object's memory: the app is told in a turn of its own.
    pub(super) fn add_orphan(&mut self, away: AwaySocket) {
        self.deferred.orphans.insert(away.state.pid.clone(), away);
    }

    /// Takes a socket out that the app would be told of later.
    pub(super) fn take_orphan(&mut self, pid: &Pid) -> Option<AwaySocket> {
        self.deferred.orphans.remove(pid)
    }

    /// Claims what is due: it runs in the next turn. Callbacks that were tried before are claimed one at a time, so that the
    /// one that fails is found.
    pub(super) fn claim_due(&mut self) {
        let deferred = &self.deferred;
        if !deferred.ready.is_empty() || deferred.claim_at > self.state.now {
            return;
        }
        let due = self.due();
        let attempts = |callback: &Callback| deferred.attempts.get(callback).copied().unwrap_or_default();
        let (failed, open): (Vec<_>, Vec<_>) = due.iter().cloned().partition(|one| attempts(one) >= MAX_ATTEMPTS);
        let tried = open.iter().filter(|one| attempts(one) > 0).min_by_key(|one| attempts(one)).cloned();
        let claimed = match tried {
            Some(one) => vec![one],
            None => open.into_iter().take(MAX_CLAIMED).collect(),
        };
        for callback in failed {
            self.set_aside(callback);
        }
        if claimed.is_empty() {
            return;
        }
        for callback in &claimed {
            *self.deferred.attempts.entry(callback.clone()).or_default() += 1;
        }
        match self.deferred.write(self.state.host.as_ref(), &due) {
            Ok(()) => self.deferred.claimed = claimed,
            Err(error) => {
                self.deferred.forgive(&claimed);
                self.deferred.claim_at = self.state.now + PAUSE;
                self.state.host.warn(&format!("callbacks wait until they can be stored: {error}"));
            }
        }
    }

    /// What is due, in the order in which it runs.
    fn due(&self) -> Vec<Callback> {
        let (state, now) = (&self.state, self.state.now);
        let orphans = self.deferred.orphans.keys().map(|pid| Callback::Orphan { pid: pid.as_str().to_owned() });
        let expiries = state
            .sockets
            .recovery
            .due(now)
            .map(|(pid, at)| Callback::Expiry { pid: pid.as_str().to_owned(), gone: at.0 });
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
        if self.deferred.attempts.len() < before
            && let Err(error) = self.deferred.write(self.state.host.as_ref(), &self.due())
        {
            self.state.host.warn(&format!("a claim was not dropped: {error}"));
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
        self.state.host.warn(&sentence);
        match &callback {
            Callback::Orphan { pid } => _ = self.deferred.orphans.remove(&Pid::from_wire(pid)),
            Callback::Expiry { pid, .. } => _ = self.state.sockets.recovery.take(&Pid::from_wire(pid)),
            Callback::Answers { namespace, id } => self.state.pending_acks.set_aside(&(namespace.clone(), *id)),
            Callback::Timer { namespace, name, at } => {
                self.state.schedule.set_aside(&(namespace.clone(), name.clone()), Millis(*at));
            }
        }
        self.deferred.aside.insert(callback);
    }

    /// Tells the app its news, until there is none. An app that makes news whenever it is told of some would have no end: the
    /// rest waits a moment, and other inputs get their turns.
    pub(super) fn settle(&mut self) {
        if self.deferred.paused_until.is_some_and(|until| self.state.now < until) {
            return;
        }
        let mut left = self.news() + MAX_EXTRA_NEWS;
        for _ in 0..MAX_ROUNDS {
            let round = self.news().min(left);
            if round == 0 {
                break;
            }
            left -= round;
            (0..round).for_each(|_| self.tell_one());
        }
        let paused = self.deferred.paused_until.take().is_some();
        if self.news() > 0 {
            self.deferred.paused_until = Some(self.state.now + PAUSE);
            if !paused {
                let sentence = format!("{} makes news for itself without an end; the rest waits", self.next_hook());
                self.state.host.warn(&sentence);
            }
        }
    }

    /// How much the app wasn't told yet.
    fn news(&self) -> usize {
        let state = &self.state;
        let changes = state.sockets.changes.as_ref().map_or(0, VecDeque::len);
        let sent = state.sent.as_ref().map_or(0, VecDeque::len);
        changes + state.sockets.departed.len() + state.pending_acks.done.len() + sent
    }

    /// The hook that is called next, as an app's author knows it.
    fn next_hook(&self) -> String {
        let state = &self.state;
        if state.sockets.changes.as_ref().is_some_and(|changes| !changes.is_empty()) {
            "on_room".to_owned()
        } else if !state.sockets.departed.is_empty() {
            "on_disconnect".to_owned()
        } else if let Some((_, answers)) = state.pending_acks.done.front() {
            format!("on_answers({:?})", answers.name)
        } else {
            "on_any_outgoing".to_owned()
        }
    }

    /// Tells the app one piece of news, in this order: rooms that changed, who has left, answers that are complete, and what
    /// it has sent itself.
    fn tell_one(&mut self) {
        if let Some(change) = self.state.sockets.changes.as_mut().and_then(VecDeque::pop_front) {
            let namespace = change.namespace.clone();
            self.enter(&namespace, |app, io| app.room_changed(io, &change));
        } else if let Some(departed) = self.state.sockets.departed.pop_front() {
            if !departed.recoverable {
                self.state.owes_nothing(&departed.namespace, &departed.id);
            }
            self.enter(&departed.namespace, |app, io| app.disconnected(io, &departed));
        } else if let Some((namespace, answers)) = self.state.pending_acks.done.pop_front() {
            self.enter(&namespace, |app, io| app.answered(io, &answers));
        } else if let Some(sent) = self.state.sent.as_mut().and_then(VecDeque::pop_front) {
            // What it sends about what it has sent would have no end.
            let rest = self.state.sent.take();
            self.enter(&sent.namespace, |app, io| app.outgoing(io, &sent));
            self.state.sent = rest;
        }
    }
}
