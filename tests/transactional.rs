//! Handlers that fail: they are undone where the app is transactional, and else keep what they did.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in here fails the test"
)]

mod support;

use roomcast::app::{AnswersName, Error, Handlers, Io, Result, TimerName};
use roomcast::ids::{ConnId, Millis};
use serde_json::{Value, json};
use support::{Log, Room, logging, note, plain};

fn failed() -> Error {
    Error::new("failed", "As it was told to.")
}

/// An app whose handlers do something and fail, all of the same kind.
fn failing(transactional: bool) -> impl Fn(Handlers<Log>) -> Handlers<Log> {
    fn meddle(io: &Io<'_>, what: &str) -> Result {
        io.emit("said", &what)?;
        io.kv().put("last", &what)?;
        for socket in io.sockets() {
            io.join(&socket, what);
            io.set_data(&socket, &what)?;
        }
        io.timer(TimerName::new("never")).schedule(Millis(1_000))?;
        Err(failed())
    }
    move |handlers| {
        let handlers = if transactional { handlers.transactional() } else { handlers };
        handlers
            .on("plain", |socket, (): ()| meddle(&socket.io, "plain"))
            .on("acked", |socket, (): ()| {
                let ack = socket.take_ack();
                note(socket.app, format!("took the ack: {}", ack.is_some()));
                meddle(&socket.io, "acked")
            })
            .on("answered", |socket, (): ()| {
                if let Some(ack) = socket.take_ack() {
                    socket.io.answer(ack, &"early")?;
                }
                meddle(&socket.io, "answered")
            })
            .on("gone", |socket, (): ()| {
                socket.disconnect(true);
                meddle(&socket.io, "gone")
            })
            .on("set", |socket, (): ()| socket.io.timer(TimerName::new("fails")).set_timeout(Millis(100)))
            .on("ask", |socket, (): ()| socket.only().emit_with_ack("asked", &1, AnswersName::new("then")))
            .on("enter", |socket, (): ()| socket.join("entered"))
            .on("last", |socket, (): ()| socket.io.kv().get::<Value>("last"))
            .on_connection(|socket| {
                let is_late = socket.io.sockets_count() > 2;
                if is_late { meddle(&socket.io, "connection") } else { Ok(()) }
            })
            .on_timer(TimerName::new("fails"), |room, ()| meddle(&room.io, "timer"))
            .on_timer(TimerName::new("never"), |room, ()| note(room.app, "never"))
            .on_answers(AnswersName::new("then"), |room, _| meddle(&room.io, "answers"))
            .on_disconnect(|room, _| meddle(&room.io, "disconnect"))
            .on_room(|room, change| if &*change.room == "entered" { meddle(&room.io, "room") } else { Ok(()) })
    }
}

/// Makes a handler of this kind run, by the first of two clients.
fn provoke(room: &mut Room, conn: ConnId, kind: &str) {
    match kind {
        "timer" => {
            room.emit(conn, &json!(["set"]));
            room.pass(100);
        }
        "answers" => {
            room.emit(conn, &json!(["ask"]));
            room.text(conn, "430[]");
        }
        "room" => room.emit(conn, &json!(["enter"])),
        "connection" => _ = room.client(),
        "disconnect" => {
            let third = room.open_socket();
            room.text(third, "40");
            room.text(third, "41");
        }
        event => room.text(conn, &format!(r#"425["{event}"]"#)),
    }
}

#[test]
fn a_handler_that_fails_is_undone_where_the_app_is_transactional_and_else_not() {
    let kinds = ["plain", "acked", "answered", "gone", "connection", "timer", "answers", "disconnect", "room"];
    for (kind, transactional) in kinds.iter().flat_map(|kind| [(*kind, true), (*kind, false)]) {
        let (log, mut room) = logging(plain(), failing(transactional));
        let what = format!("{kind}, transactional: {transactional}");
        let (conn, _) = room.client();
        let (other, id) = room.client();
        provoke(&mut room, conn, kind);
        let told: Vec<_> = room.frames(other).into_iter().filter(|frame| frame.starts_with(r#"42["said""#)).collect();
        let expected = format!(r#"42["said","{kind}"]"#);
        assert_eq!(told.contains(&expected), !transactional, "{what}: {told:?}");
        room.text(other, r#"426["last"]"#);
        let last = room.frames(other).pop();
        let kept = if transactional { "436[null]".to_owned() } else { last.clone().unwrap_or_default() };
        assert_eq!(last, Some(kept), "{what}");
        assert_eq!(last.is_some_and(|last| last == "436[null]"), transactional, "{what}");
        let frames = room.frames(conn);
        let answer = frames.iter().find(|frame| frame.starts_with("435"));
        let failure = r#"435[{"code":"failed","message":"As it was told to."}]"#;
        match kind {
            "plain" => assert_eq!(answer.map(String::as_str), Some(failure), "{what}"),
            // It had taken the ack, and so the right to fail by itself.
            "acked" => assert_eq!(answer.map(String::as_str), transactional.then_some(failure), "{what}"),
            "answered" => {
                let expected = if transactional { failure } else { r#"435["early"]"# };
                assert_eq!(answer.map(String::as_str), Some(expected), "{what}");
            }
            "gone" => assert_eq!((room.is_open(conn), answer.is_some()), (transactional, transactional), "{what}"),
            "connection" => {}
            _ => {
                let warned = room.memory().warnings();
                assert!(warned.iter().any(|line| line.contains("As it was told to.")), "{what}: {warned:?}");
            }
        }
        room.restart();
        log.take();
        room.pass(5_000);
        assert_eq!(log.take().contains(&"never".to_owned()), !transactional, "{what}");
        assert!(room.is_open(other), "{what}: {id} is still there");
    }
}

#[test]
fn a_handler_on_connection_that_fails_is_told_and_its_client_stays() {
    let (_, mut room) = logging(plain(), failing(true));
    room.client();
    room.client();
    let conn = room.open_socket();
    room.text(conn, "40");
    let frames = room.frames(conn);
    assert!(frames[0].starts_with("40{"), "{frames:?}");
    assert_eq!(frames[1..], [r#"42["error",{"code":"failed","message":"As it was told to."}]"#]);
    room.text(conn, r#"427["plain"]"#);
    assert_eq!(room.frames(conn), [r#"437[{"code":"failed","message":"As it was told to."}]"#]);
}

#[test]
fn what_a_client_did_itself_stays_when_the_handler_of_it_is_undone() {
    let (_, mut room) = logging(plain(), failing(true));
    let (conn, _) = room.client();
    room.client();
    provoke(&mut room, conn, "disconnect");
    provoke(&mut room, conn, "timer");
    room.pass(10_000);
    let warned = room.memory().warnings();
    assert_eq!(warned.iter().filter(|line| line.contains("timer")).count(), 1, "it isn't called again: {warned:?}");
    assert_eq!(warned.iter().filter(|line| line.contains("socket leaves")).count(), 1, "{warned:?}");
}
