//! What stands before and beside the handlers: checks, catch-alls, namespaces, timers, storage. Row by row of the
//! reference's server API.

mod support;

use roomcast::app::Handlers;
use roomcast::app::prelude::*;
use roomcast::config::{Config, Parser};
use roomcast::database::Value as Sql;
use serde_json::json;
use support::{Log, Room, logging, note, plain};

#[test]
fn row_22_namespace_middleware_in_order_with_data() {
    #[derive(Deserialize)]
    struct Auth {
        token: String,
    }
    let (log, mut room) = logging(plain(), |app| {
        app.middleware(|room, joining| {
            note(room.app, "first");
            match joining.auth::<Auth>() {
                Some(Auth { token }) if token == "secret" => Ok(()),
                _ => Err(Refusal::new("not authorized").with_data(json!({ "code": 401 }))),
            }
        })
        .middleware(|room, _| {
            note(room.app, "second");
            if room.io.sockets_count() < 1 { Ok(()) } else { Err(Refusal::new("full")) }
        })
    });
    let conns = [room.open_socket(), room.open_socket()];
    room.text(conns[0], r#"40{"token":"guessed"}"#);
    assert_eq!(room.frames(conns[0]), [r#"44{"message":"not authorized","data":{"code":401}}"#]);
    assert_eq!(log.take(), ["first"]);
    for conn in conns {
        room.text(conn, r#"40{"token":"secret"}"#);
    }
    assert_eq!(log.take(), ["first", "second", "first", "second"]);
    assert!(room.frames(conns[0])[0].starts_with("40{"));
    assert_eq!(room.frames(conns[1]), [r#"44{"message":"full"}"#]);
}

#[test]
fn row_23_socket_middleware_guards_each_event() {
    let (log, mut room) = logging(plain(), |app| {
        app.on("login", |socket, name: String| socket.set_data(&name))
            .on("act", |socket, ()| note(socket.app, "acted"))
            .event_middleware(|socket, event| match socket.data::<String>() {
                None if event.name != "login" => Err(Error::new("unauthorized", "Log in first.")),
                _ => Ok(()),
            })
            .event_middleware(|socket, event| {
                note(socket.app, event.name);
                Ok(())
            })
    });
    let (conn, _) = room.client();
    let refused = json!({ "code": "unauthorized", "message": "Log in first." });
    assert_eq!(room.call(conn, "act", &json!(null)), refused);
    room.emit(conn, &json!(["act"]));
    assert_eq!(room.events(conn), [json!(["error", refused])]);
    assert_eq!(log.take(), [""; 0]);
    room.emit(conn, &json!(["login", "Ada"]));
    room.emit(conn, &json!(["act"]));
    assert_eq!(log.take(), ["login", "act", "acted"]);
}

#[test]
fn row_25_catch_all_in_and_out() {
    let (log, mut room) = logging(plain(), |app| {
        app.on("say", |socket, text: String| {
            note(socket.app, "say");
            socket.emit("echo", &text)?;
            socket.broadcast().emit("said", &text)
        })
        .on_any(|socket, event| note(socket.app, format!("in {} {}", event.name, event.args.len())))
        .on_any_outgoing(|room, sent| {
            note(room.app, format!("out {} {:?} to {}", sent.name, sent.args.get::<String>(0), sent.to.len()));
            // What is sent here isn't told again: it would have no end.
            room.io.emit("noted", &1)
        })
    });
    let ((a, _), (b, _)) = (room.client(), room.client());
    room.emit(a, &json!(["say", "hi"]));
    let expected = ["in say 1", "say", r#"out echo Some("hi") to 1"#, r#"out said Some("hi") to 1"#];
    assert_eq!(log.take(), expected);
    assert_eq!([room.events(a).len(), room.events(b).len()], [3, 3]);
    room.text(a, r#"421["nobody knows this",2]"#);
    assert_eq!(
        (log.take(), room.events(a).len()),
        (vec!["in nobody knows this 1".to_owned()], 0),
        "and it isn't answered"
    );
}

#[test]
fn row_26_on_and_the_fallback_for_all_others() {
    let (_, mut room) = logging(plain(), |app| {
        app.on("known", |_, ()| Ok("first"))
            .on("known", |_, ()| Ok("last"))
            .fallback(|_, event| Error::new("unknown_event", format!("No {:?} here.", event.name)))
    });
    let (conn, _) = room.client();
    assert_eq!(room.call(conn, "known", &json!(null)), json!("last"));
    let unknown = json!({ "code": "unknown_event", "message": r#"No "other" here."# });
    assert_eq!(room.call(conn, "other", &json!(null)), unknown);
}

#[test]
fn row_31_static_and_pattern_namespaces() {
    let whoami = |socket: &mut Socket<'_, Log>, (): ()| Ok(socket.io.namespace().to_owned());
    let (_, mut room) = logging(plain(), move |app| {
        app.on("whoami", whoami)
            .of("/admin")
            .middleware(|_, joining| joining.auth.map(drop).ok_or(Refusal::new("who are you?")))
            .on("whoami", |_, ()| Ok("the boss"))
            .on("tell all", |socket, text: String| socket.io.of("/").emit("told", &text))
            .of_matching(|name| name.strip_prefix("/board-").is_some_and(|id| id.parse::<u32>().is_ok()))
            .on("whoami", whoami)
    });
    let conn = room.open_socket();
    room.text(conn, "40/board-x,");
    room.text(conn, "40/admin,");
    let refusals = [r#"44/board-x,{"message":"Invalid namespace"}"#, r#"44/admin,{"message":"who are you?"}"#];
    assert_eq!(room.frames(conn), refusals);
    room.text(conn, "40/admin,{}");
    room.frames(conn);
    for namespace in ["/", "/board-7", "/board-8"] {
        room.join(conn, namespace);
    }
    for (namespace, answer) in
        [("", "/"), ("/admin,", "the boss"), ("/board-7,", "/board-7"), ("/board-8,", "/board-8")]
    {
        room.text(conn, &format!(r#"42{namespace}1["whoami"]"#));
        assert_eq!(room.frames(conn), [format!(r#"43{namespace}1["{answer}"]"#)]);
    }
    room.text(conn, r#"42/admin,["tell all","hi"]"#);
    assert_eq!(room.frames(conn), [r#"42["told","hi"]"#]);
}

#[test]
fn row_32_a_namespace_is_there_while_somebody_is_in_it() {
    let look = |socket: &mut Socket<'_, Log>, (): ()| Ok(socket.io.namespaces());
    let (_, mut room) = logging(plain(), move |app| app.on("look", look).of_matching(|name| name.starts_with("/x")));
    let (conn, _) = room.client();
    room.join(conn, "/x1");
    assert_eq!(room.call(conn, "look", &json!(null)), json!(["/", "/x1"]));
    room.text(conn, "41/x1,");
    assert_eq!(room.call(conn, "look", &json!(null)), json!(["/"]));
}

#[test]
fn row_40_socket_io_2_and_row_42_msgpack_reach_the_same_handlers() {
    let app = |app: Handlers<Log>| app.on("add", |_, (a, b): (u32, u32)| Ok(a + b));
    let (_, mut old) = logging(Config { allow_eio3: true, ..plain() }, app);
    let conn = old.websocket("EIO=3&transport=websocket");
    old.frames(conn);
    old.text(conn, r#"421["add",3,4]"#);
    assert_eq!(old.frames(conn), ["431[7]"]);

    let (_, mut packed) = logging(Config { parser: Parser::Msgpack, ..plain() }, app);
    let conn = packed.open_socket();
    // {type: 0, nsp: "/"} and {type: 2, nsp: "/", data: ["add", 3, 4], id: 1}
    packed.binary(conn, b"\x82\xa4type\x00\xa3nsp\xa1/");
    packed.frames(conn);
    packed.binary(conn, b"\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa3add\x03\x04\xa2id\x01");
    let answer = format!("{:?}", b"\x84\xa4type\x03\xa4data\x91\x07\xa3nsp\xa1/\xa2id\x01".as_slice());
    // The order of the fields is the parser's business.
    let sorted = |text: &str| {
        let mut parts: Vec<_> = text.trim_matches(['[', ']']).split(", ").map(str::to_owned).collect();
        parts.sort();
        parts
    };
    assert_eq!(sorted(&packed.frames(conn).concat()), sorted(&answer));
}

#[test]
fn row_49_timers_that_survive_restarts_and_those_that_do_not() {
    let (log, mut room) = logging(plain(), |app| {
        app.on("schedule", |socket, after: u64| socket.io.timer(TimerName::new("stored")).schedule(Millis(after)))
            .on("timeout", |socket, after: u64| socket.io.timer(TimerName::new("tick")).set_timeout(Millis(after)))
            .on("clear", |socket, (): ()| socket.io.timer(TimerName::new("stored")).clear())
            .on_timer(TimerName::new("stored"), |room, ()| note(room.app, format!("stored {}", room.io.now().0)))
            .on_timer(TimerName::new("tick"), |room, ()| {
                note(room.app, "tick");
                room.io.timer(TimerName::new("tick")).set_timeout(Millis(50))
            })
    });
    let (conn, _) = room.client();
    let start = room.now();
    room.emit(conn, &json!(["schedule", 5_000]));
    room.emit(conn, &json!(["timeout", 50]));
    room.pass(200);
    assert_eq!(log.take(), ["tick"; 4]);
    room.restart();
    room.pass(4_799);
    assert_eq!(log.take(), [""; 0], "the object's memory is gone, and with it the tick");
    room.pass(1);
    assert_eq!(log.take(), [format!("stored {}", start.0 + 5_000)]);
    for event in ["schedule", "timeout"] {
        room.emit(conn, &json!([event, 0]));
    }
    assert_eq!(log.take(), [""; 0], "never in the same turn");
    room.pass(1);
    assert_eq!(log.take(), ["tick".to_owned(), format!("stored {}", start.0 + 5_001)]);
    room.emit(conn, &json!(["schedule", 1_000]));
    room.emit(conn, &json!(["timeout", 50]));
    for name in ["stored", "tick", "never set"] {
        room.emit(conn, &json!(["clear", name]));
    }
    room.restart();
    room.pass(10_000);
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn an_apps_values_by_key_survive_and_are_its_own() {
    let app = |name: &'static str| {
        move |app: Handlers<Log>| {
            app.named(name)
                .on("put", |socket, (key, value): (String, Value)| socket.io.kv().put(&key, &value))
                .on("get", |socket, key: String| socket.io.kv().get::<Value>(&key))
                .on("delete", |socket, key: String| socket.io.kv().delete(&key))
                .on("list", |socket, prefix: String| socket.io.kv().list::<u32>(&prefix))
        }
    };
    let (_, mut first) = logging(plain(), app("first"));
    let (conn, _) = first.client();
    for (key, value) in
        [("a/2", json!(2)), ("a/1", json!(1)), ("a%", json!(3)), ("b", json!({ "x": "y" })), ("a/1", json!(9))]
    {
        first.emit(conn, &json!(["put", key, value]));
    }
    first.restart();
    assert_eq!(first.call(conn, "get", &json!("b")), json!({ "x": "y" }));
    assert_eq!(first.call(conn, "list", &json!("a/")), json!([["a/1", 9], ["a/2", 2]]));
    assert_eq!(first.call(conn, "list", &json!("a%")), json!([["a%", 3]]));
    assert_eq!(first.call(conn, "list", &json!("")), json!([["a%", 3], ["a/1", 9], ["a/2", 2]]), "b is no number");
    first.emit(conn, &json!(["delete", "b"]));
    first.text(conn, r#"421["get","b"]"#);
    assert_eq!(first.frames(conn), ["431[null]"]);

    let memory = first.memory().clone();
    let log = Log::default();
    let second = Room::on(memory, plain(), move || app("second")(Handlers::with(log.clone())));
    let Ok(mut second) = second else { panic!("the database can't be read") };
    let (conn, _) = second.client();
    assert_eq!(second.call(conn, "list", &json!("")), json!([]), "another app has its own");
}

#[test]
fn an_apps_own_tables_and_what_fails_in_them() {
    const STEPS: &[&str] = &["CREATE TABLE votes (name TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID"];
    let (_, mut room) = logging(plain(), |app| {
        app.named("votes")
            .tables(STEPS)
            .on("vote", |socket, name: String| {
                const VOTE: &str = "INSERT INTO votes VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1";
                socket.io.sql(VOTE, &[name.into()]).map(drop)
            })
            .on("votes", |socket, name: String| {
                let rows = socket.io.sql("SELECT count FROM votes WHERE name = ?", &[Sql::from(name.as_str())])?;
                Ok(rows.first().and_then(|row| row.number(0)))
            })
            .on("both", |socket, (): ()| {
                socket.io.atomically(|| {
                    socket.io.sql("INSERT INTO votes VALUES ('half', 1)", &[])?;
                    socket.io.emit("never", &1)?;
                    socket.io.sql("INSERT INTO nowhere VALUES (1)", &[]).map(drop)
                })
            })
    });
    let (conn, _) = room.client();
    for _ in 0..2 {
        room.emit(conn, &json!(["vote", "tea"]));
    }
    room.restart();
    assert_eq!(room.call(conn, "votes", &json!("tea")), json!(2));
    assert_eq!(room.call(conn, "both", &json!(null))["code"], "storage");
    room.text(conn, r#"421["votes","half"]"#);
    assert_eq!(room.frames(conn), ["431[null]"]);
}
