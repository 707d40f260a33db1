//! What an app has to say in a handshake: whom it refuses, and which headers the first answer gets (R6, H7, H8).

mod support;

use std::borrow::Cow;

use roomcast::app::{App, Event, Io, Request};
use roomcast::config::Config;
use roomcast::outbox::{self, HeaderSource, Headers};
use support::{POLLING, Room, WEBSOCKET, plain};

/// Lets in who has the key, and greets with a header.
struct Doorkeeper;

impl App for Doorkeeper {
    fn allow_request(&mut self, request: &Request<'_>) -> Result<(), Cow<'static, str>> {
        match request.headers.get("x-key").as_deref() {
            Some("open sesame") => Ok(()),
            _ => Err("nope".into()),
        }
    }

    fn initial_headers(&mut self, request: &Request<'_>) -> Vec<(String, String)> {
        vec![("x-greeting".to_owned(), request.headers.get("x-key").unwrap_or_default())]
    }

    fn event(&mut self, _: &Io<'_>, _: Event<'_>) {}
}

fn room(cookie: Option<&str>) -> Room {
    let config = Config { cookie: cookie.map(str::to_owned), ..plain() };
    Room::new(config, || Doorkeeper)
}

/// The header that lets a client in.
struct Key;

impl HeaderSource for Key {
    fn get(&self, name: &str) -> Option<String> {
        (name == "x-key").then(|| "open sesame".to_owned())
    }

    fn entries(&self) -> Vec<(String, String)> {
        self.get("x-key").map(|value| ("x-key".to_owned(), value)).into_iter().collect()
    }
}

fn with_key(query: &str) -> outbox::Request<'_> {
    outbox::Request { method: "GET", query, headers: Headers::new(&Key), ..outbox::Request::default() }
}

#[test]
fn r6_a_refusal_is_403_with_the_apps_sentence_and_only_handshakes_are_asked_about() {
    let mut room = room(None);
    let refused = room.http("GET", POLLING);
    let refused = room.answer(refused).unwrap();
    assert_eq!((refused.status, refused.text()), (403, r#"{"code":4,"message":"nope"}"#));
    let refused = room.websocket(WEBSOCKET);
    let refused = room.answer(refused).unwrap();
    assert_eq!((refused.status, refused.text()), (400, "nope"), "a WebSocket is refused as the reference does");

    let open = room.request(with_key(POLLING));
    let open = room.answer(open).unwrap();
    let sid = open.text().split('"').nth(3).unwrap().to_owned();
    assert!(room.knows(&sid));
    assert_eq!(room.post(&sid, "40").status, 200, "a request of a session needs no key");
}

#[test]
fn r4_the_app_is_asked_before_the_revision_is_looked_at() {
    let mut room = room(None);
    let refused = room.http("GET", "EIO=3&transport=polling");
    assert_eq!(room.answer(refused).unwrap().status, 403);
    let unsupported = room.request(with_key("EIO=3&transport=polling"));
    let unsupported = room.answer(unsupported).unwrap();
    assert_eq!(unsupported.text(), r#"{"code":5,"message":"Unsupported protocol version"}"#);
}

#[test]
fn h7_h8_the_first_answer_has_the_apps_headers_and_the_cookie_and_later_ones_have_not() {
    let mut room = room(Some("io"));
    let open = room.request(with_key(POLLING));
    let open = room.answer(open).unwrap();
    let sid = open.text().split('"').nth(3).unwrap().to_owned();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let cookie = format!("io={sid}; Path=/; HttpOnly; SameSite=Lax");
    assert_eq!(open.headers, [header("x-greeting", "open sesame"), header("set-cookie", &cookie)]);
    assert_eq!(room.post(&sid, "40").headers, []);
}
