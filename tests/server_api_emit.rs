//! The emit cheatsheet, row by row of the reference's server API: whom an event reaches.

#![allow(clippy::indexing_slicing, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::Handlers;
use roomcast::app::prelude::*;
use roomcast::ids::ConnId;
use serde_json::{Value, json};
use support::{Room, plain};

type App = Handlers<()>;

/// A room with clients a, b and c, of which a and b are in `red`, and b and c in `blue`.
fn scene(app: impl Fn(App) -> App + 'static) -> (Room, [ConnId; 3], [String; 3]) {
    let join = |socket: &mut Socket<'_>, room: String| socket.join(&room);
    let mut room = Room::new(plain(), move || app(Handlers::new().on("join", join)));
    let clients: [_; 3] = std::array::from_fn(|_| room.client());
    for (client, name) in [(0, "red"), (1, "red"), (1, "blue"), (2, "blue")] {
        room.emit(clients[client].0, &json!(["join", name]));
    }
    let ids = clients.each_ref().map(|(_, id)| id.clone());
    (room, clients.map(|(conn, _)| conn), ids)
}

/// What a, b and c have got, after a has sent `go`.
fn go(app: impl Fn(App) -> App + 'static) -> [Vec<Value>; 3] {
    let (mut room, conns, _) = scene(app);
    room.emit(conns[0], &json!(["go"]));
    conns.map(|conn| room.events(conn))
}

/// Who of a, b and c has got `m`, after a has sent `go`.
fn reached(handler: impl Fn(&mut Socket<'_>, ()) -> Result + Clone + 'static) -> [usize; 3] {
    go(move |app| app.on("go", handler.clone())).map(|events| {
        assert!(events.iter().all(|event| *event == json!(["m", 1])), "{events:?}");
        events.len()
    })
}

#[test]
fn row_1_socket_emit() {
    assert_eq!(reached(|socket, ()| socket.emit("m", &1)), [1, 0, 0]);
    let [a, ..] = go(|app| {
        app.on("go", |socket, ()| {
            let mut args = Args::of("x")?;
            args.push(&2)?;
            socket.emit_args("several", &args)
        })
    });
    assert_eq!(a, [json!(["several", "x", 2])]);
}

#[test]
fn row_4_io_emit() {
    assert_eq!(reached(|socket, ()| socket.io.emit("m", &1)), [1, 1, 1]);
}

#[test]
fn row_5_socket_broadcast_emit() {
    assert_eq!(reached(|socket, ()| socket.broadcast().emit("m", &1)), [0, 1, 1]);
}

#[test]
fn row_7_join_leave_and_rooms() {
    let [a, ..] = go(|app| {
        app.on("go", |socket, ()| {
            socket.join("green");
            socket.leave("red");
            let own = socket.id.as_str();
            let (own, rooms): (Vec<_>, Vec<_>) = socket.rooms().into_iter().partition(|room| room == own);
            let is_in_its_own = own.len() == 1;
            socket.emit("rooms", &((rooms, is_in_its_own),))
        })
    });
    assert_eq!(a, [json!(["rooms", [["green"], true]])]);
}

#[test]
fn row_8_io_to_and_in_are_the_union_of_rooms() {
    assert_eq!(reached(|socket, ()| socket.io.to("red").emit("m", &1)), [1, 1, 0]);
    assert_eq!(reached(|socket, ()| socket.io.to("red").to("blue").emit("m", &1)), [1, 1, 1], "b once");
    assert_eq!(reached(|socket, ()| socket.io.to("nobody").emit("m", &1)), [0, 0, 0]);
}

#[test]
fn row_9_except_rooms_and_sockets() {
    assert_eq!(reached(|socket, ()| socket.io.except("blue").emit("m", &1)), [1, 0, 0]);
    assert_eq!(reached(|socket, ()| socket.except("red").emit("m", &1)), [0, 0, 1]);
    assert_eq!(reached(|socket, ()| socket.io.to("red").except(socket.id).emit("m", &1)), [0, 1, 0]);
}

#[test]
fn row_10_socket_to_leaves_the_sender_out() {
    assert_eq!(reached(|socket, ()| socket.to("red").emit("m", &1)), [0, 1, 0]);
    assert_eq!(reached(|socket, ()| socket.to("red").to("blue").emit("m", &1)), [0, 1, 1]);
}

#[test]
fn row_11_a_private_message_by_socket_id() {
    let (mut room, conns, ids) = scene(|app| {
        app.on("tell", |socket, (to, text): (String, String)| socket.io.to(to).emit("told", &text))
            .on("tell self", |socket, ()| socket.to(socket.id).emit("told", &1))
    });
    room.emit(conns[0], &json!(["tell", ids[2], "psst"]));
    room.emit(conns[0], &json!(["tell self"]));
    assert_eq!(conns.map(|conn| room.events(conn).len()), [0, 0, 1], "socket.to of oneself reaches nobody");
}

#[test]
fn row_12_volatile_is_dropped_where_it_does_not_arrive_at_once() {
    let (mut room, conns, _) = scene(|app| {
        app.on("go", |socket, ()| {
            socket.volatile().emit("fleeting", &1)?;
            socket.io.all().volatile().emit("fleeting", &2)
        })
    });
    let sid = room.open_polling();
    room.join_polling(&sid);
    room.emit(conns[0], &json!(["go"]));
    assert_eq!(conns.map(|conn| room.events(conn).len()), [1, 1, 1], "what comes after another one is dropped as well");
    let waiting = room.get(&sid);
    room.emit(conns[1], &json!(["go"]));
    assert_eq!(room.packets(waiting), r#"42["fleeting",2]"#, "and what came before the GET was dropped too");
}

#[test]
fn row_15_send_emits_message() {
    let [a, b, c] = go(|app| {
        app.on("go", |socket, ()| {
            socket.send("to me")?;
            socket.broadcast().send(&("to", "others"))
        })
    });
    assert_eq!(a, [json!(["message", "to me"])]);
    assert_eq!([b, c].concat(), vec![json!(["message", "to", "others"]); 2]);
}

#[test]
fn row_16_binary_anywhere() {
    let (mut room, [a, b, _], _) = scene(|app| {
        app.on("draw", |socket, (name, bytes): (String, Binary)| {
            let halves = bytes.split_at(bytes.len() / 2);
            socket.broadcast().emit("drawn", &json!({ "name": name, "size": bytes.len() }))?;
            socket.broadcast().emit("halves", &(Binary::from(halves.0), Binary::from(halves.1)))
        })
    });
    room.text(a, r#"451-["draw","line",{"_placeholder":true,"num":0}]"#);
    room.binary(a, &[1, 2, 3]);
    let frames = room.frames(b);
    assert_eq!(frames[0], r#"42["drawn",{"name":"line","size":3}]"#);
    let placeholder = |num| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    assert_eq!(frames[1], format!(r#"452-["halves",{},{}]"#, placeholder(0), placeholder(1)));
    assert_eq!(frames[2..], ["[1]", "[2, 3]"]);
}

#[test]
fn row_48_typed_events_a_malformed_payload_is_answered_before_the_handler_runs() {
    #[derive(Debug, Deserialize)]
    struct Move {
        x: f64,
        y: Option<f64>,
    }
    let (mut room, [a, b, _], _) = scene(|app| {
        app.on("move", |socket, Move { x, y }: Move| socket.broadcast().emit("moved", &(x, y)))
            .on("two", |_, (x, y): (u8, u8)| Ok(x + y))
            .on("fail", |_, ()| Error::new("no_luck", "It failed."))
    });
    let code = |answer: &Value| answer["code"].as_str().unwrap_or_default().to_owned();
    for bad in [json!([]), json!({}), json!({ "x": "1" }), json!({ "x": 1, "y": "2" }), json!(null), json!([1, 2])] {
        let answer = room.call(a, "move", &bad);
        assert_eq!(code(&answer), "invalid_payload", "{bad}");
        assert!(answer["message"].as_str().is_some_and(|why| why.starts_with(r#"The event "move" takes"#)), "{answer}");
    }
    assert_eq!(room.events(b), [] as [Value; 0]);
    room.text(a, r#"421["move",{"x":1,"unknown":true}]"#);
    assert_eq!(room.frames(a), ["431[]"], "nothing to be said is an answer without arguments");
    assert_eq!(room.events(b), [json!(["moved", 1.0, null])]);
    room.text(a, r#"422["two",3,4,"more"]"#);
    assert_eq!(room.frames(a), ["432[7]"]);
    assert_eq!(code(&room.call(a, "fail", &json!(0))), "no_luck");
    room.emit(a, &json!(["two", 3]));
    room.emit(a, &json!(["fail"]));
    let told = room.events(a);
    assert_eq!(told.iter().map(|event| event[0].clone()).collect::<Vec<_>>(), ["error"; 2]);
    assert_eq!(told[1][1], json!({ "code": "no_luck", "message": "It failed." }));
    room.text(a, r#"425["nobody knows this"]"#);
    assert_eq!(room.frames(a), [""; 0], "what nobody handles isn't answered, as by the reference");
}
