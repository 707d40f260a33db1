//! What handlers return, and what of it is an answer.

mod support;

use roomcast::app::prelude::*;
use serde::Serialize;
use serde_json::json;
use support::{Room, plain};

#[derive(Serialize)]
struct Point {
    x: u8,
    y: u8,
}

fn app() -> impl App {
    Handlers::new()
        .on("nothing", |_, ()| {})
        .on("unit", |_, ()| Ok(()))
        .on("none", |_, ()| Ok(None::<u8>))
        .on("null", |_, ()| Ok(Value::Null))
        .on("one", |_, ()| Ok(Point { x: 1, y: 2 }))
        .on("two", |_, ()| Ok((1, "two")))
        .on("list", |_, ()| Ok(vec![1, 2]))
        .on("a tuple in one", |_, ()| Ok(((1, 2),)))
        .on("silent", |_, ()| NoAnswer)
        .on("silent at times", |_, asked: bool| if asked { Ok(NoAnswer) } else { Err(Error::new("no", "No.")) })
        .on("taken", |socket, ()| drop(socket.take_ack()))
        .on("refused", |_, ()| Error::new("no", "No."))
        .on("parsed", |_, text: String| Ok(text.parse::<u8>()?))
        .on("same", |_, pair: (u8, Option<String>)| Ok(pair))
}

#[test]
fn a_value_is_one_argument_a_tuple_several_and_unit_none() {
    let mut room = Room::new(plain(), app);
    let (conn, _) = room.client();
    for (event, answer) in [
        ("nothing", "[]"),
        ("unit", "[]"),
        ("none", "[null]"),
        ("null", "[null]"),
        ("one", r#"[{"x":1,"y":2}]"#),
        ("two", r#"[1,"two"]"#),
        ("list", "[[1,2]]"),
        ("a tuple in one", "[[1,2]]"),
        ("refused", r#"[{"code":"no","message":"No."}]"#),
    ] {
        room.text(conn, &format!(r#"421["{event}"]"#));
        assert_eq!(room.frames(conn), [format!("431{answer}")], "{event}");
        room.text(conn, &format!(r#"42["{event}"]"#));
        let told = room.frames(conn);
        assert_eq!(told.len(), usize::from(event == "refused"), "{event} without an ack: {told:?}");
    }
    room.text(conn, r#"422["same",7,null]"#);
    assert_eq!(room.frames(conn), ["432[7,null]"], "the same type means the same both ways");
}

#[test]
fn an_event_is_left_without_an_answer_where_the_handler_wants_it() {
    let mut room = Room::new(plain(), app);
    let (conn, _) = room.client();
    for event in [r#"["silent"]"#, r#"["silent at times",true]"#, r#"["taken"]"#, r#"["no such event"]"#] {
        room.text(conn, &format!("421{event}"));
        assert_eq!(room.frames(conn), [""; 0], "{event}");
    }
    room.text(conn, r#"421["silent at times",false]"#);
    assert_eq!(room.frames(conn), [r#"431[{"code":"no","message":"No."}]"#]);
}

#[test]
fn an_error_of_another_crate_is_the_apps_own_and_only_the_operator_learns_what_it_was() {
    let mut room = Room::new(plain(), app);
    let (conn, _) = room.client();
    assert_eq!(room.call(conn, "parsed", &json!("7")), json!(7));
    let told = json!({ "code": "internal", "message": "The room failed to do this." });
    assert_eq!(room.call(conn, "parsed", &json!("x")), told);
    let warnings = room.memory().warnings();
    assert_eq!(warnings, ["a handler failed: invalid digit found in string"]);
}

#[test]
fn events_are_sent_with_as_many_arguments_as_the_value_has() {
    let app = || {
        Handlers::new().on("go", |socket, ()| {
            socket.emit("none", &())?;
            socket.emit("null", &None::<u8>)?;
            socket.emit("one", "text")?;
            socket.emit("two", &(socket.id, 2))?;
            socket.io.emit("array", &[1, 2])?;
            socket.emit("list", &vec![1, 2])
        })
    };
    let mut room = Room::new(plain(), app);
    let (conn, id) = room.client();
    room.text(conn, r#"42["go"]"#);
    let sent = [
        json!(["none"]),
        json!(["null", null]),
        json!(["one", "text"]),
        json!(["two", id, 2]),
        json!(["array", 1, 2]),
        json!(["list", [1, 2]]),
    ];
    assert_eq!(room.frames(conn), sent.map(|event| format!("42{event}")));
}
