//! How often a client gets what it missed.

use std::rc::Rc;

use super::Replay;
use crate::ids::Offset;

/// How often the same events are sent again to a client that doesn't show that it has got half of them. A connection may be
/// lost in the middle of a replay, but each replay costs the room more than the client that asks for it.
const MAX_REPLAYS: u32 = 3;

/// What a client was sent again and hasn't shown to have got. It is forgotten with the object's memory.
#[derive(Debug, Clone, Default)]
pub struct Replays {
    /// The newest event of the first of these replays.
    newest: Offset,
    /// How many events up to that one were still missed.
    missed: usize,
    /// How many replays there were.
    count: u32,
}

impl Replays {
    /// Counts a replay of these events; `false` where they were replayed often enough. A client that has got at least half
    /// of what it missed may ask as often again, so that all its replays together are a small multiple of the events.
    pub fn allow(&mut self, events: &[Rc<Replay>]) -> bool {
        let Some(newest) = events.last() else {
            return true;
        };
        let again = events.iter().filter(|event| event.logged.offset <= self.newest).count();
        if again <= self.missed / 2 {
            *self = Self { newest: newest.logged.offset, missed: events.len(), count: 0 };
        }
        self.count += 1;
        self.count <= MAX_REPLAYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket_io::args::Args;
    use crate::socket_io::recovery::Logged;

    fn events(offsets: std::ops::RangeInclusive<u64>) -> Vec<Rc<Replay>> {
        let event = |offset| {
            Rc::new(Replay {
                logged: Logged { offset: Offset(offset), ..Logged::default() },
                name: String::new(),
                args: Args::new(),
                size: 0,
            })
        };
        offsets.map(event).collect()
    }

    #[test]
    fn the_same_events_are_replayed_three_times() {
        let mut replays = Replays::default();
        let allowed = [1, 1, 1, 1, 1].map(|first| replays.allow(&events(first..=10)));
        assert_eq!(allowed, [true, true, true, false, false]);
    }

    #[test]
    fn later_events_do_not_allow_a_replay_of_the_same_ones() {
        let mut replays = Replays::default();
        let allowed = [10, 11, 12, 13].map(|last| replays.allow(&events(1..=last)));
        assert_eq!(allowed, [true, true, true, false]);
    }

    #[test]
    fn a_client_that_got_half_of_them_may_ask_again() {
        let mut replays = Replays::default();
        let allowed = [1, 1, 1, 6, 6, 6, 11, 12].map(|first| replays.allow(&events(first..=first + 9)));
        assert_eq!(allowed, [true; 8]);
    }

    #[test]
    fn one_event_of_progress_a_time_is_not_enough() {
        let mut replays = Replays::default();
        let replayed = (1..=100).map(|first| events(first..=100)).filter(|missed| replays.allow(missed)).count();
        assert!(replayed < 30, "{replayed} replays of 100 events");
    }

    #[test]
    fn a_client_that_missed_nothing_may_come_back_as_often_as_it_likes() {
        let mut replays = Replays::default();
        assert!((0..100).all(|_| replays.allow(&[])));
    }
}
