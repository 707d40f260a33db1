//! Losing the object's memory: whoever is on a WebSocket goes on as if nothing had happened.

mod support;

use roomcast::ids::ConnId;
use roomcast::outbox::Input;
use serde_json::json;
use support::people::ChatRoom;
use support::{Recorder, Room, attached_size, fast, plain};

fn chat() -> ChatRoom {
    Room::new(plain(), || roomcast::chat::chat(&plain()))
}

/// A client that has joined the chat, and its socket's id.
fn member(room: &mut ChatRoom, name: &str) -> (ConnId, String) {
    let (conn, id) = room.client();
    room.call(conn, "join", &json!({"name": name}));
    (conn, id)
}

/// An app with rooms, data and questions.
fn app() -> Recorder {
    Recorder {
        on_event: |io, event| {
            let sent = match event.name {
                "join" => {
                    io.join(event.socket, "x");
                    io.set_data(event.socket, &"kept")
                }
                "leave" => {
                    io.leave(event.socket, "x");
                    Ok(())
                }
                "to x" => {
                    let kept: Option<String> = io.data(event.socket);
                    io.to("x").emit("x", &kept)
                }
                _ => io.all().emit("all", &1),
            };
            assert_eq!(sent, Ok(()));
        },
        ..Recorder::default()
    }
}

#[test]
fn a_chat_goes_on_wherever_it_is_interrupted() {
    // The same conversation, interrupted after each of its steps, and once not at all.
    let tell = |interrupted: Option<usize>| {
        let mut room = chat();
        let mut step = 0;
        let mut transcript = Vec::new();
        let mut pause = |room: &mut ChatRoom| {
            room.pass(1_000);
            if interrupted == Some(step) {
                room.restart();
            }
            step += 1;
        };
        let (ada, _) = room.client();
        pause(&mut room);
        transcript.push(room.call(ada, "join", &json!({"name": "Ada"})));
        pause(&mut room);
        let sid = room.open_polling();
        room.join_polling(&sid);
        let bob = room.upgrade(&sid);
        pause(&mut room);
        transcript.push(room.call(bob, "join", &json!({"name": "Bob"})));
        pause(&mut room);
        let tutorial = room.open_socket();
        pause(&mut room);
        room.join(tutorial, "/");
        pause(&mut room);
        transcript.extend(room.events(ada));
        transcript.push(room.call(bob, "join", &json!({"name": "Bobby"})));
        pause(&mut room);
        transcript.extend(room.events(ada));
        transcript.push(room.call(ada, "message", &json!({"text": "hi"})));
        pause(&mut room);
        transcript.extend([room.events(bob), room.events(tutorial)].concat());
        room.hang_up(bob, false);
        pause(&mut room);
        transcript.extend(room.events(ada));
        transcript.push(room.call(ada, "join", &json!({"name": "Ada"})));
        assert_eq!(step, 9);
        transcript
    };
    let whole = tell(None);
    assert_eq!(whole.len(), 10, "{whole:?}");
    for step in 0..9 {
        assert_eq!(tell(Some(step)), whole, "interrupted after step {step}");
    }
}

#[test]
fn sockets_namespaces_rooms_and_data_are_there_again() {
    let app = app();
    let mut room = app.room(plain());
    let (a, _) = room.client();
    let (b, _) = room.client();
    let in_a = room.join(a, "/a");
    for (conn, frame) in [(a, r#"42["join"]"#), (b, r#"42["join"]"#), (b, r#"42["leave"]"#)] {
        room.text(conn, frame);
    }
    for _ in 0..3 {
        room.restart();
        app.log();
        room.text(b, r#"42["to x"]"#);
        assert_eq!(room.frames(a), [r#"42["x","kept"]"#]);
        assert_eq!(room.frames(b), [""; 0], "it had left");
        room.text(a, r#"42/a,["hey"]"#);
        assert_eq!(room.frames(a), [r#"42/a,["all",1]"#]);
        assert!(app.log()[1].starts_with(&format!("event /a {in_a} hey")), "with the same id");
    }
    room.text(a, "41/a,");
    room.restart();
    app.log();
    room.text(a, r#"42/a,["late"]"#);
    assert!(!room.is_open(a), "a namespace that it left stays left");
}

#[test]
fn coming_back_tells_nobody_anything() {
    let app = app();
    let mut room = app.room(plain());
    let (conn, _) = room.client();
    app.log();
    room.restart();
    room.restart();
    assert_eq!((app.log(), room.frames(conn)), (vec![], vec![]));
}

#[test]
fn an_attachment_that_can_not_be_read_closes_its_own_socket_only() {
    let tampered = |state: &str| {
        [
            None,
            Some(String::new()),
            Some("{}".to_owned()),
            Some("null".to_owned()),
            Some("garbage".to_owned()),
            Some(state[..state.len() - 1].to_owned()),
            Some(state.replace(r#""v":4"#, r#""v":0"#)),
            Some(state.replace(r#""v":4"#, r#""v":5"#)),
            Some(state.replace(r#""v":4,"#, "")),
            Some(state.replace(r#""v":4,"#, r#""v":4,"row":"no session","#)),
            Some(state.replace(r#""sid":"#, r#""dis":"#)),
            Some(state.replace(r#""heard":"#, r#""heard":-"#)),
        ]
    };
    let (mut count, mut case) = (1, 0);
    while case < count {
        let app = app();
        let mut room = app.room(plain());
        let [(good, _), (bad, _), (other, _)] = [room.client(), room.client(), room.client()];
        let state = room.attachment(bad).unwrap();
        let broken = tampered(&state);
        assert!(broken.iter().all(|broken| broken.as_deref() != Some(&state)));
        room.tamper(bad, broken[case].clone());
        room.restart();
        room.input(Input::Tick);
        assert_eq!(room.close_code(bad), Some(None), "{:?}", broken[case]);
        room.text(good, r#"42["hey"]"#);
        assert_eq!(room.frames(other), [r#"42["all",1]"#]);
        (count, case) = (broken.len(), case + 1);
    }
}

#[test]
fn who_was_still_polling_comes_back_with_a_new_session() {
    let mut room = chat();
    let (ada, _) = member(&mut room, "Ada");
    let sid = room.open_polling();
    let socket = room.try_websocket(&sid);
    room.text(socket, "2probe");
    room.restart();
    room.input(Input::Tick);
    assert!(!room.knows(&sid), "sessions by polling live in memory only");
    assert_eq!(room.close_code(socket), Some(None), "and so does an upgrade that isn't complete");
    assert!(room.is_open(ada));
}

#[test]
fn c7_the_connect_deadline_survives() {
    let app = app();
    let mut room = app.room(plain());
    let (late, joined, left) = (room.open_socket(), room.client().0, room.client().0);
    room.text(left, "41");
    room.pass(20_000);
    room.restart();
    room.pass(24_999);
    assert!(room.is_open(late));
    room.pass(1);
    assert_eq!(room.close_code(late), Some(None));
    assert!(room.is_open(joined) && room.is_open(left), "one join is enough");
}

#[test]
fn hb1_heartbeats_go_on_where_pongs_are_delivered() {
    let app = app();
    let mut room = app.room(fast());
    let (conn, _) = room.client();
    room.pass(300);
    assert_eq!(room.frames(conn), ["2"]);
    room.restart();
    room.text(conn, "3");
    room.pass(300);
    assert_eq!(room.frames(conn), ["2"]);
    room.restart();
    room.input(Input::Tick);
    room.pass(500);
    assert!(!room.is_open(conn), "silence is still noticed");
}

#[test]
fn hb1_heartbeats_go_on_where_pongs_are_absorbed() {
    let app = app();
    let mut room = app.room(plain());
    room.sleep(1_000);
    let [(alive, _), (silent, _)] = [room.client(), room.client()];
    let mut rings = 0;
    for _ in 0..8 {
        // It sleeps and wakes for the alarm, as an idle room does.
        room.restart();
        rings += room.pass(25_000);
        assert_eq!(room.frames(alive), ["2"]);
        room.text(alive, "3");
    }
    assert_eq!(rings, 8);
    assert!(room.is_open(alive) && !room.is_open(silent));
}

#[test]
fn hb6_nobody_is_blamed_for_what_the_object_slept_through() {
    let app = app();
    let mut room = app.room(plain());
    let (conn, _) = room.client();
    for _ in 0..5 {
        room.sleep(24_000);
        room.restart();
        // A message wakes it just before the alarm, which is a minute late.
        room.text(conn, r#"42["hey"]"#);
        room.sleep(60_000);
        room.ring();
        room.text(conn, "3");
    }
    assert!(room.is_open(conn));
}

#[test]
fn attachments_of_the_chat_fit_what_the_runtime_keeps() {
    let mut room = chat();
    let (conn, _) = member(&mut room, &"😀".repeat(32));
    let state = room.attachment(conn).unwrap();
    assert!(state.contains("😀"));
    assert!(attached_size(&state) < 1_000, "far below 16 KiB: {}", attached_size(&state));
}

#[test]
fn the_largest_data_that_an_app_may_keep_fits_beside_a_socket() {
    let app = Recorder {
        on_event: |io, event| {
            let text = format!("{}\u{2028}", "x".repeat(roomcast::app::MAX_DATA_BYTES - 5));
            assert_eq!(io.set_data(event.socket, &text), Ok(()));
        },
        on_connected: |io, socket| {
            let kept: Option<String> = io.data(socket);
            assert_eq!(kept, None);
        },
        ..Recorder::default()
    };
    let mut room = app.room(plain());
    let (conn, _) = room.client();
    // The harness holds the limit itself, on each attachment.
    room.text(conn, r#"42["keep"]"#);
    room.restart();
    assert!(room.is_open(conn));
}
