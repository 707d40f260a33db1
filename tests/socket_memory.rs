//! What an app keeps with sockets: in memory alone, and as data; and what it is told of changes and of waking.

mod support;

use roomcast::app::prelude::*;
use serde_json::json;
use support::{Room, logging, note, plain};

#[derive(Clone, Copy)]
struct Count(u32);

fn count(socket: &mut Socket<support::Log>, (): ()) -> Result<u32> {
    let extensions = socket.extensions();
    let count = extensions.get::<Count>().map_or(1, |Count(before)| before + 1);
    extensions.insert(Count(count));
    Ok(count)
}

#[test]
fn extensions_last_as_long_as_the_memory_and_the_socket() {
    let (log, mut room) = logging(plain(), |handlers| {
        handlers.on("count", count).on("forget", |socket, ()| socket.extensions().remove::<Count>()).on_disconnect(
            |room, departed| {
                note(room.app, format!("left with {:?}", departed.extensions.get::<Count>().map(|count| count.0)));
            },
        )
    });
    let ((a, _), (b, _)) = (room.client(), room.client());
    assert_eq!(room.call(a, "count", &json!(null)), json!(1));
    assert_eq!(room.call(a, "count", &json!(null)), json!(2));
    assert_eq!(room.call(b, "count", &json!(null)), json!(1), "each socket has its own");
    room.emit(a, &json!(["forget"]));
    assert_eq!(room.call(a, "count", &json!(null)), json!(1));
    assert_eq!(room.call(a, "count", &json!(null)), json!(2));
    room.text(a, "41");
    assert_eq!(log.take(), ["left with Some(2)"]);
    room.restart();
    assert_eq!(room.call(b, "count", &json!(null)), json!(1), "it was in memory alone");
}

#[test]
fn data_that_is_the_same_costs_no_write_and_is_no_change() {
    let (log, mut room) = logging(plain(), |handlers| {
        handlers
            .on("set", |socket, value: Value| socket.set_data(&value))
            .on("half", |socket, value: Value| {
                socket.io.atomically(|| {
                    socket.set_data(&value)?;
                    Err::<(), _>(Error::new("no", "No."))
                })
            })
            .on_data(|room, change| {
                let now: Option<Value> = room.io.data(&change.socket);
                note(room.app, format!("{:?} -> {now:?}", change.before));
            })
    });
    let (conn, _) = room.client();
    room.emit(conn, &json!(["set", { "a": 1 }]));
    let attached = room.attachment(conn);
    room.memory().rows_written();
    assert_eq!(log.take(), [r#"None -> Some(Object {"a": Number(1)})"#]);
    room.emit(conn, &json!(["set", { "a": 1 }]));
    assert_eq!((room.attachment(conn), room.memory().rows_written()), (attached, 0));
    assert!(log.take().is_empty());
    room.emit(conn, &json!(["half", 2]));
    assert!(log.take().is_empty(), "what is undone has not happened");
    room.emit(conn, &json!(["set", 2]));
    assert_eq!(log.take(), [r#"Some("{\"a\":1}") -> Some(Number(2))"#]);
}

#[test]
fn an_app_is_told_once_that_the_object_woke_and_before_anything_else() {
    let (log, mut room) = logging(plain(), |handlers| {
        handlers
            .on("echo", |socket, ()| note(socket.app, "echo"))
            .on_wake(|room| note(room.app, format!("woke with {}", room.io.sockets_count())))
            .of("/b")
            .on_connection(|socket| note(socket.app, "joined /b"))
    });
    let (conn, _) = room.client();
    assert_eq!(log.take(), ["woke with 0"]);
    room.join(conn, "/b");
    room.emit(conn, &json!(["echo"]));
    assert_eq!(log.take(), ["joined /b", "echo"]);
    room.restart();
    room.emit(conn, &json!(["echo"]));
    assert_eq!(log.take(), ["woke with 1", "echo"]);
}

/// Holds more of the API together than a `&mut` would let.
fn together(socket: &mut Socket<u32>, text: String) -> Result<(u32, String)> {
    let (io, admin) = (&socket.io, socket.io.of("/admin"));
    let operator = socket.to("a").context(&socket.id);
    let everybody = io.all();
    for other in io.sockets() {
        io.join(&other, "a");
        io.set_data(&other, &(socket.id, &text))?;
    }
    *socket.app += 1;
    everybody.emit("text", &(socket.id, *socket.app, &text))?;
    admin.emit("admin", &socket.id)?;
    operator.emit("to a", &text)?;
    Ok((*socket.app, text))
}

#[test]
fn operators_ids_and_the_apps_state_may_be_held_together() {
    let mut room = Room::new(plain(), || Handlers::with(0).on("go", together));
    let ((a, id), (b, _)) = (room.client(), room.client());
    room.text(a, r#"421["go","x"]"#);
    assert_eq!(room.frames(a), [format!(r#"42["text","{id}",1,"x"]"#), r#"431[1,"x"]"#.to_owned()]);
    assert_eq!(room.frames(b), [format!(r#"42["text","{id}",1,"x"]"#), r#"42["to a","x"]"#.to_owned()]);
}
