//! The timer table: at most one deadline a key, and which comes next.
//!
//! The object has one alarm for all its timers. It may come late, or for a deadline that has been moved since: so a
//! timer fires only when asked for with a `now` that has reached it, and asking too early is a no-op.

use std::collections::HashMap;
use std::hash::Hash;

use crate::ids::Millis;
use crate::sorted::SortedSet;

/// Deadlines by key.
#[derive(Debug)]
pub struct Timers<K> {
    by_time: SortedSet<(Millis, K)>,
    by_key: HashMap<K, Millis>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { by_time: SortedSet::new(), by_key: HashMap::new() }
    }
}

impl<K: Ord + Hash + Clone> Timers<K> {
    /// Sets the deadline of `key`, in place of an earlier one.
    pub fn set(&mut self, key: K, at: Millis) {
        self.clear(&key);
        self.by_time.insert((at, key.clone()));
        self.by_key.insert(key, at);
    }

    /// Forgets the deadline of `key`; `false` where it has none.
    pub fn clear(&mut self, key: &K) -> bool {
        let Some((key, at)) = self.by_key.remove_entry(key) else {
            return false;
        };
        self.by_time.remove(&(at, key))
    }

    /// Sets the deadline of `key`, or forgets it.
    pub fn put(&mut self, key: K, at: Option<Millis>) {
        match at {
            Some(at) => self.set(key, at),
            None => _ = self.clear(&key),
        }
    }

    /// The deadline of `key`.
    pub fn get(&self, key: &K) -> Option<Millis> {
        self.by_key.get(key).copied()
    }

    /// The deadlines that `now` has reached, the earliest first.
    pub fn due(&self, now: Millis) -> impl Iterator<Item = (&K, Millis)> {
        self.iter().take_while(move |(_, at)| *at <= now)
    }

    /// All deadlines, the earliest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Millis)> {
        self.by_time.iter().map(|(at, key)| (key, *at))
    }

    /// Whether `key` has a deadline.
    pub fn contains(&self, key: &K) -> bool {
        self.by_key.contains_key(key)
    }

    /// Moves all deadlines `by` so much nearer: the clock by which they were set has gone back.
    pub fn bring_forward(&mut self, by: Millis) {
        self.by_time = std::mem::take(&mut self.by_time).into_iter().map(|(at, key)| (at.before(by), key)).collect();
        self.by_key.values_mut().for_each(|at| *at = at.before(by));
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Millis> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest deadline that `now` has reached; gives its key and its time, which may be long ago.
    pub fn pop_due(&mut self, now: Millis) -> Option<(K, Millis)> {
        if self.next()? > now {
            return None;
        }
        let (at, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some((key, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_move_with_a_clock_that_goes_back() {
        let mut timers = Timers::default();
        timers.set("near", Millis(5));
        timers.set("far", Millis(30));
        timers.bring_forward(Millis(10));
        assert_eq!(timers.pop_due(Millis(0)), Some(("near", Millis(0))));
        assert_eq!((timers.next(), timers.contains(&"far")), (Some(Millis(20)), true));
        assert!(timers.clear(&"far") && !timers.contains(&"far"));
    }

    #[test]
    fn fire_in_order_once_and_never_early() {
        let mut timers = Timers::default();
        timers.set("late", Millis(30));
        timers.set("early", Millis(10));
        timers.set("moved", Millis(5));
        timers.set("moved", Millis(20));
        timers.set("gone", Millis(1));
        assert!(timers.clear(&"gone"));
        assert!(!timers.clear(&"never set"));

        assert_eq!(timers.next(), Some(Millis(10)));
        assert_eq!(timers.pop_due(Millis(9)), None);
        assert_eq!(timers.pop_due(Millis(20)), Some(("early", Millis(10))));
        assert_eq!(timers.pop_due(Millis(20)), Some(("moved", Millis(20))));
        assert_eq!(timers.pop_due(Millis(20)), None);
        assert_eq!(timers.pop_due(Millis(99)), Some(("late", Millis(30))));
        assert_eq!(timers.next(), None);
    }
}
