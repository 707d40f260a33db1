//! Sockets as the server sees them: looked at, moved, disconnected, and what is known of them. Row by row of the
//! reference's server API.

mod support;

use roomcast::app::prelude::*;
use roomcast::app::{Handlers, RoomEvent};
use roomcast::config::Config;
use roomcast::outbox::{Headers, Request};
use serde_json::{Value, json};
use support::{Log, POLLING, Room, WEBSOCKET, logging, note, plain};

#[test]
fn row_17_fetch_sockets_with_rooms_data_and_handshake() {
    let (_, mut room) = logging(plain(), |app| {
        app.on("enter", |socket, (room, data): (String, u8)| {
            socket.join(&room);
            socket.set_data(&data)
        })
        .on("who", |socket, room: String| {
            let there = socket.io.to(room).fetch_sockets();
            let line = |one: &roomcast::app::RemoteSocket| {
                let rooms: Vec<_> = one.rooms.iter().filter(|room| *room != one.id.as_str()).collect();
                json!([one.id, rooms, one.data::<u8>(), one.data::<String>(), one.handshake.time])
            };
            Ok(there.iter().map(line).collect::<Vec<_>>())
        })
    });
    let ((a, id_a), (b, _)) = (room.client(), room.client());
    room.emit(a, &json!(["enter", "red", 7]));
    let now = room.now();
    assert_eq!(room.call(b, "who", &json!("red")), json!([[id_a, ["red"], 7, null, now]]));
    assert_eq!(room.call(b, "who", &json!("blue")), json!([]));
    room.restart();
    assert_eq!(room.call(b, "who", &json!("red")), json!([[id_a, ["red"], 7, null, now]]), "after a restart too");
}

#[test]
fn row_18_sockets_join_and_sockets_leave() {
    let (_, mut room) = logging(plain(), |app| {
        app.on("all join", |socket, room: String| socket.io.all().sockets_join(&room))
            .on("others leave", |socket, room: String| socket.broadcast().sockets_leave(&room))
            .on("move", |socket, (from, to): (String, String)| socket.io.to(from).sockets_join(&to))
            .on("count", |socket, room: String| Ok(socket.io.to(room).fetch_sockets().len()))
    });
    let [(a, _), _, _] = std::array::from_fn(|_| room.client());
    let count = |room: &mut Room, name: &str| room.call(a, "count", &json!(name));
    room.emit(a, &json!(["all join", "red"]));
    assert_eq!(count(&mut room, "red"), 3);
    room.emit(a, &json!(["others leave", "red"]));
    assert_eq!(count(&mut room, "red"), 1);
    room.emit(a, &json!(["move", "red", "blue"]));
    assert_eq!([count(&mut room, "red"), count(&mut room, "blue")], [1, 1]);
}

#[test]
fn row_19_disconnect_sockets() {
    let (log, mut room) = logging(plain(), |app| {
        app.on("kick", |socket, close: bool| socket.broadcast().disconnect_sockets(close))
            .on_disconnect(|room, departed| note(room.app, departed.reason.as_str().to_owned()))
    });
    for close in [false, true] {
        let ((a, _), (b, _)) = (room.client(), room.client());
        room.emit(a, &json!(["kick", close]));
        assert_eq!(room.frames(b), ["41"]);
        assert_eq!((room.is_open(a), room.is_open(b)), (true, !close));
        assert_eq!(log.take(), ["server namespace disconnect"]);
        room.hang_up(a, false);
        log.take();
    }
}

#[test]
fn row_20_socket_disconnect_and_row_29_connected() {
    let (_, mut room) = logging(plain(), |app| {
        app.on("leave", |socket, close: bool| {
            let before = socket.connected();
            socket.disconnect(close);
            note(socket.app, format!("{before} {}", socket.connected()));
            socket.io.emit("gone", &0)
        })
    });
    let (witness, _) = room.client();
    for close in [false, true] {
        let (conn, _) = room.client();
        room.emit(conn, &json!(["leave", close]));
        assert_eq!((room.frames(conn), room.is_open(conn)), (vec!["41".to_owned()], !close));
        assert_eq!(room.frames(witness).len(), 1);
    }
}

#[test]
fn row_27_socket_data_survives_restarts() {
    let (_, mut room) = logging(plain(), |app| {
        app.on("count", |socket, ()| {
            let count = socket.data::<u32>().unwrap_or_default() + 1;
            socket.set_data(&count)?;
            Ok(count)
        })
    });
    let (conn, _) = room.client();
    for expected in 1..4 {
        assert_eq!(room.call(conn, "count", &json!(null)), expected);
        room.restart();
    }
}

/// A client's first request, with a query, headers and an origin.
fn first_request<'a>(query: &'a str, headers: Headers<'a>) -> Request<'a> {
    let origin = Some("https://example.com");
    Request { method: "GET", query, upgrade: true, origin, secure: true, headers, ..Request::default() }
}

#[test]
fn row_28_socket_handshake_lasts_as_long_as_the_connection() {
    let (_, mut room) = logging(plain(), |app| {
        app.keep_headers(&["User-Agent", "X-None"])
            .on("handshake", |socket, ()| {
                Ok(socket.handshake().map(|shake| {
                    json!([shake.time, shake.address, shake.secure, shake.xdomain, shake.query, shake.headers])
                }))
            })
            .middleware(|_, joining| match joining.handshake.query.get("token").map(String::as_str) {
                Some("secret") => Ok(()),
                _ => Err(Refusal::new("wrong token").with_data(json!({ "code": 401 }))),
            })
    });
    let headers = [("CF-Connecting-IP", "192.0.2.1"), ("User-Agent", "test"), ("Cookie", "a secret")];
    let headers = headers.map(|(name, value)| (name, value.to_owned()));
    let time = room.now();
    let conn = room.request(first_request("EIO=4&transport=websocket&t=x&token=secret", Headers::new(&headers)));
    room.frames(conn);
    room.join(conn, "/");
    let query = json!({ "EIO": "4", "transport": "websocket", "t": "x", "token": "secret" });
    let all = json!({ "cf-connecting-ip": "192.0.2.1", "user-agent": "test", "cookie": "a secret" });
    room.sleep(5_000);
    assert_eq!(room.call(conn, "handshake", &json!(null)), json!([time, "192.0.2.1", true, true, query, all]));
    room.restart();
    let kept = json!({ "user-agent": "test" });
    assert_eq!(room.call(conn, "handshake", &json!(null)), json!([time, "192.0.2.1", true, true, query, kept]));

    let stranger = room.open_socket();
    room.text(stranger, "40");
    assert_eq!(room.frames(stranger), [r#"44{"message":"wrong token","data":{"code":401}}"#]);
}

#[test]
fn row_28_auth_is_there_on_connection() {
    #[derive(Deserialize)]
    struct Auth {
        name: String,
    }
    let (log, mut room) = logging(plain(), |app| {
        app.on_connection(|socket| {
            let name = socket.auth::<Auth>().map(|auth| auth.name);
            note(socket.app, format!("{name:?} {}", socket.recovered));
        })
    });
    let conn = room.open_socket();
    room.text(conn, r#"40{"name":"Ada"}"#);
    let other = room.open_socket();
    room.text(other, "40");
    assert_eq!(log.take(), [r#"Some("Ada") false"#, "None false"]);
}

#[test]
fn row_29_recovered() {
    let (log, mut room) = logging(Config::default(), |app| {
        app.on_connection(|socket| note(socket.app, format!("{} {}", socket.id, socket.recovered)))
    });
    let mut traveller = support::Traveller::new(&mut room);
    traveller.blink(&mut room);
    assert_eq!(log.take(), [format!("{} false", traveller.id), format!("{} true", traveller.id)]);
}

#[test]
fn row_30_disconnecting_and_disconnect_with_rooms_and_reason() {
    let (log, mut room) = logging(plain(), |app| {
        app.on("join", |socket, room: String| socket.join(&room))
            .on_disconnecting(|room, departed| {
                let rooms: Vec<_> = departed.rooms.iter().filter(|room| *room != departed.id.as_str()).collect();
                note(room.app, format!("disconnecting {rooms:?} {}", departed.reason.as_str()));
                rooms.iter().try_for_each(|name| room.io.to(name).emit("left", name))
            })
            .on_disconnect(|room, departed| {
                note(
                    room.app,
                    format!("disconnect {} {}", departed.reason.as_str(), room.io.is_connected(&departed.id)),
                );
            })
    });
    let ((a, _), (b, _), (c, _)) = (room.client(), room.client(), room.client());
    for conn in [a, b] {
        room.emit(conn, &json!(["join", "red"]));
    }
    room.text(a, "41");
    let reason = "client namespace disconnect";
    assert_eq!(log.take(), [format!(r#"disconnecting ["red"] {reason}"#), format!("disconnect {reason} false")]);
    assert_eq!(room.events(b), [json!(["left", "red"])]);
    assert_eq!((room.frames(a), room.frames(c)), (vec![], vec![]), "neither who left nor others");
    room.hang_up(b, true);
    let reason = "transport error";
    assert_eq!(log.take(), [format!(r#"disconnecting ["red"] {reason}"#), format!("disconnect {reason} false")]);
}

#[test]
fn row_33_recovery_and_who_never_comes_back() {
    let (log, mut room) = logging(Config::default(), |app| {
        app.on_disconnect(|room, departed| note(room.app, format!("lost {}", departed.recoverable)))
            .on_expired(|room, departed| note(room.app, format!("gone {}", departed.id)))
    });
    let (conn, id) = room.client();
    room.hang_up(conn, true);
    assert_eq!(log.take(), ["lost true"]);
    room.pass(Config::default().recovery.0);
    assert_eq!(log.take(), [format!("gone {id}")]);
}

#[test]
fn row_35_create_join_leave_and_delete_room() {
    let (log, mut room) = logging(plain(), |app| {
        app.on("join", |socket, room: String| {
            socket.join(&room);
            socket.join(&room);
            note(socket.app, "joined".to_owned());
        })
        .on("leave", |socket, room: String| socket.leave(&room))
        .on_room(|room, change| {
            let own = *change.room == *change.socket.as_str();
            let name = if own { "its own" } else { &change.room };
            let event = match change.event {
                RoomEvent::Created => "create",
                RoomEvent::Joined => "join",
                RoomEvent::Left => "leave",
                RoomEvent::Deleted => "delete",
            };
            note(room.app, format!("{event} {name}"));
        })
    });
    let (a, _) = room.client();
    assert_eq!(log.take(), ["create its own", "join its own"]);
    room.emit(a, &json!(["join", "red"]));
    assert_eq!(log.take(), ["joined", "create red", "join red"], "when the handler is done");
    let (b, _) = room.client();
    room.emit(b, &json!(["join", "red"]));
    assert_eq!(log.take()[2..], ["joined", "join red"]);
    room.restart();
    room.emit(b, &json!(["leave", "red"]));
    assert_eq!(log.take(), ["leave red"], "and nothing of those who come back from a nap");
    room.text(a, "41");
    assert_eq!(log.take(), ["leave its own", "delete its own", "leave red", "delete red"]);
}

#[test]
fn row_36_introspection() {
    let (_, mut room) = logging(plain(), |app| {
        let look = |socket: &mut Socket<'_, Log>, (): ()| {
            let mut rooms = socket.io.rooms();
            rooms.retain(|(room, _)| room.len() < 20);
            rooms.sort_unstable();
            Ok(json!([socket.io.sockets().len(), rooms, socket.io.namespaces(), socket.io.clients_count()]))
        };
        let join = |socket: &mut Socket<'_, Log>, room: String| socket.join(&room);
        app.on("look", look).on("join", join).of("/a").on("look", look)
    });
    let ((a, _), (b, _)) = (room.client(), room.client());
    room.open_polling();
    room.join(b, "/a");
    for conn in [a, b] {
        room.emit(conn, &json!(["join", "red"]));
    }
    room.emit(a, &json!(["join", "blue"]));
    assert_eq!(room.call(a, "look", &json!(null)), json!([2, [["blue", 1], ["red", 2]], ["/", "/a"], 3]));
}

#[test]
fn row_24_engine_middleware_row_37_connection_error_row_38_allow_request_row_39_headers() {
    let (log, mut room) = {
        let log = Log::default();
        let own = log.clone();
        let app = move || {
            let log = own.clone();
            Handlers::with(own.clone())
                .allow_request(|request| match request.query.contains("key=open") {
                    true => Ok(()),
                    false => Err("no key".into()),
                })
                .initial_headers(|_| vec![("x-greeting".to_owned(), "hello".to_owned())])
                .on_connection_error(move |error| note(&log, format!("{} {}", error.code, error.message)))
        };
        (log, Room::new(plain(), app))
    };
    let refused = room.http("GET", POLLING);
    assert_eq!(room.answer(refused).map(|reply| reply.status), Some(403));
    room.http("GET", "EIO=4&transport=carrier-pigeon");
    room.http("GET", "EIO=4&transport=polling&sid=nobody");
    room.http("POST", "EIO=4&transport=polling");
    room.websocket(WEBSOCKET);
    room.http("GET", "EIO=3&transport=polling&key=open");
    let codes = ["4 no key", "0 Transport unknown", "1 Session ID unknown", "2 Bad handshake method", "4 no key"];
    assert_eq!(log.take(), [&codes[..], &["5 Unsupported protocol version"]].concat());
    let fine = room.http("GET", &format!("{POLLING}&key=open"));
    let headers = room.answer(fine).map(|reply| reply.headers);
    assert_eq!(headers, Some(vec![("x-greeting".to_owned(), "hello".to_owned())]));
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn row_45_limits_are_settings() {
    let config = Config { connect_timeout: Millis(1_000), max_payload: 20, ..plain() };
    let (_, mut room) = logging(config, |app| app.on("size", |_, text: String| Ok(text.len())));
    let idle = room.open_socket();
    let (conn, _) = room.client();
    assert_eq!(room.call(conn, "size", &json!("x")), Value::from(1));
    room.pass(1_000);
    assert_eq!((room.is_open(idle), room.is_open(conn)), (false, true));
    let sid = room.open_polling();
    let post = room.start_post(&sid);
    let refused = room.finish_post(post, Err(roomcast::outbox::BodyError::TooLarge));
    assert_eq!(refused.status, 413);
}
