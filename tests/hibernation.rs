//! Rooms that sleep: what an alarm costs, what is looked at when, and what must survive that an earlier release has kept.

#![allow(clippy::unwrap_used, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use serde_json::json;
use support::{Memory, Recorder, Room, Traveller, plain};

const INTERVAL: u64 = 25_000;

/// A room with sockets that all have joined long ago, and that lies asleep.
fn sleeping(count: usize) -> (Recorder, Room, Vec<ConnId>) {
    let app = Recorder::default();
    let mut room = app.room(Config::default());
    let conns: Vec<_> = (0..count).map(|_| room.client().0).collect();
    for _ in 0..4 {
        room.pass(INTERVAL);
        for conn in &conns {
            room.text(*conn, "3");
        }
    }
    for conn in &conns {
        room.frames(*conn);
    }
    room.restart();
    app.log();
    (app, room, conns)
}

#[test]
fn an_idle_room_is_woken_once_an_interval_and_reads_no_attachment() {
    let (_, mut room, conns) = sleeping(10);
    room.memory().rows_written();
    for _ in 0..5 {
        assert_eq!(room.pass(INTERVAL), 1);
        for conn in &conns {
            assert_eq!(room.frames(*conn), ["2"]);
            room.text(*conn, "3");
        }
        room.restart();
    }
    assert_eq!((room.memory().attachments_read(), room.memory().rows_written()), (0, 0));
    room.text(conns[0], r#"42["shout",1]"#);
    assert_eq!(room.memory().attachments_read(), 10, "somebody speaks");
    assert!(conns.iter().all(|conn| room.frames(*conn).len() == 1));
}

#[test]
fn an_alarm_that_finds_somebody_dead_looks_at_all() {
    let (app, mut room, conns) = sleeping(3);
    for _ in 0..6 {
        room.pass(INTERVAL);
        room.text(conns[0], "3");
        room.text(conns[1], "3");
        room.restart();
    }
    assert!(!room.is_open(conns[2]));
    assert!(room.is_open(conns[0]) && room.is_open(conns[1]));
    assert!(app.log().iter().any(|line| line.ends_with("ping timeout")));
}

#[test]
fn an_alarm_after_a_crash_finds_who_is_lost() {
    let (app, mut room, _) = sleeping(3);
    room.crash();
    let told = app.log();
    assert_eq!(told.iter().filter(|line| line.ends_with("transport error")).count(), 3, "{told:?}");
    room.pass(120_000);
    assert_eq!(app.log().iter().filter(|line| line.starts_with("expired")).count(), 3);
}

#[test]
fn who_polls_is_lost_with_the_objects_memory_and_counts_as_gone() {
    let app = Recorder::default();
    let mut room = app.room(Config::default());
    let (conn, _) = room.client();
    let sid = room.open_polling();
    room.post(&sid, "40");
    app.log();
    room.restart();
    room.text(conn, r#"42["hey"]"#);
    assert_eq!(app.log().iter().filter(|line| line.ends_with("transport error")).count(), 1);
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_sockets WHERE gone IS NULL"), 1);
}

#[test]
fn what_does_not_fit_beside_a_websocket_stands_in_its_row() {
    for config in [Config::default(), plain()] {
        let app = Recorder {
            on_event: |io, event| match event.name {
                "keep" => {
                    let size = event.args.get::<usize>(0).unwrap_or_default();
                    assert_eq!(io.set_data(event.socket, &"é".repeat(size)), Ok(()));
                    for number in 0..size / 40 {
                        io.join(event.socket, &format!("room {number}"));
                    }
                }
                _ => {
                    let kept = io.data::<String>(event.socket).unwrap_or_default();
                    assert_eq!(io.to("room 24").volatile().emit("kept", &kept.chars().count()), Ok(()));
                }
            },
            ..Recorder::default()
        };
        let mut room = app.room(config);
        let (conn, _) = room.client();
        for size in [1_000, 30_000, 1_000] {
            room.text(conn, &format!(r#"42["keep",{size}]"#));
            room.restart();
            room.text(conn, r#"42["kept"]"#);
            assert_eq!(room.frames(conn), [format!(r#"42["kept",{size}]"#)]);
        }
    }
}

#[test]
fn questions_asked_before_a_nap_are_answered_after_it_and_their_ids_not_used_again() {
    let app = Recorder {
        on_event: |io, event| assert!(io.to(event.socket).emit_with_ack("question", &1, "q").is_ok()),
        ..Recorder::default()
    };
    let mut room = app.room(Config::default());
    let (conn, id) = room.client();
    room.text(conn, r#"42["ask"]"#);
    room.text(conn, r#"42["ask"]"#);
    room.restart();
    room.text(conn, r#"431["yes"]"#);
    room.text(conn, r#"42["ask"]"#);
    assert_eq!(room.frames(conn).pop().unwrap(), r#"422["question",1]"#, "0 is still owed, and 1 was");
    room.restart();
    app.log();
    room.text(conn, r#"430["no"]"#);
    room.text(conn, r#"430["again"]"#);
    assert_eq!(app.log(), [format!(r#"acked / {id} q "no""#)]);
}

#[test]
fn an_app_may_answer_after_a_nap() {
    let app = Recorder {
        on_event: |io, event| match event.ack {
            Some(ack) => assert_eq!(io.set_data(event.socket, &ack), Ok(())),
            None => assert_eq!(io.answer(io.data(event.socket).unwrap(), &"at last"), Ok(())),
        },
        ..Recorder::default()
    };
    let mut room = app.room(Config::default());
    let (conn, _) = room.client();
    room.text(conn, r#"425["ask"]"#);
    room.restart();
    room.text(conn, r#"42["now"]"#);
    assert_eq!(room.frames(conn), [r#"435["at last"]"#]);
}

#[test]
fn timers_of_an_app_outlive_the_objects_memory_and_fire_once() {
    let app = Recorder {
        on_event: |io, event| {
            let after = event.args.get(0).map(Millis).unwrap_or_default();
            assert_eq!(io.schedule(event.name, after), Ok(()));
        },
        ..Recorder::default()
    };
    let mut room = app.room(Config::default());
    let (conn, _) = room.client();
    for timer in [r#"["late",9000]"#, r#"["soon",5000]"#, r#"["moved",1]"#, r#"["moved",7000]"#] {
        room.text(conn, &format!("42{timer}"));
    }
    app.log();
    room.restart();
    room.pass(4_999);
    assert_eq!(app.log(), [""; 0]);
    room.pass(1);
    assert_eq!(app.log(), ["scheduled / soon"]);
    room.crash();
    room.sleep(10_000);
    room.ring();
    let told: Vec<_> = app.log().into_iter().filter(|line| line.starts_with("scheduled")).collect();
    assert_eq!(told, ["scheduled / moved", "scheduled / late"]);
    room.restart();
    room.pass(100_000);
    assert!(!app.log().iter().any(|line| line.starts_with("scheduled")));
}

#[test]
fn c12_the_next_ping_of_a_socket_io_2_client_is_due_whatever_the_object_forgets() {
    let app = Recorder::default();
    let mut room = app.room(Config { allow_eio3: true, ..Config::default() });
    let (alive, dead) = (room.websocket("EIO=3&transport=websocket"), room.websocket("EIO=3&transport=websocket"));
    for _ in 0..5 {
        room.pass(20_000);
        room.text(alive, "2");
        room.restart();
    }
    assert!(room.is_open(alive) && !room.is_open(dead));
}

#[test]
fn a_client_that_reads_nothing_is_closed_before_it_costs_much() {
    let app = Recorder::default();
    let mut room = app.room(Config { max_buffered: 10_000, ..Config::default() });
    let [reader, mut other] = [Traveller::new(&mut room), Traveller::new(&mut room)];
    let mut sent = 0;
    while room.is_open(other.conn) {
        let text = "x".repeat(500);
        room.sleep(1);
        room.text(reader.conn, &format!("42{}", json!(["shout", text])));
        if room.frames(reader.conn).contains(&"2".to_owned()) {
            room.sleep(1);
            room.text(reader.conn, "3");
        }
        sent += 500;
        assert!(sent < 12_000, "it is still open");
    }
    assert!(sent > 8_000, "closed after {sent} bytes");
    for _ in 0..100 {
        room.sleep(1);
        room.text(reader.conn, r#"42["shout","x"]"#);
    }
    assert!(room.is_open(reader.conn), "who reads may get as much as there is");
    other.offset = None;
    other.come_back(&mut room);
    assert!(!other.recovered, "it has missed more than a client may");
}

#[test]
fn who_has_not_answered_the_ping_that_others_have_comes_back_for_what_it_may_have_lost() {
    for (moment, closed) in [(9_999, false), (10_000, true)] {
        let (_, mut room, conns) = sleeping(3);
        room.pass(INTERVAL);
        room.text(conns[0], "3");
        room.text(conns[1], "3");
        room.sleep(moment);
        room.text(conns[0], r#"42["hey"]"#);
        let open: Vec<_> = conns.iter().map(|conn| room.is_open(*conn)).collect();
        assert_eq!(open, [true, true, !closed], "{moment} ms after the pongs");
    }
}

#[test]
fn sleepers_of_an_earlier_release_are_looked_at() {
    let (_, mut room, conns) = sleeping(2);
    room.untag(conns[0]);
    room.restart();
    assert_eq!(room.pass(INTERVAL), 1);
    assert_eq!(room.memory().attachments_read(), 2);
    assert_eq!(room.frames(conns[0]), ["2"]);
}

#[test]
fn what_each_release_attached_is_read() {
    for (version, state) in [
        (1, include_str!("fixtures/attachment-v1.json")),
        (2, include_str!("fixtures/attachment-v2.json")),
        (3, include_str!("fixtures/attachment-v3.json")),
        (4, include_str!("fixtures/attachment-v4.json")),
    ] {
        let app = Recorder {
            on_event: |io, event| {
                let kept = io.data::<String>(event.socket);
                assert_eq!(io.to("x").volatile().emit("kept", &kept), Ok(()));
            },
            ..Recorder::default()
        };
        let mut room = app.room(Config::default());
        let (conn, _) = room.client();
        room.tamper(conn, Some(state.trim().to_owned()));
        room.restart();
        room.text(conn, r#"42/a,["hey"]"#);
        assert_eq!(room.frames(conn), [r#"42/a,["kept","data of version"]"#], "version {version}");
        let told = app.log();
        let heard = told.iter().any(|line| line.starts_with("event /a socket-in-a hey"));
        assert!(heard, "version {version}: {told:?}");
    }
}

#[test]
fn whether_a_client_recovers_is_read_from_what_each_release_attached() {
    for (version, recovers, state) in [
        // Its clients knew no pid; a namespace that they join from now on has one.
        (1, [false, true], include_str!("fixtures/attachment-v1.json")),
        (2, [true, true], include_str!("fixtures/attachment-v2.json")),
        (3, [true, true], include_str!("fixtures/attachment-v3.json")),
        (4, [false, false], include_str!("fixtures/attachment-v4.json")),
    ] {
        let mut room = Recorder::default().room(Config::default());
        let (conn, _) = room.client();
        room.tamper(conn, Some(state.trim().to_owned()));
        room.restart();
        room.text(conn, r#"42/a,["say",1]"#);
        let said = room.frames(conn).concat();
        room.text(conn, "40/b,");
        let joined = room.frames(conn).concat();
        let found = [said != r#"42/a,["said",[1]]"#, joined.contains("pid")];
        assert_eq!(found, recovers, "version {version}: {said} {joined}");
    }
}

#[test]
fn what_each_release_stored_is_read() {
    let memory = Memory::default();
    memory.script(include_str!("fixtures/storage-v1.sql"));
    let mut room = Room::on(memory, Config::default(), Recorder::default).unwrap();
    let conn = room.open_socket();
    room.text(conn, r#"40{"pid":"pid-of-version-1","offset":"1700000000000000"}"#);
    assert_eq!(
        room.frames(conn),
        [
            r#"42["missed",{"a":1},"1700000000000001"]"#,
            r#"451-["bytes",{"_placeholder":true,"num":0},"1700000000000003"]"#,
            "[1, 2, 3]",
            r#"40{"sid":"id-of-version-1","pid":"pid-of-version-1"}"#,
        ]
    );
}

#[test]
fn what_a_later_release_stored_is_left_alone() {
    let memory = Memory::default();
    memory.script(include_str!("fixtures/storage-v1.sql"));
    memory.script("UPDATE roomcast_schema SET version = 99 WHERE part = 'roomcast'");
    let refused = Room::on(memory, Config::default(), Recorder::default).err().unwrap();
    assert!(refused.to_string().contains("a newer release wrote version 99"), "{refused}");
}
