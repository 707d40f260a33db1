//! When a room is woken: what is asked of the alarm and of the timer, by what is wanted and what is known.

use roomcast::alarm::{AlarmPlan, AlarmStep, LATEST_ALARM, LONGEST_DELAY, RETRY_AFTER, SOON, Steps, TimerStep, Wanted};
use roomcast::ids::Millis;

/// Some day in 2026.
const NOON: u64 = 1_790_000_000_000;

/// The interval between pings.
const INTERVAL: Millis = Millis(25_000);

fn at(after_noon: u64) -> Millis {
    Millis(NOON + after_noon)
}

fn wake(after_noon: u64) -> Wanted {
    Wanted { wake: Some(at(after_noon)), tick: None }
}

fn tick(after_noon: u64) -> Wanted {
    Wanted { wake: None, tick: Some(at(after_noon)) }
}

const NOTHING: Wanted = Wanted { wake: None, tick: None };
const NO_STEPS: Steps = Steps { alarm: None, timer: None };
const ASK: Steps = Steps { alarm: Some(AlarmStep::Ask), timer: None };
const CLEAR: Steps = Steps { alarm: None, timer: Some(TimerStep::Clear) };

fn alarm(after_noon: u64) -> Steps {
    Steps { alarm: Some(AlarmStep::Set(at(after_noon))), timer: None }
}

fn timer(delay: u64) -> Steps {
    Steps { alarm: None, timer: Some(TimerStep::Set(Millis(delay))) }
}

fn both(alarm_at: u64, delay: u64) -> Steps {
    Steps { timer: timer(delay).timer, ..alarm(alarm_at) }
}

/// What happens to a plan, with the time since noon.
#[derive(Debug, Clone, Copy)]
enum Event {
    Plan(u64, Wanted),
    /// The same with the clock before noon.
    PlanBefore(u64, Wanted),
    Told(u64, Option<u64>),
    NotTold(u64),
    Written(u64),
    NotWritten(u64, u64),
    Rang,
    Fired,
}
use Event::{Fired, NotTold, NotWritten, Plan, PlanBefore, Rang, Told, Written};

fn happen(plan: &mut AlarmPlan, event: Event) -> Steps {
    match event {
        Plan(now, wanted) => plan.plan(at(now), wanted),
        PlanBefore(before, wanted) => plan.plan(Millis(NOON - before), wanted),
        Told(now, set) => plan.told(at(now), Ok(set.map(at))),
        NotTold(now) => plan.told(at(now), Err(())),
        Written(set) => plan.written(at(0), at(set), Ok(())),
        NotWritten(now, set) => plan.written(at(now), at(set), Err(())),
        Rang => {
            plan.rang();
            NO_STEPS
        }
        Fired => {
            plan.fired();
            NO_STEPS
        }
    }
}

fn check(name: &str, mut plan: AlarmPlan, events: &[(Event, Steps)]) {
    for (number, (event, expected)) in events.iter().enumerate() {
        assert_eq!(happen(&mut plan, *event), *expected, "{name}, event {number}: {event:?}");
    }
}

#[test]
fn a_room_that_hibernates_sets_its_alarm_as_rarely_as_it_can() {
    let table: &[(&str, &[(Event, Steps)])] = &[
        ("nothing is wanted", &[(Plan(0, NOTHING), NO_STEPS)]),
        (
            "an alarm that is found early enough stays",
            &[
                (Plan(0, wake(25_000)), ASK),
                (Plan(1, wake(20_000)), NO_STEPS),
                (Told(2, Some(19_000)), NO_STEPS),
                (Plan(2, wake(20_000)), NO_STEPS),
            ],
        ),
        (
            "an alarm that is found too late is brought forward",
            &[(Plan(0, wake(25_000)), ASK), (Told(1, Some(25_001)), NO_STEPS), (Plan(1, wake(25_000)), alarm(25_000))],
        ),
        (
            "an alarm is brought forward, and never set later",
            &[
                (Plan(0, wake(25_000)), ASK),
                (Told(0, None), NO_STEPS),
                (Plan(0, wake(25_000)), alarm(25_000)),
                (Written(25_000), NO_STEPS),
                (Plan(1, wake(25_000)), NO_STEPS),
                (Plan(1, wake(60_000)), NO_STEPS),
                (Plan(1, NOTHING), NO_STEPS),
                (Plan(2, wake(24_999)), alarm(24_999)),
            ],
        ),
        (
            "after it rang the next one is set without asking",
            &[(Rang, NO_STEPS), (Plan(0, wake(25_000)), alarm(25_000))],
        ),
        (
            "while it is being written, only an earlier one is written again",
            &[
                (Rang, NO_STEPS),
                (Plan(0, wake(25_000)), alarm(25_000)),
                (Plan(1, wake(25_000)), NO_STEPS),
                (Plan(1, wake(30_000)), NO_STEPS),
                (Plan(2, wake(20_000)), alarm(20_000)),
                (Written(25_000), NO_STEPS),
                (Plan(3, wake(20_000)), NO_STEPS),
                (Written(20_000), NO_STEPS),
                (Plan(4, wake(19_000)), alarm(19_000)),
            ],
        ),
        (
            "it rang while it was being written: what is known is that it rang",
            &[
                (Rang, NO_STEPS),
                (Plan(0, wake(25_000)), alarm(25_000)),
                (Rang, NO_STEPS),
                (Written(25_000), NO_STEPS),
                (Plan(0, wake(25_000)), alarm(25_000)),
            ],
        ),
        (
            "it rang while it was being read: what was read is out of date",
            &[
                (Plan(0, wake(25_000)), ASK),
                (Rang, NO_STEPS),
                (Told(0, Some(10)), NO_STEPS),
                (Plan(0, wake(25_000)), alarm(25_000)),
            ],
        ),
        (
            "what only a timer needs costs no alarm",
            &[(Plan(0, tick(60_000)), timer(60_000)), (Plan(1, tick(60_000)), NO_STEPS)],
        ),
        (
            "a time that no Date can hold is cut",
            &[
                (Rang, NO_STEPS),
                (
                    Plan(0, Wanted { wake: Some(Millis(u64::MAX)), tick: None }),
                    Steps { alarm: Some(AlarmStep::Set(LATEST_ALARM)), timer: None },
                ),
            ],
        ),
    ];
    for (name, events) in table {
        check(name, AlarmPlan::new(Some(INTERVAL)), events);
    }
}

#[test]
fn a_failed_alarm_is_tried_again_by_the_next_turn_and_by_a_timer() {
    let retry = timer(RETRY_AFTER.0);
    let table: &[(&str, &[(Event, Steps)])] = &[
        (
            "a failed write: not set",
            &[
                (Rang, NO_STEPS),
                (Plan(0, wake(25_000)), alarm(25_000)),
                (NotWritten(1, 25_000), retry),
                // The next turn needs the timer no longer.
                (Plan(2, wake(25_000)), Steps { timer: Some(TimerStep::Clear), ..ASK }),
                (Told(2, None), NO_STEPS),
                (Plan(2, wake(25_000)), alarm(25_000)),
                (NotWritten(3, 25_000), retry),
                (Fired, NO_STEPS),
                (Plan(5_003, wake(25_000)), ASK),
                (Told(5_003, None), NO_STEPS),
                (Plan(5_003, wake(25_000)), alarm(25_000)),
                (Written(25_000), NO_STEPS),
                (Plan(6_000, wake(25_000)), NO_STEPS),
            ],
        ),
        ("a failed read", &[(Plan(0, wake(25_000)), ASK), (NotTold(1), retry), (Fired, NO_STEPS)]),
        (
            "the timer that is set anyway makes the turn",
            &[
                (
                    Plan(0, Wanted { wake: Some(at(25_000)), tick: Some(at(2_000)) }),
                    Steps { timer: timer(2_000).timer, ..ASK },
                ),
                (NotTold(1), NO_STEPS),
            ],
        ),
        (
            "an old failure says nothing of a newer write",
            &[
                (Rang, NO_STEPS),
                (Plan(0, wake(25_000)), alarm(25_000)),
                (Plan(0, wake(20_000)), alarm(20_000)),
                (NotWritten(1, 25_000), NO_STEPS),
                (Plan(2, wake(20_000)), NO_STEPS),
            ],
        ),
    ];
    for (name, events) in table {
        check(name, AlarmPlan::new(Some(INTERVAL)), events);
    }
}

#[test]
fn a_row_of_failures_is_one_until_a_write_succeeds() {
    let mut plan = AlarmPlan::new(Some(INTERVAL));
    plan.rang();
    for _ in 0..3 {
        while plan.plan(at(0), wake(25_000)).alarm == Some(AlarmStep::Ask) {
            _ = plan.told(at(0), Ok(None));
        }
        _ = plan.written(at(0), at(25_000), Err(()));
        assert!(plan.is_failing());
    }
    _ = plan.plan(at(0), wake(25_000));
    _ = plan.told(at(0), Ok(None));
    _ = plan.plan(at(0), wake(25_000));
    assert!(plan.is_failing(), "asking is no success");
    _ = plan.written(at(0), at(25_000), Ok(()));
    assert!(!plan.is_failing());
}

#[test]
fn near_deadlines_have_a_timer_and_an_alarm_only_as_a_backup() {
    let near = SOON.0 - 1;
    let table: &[(&str, &[(Event, Steps)])] = &[
        ("just under the limit", &[(Rang, NO_STEPS), (Plan(0, wake(near)), both(near + INTERVAL.0, near))]),
        ("just at the limit", &[(Rang, NO_STEPS), (Plan(0, wake(SOON.0)), alarm(SOON.0))]),
        (
            "an alarm within an interval is backup enough",
            &[
                (Plan(0, wake(near)), Steps { timer: timer(near).timer, ..ASK }),
                (Told(0, Some(near + INTERVAL.0)), NO_STEPS),
                (Plan(0, wake(near)), NO_STEPS),
                (Plan(0, wake(100)), Steps { timer: timer(100).timer, ..alarm(100 + INTERVAL.0) }),
            ],
        ),
        (
            "the backup for a ping is the alarm for the next ping",
            &[
                (Rang, NO_STEPS),
                (Plan(0, wake(500)), both(500 + INTERVAL.0, 500)),
                (Written(500 + INTERVAL.0), NO_STEPS),
                (Fired, NO_STEPS),
                (Plan(500, wake(500 + INTERVAL.0)), NO_STEPS),
            ],
        ),
        (
            "a deadline that is past counts as near",
            &[(Rang, NO_STEPS), (Plan(7, wake(3)), both(7 + INTERVAL.0, 0)), (Plan(7, wake(3)), NO_STEPS)],
        ),
    ];
    for (name, events) in table {
        check(name, AlarmPlan::new(Some(INTERVAL)), events);
    }
}

#[test]
fn with_a_short_interval_the_next_ping_is_not_near() {
    check(
        "an interval of one second",
        AlarmPlan::new(Some(Millis(1_000))),
        &[
            (Rang, NO_STEPS),
            (Plan(3, wake(1_000)), alarm(1_000)),
            (Written(1_000), NO_STEPS),
            (Plan(501, wake(1_000)), timer(499)),
        ],
    );
}

#[test]
fn there_is_one_timer_and_it_is_replaced_by_an_earlier_one_only() {
    let table: &[(&str, &[(Event, Steps)])] = &[
        (
            "replaced",
            &[
                (Plan(0, tick(500)), timer(500)),
                (Plan(100, tick(500)), NO_STEPS),
                (Plan(100, tick(600)), NO_STEPS),
                (Plan(100, tick(400)), timer(300)),
                (Plan(100, tick(150)), timer(50)),
            ],
        ),
        (
            "due at once, in a turn of its own",
            &[
                (Plan(7, tick(7)), timer(0)),
                (Plan(7, tick(3)), NO_STEPS),
                (Fired, NO_STEPS),
                (Plan(7, tick(3)), timer(0)),
            ],
        ),
        (
            "cleared, once, when nobody needs it any more",
            &[(Plan(0, tick(60_000)), timer(60_000)), (Plan(1, NOTHING), CLEAR), (Plan(2, NOTHING), NO_STEPS)],
        ),
        (
            "cleared when the alarm serves what is left",
            &[
                (Rang, NO_STEPS),
                (Plan(0, tick(500)), timer(500)),
                (Plan(1, wake(25_000)), Steps { timer: Some(TimerStep::Clear), ..alarm(25_000) }),
            ],
        ),
        (
            "set again when it fired early",
            &[(Plan(0, tick(2_000)), timer(2_000)), (Fired, NO_STEPS), (Plan(1_999, tick(2_000)), timer(1))],
        ),
    ];
    for (name, events) in table {
        check(name, AlarmPlan::new(Some(INTERVAL)), events);
    }
}

#[test]
fn a_room_whose_deadlines_are_always_near_writes_its_alarm_once_an_interval() {
    let mut plan = AlarmPlan::new(Some(INTERVAL));
    plan.rang();
    let (mut set, mut timers, mut writes) = (None, 0, 0);
    // Every 100 ms there is something to do, for five minutes.
    for now in (0..300_000).step_by(100).map(at) {
        if set.is_some_and(|set| set <= now) {
            plan.rang();
            set = None;
        }
        plan.fired();
        let steps = plan.plan(now, Wanted { wake: Some(now + Millis(100)), tick: None });
        timers += u64::from(steps.timer.is_some());
        if let Some(AlarmStep::Set(at)) = steps.alarm {
            writes += 1;
            set = Some(at);
            _ = plan.written(now, at, Ok(()));
        }
        assert!(set.is_some_and(|set| set <= now + Millis(100) + INTERVAL), "no backup at {now:?}");
    }
    assert_eq!((timers, writes), (3_000, 300_000 / INTERVAL.0));
}

#[test]
fn no_delay_has_more_than_31_bits() {
    let far = 3_000_000_000;
    check(
        "far ahead",
        AlarmPlan::new(Some(INTERVAL)),
        &[
            (Plan(0, tick(far)), timer(LONGEST_DELAY.0)),
            (Plan(1, tick(far)), NO_STEPS),
            (Fired, NO_STEPS),
            (Plan(LONGEST_DELAY.0, tick(far)), timer(far - LONGEST_DELAY.0)),
        ],
    );
    let mut plan = AlarmPlan::new(None);
    let never = Wanted { wake: Some(Millis(u64::MAX)), tick: Some(Millis(u64::MAX)) };
    assert_eq!(plan.plan(at(0), never), timer(LONGEST_DELAY.0));
    const { assert!(LONGEST_DELAY.0 < 1 << 31) };
}

#[test]
fn a_room_that_never_hibernates_has_only_a_timer() {
    check(
        "all by timer",
        AlarmPlan::new(None),
        &[
            (Plan(0, wake(25_000)), timer(25_000)),
            (Plan(0, Wanted { wake: Some(at(25_000)), tick: Some(at(300)) }), timer(300)),
            (Fired, NO_STEPS),
            (Plan(300, wake(25_000)), timer(24_700)),
            (Rang, NO_STEPS),
            (Plan(300, wake(25_000)), NO_STEPS),
        ],
    );
}

#[test]
fn a_clock_that_jumps_neither_silences_a_room_nor_floods_it() {
    const HOUR: u64 = 3_600_000;
    // Back by an hour: what is set lies an hour and more ahead.
    let set = [(Rang, NO_STEPS), (Plan(0, wake(25_000)), alarm(25_000)), (Written(25_000), NO_STEPS)];
    let wanted = Wanted { wake: Some(Millis(NOON - HOUR + 25_000)), tick: None };
    let forward = Steps { alarm: wanted.wake.map(AlarmStep::Set), timer: None };
    let back = [(PlanBefore(HOUR, wanted), forward), (PlanBefore(HOUR - 1, wanted), NO_STEPS)];
    check("the alarm is brought forward, once", AlarmPlan::new(Some(INTERVAL)), &[&set[..], &back[..]].concat());

    let wanted = Wanted { wake: None, tick: Some(Millis(NOON - HOUR + 500)) };
    let back = [
        (Plan(0, tick(400)), timer(400)),
        (PlanBefore(HOUR, wanted), timer(500)),
        (PlanBefore(HOUR, wanted), NO_STEPS),
    ];
    check("the timer is replaced, once", AlarmPlan::new(Some(INTERVAL)), &back);

    let forward =
        [(Plan(0, tick(400)), timer(400)), (Plan(HOUR, tick(400)), timer(0)), (Plan(HOUR, tick(400)), NO_STEPS)];
    check("a timer that should have fired is replaced, once", AlarmPlan::new(Some(INTERVAL)), &forward);
    let late = [(Plan(0, tick(400)), timer(400)), (Plan(401, tick(400)), NO_STEPS)];
    check("one that is about to fire is not", AlarmPlan::new(Some(INTERVAL)), &late);
}

#[test]
fn the_alarm_of_a_new_room_is_set_without_asking() {
    let mut plan = AlarmPlan::new(Some(INTERVAL));
    plan.known_unset();
    assert_eq!(plan.plan(at(0), wake(25_000)), alarm(25_000));
    // What is known by then isn't forgotten.
    plan.known_unset();
    assert_eq!(plan.plan(at(1), wake(25_000)), NO_STEPS);
}
