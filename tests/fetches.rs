//! Requests of an app to other servers: what leaves, what is told of it, and what becomes of it when something fails.

mod support;

use roomcast::app::prelude::*;
use roomcast::config::Config;
use roomcast::outbox::Input;
use serde_json::json;
use support::{Log, Room, crash, logging, note};

const ANSWERED: FetchName = FetchName::new("answered");
const PANICS: FetchName = FetchName::new("panics");
const STRAY: FetchName = FetchName::new("stray");

fn request(path: &str) -> FetchRequest {
    FetchRequest::get(format!("https://example.com/{path}"))
}

fn answered(room: &mut AppRoom<'_>, fetched: &Fetched) -> Result {
    let context: String = fetched.context()?;
    let text = match &fetched.outcome {
        Ok(response) => format!("{} {}", response.status, response.text()?),
        Err(error) => format!("{error:?}"),
    };
    note(room.app, format!("{context}: {text}"));
    room.io.emit("answered", &(context, text))
}

type AppRoom<'a> = roomcast::app::handlers::Room<'a, Log>;

fn app(handlers: Handlers<Log>) -> Handlers<Log> {
    handlers
        .on("get", |socket, path: String| socket.io.fetch(request(&path)).context(&path).then(ANSWERED))
        .on("many", |socket, count: usize| {
            (0..count).try_for_each(|n| socket.io.fetch(request("n")).context(&n.to_string()).then(ANSWERED))
        })
        .on("half", |socket, path: String| {
            socket.io.atomically(|| {
                socket.io.fetch(request(&path)).context(&path).then(ANSWERED)?;
                Err::<(), _>(Error::new("no", "No."))
            })
        })
        .on("stray", |socket, ()| socket.io.fetch(request("stray")).then(STRAY))
        .on("panics", |socket, ()| socket.io.fetch(request("panics")).then(PANICS))
        .on("post", |socket, ()| {
            let request = FetchRequest::post("https://example.com/").json(&json!({ "a": 1 })).header("x-a", "b");
            let request = request.timeout(Millis(5)).max_bytes(7).binding("STORE");
            socket.io.fetch(request).context("post").then(ANSWERED)
        })
        .on_fetched(ANSWERED, answered)
        .on_fetched(PANICS, |_, _| -> Result { crash() })
}

fn room() -> (Log, Room) {
    logging(Config::default(), app)
}

fn ok(text: &str) -> Result<FetchResponse, FetchError> {
    Ok(FetchResponse { status: 200, headers: Vec::new(), body: text.into() })
}

fn answer(room: &mut Room, id: u64, outcome: &Result<FetchResponse, FetchError>) {
    room.input(Input::Fetched { id, outcome });
}

fn rows(room: &Room) -> u64 {
    room.memory().number("SELECT count(*) FROM roomcast_fetches")
}

#[test]
fn an_answer_is_told_once_in_a_later_turn_with_its_context() {
    let (log, mut room) = room();
    let (conn, _) = room.client();
    room.text(conn, r#"421["get","a"]"#);
    assert_eq!(room.frames(conn), ["431[]"]);
    let [(id, request)] = &room.fetches.clone()[..] else { panic!("one request leaves") };
    assert_eq!((request.method.as_ref(), request.url.as_str()), ("GET", "https://example.com/a"));
    assert_eq!((request.timeout, request.max_bytes), (Some(Millis(10_000)), Some(1_000_000)), "the settings");
    assert!(log.take().is_empty());
    answer(&mut room, *id, &ok("hello"));
    assert_eq!(log.take(), ["a: 200 hello"]);
    assert!(room.frames(conn)[0].starts_with(r#"42["answered","a","200 hello""#));
    answer(&mut room, *id, &ok("again"));
    assert!(log.take().is_empty(), "no request is answered twice");
    assert_eq!(rows(&room), 0);
}

#[test]
fn a_request_says_how_it_is_to_be_sent() {
    let (_, mut room) = room();
    let (conn, _) = room.client();
    room.text(conn, r#"42["post"]"#);
    let (_, request) = room.fetches.pop().unwrap();
    assert_eq!((request.method.as_ref(), request.body.as_deref()), ("POST", Some(&br#"{"a":1}"#[..])));
    let headers = [("content-type", "application/json"), ("x-a", "b")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(request.headers, headers);
    assert_eq!((request.timeout, request.max_bytes), (Some(Millis(5)), Some(7)));
    assert_eq!(request.binding.as_deref(), Some("STORE"));
}

#[test]
fn six_are_on_their_way_at_once_and_so_many_wait() {
    let (log, mut room) = logging(Config { max_fetches: 10, ..Config::default() }, app);
    let (conn, _) = room.client();
    room.emit(conn, &json!(["many", 9]));
    assert_eq!(room.fetches.len(), 6);
    let (first, _) = room.fetches[0];
    answer(&mut room, first, &Err(FetchError::Timeout));
    assert_eq!((log.take(), room.fetches.len()), (vec!["0: Timeout".to_owned()], 7));
    room.frames(conn);
    room.emit(conn, &json!(["many", 2]));
    assert_eq!(room.call(conn, "many", &json!(1))["code"], "internal");
    let warning = room.memory().warnings().pop();
    assert_eq!(warning.as_deref(), Some("a handler failed: 10 requests to other servers wait already"));
    assert_eq!(rows(&room), 10, "those that are refused leave nothing");
}

#[test]
fn nothing_leaves_of_a_step_or_a_turn_that_fails_nor_to_a_name_without_a_handler() {
    let (_, mut room) = room();
    let (conn, _) = room.client();
    assert_eq!(room.call(conn, "half", &json!("a"))["code"], "no");
    assert_eq!(room.call(conn, "stray", &json!(null))["code"], "internal");
    let warning = room.memory().warnings().pop();
    assert!(
        warning.is_some_and(|warning| warning.ends_with(r#"no handler of the fetch "stray" in the namespace "/""#))
    );
    room.memory().fail_commits(1..2);
    room.text(conn, r#"42["get","lost"]"#);
    assert_eq!((room.fetches.len(), rows(&room)), (0, 0));
}

#[test]
fn a_request_that_was_on_its_way_when_the_memory_was_lost_is_told_as_such() {
    let (log, mut room) = room();
    let (conn, _) = room.client();
    room.text(conn, r#"42["get","a"]"#);
    let (id, _) = room.fetches.pop().unwrap();
    room.hang_up(conn, false);
    room.restart();
    room.pass(90_000);
    assert_eq!(log.take(), ["a: Restarted"], "though nobody is there to wake the room");
    answer(&mut room, id, &ok("late"));
    room.restart();
    room.pass(90_000);
    assert!(log.take().is_empty());
    assert_eq!((room.fetches.len(), rows(&room)), (0, 0), "it isn't sent again");
}

#[test]
fn a_handler_of_an_answer_that_panics_is_tried_three_times_and_set_aside() {
    let (log, mut room) = room();
    let (conn, _) = room.client();
    room.text(conn, r#"42["panics"]"#);
    let (id, _) = room.fetches.pop().unwrap();
    answer(&mut room, id, &ok("x"));
    room.pass(120_000);
    assert_eq!(room.crashes(), 4, "once with the answer, and three times since it was lost");
    room.text(conn, r#"42["get","a"]"#);
    let (id, _) = room.fetches.pop().unwrap();
    answer(&mut room, id, &ok("still here"));
    assert_eq!(log.take(), ["a: 200 still here"]);
}
