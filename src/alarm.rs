//! Which deadlines of a room the object's one alarm serves, and which a timer.
//!
//! The alarm outlives the object's memory, costs a write and may ring late. A timer is free and on time, but it keeps the
//! object in memory and is forgotten together with it. [`AlarmPlan`] knows what is set and decides what to set next; the
//! shell carries its [`Steps`] out and reports what came of them.

use crate::ids::Millis;

/// Deadlines nearer than this are served by a timer: they are not worth an alarm's write. Where the interval between pings is
/// shorter than two seconds, it is half of that: the next ping itself isn't near.
pub const SOON: Millis = Millis(1_000);
/// The longest delay that `setTimeout` takes: with more than 31 bits it fires at once.
pub const LONGEST_DELAY: Millis = Millis((1 << 31) - 1);
/// The latest time that a JavaScript `Date` can hold.
pub const LATEST_ALARM: Millis = Millis(8_640_000_000_000_000);
/// How long after a failed write of the alarm a timer makes the room try again, if nothing else does.
pub const RETRY_AFTER: Millis = Millis(5_000);

/// When the core wants to be called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The next deadline that must be kept even if the object loses its memory.
    pub wake: Option<Millis>,
    /// The next deadline that is forgotten together with the object's memory.
    pub tick: Option<Millis>,
}

/// What the shell must do, at most one step for the alarm and one for the timer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "steps do nothing until the shell carries them out"]
pub struct Steps {
    /// For the alarm.
    pub alarm: Option<AlarmStep>,
    /// For the timer.
    pub timer: Option<TimerStep>,
}

/// A step for the object's alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmStep {
    /// Read when it is set for, report it to [`AlarmPlan::told`], then plan again.
    Ask,
    /// Set it for this time and report the outcome to [`AlarmPlan::written`].
    Set(Millis),
}

/// A step for the room's timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerStep {
    /// Set it to fire after this delay, in place of the one that is set.
    Set(Millis),
    /// Clear it.
    Clear,
}

/// What is known of the alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alarm {
    /// Nothing: the object was just constructed, or a write failed.
    Unknown,
    /// The shell is reading when it is set for.
    Asking,
    /// The shell is setting it for then.
    Writing(Millis),
    /// It is set for then, or not at all.
    Known(Option<Millis>),
}

/// The plan of one room.
#[derive(Debug)]
pub struct AlarmPlan {
    /// How long a deadline may be missed when its timer is lost; `None` where there is no alarm.
    backup: Option<Millis>,
    alarm: Alarm,
    /// When the timer that is set will fire.
    timer: Option<Millis>,
    failing: bool,
}

impl AlarmPlan {
    /// A plan that knows nothing of the alarm. A near deadline whose timer is lost, together with the object's memory, is
    /// made up for by the alarm at most `backup` later. In rooms that hibernate that is the interval between two pings, so
    /// that the alarm is set for the next ping anyway. A room that never hibernates has none: it has a timer for everything.
    pub fn new(backup: Option<Millis>) -> Self {
        Self { backup, alarm: Alarm::Unknown, timer: None, failing: false }
    }

    /// Plans for what is wanted at the time `now`; to be called after each turn.
    pub fn plan(&mut self, now: Millis, wanted: Wanted) -> Steps {
        let target = self.alarm_target(now, wanted.wake);
        let alarm = target.and_then(|at| self.plan_alarm(at));
        self.failing &= target.is_some();
        let wake = wanted.wake.filter(|at| self.backup.is_none() || self.is_near(now, *at));
        let timer = self.plan_timer(now, [wake, wanted.tick].into_iter().flatten().min());
        Steps { alarm, timer }
    }

    /// The alarm was read: it is set for then, or not at all. A failure to read it counts as a failed write.
    pub fn told(&mut self, now: Millis, set: Result<Option<Millis>, ()>) -> Steps {
        match set {
            // It may have rung meanwhile.
            _ if self.alarm != Alarm::Asking => Steps::default(),
            Ok(set) => {
                self.alarm = Alarm::Known(set);
                Steps::default()
            }
            Err(()) => self.failed(now),
        }
    }

    /// The write of the alarm for `at` has come to its end. Only now does the alarm count as set.
    pub fn written(&mut self, now: Millis, at: Millis, outcome: Result<(), ()>) -> Steps {
        match outcome {
            // It may have rung meanwhile, or another write has followed.
            _ if self.alarm != Alarm::Writing(at) => Steps::default(),
            Ok(()) => {
                self.alarm = Alarm::Known(Some(at));
                self.failing = false;
                Steps::default()
            }
            Err(()) => self.failed(now),
        }
    }

    /// No alarm is set, since the room is new: none has to be read.
    pub fn known_unset(&mut self) {
        if self.alarm == Alarm::Unknown {
            self.alarm = Alarm::Known(None);
        }
    }

    /// The alarm rang, so it is no longer set.
    pub fn rang(&mut self) {
        self.alarm = Alarm::Known(None);
    }

    /// The timer fired, so it is no longer set.
    pub fn fired(&mut self) {
        self.timer = None;
    }

    /// Whether the last write of the alarm failed.
    pub fn is_failing(&self) -> bool {
        self.failing
    }

    /// When the alarm must ring, at the latest.
    fn alarm_target(&self, now: Millis, wake: Option<Millis>) -> Option<Millis> {
        let (wake, backup) = (wake?, self.backup?);
        let at = if self.is_near(now, wake) { wake.max(now) + backup } else { wake };
        Some(at.min(LATEST_ALARM))
    }

    fn is_near(&self, now: Millis, at: Millis) -> bool {
        at.since(now) < self.backup.map_or(SOON, |interval| SOON.min(Millis(interval.0 / 2)))
    }

    /// Brings the alarm forward to `at` if it isn't set for then or earlier: one that rings early does no harm.
    fn plan_alarm(&mut self, at: Millis) -> Option<AlarmStep> {
        match self.alarm {
            Alarm::Asking => None,
            Alarm::Unknown => {
                self.alarm = Alarm::Asking;
                Some(AlarmStep::Ask)
            }
            Alarm::Writing(set) if set <= at => None,
            Alarm::Known(Some(set)) if set <= at => {
                self.failing = false;
                None
            }
            Alarm::Writing(_) | Alarm::Known(_) => {
                self.alarm = Alarm::Writing(at);
                Some(AlarmStep::Set(at))
            }
        }
    }

    /// Has the timer fire at `at` or earlier. One that fires early does no harm either: the shell plans again.
    fn plan_timer(&mut self, now: Millis, at: Option<Millis>) -> Option<TimerStep> {
        let Some(at) = at else {
            return self.timer.take().map(|_| TimerStep::Clear);
        };
        let at = at.max(now);
        // One that should have fired long ago was set before the clock went forward.
        if self.timer.is_some_and(|set| set <= at && now.since(set) < SOON) {
            return None;
        }
        let delay = at.since(now).min(LONGEST_DELAY);
        self.timer = Some(now + delay);
        Some(TimerStep::Set(delay))
    }

    /// The next turn tries again; a timer makes one if nothing else does.
    fn failed(&mut self, now: Millis) -> Steps {
        self.alarm = Alarm::Unknown;
        self.failing = true;
        Steps { alarm: None, timer: self.plan_timer(now, Some(now + RETRY_AFTER)) }
    }
}
