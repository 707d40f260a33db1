//! Joining and leaving namespaces (C1–C11).

mod support;

use roomcast::app::{App, Event, Io, Joining, Refusal};
use roomcast::ids::ConnId;
use support::{Recorder, Room, plain};

/// A client that has joined nothing yet, and the room's app, which lets in who sends a token.
fn scene() -> (Recorder, Room, ConnId) {
    let app = Recorder {
        on_connecting: |io, auth| match (io.namespace(), auth) {
            ("/b", None) => Err(Refusal { message: "no \"token\"".to_owned(), data: None }),
            ("/b", Some(auth)) if auth.get().contains("old") => {
                Err(Refusal { message: "expired".to_owned(), data: Some(serde_json::json!({"code": 7})) })
            }
            _ => Ok(()),
        },
        ..Recorder::default()
    };
    let mut room = app.room(plain());
    let conn = room.open_socket();
    (app, room, conn)
}

#[test]
fn c1_nothing_is_joined_before_connect_and_the_answer_has_just_the_sid() {
    let (app, mut room, conn) = scene();
    assert_eq!((room.frames(conn), app.log()), (vec![], vec![]));
    room.text(conn, "40");
    let log = app.log();
    let id = log[1].strip_prefix("connected / ").unwrap();
    assert_eq!(room.frames(conn), [format!(r#"40{{"sid":"{id}"}}"#)]);
    assert_eq!(log, ["connecting / -", &format!("connected / {id}")]);
}

#[test]
fn c2_the_payload_is_an_object_for_the_app() {
    for auth in [r#"{}"#, r#"{"token":"é","n":[1, 2]}"#] {
        let (app, mut room, conn) = scene();
        room.text(conn, &format!("40{auth}"));
        assert_eq!(app.log()[0], format!("connecting / {auth}"), "as it came in");
    }
    for auth in ["[]", r#""a""#, "true", "null", "{", "{}{}"] {
        let (app, mut room, conn) = scene();
        room.text(conn, &format!("40{auth}"));
        assert_eq!(room.close_code(conn), Some(None), "{auth}");
        assert_eq!((app.log(), room.frames(conn)), (vec![], vec![]), "{auth}");
    }
}

#[test]
fn c3_a_namespace_ends_at_a_comma_or_with_the_packet_and_answers_bear_it() {
    for packet in ["40/a", "40/a,", "40/a,{}"] {
        let (_, mut room, conn) = scene();
        room.text(conn, packet);
        let connect = room.frames(conn).concat();
        assert!(connect.starts_with(r#"40/a,{"sid":""#), "{connect}");
        room.text(conn, r#"42/a,5["hey",1]"#);
        room.text(conn, r#"42/a,["say","é"]"#);
        assert_eq!(room.frames(conn), ["43/a,5[[1]]", r#"42/a,["said",["é"]]"#]);
    }
}

#[test]
fn c3_one_connection_carries_several_namespaces_with_an_id_in_each() {
    let (app, mut room, conn) = scene();
    let ids = ["/", "/a"].map(|namespace| room.join(conn, namespace));
    assert_ne!(ids[0], ids[1]);
    let (other, _) = room.client();
    app.log();
    room.text(conn, r#"42/a,["shout"]"#);
    room.text(conn, r#"42["shout"]"#);
    assert_eq!(app.log(), [format!("event /a {} shout", ids[1]), format!("event / {} shout", ids[0])]);
    assert_eq!(room.frames(conn), [r#"42/a,["said",[]]"#, r#"42["said",[]]"#]);
    assert_eq!(room.frames(other), [r#"42["said",[]]"#], "who is only in `/` hears only `/`");
}

#[test]
fn c4_an_unknown_namespace_is_refused_and_the_connection_stays() {
    let (app, mut room, conn) = scene();
    for (packet, answer) in [
        ("40/x,", r#"44/x,{"message":"Invalid namespace"}"#),
        ("40/A,{}", r#"44/A,{"message":"Invalid namespace"}"#),
        ("40/__proto__,", r#"44/__proto__,{"message":"Invalid namespace"}"#),
    ] {
        room.text(conn, packet);
        assert_eq!(room.frames(conn), [answer]);
    }
    assert_eq!(app.log(), [""; 0], "the app isn't asked for more than the name");
    room.join(conn, "/");
}

#[test]
fn c5_the_apps_refusal_reaches_the_client_and_the_connection_stays() {
    let (app, mut room, conn) = scene();
    room.text(conn, "40/b");
    assert_eq!(room.frames(conn), [r#"44/b,{"message":"no \"token\""}"#]);
    room.text(conn, r#"40/b,{"token":"old"}"#);
    let frames = room.frames(conn);
    let error: serde_json::Value = serde_json::from_str(frames[0].strip_prefix("44/b,").unwrap()).unwrap();
    assert_eq!(error, serde_json::json!({"message": "expired", "data": {"code": 7}}));
    assert_eq!(app.log(), ["connecting /b -", r#"connecting /b {"token":"old"}"#]);
    room.text(conn, r#"40/b,{"token":"new"}"#);
    assert!(room.frames(conn).concat().starts_with(r#"40/b,{"sid":"#), "and may ask again");
}

#[test]
fn c6_packets_that_the_state_does_not_allow_close_the_whole_connection() {
    let table: [(&[&str], &str); 12] = [
        (&[], r#"42["early"]"#),
        (&[], "41"),
        (&[], "430[]"),
        (&["40"], "40"),
        (&["40"], "40{}"),
        (&["40"], r#"44{"message":"no"}"#),
        (&["40"], r#"42/a,["not there"]"#),
        (&["40"], "41/a,"),
        (&["40", "40/a", "41/a"], r#"42/a,["late"]"#),
        (&["40", "41"], r#"42["late"]"#),
        (&["40/x"], r#"42/x,["refused"]"#),
        (&["40/b"], r#"42/b,["refused"]"#),
    ];
    for (before, packet) in table {
        let (app, mut room, conn) = scene();
        let (bystander, _) = room.client();
        before.iter().for_each(|packet| room.text(conn, packet));
        assert!(room.is_open(conn));
        let left = app.log().iter().filter(|line| line.starts_with("disconnected")).count();
        let stays = before.iter().filter(|packet| ["40", "40/a"].contains(packet)).count() - left;
        room.text(conn, packet);
        assert_eq!(room.close_code(conn), Some(None), "{before:?} {packet}");
        let log = app.log();
        assert_eq!(log.len(), stays, "each socket is told once, and nothing else happens: {log:?}");
        assert!(log.iter().all(|line| line.ends_with(" forced close")), "{log:?}");
        assert!(room.is_open(bystander));
    }
}

#[test]
fn c7_a_connection_that_joins_nothing_is_closed_after_the_connect_timeout() {
    let (app, mut room, conn) = scene();
    let sid = room.open_polling();
    // A refusal is no join.
    room.text(conn, "40/x");
    room.text(conn, "40/b");
    room.post(&sid, "40/x");
    room.pass(25_000);
    room.post(&sid, "3");
    room.pass(19_999);
    assert!(room.is_open(conn));
    room.poll(&sid);
    let get = room.get(&sid);
    room.pass(1);
    assert_eq!(room.close_code(conn), Some(None));
    assert_eq!(room.packets(get), "1");
    assert_eq!(app.log(), ["connecting /b -"], "an app that never saw it isn't told");
}

#[test]
fn c7_the_first_join_stops_the_timeout_for_good() {
    let (_, mut room, conn) = scene();
    room.join(conn, "/a");
    room.text(conn, "41/a,");
    for _ in 0..10 {
        room.pass(25_000);
        room.text(conn, "3");
    }
    assert!(room.is_open(conn));
}

#[test]
fn c7_a_late_alarm_does_not_let_a_late_join_pass() {
    let (app, mut room, conn) = scene();
    room.sleep(45_000);
    room.text(conn, "40");
    assert_eq!(room.close_code(conn), Some(None));
    assert_eq!(app.log(), [""; 0]);
}

#[test]
fn c8_the_app_is_told_after_the_connect_packet_and_finds_the_socket_complete() {
    let app = Recorder {
        on_connected: |io, socket| {
            assert!(io.sockets().contains(socket));
            io.set_data(socket, &"kept").unwrap();
            let data: Option<String> = io.data(socket);
            // Its own room is there.
            io.to(socket).emit("welcome", &data).unwrap();
        },
        ..Recorder::default()
    };
    let mut room = app.room(plain());
    let conn = room.open_socket();
    room.text(conn, "40");
    let frames = room.frames(conn);
    assert!(frames[0].starts_with("40{"), "{frames:?}");
    assert_eq!(frames[1..], [r#"42["welcome","kept"]"#]);
}

#[test]
fn c11_disconnect_leaves_one_namespace_and_nothing_else() {
    let (app, mut room, conn) = scene();
    let ids = ["/", "/a"].map(|namespace| room.join(conn, namespace));
    app.log();
    room.text(conn, "41/a,");
    assert_eq!(app.log(), [format!("disconnected /a {} client namespace disconnect", ids[1])]);
    assert_eq!(room.frames(conn), [""; 0], "there is no answer");
    room.text(conn, r#"421["hey"]"#);
    assert_eq!(room.frames(conn), ["431[[]]"]);
    assert_ne!(room.join(conn, "/a"), ids[1], "who comes back is somebody new");
    room.text(conn, "41");
    assert!(room.is_open(conn));
}

#[test]
fn c9_an_app_may_answer_for_names_by_a_pattern() {
    /// Namespaces of a letter.
    struct Letters(Recorder);
    impl App for Letters {
        fn has_namespace(&self, name: &str) -> bool {
            name.strip_prefix('/').is_some_and(|name| name.len() == 1)
        }
        fn connecting(&mut self, io: &Io<'_>, joining: &Joining<'_>) -> Result<(), Refusal> {
            self.0.connecting(io, joining)
        }
        fn event(&mut self, io: &Io<'_>, event: Event<'_>) {
            self.0.event(io, event);
        }
    }
    let mut room = Room::new(plain(), || Letters(Recorder::default()));
    let [first, second] = [room.open_socket(), room.open_socket()];
    for (conn, namespace) in [(first, "/x"), (first, "/y"), (second, "/x")] {
        room.join(conn, namespace);
    }
    room.text(first, r#"42/x,["shout",1]"#);
    room.text(first, r#"42/y,["shout",2]"#);
    assert_eq!(room.frames(first), [r#"42/x,["said",[1]]"#, r#"42/y,["said",[2]]"#]);
    assert_eq!(room.frames(second), [r#"42/x,["said",[1]]"#], "each namespace is its own");
    room.text(second, "40/xy,");
    assert_eq!(room.frames(second), [r#"44/xy,{"message":"Invalid namespace"}"#]);
}

#[test]
fn c10_an_app_names_a_namespace_with_or_without_its_slash() {
    let app = Recorder {
        on_event: |io, event| {
            assert_eq!(io.namespace(), "/a");
            for name in ["", "/", "b", "/b", "nobody"] {
                assert_eq!(io.of(name).all().emit("news", &name), Ok(()));
            }
            let other = io.of("b");
            assert_eq!(other.namespace(), "/b");
            assert!(!other.sockets().contains(event.socket), "its sockets, not ours");
            other.disconnect(event.socket, true);
            assert_eq!(io.namespace(), "/a");
        },
        ..Recorder::default()
    };
    let mut room = app.room(plain());
    let conn = room.open_socket();
    for namespace in ["/", "/a", "/b"] {
        room.join(conn, namespace);
    }
    room.text(conn, r#"42/a,["go"]"#);
    assert_eq!(
        room.frames(conn),
        [r#"42["news",""]"#, r#"42["news","/"]"#, r#"42/b,["news","b"]"#, r#"42/b,["news","/b"]"#]
    );
    assert!(room.is_open(conn), "a socket is disconnected in its own namespace only");
}

#[test]
fn c11_the_server_ends_one_namespace_or_the_whole_connection() {
    let app =
        Recorder { on_event: |io, event| io.disconnect(event.socket, event.name == "close"), ..Recorder::default() };
    let mut room = app.room(plain());
    let conn = room.open_socket();
    let ids = ["/", "/a", "/b"].map(|namespace| room.join(conn, namespace));
    app.log();
    room.text(conn, r#"42/a,["leave"]"#);
    assert_eq!(room.frames(conn), ["41/a,"]);
    assert!(room.is_open(conn));
    room.text(conn, r#"42["close"]"#);
    assert_eq!(room.frames(conn), ["41", "41/b,"]);
    assert_eq!(room.close_code(conn), Some(None));
    let log = app.log();
    let told: Vec<_> = log.iter().filter(|line| line.starts_with("disconnected")).collect();
    let reason = "server namespace disconnect";
    let line = |namespace: &str, id: &str| format!("disconnected {namespace} {id} {reason}");
    assert_eq!(told, [&line("/a", &ids[1]), &line("/", &ids[0]), &line("/b", &ids[2])]);
}
