//! What an app may do through `Io`: whom its events reach, what it keeps with a socket, whom it disconnects.

mod support;

use std::collections::HashMap;

use roomcast::app::{AnswersName, Departed, Error, Event, Io, MAX_DATA_BYTES};
use roomcast::ids::{ConnId, SocketId};
use serde_json::json;
use support::{Recorder, Room, plain};

/// What the event `emit` asks for.
#[derive(serde::Deserialize)]
struct Receivers {
    to: Vec<String>,
    except: Vec<String>,
}

fn first_arg<'a, T: serde::Deserialize<'a>>(event: &Event<'a>) -> Option<T> {
    event.args.get(0)
}

/// Clients tell this app what to do.
fn obey(io: &Io<'_>, event: &Event<'_>) {
    let room: String = first_arg(event).unwrap_or_default();
    match event.name {
        "join" => io.join(event.socket, &room),
        "leave" => io.leave(event.socket, &room),
        "join other" => io.join(&SocketId::from_wire(&room), "x"),
        "remove" => io.disconnect(&SocketId::from_wire(&room), false),
        "close" => io.disconnect(&SocketId::from_wire(&room), true),
        _ => {
            let receivers: Option<Receivers> = first_arg(event);
            let (to, except) = receivers.map(|r| (r.to, r.except)).unwrap_or_default();
            let emit = to.iter().fold(io.all(), |emit, room| emit.to(room));
            let emit = except.iter().fold(emit, |emit, room| emit.except(room));
            assert_eq!(emit.emit("m", &1), Ok(()));
        }
    }
    assert_eq!(io.to("watchers").emit("done", &0), Ok(()));
}

fn tell_watchers(io: &Io<'_>, departed: &Departed) {
    let mut rooms = departed.rooms.clone();
    rooms.retain(|room| room != departed.id.as_str());
    assert_eq!(io.to("watchers").emit("gone", &rooms), Ok(()));
}

/// A room with clients a, b, c, …
fn clients<const N: usize>(app: &Recorder) -> (Room, [(ConnId, String); N]) {
    let mut room = app.room(plain());
    let clients = std::array::from_fn(|_| room.client());
    app.log();
    (room, clients)
}

fn app() -> Recorder {
    Recorder { on_event: |io, event| obey(io, &event), on_disconnected: tell_watchers, ..Recorder::default() }
}

fn send(room: &mut Room, conn: ConnId, event: &str, arg: &str) {
    room.text(conn, &format!("42{}", json!([event, arg])));
}

#[test]
fn an_event_reaches_the_union_of_rooms_but_for_the_excepted_and_each_socket_once() {
    let app = app();
    let (mut room, [a, b, c]) = clients(&app);
    for (client, name) in [(&a, "x"), (&a, "y"), (&b, "y"), (&c, "z")] {
        send(&mut room, client.0, "join", name);
    }
    let [ida, idb, idc] = [&a.1, &b.1, &c.1].map(String::as_str);
    let none: &[&str] = &[];
    let table: [(&[&str], &[&str], [usize; 3]); 12] = [
        (none, none, [1, 1, 1]),
        (&["x"], none, [1, 0, 0]),
        (&["x", "y"], none, [1, 1, 0]),
        (&["y", "y", "z"], none, [1, 1, 1]),
        (&["y"], &["x"], [0, 1, 0]),
        (none, &["y"], [0, 0, 1]),
        (none, &["x", "z"], [0, 1, 0]),
        (none, &["nobody"], [1, 1, 1]),
        (&["nobody"], none, [0, 0, 0]),
        (&[idb], none, [0, 1, 0]),
        (&[ida, "x"], &[idc], [1, 0, 0]),
        (none, &[ida], [0, 1, 1]),
    ];
    for (to, except, expected) in table {
        room.text(c.0, &format!(r#"42["emit",{}]"#, json!({"to": to, "except": except})));
        let got = [&a, &b, &c].map(|client| room.frames(client.0));
        assert_eq!(got.each_ref().map(Vec::len), expected, "to {to:?} except {except:?}");
        assert!(got.iter().flatten().all(|frame| frame == r#"42["m",1]"#));
    }
}

#[test]
fn who_left_a_room_or_the_namespace_hears_no_more_of_it() {
    let app = app();
    let (mut room, [a, b]) = clients(&app);
    for client in [&a, &b] {
        send(&mut room, client.0, "join", "x");
    }
    send(&mut room, a.0, "leave", "x");
    send(&mut room, a.0, "leave", "never joined");
    room.text(a.0, r#"42["emit",{"to":["x"],"except":[]}]"#);
    assert_eq!([room.frames(a.0).len(), room.frames(b.0).len()], [0, 1]);
    room.text(b.0, "41");
    let id = room.join(b.0, "/");
    room.text(a.0, r#"42["emit",{"to":["x"],"except":[]}]"#);
    assert_eq!(room.frames(b.0), [""; 0], "rooms are the socket's, not the connection's");
    send(&mut room, a.0, "join other", &b.1);
    send(&mut room, a.0, "join other", &id);
    room.text(a.0, r#"42["emit",{"to":["x"],"except":[]}]"#);
    assert_eq!(room.frames(b.0).len(), 1, "a socket that is gone joins nothing");
}

#[test]
fn a_hook_that_disconnects_is_finished_before_the_app_is_told() {
    let app = app();
    let (mut room, [watcher, victim, actor]) = clients(&app);
    send(&mut room, watcher.0, "join", "watchers");
    send(&mut room, victim.0, "join", "x");
    room.frames(watcher.0);
    send(&mut room, actor.0, "remove", &victim.1);
    assert_eq!(room.frames(watcher.0), [r#"42["done",0]"#, r#"42["gone",["x"]]"#]);
    assert_eq!(room.frames(victim.0), ["41"]);
    assert!(room.is_open(victim.0), "its connection stays, for other namespaces");

    app.log();
    send(&mut room, actor.0, "remove", &actor.1);
    let told = app.log();
    assert_eq!(told[1..], [format!("disconnected / {} server namespace disconnect", actor.1)]);
    assert_eq!(room.frames(watcher.0), [r#"42["done",0]"#, r#"42["gone",[]]"#]);
}

#[test]
fn w3_closing_says_goodbye_in_each_namespace_and_then_closes() {
    let app = app();
    let (mut room, [victim, actor]) = clients(&app);
    let in_a = room.join(victim.0, "/a");
    app.log();
    send(&mut room, actor.0, "close", &victim.1);
    assert_eq!(room.frames(victim.0), ["41", "41/a,"]);
    assert_eq!(room.close_code(victim.0), Some(None));
    let reason = "server namespace disconnect";
    let told = [format!("disconnected / {} {reason}", victim.1), format!("disconnected /a {in_a} {reason}")];
    assert_eq!(app.log()[1..], told, "each socket once");
    room.hang_up(victim.0, false);
    send(&mut room, actor.0, "close", &victim.1);
    assert_eq!(app.log().len(), 1, "who is gone can't be disconnected again");
}

#[test]
fn a_hook_for_a_departure_may_disconnect_others_in_turn() {
    let app = Recorder {
        on_disconnected: |io, _| {
            let next = io.sockets().first().cloned();
            if let Some(next) = next {
                io.disconnect(&next, true);
            }
        },
        ..Recorder::default()
    };
    let (mut room, [a, b, c]) = clients(&app);
    room.hang_up(a.0, false);
    let told = [
        format!("disconnected / {} transport close", a.1),
        format!("disconnected / {} server namespace disconnect", b.1),
        format!("disconnected / {} server namespace disconnect", c.1),
    ];
    assert_eq!(app.log(), told);
    assert!(!room.is_open(b.0) && !room.is_open(c.0));
}

#[test]
fn a_socket_may_be_disconnected_while_the_app_is_told_that_it_connected() {
    let app = Recorder { on_connected: |io, socket| io.disconnect(socket, true), ..Recorder::default() };
    let mut room = app.room(plain());
    let conn = room.open_socket();
    room.text(conn, "40");
    let frames = room.frames(conn);
    assert!(frames[0].starts_with("40{"));
    assert_eq!((&frames[1..], room.close_code(conn)), (&["41".to_owned()][..], Some(None)));
    let log = app.log();
    assert!(log[1].starts_with("connected ") && log[2].starts_with("disconnected "), "{log:?}");
}

#[test]
fn a_client_that_is_closed_while_it_is_judged_never_connected() {
    // Whoever wants to join `/b` has everybody there thrown out, and whoever is thrown out takes `/a` along.
    let app = Recorder {
        on_connecting: |io, _| {
            let there = io.sockets();
            if io.namespace() == "/b" {
                there.iter().for_each(|socket| io.disconnect(socket, true));
            }
            Ok(())
        },
        on_disconnected: |io, _| {
            let there = io.sockets();
            there.iter().for_each(|socket| io.disconnect(socket, true));
        },
        ..Recorder::default()
    };
    let mut room = app.room(plain());
    let [first, second] = [room.open_socket(), room.open_socket()];
    for (conn, namespace) in [(first, "/a"), (first, "/b"), (second, "/a")] {
        room.join(conn, namespace);
    }
    app.log();
    room.text(second, "40/b,");
    assert!(!room.is_open(first) && !room.is_open(second));
    let log = app.log();
    assert!(!log.iter().any(|line| line.starts_with("connected")), "{log:?}");
}

#[test]
fn half_a_surrogate_pair_that_was_kept_unread_can_be_read_later() {
    let app = Recorder {
        on_event: |io, event| {
            let unread = event.args.json(0).unwrap();
            assert_eq!(unread.get(), r#"{"a":"\ud800","b":5.0}"#);
            let read =
                std::collections::BTreeMap::from([("a".to_owned(), json!("\u{fffd}")), ("b".to_owned(), json!(5))]);
            assert_eq!(io.set_data(event.socket, unread), Ok(()));
            assert_eq!(io.data(event.socket), Some(read.clone()));
            assert_eq!(io.kv().put("k", unread), Ok(()));
            assert_eq!(
                (io.kv().get("k"), io.kv().list("k")),
                (Ok(Some(read.clone())), Ok(vec![("k".to_owned(), read)]))
            );
        },
        ..Recorder::default()
    };
    let (mut room, [a]) = clients(&app);
    room.text(a.0, r#"42["keep",{"a":"\ud800","b":5.0}]"#);
}

#[test]
fn data_has_a_limit_and_what_does_not_fit_leaves_the_old() {
    let app = Recorder {
        on_event: |io, event| {
            let text = |bytes: usize| "x".repeat(bytes - 2);
            let kept = |io: &Io<'_>| io.data::<String>(event.socket).map(|text| text.len());
            assert_eq!(kept(io), None);
            assert_eq!(io.set_data(event.socket, &text(MAX_DATA_BYTES)), Ok(()));
            assert_eq!(io.set_data(event.socket, &text(MAX_DATA_BYTES + 1)), Err(Error::DataTooLarge));
            let no_json = HashMap::from([((1, 2), 3)]);
            assert!(matches!(io.set_data(event.socket, &no_json), Err(Error::NotJson(_))));
            assert_eq!(kept(io), Some(MAX_DATA_BYTES - 2));
            assert_eq!(io.data::<u64>(event.socket), None, "it is something else");
            assert_eq!(io.set_data(event.socket, &7), Ok(()));
            let gone = SocketId::from_wire("gone");
            assert_eq!((io.set_data(&gone, &1), io.data::<u64>(&gone)), (Ok(()), None));
        },
        on_disconnected: |io, departed| {
            assert_eq!((departed.data::<u64>(), io.data::<u64>(&departed.id)), (Some(7), None));
            assert_eq!(departed.rooms, [departed.id.as_str()]);
        },
        ..Recorder::default()
    };
    let (mut room, [a]) = clients(&app);
    room.text(a.0, r#"42["go"]"#);
    room.text(a.0, "41");
    assert_eq!(app.log().len(), 2);
}

#[test]
fn e9_reserved_names_and_values_without_json_are_refused_and_nobody_gets_anything() {
    let app = Recorder {
        on_event: |io, _| {
            let reserved = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
            for name in reserved {
                assert_eq!(io.all().emit(name, &1), Err(Error::ReservedName));
                assert_eq!(io.all().emit_with_ack(name, &1, AnswersName::new("q")), Err(Error::ReservedName));
            }
            let no_json = HashMap::from([((1, 2), 3)]);
            assert!(matches!(io.all().emit("m", &no_json), Err(Error::NotJson(_))));
            assert!(matches!(io.all().emit_with_ack("m", &no_json, AnswersName::new("q")), Err(Error::NotJson(_))));
            for name in ["connection", "error", "message", "he\"y\n"] {
                assert_eq!(io.all().emit(name, &1), Ok(()));
            }
        },
        ..Recorder::default()
    };
    let (mut room, [a]) = clients(&app);
    room.text(a.0, r#"42["go"]"#);
    let fine = [r#"42["connection",1]"#, r#"42["error",1]"#, r#"42["message",1]"#, r#"42["he\"y\n",1]"#];
    assert_eq!(room.frames(a.0), fine);
    assert_eq!(app.log().len(), 1, "a reserved name costs no connection");
}
