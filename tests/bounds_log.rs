//! Bounds on what is kept for clients that come back: the log, replays, rooms that a socket has left, and sockets of clients that
//! are gone.

#![allow(clippy::unwrap_used, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::Error;
use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::Input;
use serde_json::{Value, json};
use support::people::{self, Person};
use support::{Memory, Random, Recorder, Room, Traveller};

fn config() -> Config {
    Config { ping_interval: Millis(600_000), ..Config::default() }
}

/// An app that sends a text of a size to everybody or to a room, once or within a step that fails, and moves sockets between
/// rooms.
fn app() -> Recorder {
    Recorder {
        on_event: |io, event| {
            let text = |index| event.args.get::<String>(index).unwrap_or_default();
            let number = |index| event.args.get::<usize>(index).unwrap_or_default();
            match event.name {
                "emit" => assert_eq!(io.all().emit("n", &("x".repeat(number(0)), 1)), Ok(())),
                "to" => assert_eq!(io.to(text(0)).emit("n", &1), Ok(())),
                "fail" => {
                    let failed = io.atomically(|| {
                        (0..number(0)).try_for_each(|_| io.emit("n", &("x".repeat(number(1)), 1)))?;
                        Err::<(), _>(Error::ReservedName)
                    });
                    assert_eq!(failed, Err(Error::ReservedName));
                }
                "join" => io.join(event.socket, &text(0)),
                "leave" => io.leave(event.socket, &text(0)),
                _ => {
                    for number in 0..number(0) {
                        io.join(event.socket, &format!("{number}{}", "x".repeat(1_000)));
                    }
                }
            }
        },
        ..Recorder::default()
    }
}

fn say(room: &mut Room, conn: ConnId, event: &Value) {
    room.emit(conn, event);
    // Clients that read too little are closed.
    room.sleep(1);
    if room.frames(conn).contains(&"2".to_owned()) {
        room.text(conn, "3");
    }
}

const EVENTS: &str = "SELECT count(*) FROM roomcast_log";
const BYTES: &str =
    "SELECT coalesce(sum(length(namespace) + length(to_rooms) + length(except_rooms) + length(event)), 0)
    FROM roomcast_log";

#[test]
fn two_thousand_events_without_an_alarm_leave_at_most_the_limit_and_an_eighth() {
    let mut room = app().room(Config { log_max_events: 100, max_buffered: 4_000_000, ..config() });
    let (talker, _) = room.client();
    room.memory().rows_written();
    for count in 1..=2_000 {
        say(&mut room, talker, &json!(["emit", 1]));
        let there = room.memory().number(EVENTS);
        assert!(there <= 112 && there >= count.min(100), "{there} of {count}");
    }
    let written = room.memory().rows_written();
    assert!(written <= 2 * 2_000 + 2_000 / 12, "{written} rows: the oldest are dropped some at a time");
}

#[test]
fn the_bytes_of_the_log_stay_within_the_limit_and_an_eighth_whatever_fails_or_restarts() {
    let mut random = Random::new(1);
    let mut room = app().room(Config { log_max_bytes: 10_000, ..config() });
    let (talker, _) = room.client();
    let mut most = 0;
    for _ in 0..600 {
        match random.below(20) {
            0 => room.restart(),
            1 => say(&mut room, talker, &json!(["fail", random.below(30), 500])),
            2 => room.ring(),
            _ => say(&mut room, talker, &json!(["emit", random.below(1_000)])),
        }
        let bytes = room.memory().number(BYTES);
        assert!(bytes <= 11_250, "{bytes} bytes");
        most = bytes.max(most);
    }
    assert!(most > 10_000, "at most {most} bytes");
    assert!(room.memory().number(BYTES) > 8_000, "as much as may be kept is kept");
}

#[test]
fn an_event_larger_than_the_log_is_kept_alone_until_the_next() {
    let mut room = app().room(Config { log_max_bytes: 1_000, ..config() });
    let (talker, _) = room.client();
    let mut traveller = Traveller::new(&mut room);
    for (size, there) in [(100, 1), (100, 2), (5_000, 1), (100, 1), (100, 2)] {
        say(&mut room, talker, &json!(["emit", size]));
        assert_eq!(room.memory().number(EVENTS), there, "after {size} bytes");
    }
    traveller.events(&mut room);
    traveller.blink(&mut room);
    assert!(traveller.recovered);
}

#[test]
fn a_client_is_recovered_exactly_if_all_it_missed_is_still_in_the_log() {
    let (mut recovered, mut anew) = (0, 0);
    for bytes in (100..1_000).step_by(20) {
        let mut room = app().room(Config { log_max_bytes: bytes, ..config() });
        let (talker, _) = room.client();
        let mut traveller = Traveller::new(&mut room);
        say(&mut room, talker, &json!(["emit", 10]));
        traveller.events(&mut room);
        room.hang_up(traveller.conn, true);
        for size in [40, 10, 80, 10, 10, 40] {
            say(&mut room, talker, &json!(["emit", size]));
        }
        let is_whole = room.memory().number(EVENTS) >= 6;
        let missed = traveller.come_back(&mut room);
        assert_eq!((traveller.recovered, missed.len()), (is_whole, if is_whole { 6 } else { 0 }), "{bytes} bytes");
        *(if is_whole { &mut recovered } else { &mut anew }) += 1;
    }
    assert!(recovered > 5 && anew > 5, "{recovered} and {anew} show something");
}

#[test]
fn events_dropped_for_others_that_are_too_old_to_be_missed_keep_nobody_from_recovering() {
    for (pause, recovered) in [(config().log_age().0 + 1_000, true), (1_000, false)] {
        let mut room = app().room(Config { log_max_events: 10, ..config() });
        let (talker, _) = room.client();
        say(&mut room, talker, &json!(["join", "x"]));
        let mut traveller = Traveller::new(&mut room);
        say(&mut room, talker, &json!(["emit", 1]));
        traveller.events(&mut room);
        for _ in 0..9 {
            say(&mut room, talker, &json!(["to", "x"]));
        }
        // No alarm rings.
        room.sleep(pause);
        for _ in 0..8 {
            say(&mut room, talker, &json!(["to", "x"]));
        }
        traveller.blink(&mut room);
        assert_eq!(traveller.recovered, recovered, "events {pause} ms old were dropped");
    }
}

#[test]
fn events_that_a_failed_step_took_back_push_nothing_out_of_the_log() {
    let mut room = app().room(Config { log_max_events: 10, ..config() });
    let (talker, _) = room.client();
    let mut traveller = Traveller::new(&mut room);
    room.hang_up(traveller.conn, true);
    for _ in 0..5 {
        say(&mut room, talker, &json!(["emit", 1]));
        say(&mut room, talker, &json!(["fail", 40, 1]));
    }
    assert_eq!(room.memory().number(EVENTS), 5);
    assert_eq!(traveller.come_back(&mut room).len(), 5);
    assert!(traveller.recovered);
}

#[test]
fn events_are_counted_again_after_an_earlier_releases_rows() {
    let memory = Memory::default();
    memory.script(include_str!("fixtures/storage-v1.sql"));
    let make = || app();
    let mut room = Room::on(memory, Config { log_max_events: 8, ..config() }, make).unwrap();
    let (talker, _) = room.client();
    for _ in 0..30 {
        say(&mut room, talker, &json!(["emit", 1]));
        assert!(room.memory().number(EVENTS) <= 4 + 9);
    }
    assert!(room.memory().number(EVENTS) <= 9, "the old rows went first");
}

#[test]
fn junk_that_is_answered_by_the_event_error_leaves_the_log_to_others() {
    let mut room = people::room(Config { log_max_events: 100, ..people::config() });
    let (mut ada, bob) = (Person::enter(&mut room, "Ada"), Person::enter(&mut room, "Bob"));
    ada.vanish(&mut room);
    let logged = room.memory().number(EVENTS);
    for _ in 0..150 {
        room.text(bob.conn, r#"42["junk"]"#);
        let told = room.events(bob.conn);
        assert_eq!((told.len(), &told[0][0], &told[0][2]), (1, &json!("error"), &json!(null)), "without an offset");
    }
    assert_eq!(room.memory().number(EVENTS), logged);
    ada.recover(&mut room);
}

#[test]
fn a_client_that_shows_the_same_offset_for_the_fourth_time_starts_anew() {
    let app = app();
    let mut room = app.room(config());
    let (talker, _) = room.client();
    let mut traveller = Traveller::new(&mut room);
    let id = traveller.id.clone();
    for _ in 0..50 {
        say(&mut room, talker, &json!(["emit", 1]));
    }
    room.frames(traveller.conn); // and they never arrived
    for attempt in 1..=4 {
        traveller.offset = None;
        let missed = traveller.come_back(&mut room);
        let recovered = attempt <= 3;
        assert_eq!((traveller.recovered, missed.len()), (recovered, if recovered { 50 } else { 0 }), "{attempt}");
    }
    assert!(app.log().contains(&format!("expired / {id}")));
    say(&mut room, talker, &json!(["emit", 1]));
    assert_eq!(traveller.blink(&mut room).len(), 1, "its new socket is recovered as any");
}

#[test]
fn a_client_that_missed_more_events_than_are_replayed_starts_anew() {
    for (most, recovered) in [(7, true), (6, false)] {
        let mut room = app().room(Config { max_replayed_events: most, ..config() });
        let (talker, _) = room.client();
        let mut traveller = Traveller::new(&mut room);
        room.hang_up(traveller.conn, true);
        for _ in 0..7 {
            say(&mut room, talker, &json!(["emit", 1]));
        }
        traveller.come_back(&mut room);
        assert_eq!(traveller.recovered, recovered, "at most {most}");
    }
}

#[test]
fn a_socket_that_leaves_rooms_for_ever_has_a_small_row_and_is_recovered_only_across_what_is_known() {
    // What tells of the rooms is read from memory, from the attachment and the row, and from the row alone.
    let losses: [fn(&mut Room, &Traveller); 3] = [
        |room, own| room.hang_up(own.conn, true),
        |room, own| {
            room.restart();
            room.hang_up(own.conn, true);
        },
        |room, _| room.crash(),
    ];
    for (number, lose) in losses.into_iter().enumerate() {
        for (shows_early, recovered) in [(true, false), (false, true)] {
            let mut room = app().room(config());
            let (talker, _) = room.client();
            let mut traveller = Traveller::new(&mut room);
            say(&mut room, talker, &json!(["emit", 1]));
            traveller.events(&mut room);
            let early = traveller.offset.clone();
            for number in 0..300 {
                room.emit(traveller.conn, &json!(["join", format!("room {number}")]));
                say(&mut room, talker, &json!(["to", format!("room {number}")]));
                room.emit(traveller.conn, &json!(["leave", format!("room {number}")]));
            }
            let size = room.memory().number("SELECT max(length(stays)) FROM roomcast_sockets");
            assert!(size > 10_000 && size < 30_000, "{size} bytes");
            assert_eq!(traveller.events(&mut room).len(), 300);
            if shows_early {
                traveller.offset = early;
            }
            lose(&mut room, &traveller);
            traveller.come_back(&mut room);
            assert_eq!(traveller.recovered, recovered, "loss {number}");
        }
    }
}

#[test]
fn beyond_the_limit_of_sockets_kept_for_clients_that_are_gone_the_one_gone_longest_expires() {
    let app = app();
    let mut room = app.room(Config { max_away_sockets: 3, ..config() });
    let mut people: Vec<_> = (0..5).map(|_| Traveller::new(&mut room)).collect();
    for traveller in &people {
        room.sleep(10);
        room.hang_up(traveller.conn, true);
    }
    let expired = |app: &Recorder| -> Vec<_> {
        app.log().into_iter().filter_map(|line| line.strip_prefix("expired / ").map(str::to_owned)).collect()
    };
    assert_eq!(expired(&app), [people[0].id.clone(), people[1].id.clone()]);
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_sockets"), 3);

    // The same where a room wakes with a smaller limit.
    let other = app.clone();
    let mut room =
        Room::on(room.memory().clone(), Config { max_away_sockets: 2, ..config() }, move || other.clone()).unwrap();
    room.input(Input::Tick);
    assert_eq!(expired(&app), [people[2].id.clone()]);
    let recovered = people.iter_mut().map(|traveller| {
        traveller.come_back(&mut room);
        traveller.recovered
    });
    assert_eq!(recovered.collect::<Vec<_>>(), [false, false, false, true, true]);
}

#[test]
fn a_socket_too_large_for_a_row_has_none_and_is_closed_when_the_room_forgets_it() {
    let mut room = app().room(Config { max_rooms_per_socket: 10_000, max_name_bytes: 1_024, ..config() });
    let mut traveller = Traveller::new(&mut room);
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_sockets"), 1);
    room.emit(traveller.conn, &json!(["many", 2_200]));
    let warnings = room.memory().warnings();
    assert!(warnings.iter().any(|warning| warning.contains("more than a row may have")), "{warnings:?}");
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_sockets"), 0);
    traveller.blink(&mut room);
    assert!(traveller.recovered, "it is in memory");
    room.restart();
    room.input(Input::Tick);
    assert!(!room.is_open(traveller.conn), "it is never taken for what it was before");
    traveller.come_back(&mut room);
    assert!(!traveller.recovered);
}
