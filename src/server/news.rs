//! News: what the app is told in the turn that makes it, or in a turn soon after. Rooms and data that changed, sockets that left, answers
//! that are complete, events that were sent.
//!
//! A hook may make more news. So that an app which does so without an end keeps nobody else from their turns, news is told in
//! rounds, of which a turn has few, and each kind of it has its own share.

use std::collections::VecDeque;

use super::live::Live;
use crate::ids::Millis;

/// How many rounds of news a hook may cause: news that the app makes while it is told of news, and so on.
const MAX_ROUNDS: usize = 8;

/// News of one kind that a hook may cause beyond what was there when it was done.
const MAX_EXTRA_NEWS: usize = 1_000;

/// How much news of one kind waits where an app makes more than it is told of: what is beyond that is dropped.
const MAX_WAITING_NEWS: usize = 10_000;

/// How long news waits whose app makes more whenever it is told of some.
const PAUSE: Millis = Millis(1_000);

/// A kind of news.
#[derive(Debug, Clone, Copy)]
enum NewsKind {
    Rooms,
    Data,
    Departures,
    Answers,
    Sent,
}

/// All kinds, in the order in which they are told.
const KINDS: [NewsKind; 5] = [NewsKind::Rooms, NewsKind::Data, NewsKind::Departures, NewsKind::Answers, NewsKind::Sent];

impl Live {
    /// What the app would be told from here on waits for the next tick.
    pub(super) fn let_news_wait(&mut self) {
        self.news.waits = true;
    }

    /// Tells the app its news, until there is none. An app that makes news whenever it is told of some would have no end: the
    /// rest waits a moment, and other inputs get their turns.
    pub(super) fn settle(&mut self) {
        if self.news.waits || self.news.paused_until.is_some_and(|until| self.state.now < until) {
            return;
        }
        let paused = self.news.paused_until.take().is_some();
        let mut left = KINDS.map(|kind| if paused { 0 } else { self.waiting(kind) } + MAX_EXTRA_NEWS);
        for _ in 0..MAX_ROUNDS {
            if !self.tell_round(&mut left) {
                break;
            }
        }
        if let Some(kind) = KINDS.into_iter().find(|kind| self.waiting(*kind) > 0) {
            self.news.paused_until = Some(self.state.now + PAUSE);
            if !paused {
                let hook = self.next_hook(kind);
                self.state.host.warn(&format!("{hook} makes news for itself without an end; the rest waits"));
            }
            self.drop_surplus();
        } else {
            self.news.drops = false;
        }
    }

    /// Tells the app the news that there is now, as far as it has some `left`; `false` where there is none.
    fn tell_round(&mut self, left: &mut [usize; KINDS.len()]) -> bool {
        let counts = KINDS.map(|kind| self.waiting(kind));
        let mut told = 0;
        for ((kind, count), left) in KINDS.into_iter().zip(counts).zip(left) {
            let count = count.min(*left);
            *left -= count;
            told += count;
            (0..count).for_each(|_| self.tell_one(kind));
        }
        told > 0
    }

    /// How much news of a kind the app wasn't told yet.
    fn waiting(&self, kind: NewsKind) -> usize {
        let state = &self.state;
        match kind {
            NewsKind::Rooms => state.sockets.changes.as_ref().map_or(0, VecDeque::len),
            NewsKind::Data => state.sockets.data_changes.as_ref().map_or(0, VecDeque::len),
            NewsKind::Departures => state.sockets.departed.len(),
            NewsKind::Answers => state.pending_acks.done.len(),
            NewsKind::Sent => state.sent.as_ref().map_or(0, VecDeque::len),
        }
    }

    /// The hook that is called next for this kind of news, as an app's author knows it.
    fn next_hook(&self, kind: NewsKind) -> String {
        match kind {
            NewsKind::Rooms => "on_room".to_owned(),
            NewsKind::Data => "on_data".to_owned(),
            NewsKind::Departures => "on_disconnect".to_owned(),
            NewsKind::Answers => {
                let name = self.state.pending_acks.done.front().map(|(_, answers)| answers.name.clone());
                format!("on_answers({:?})", name.unwrap_or_default())
            }
            NewsKind::Sent => "on_any_outgoing".to_owned(),
        }
    }

    /// Tells the app one piece of news.
    fn tell_one(&mut self, kind: NewsKind) {
        match kind {
            NewsKind::Rooms => {
                if let Some(change) = self.state.sockets.changes.as_mut().and_then(VecDeque::pop_front) {
                    let namespace = change.namespace.clone();
                    self.enter(&namespace, |app, io| app.room_changed(io, &change));
                }
            }
            NewsKind::Data => {
                if let Some(change) = self.state.sockets.data_changes.as_mut().and_then(VecDeque::pop_front) {
                    let namespace = change.namespace.clone();
                    self.enter(&namespace, |app, io| app.data_changed(io, &change));
                }
            }
            NewsKind::Departures => {
                if let Some(departed) = self.state.sockets.departed.pop_front() {
                    if !departed.recoverable {
                        self.state.owes_nothing(&departed.namespace, &departed.id);
                    }
                    self.enter(&departed.namespace, |app, io| app.disconnected(io, &departed));
                }
            }
            NewsKind::Answers => {
                if let Some((namespace, answers)) = self.state.pending_acks.done.pop_front() {
                    self.enter(&namespace, |app, io| app.answered(io, &answers));
                }
            }
            NewsKind::Sent => {
                if let Some(sent) = self.state.sent.as_mut().and_then(VecDeque::pop_front) {
                    // What it sends about what it has sent would have no end.
                    let rest = self.state.sent.take();
                    self.enter(&sent.namespace, |app, io| app.outgoing(io, &sent));
                    self.state.sent = rest;
                }
            }
        }
    }

    /// An app that makes several pieces of news of each one would fill the memory. Sockets that left are always told of: there
    /// are no more of them than there were sockets.
    fn drop_surplus(&mut self) {
        let state = &mut self.state;
        let mut dropped = truncate(&mut state.pending_acks.done);
        dropped += state.sockets.changes.as_mut().map_or(0, truncate);
        dropped += state.sockets.data_changes.as_mut().map_or(0, truncate);
        if dropped > 0 && !std::mem::replace(&mut self.news.drops, true) {
            state.host.warn("the app makes more news for itself than it can be told of; the rest is dropped");
        }
    }
}

/// Drops the news that there is no room for; gives how much it was.
fn truncate<T>(news: &mut VecDeque<T>) -> usize {
    let surplus = news.len().saturating_sub(MAX_WAITING_NEWS);
    news.truncate(MAX_WAITING_NEWS);
    surplus
}
