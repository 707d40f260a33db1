//! The log: whoever comes back gets exactly what it would have got, whatever happened to it, to its rooms and to the object.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what goes wrong in here fails the test")]

mod support;

use std::collections::BTreeSet;

use roomcast::app::{Args, Error};
use roomcast::config::Config;
use roomcast::ids::Millis;
use serde_json::{Value, json};
use support::{Memory, Random, Recorder, Room, Traveller};

/// An app that sends an event with a number where it is told to, and moves its sockets between rooms.
fn app() -> Recorder {
    Recorder {
        on_event: |io, event| {
            let rooms = |index| event.args.get::<Vec<String>>(index).unwrap_or_default();
            match event.name {
                "join" => rooms(0).iter().for_each(|room| io.join(event.socket, room)),
                "fail" => {
                    let failed = io.atomically(|| {
                        (0..5).try_for_each(|_| io.emit("n", &-1))?;
                        Err::<(), _>(Error::ReservedName)
                    });
                    assert_eq!(failed, Err(Error::ReservedName));
                }
                "leave" => rooms(0).iter().for_each(|room| io.leave(event.socket, room)),
                _ => {
                    let emit = rooms(1).iter().fold(io.all(), |emit, room| emit.to(room));
                    let emit = rooms(2).iter().fold(emit, |emit, room| emit.except(room));
                    let number: u64 = event.args.get(0).unwrap_or_default();
                    let mut args = Args::of(&number).unwrap();
                    args.push(&"some words, so that an event has a size").unwrap();
                    assert_eq!(emit.emit_args("n", &args), Ok(()));
                }
            }
        },
        ..Recorder::default()
    }
}

fn config() -> Config {
    Config { ping_interval: Millis(600_000), ..Config::default() }
}

/// A client, and what it should have got.
struct Watched {
    traveller: Traveller,
    rooms: BTreeSet<&'static str>,
    expected: Vec<u64>,
    got: Vec<u64>,
    connected: bool,
    /// How often it started anew.
    anew: usize,
}

impl Watched {
    fn take(&mut self, events: &[Value]) {
        self.got.extend(events.iter().map(|event| event[1].as_u64().unwrap()));
    }

    /// Comes back, and starts anew where it isn't recovered.
    fn come_back(&mut self, room: &mut Room) {
        let missed = self.traveller.come_back(room);
        if !self.traveller.recovered {
            self.anew += 1;
            self.rooms.clear();
            self.expected.clear();
            self.got.clear();
        }
        self.take(&missed);
        self.connected = true;
    }

    fn sees(&self, to: &[&str], except: &[&str]) -> bool {
        let is_in = |rooms: &[&str]| rooms.iter().any(|room| self.rooms.contains(room));
        (to.is_empty() || is_in(to)) && !is_in(except)
    }
}

const ROOMS: [&str; 3] = ["x", "y", "z"];

fn some_rooms(random: &mut Random) -> Vec<&'static str> {
    ROOMS.into_iter().filter(|_| random.below(3) == 0).collect()
}

fn everybody_is_back(room: &mut Room, people: &mut [Watched]) {
    for own in people {
        if !own.connected {
            own.come_back(room);
        }
        let events = own.traveller.events(room);
        own.take(&events);
        assert_eq!(own.got, own.expected);
    }
}

/// Some people in a room with these settings, to whom everything happens at random; gives how many events they received since
/// they started anew for the last time, and how often they did.
fn wander(config: &Config) -> (usize, usize) {
    let (mut received, mut anew) = (0, 0);
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut room = app().room(config.clone());
        let watched = |room: &mut Room| Watched {
            traveller: Traveller::new(room),
            rooms: BTreeSet::new(),
            expected: Vec::new(),
            got: Vec::new(),
            connected: true,
            anew: 0,
        };
        let mut people: Vec<_> = (0..3).map(|_| watched(&mut room)).collect();
        for number in 0..120 {
            let one = random.below(people.len());
            match random.below(10) {
                // Somebody moves.
                0..=2 if people[one].connected => {
                    let (rooms, joins) = (some_rooms(&mut random), random.below(2) == 0);
                    let own = &mut people[one];
                    let name = if joins { "join" } else { "leave" };
                    room.text(own.traveller.conn, &format!("42{}", json!([name, rooms])));
                    for name in rooms {
                        _ = if joins { own.rooms.insert(name) } else { own.rooms.remove(name) };
                    }
                }
                // Somebody is lost, before or after having read what is on its way.
                3 if people[one].connected => {
                    let own = &mut people[one];
                    if random.below(2) == 0 {
                        let events = own.traveller.events(&mut room);
                        own.take(&events);
                    }
                    own.connected = false;
                    if random.below(3) > 0 {
                        room.hang_up(own.traveller.conn, true);
                    }
                }
                // Somebody is back.
                4 if !people[one].connected => {
                    people[one].come_back(&mut room);
                }
                5 => room.restart(),
                6 if random.below(6) == 0 => {
                    room.crash();
                    people.iter_mut().for_each(|own| own.connected = false);
                }
                7 => room.sleep(1_000),
                8 if random.below(3) == 0 && people[one].connected => {
                    room.text(people[one].traveller.conn, r#"42["fail"]"#);
                }
                _ => {
                    let (to, except) = (some_rooms(&mut random), some_rooms(&mut random));
                    let Some(speaker) = people.iter().find(|own| own.connected) else { continue };
                    let conn = speaker.traveller.conn;
                    for own in people.iter_mut().filter(|own| own.sees(&to, &except)) {
                        own.expected.push(number);
                    }
                    room.text(conn, &format!("42{}", json!(["emit", number, to, except])));
                }
            }
        }
        everybody_is_back(&mut room, &mut people);
        received += people.iter().map(|own| own.got.len()).sum::<usize>();
        anew += people.iter().map(|own| own.anew).sum::<usize>();
    }
    (received, anew)
}

#[test]
fn everybody_gets_exactly_what_was_for_them_once_and_in_order() {
    let (received, anew) = wander(&config());
    assert!(received > 60 * 40, "{received} events show something");
    assert_eq!(anew, 0);
}

#[test]
fn with_a_small_log_a_client_is_recovered_without_a_gap_or_starts_anew() {
    for config in [Config { log_max_events: 8, ..config() }, Config { log_max_bytes: 700, ..config() }] {
        let (received, anew) = wander(&config);
        assert!(received > 60 * 10 && anew > 60, "{received} events and {anew} new beginnings show something");
    }
}

/// A room in which somebody has seen 3 events of 10 and is gone.
fn behind(config: Config) -> (Room, Traveller) {
    let mut room = app().room(config);
    let (talker, _) = room.client();
    let mut traveller = Traveller::new(&mut room);
    for number in 0..10 {
        room.sleep(1);
        room.text(talker, &format!(r#"42["emit",{number}]"#));
        room.sleep(1);
        room.text(talker, "3");
        if number == 2 {
            assert_eq!(traveller.events(&mut room).len(), 3);
            room.hang_up(traveller.conn, true);
        }
    }
    (room, traveller)
}

#[test]
fn what_is_too_much_is_dropped_and_who_missed_it_starts_anew() {
    for (max_events, recovered) in [(10, true), (7, true), (6, false), (1, false)] {
        let (mut room, mut traveller) = behind(Config { log_max_events: max_events, ..config() });
        room.ring();
        assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_log"), max_events);
        let missed = traveller.come_back(&mut room);
        assert_eq!(
            (traveller.recovered, missed.len()),
            (recovered, if recovered { 7 } else { 0 }),
            "{max_events} events"
        );
    }
}

#[test]
fn what_is_too_old_is_dropped_when_nobody_can_have_missed_it() {
    let config = Config { log_max_age: Millis(1), ..config() };
    let age = config.log_age().0;
    let (mut room, mut traveller) = behind(config);
    room.sleep(100_000);
    room.ring();
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_log"), 10, "somebody may still come back");
    assert_eq!(traveller.come_back(&mut room).len(), 7);
    room.sleep(age - 100_000 - 5);
    room.ring();
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_log"), 3);
    room.sleep(6);
    room.ring();
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_log"), 0);
    traveller.blink(&mut room);
    assert!(traveller.recovered, "its last event is gone, and none after it");
}

#[test]
fn who_missed_more_than_may_wait_for_a_client_starts_anew() {
    for (max_buffered, recovered) in [(10_000, true), (550, false)] {
        let (mut room, mut traveller) = behind(Config { max_buffered, ..config() });
        traveller.come_back(&mut room);
        assert_eq!(traveller.recovered, recovered, "{max_buffered} bytes");
    }
}

#[test]
fn a_broadcast_is_one_row_however_many_get_it_and_none_where_nobody_does() {
    let mut room = app().room(config());
    let talker = Traveller::new(&mut room);
    for _ in 0..20 {
        room.client();
    }
    room.memory().rows_written();
    room.text(talker.conn, r#"42["emit",1]"#);
    assert_eq!(room.memory().rows_written(), 1);
    room.text(talker.conn, r#"42["emit",1,["nowhere"]]"#);
    assert_eq!(room.memory().rows_written(), 0);
}

#[test]
fn where_an_event_can_not_be_stored_nobody_gets_it_and_the_room_goes_on() {
    let app = Recorder {
        on_event: |io, event| {
            let sent = io.all().emit("n", &1);
            if let Some(ack) = event.ack {
                assert_eq!(io.answer(ack, &sent.is_ok()), Ok(()));
            }
        },
        ..Recorder::default()
    };
    let mut room = app.room(config());
    let [(one, _), (other, _)] = [room.client(), room.client()];
    room.fail_writes(true);
    room.text(one, r#"420["x"]"#);
    assert_eq!((room.frames(one), room.frames(other)), (vec!["430[false]".to_owned()], vec![]));
    room.fail_writes(false);
    room.text(one, r#"421["x"]"#);
    assert_eq!((room.frames(one).len(), room.frames(other).len()), (2, 1));
}

#[test]
fn who_joins_while_nothing_can_be_stored_joins_and_the_operator_is_told() {
    let mut room = app().room(config());
    let memory: Memory = room.memory().clone();
    room.fail_writes(true);
    let traveller = Traveller::new(&mut room);
    assert!(room.is_open(traveller.conn));
    assert_eq!(memory.warnings().len(), 1);
}

#[test]
fn an_event_that_is_more_than_a_row_may_have_is_told_and_sent_to_nobody() {
    let app = Recorder {
        on_event: |io, event| {
            let size: usize = event.args.get(0).unwrap();
            let sent = io.all().emit("n", &"x".repeat(size));
            assert_eq!(io.answer(event.ack.unwrap(), &sent.map_err(|error| error.to_string())), Ok(()));
        },
        ..Recorder::default()
    };
    let mut room = app.room(config());
    let [(one, _), (other, _)] = [room.client(), room.client()];
    room.text(one, r#"420["x",2000000]"#);
    let told = "the room can't store it: an event of 2000013 bytes is more than a row may have";
    assert_eq!(room.frames(one), [format!(r#"430[{{"Err":"{told}"}}]"#)]);
    assert_eq!(room.frames(other), [""; 0]);
    room.text(one, r#"420["x",1990000]"#);
    assert!(room.frames(one).contains(&r#"430[{"Ok":null}]"#.to_owned()));
    assert_eq!(room.frames(other).len(), 1);
}
