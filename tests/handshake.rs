//! Opening a session: what is refused and how, and what the open packet says (R2–R6, H1–H4).

mod support;

use roomcast::config::{Config, Transports};
use roomcast::engine_io::{Fault, Refusal};
use roomcast::outbox::{Frame, HttpResponse, Request};
use support::people::ChatRoom;
use support::{POLLING, Recorder, Room, WEBSOCKET, bad_request, payload, plain};

/// A refusal over HTTP (1.2).
fn refusal(status: u16, code: u8, message: &str) -> HttpResponse {
    let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
    HttpResponse {
        content_type: Some("application/json"),
        body: Frame::Text(body.into()),
        ..HttpResponse::empty(status)
    }
}

/// A refusal to make a WebSocket: the status is always 400.
fn bare_refusal(message: &str) -> HttpResponse {
    HttpResponse { content_type: Some("text/html"), body: Frame::Text(message.into()), ..HttpResponse::empty(400) }
}

fn chat(config: Config) -> ChatRoom {
    Room::new(config, || roomcast::chat::chat_that_keeps(10_000))
}

/// A room with a session on each transport, and a query's placeholders for their ids filled in.
fn occupied() -> (ChatRoom, impl Fn(&str) -> String) {
    let mut room = chat(plain());
    let polling = room.open_polling();
    let conn = room.websocket(WEBSOCKET);
    let open = room.frames(conn).concat();
    let websocket = open.split('"').nth(3).unwrap_or_default().to_owned();
    assert_eq!(websocket.len(), 20);
    (room, move |query: &str| query.replace("POLLS", &polling).replace("HAS_WS", &websocket))
}

#[test]
fn r3_r4_r5_http_refusals_are_json_and_come_in_the_references_order() {
    use Refusal::{BadMethod, BadRequest, SessionUnknown, TransportUnknown, UnsupportedProtocol};
    let table = [
        ("GET", "", TransportUnknown),
        ("GET", "EIO=4", TransportUnknown),
        ("GET", "EIO=4&transport=", TransportUnknown),
        ("GET", "EIO=4&transport=webtransport", TransportUnknown),
        ("GET", "EIO=4&transport=__proto__", TransportUnknown),
        ("GET", "EIO=4&transport=constructor", TransportUnknown),
        // The transport is looked at before the sid, the method and the revision.
        ("POST", "EIO=3&transport=Polling&sid=nobody", TransportUnknown),
        ("GET", "EIO=4&transport=polling&sid=nobody", SessionUnknown),
        ("POST", "EIO=4&transport=polling&sid=nobody", SessionUnknown),
        ("GET", "EIO=4&transport=polling&sid=__proto__", SessionUnknown),
        ("GET", "EIO=4&transport=polling&sid=constructor", SessionUnknown),
        ("GET", "EIO=3&transport=websocket&sid=nobody", SessionUnknown),
        // Then whether the transport is the session's, and the revision too.
        ("GET", "EIO=4&transport=polling&sid=HAS_WS", BadRequest(Fault::Transport)),
        ("POST", "EIO=4&transport=polling&sid=HAS_WS", BadRequest(Fault::Transport)),
        ("GET", "EIO=4&transport=websocket&sid=POLLS", BadRequest(Fault::NoUpgrade)),
        ("GET", "EIO=3&transport=polling&sid=POLLS", BadRequest(Fault::Revision)),
        ("POST", "transport=polling&sid=POLLS", BadRequest(Fault::Revision)),
        // Without a sid: the method, then whether a WebSocket was asked for at all, then the revision.
        ("POST", "EIO=3&transport=websocket", BadMethod),
        ("PUT", "EIO=4&transport=polling", BadMethod),
        ("OPTIONS", "EIO=4&transport=polling", BadMethod),
        ("GET", "EIO=3&transport=websocket", BadRequest(Fault::NoUpgrade)),
        ("GET", "EIO=4&transport=websocket", BadRequest(Fault::NoUpgrade)),
        ("GET", "EIO=3&transport=polling&j=0", BadRequest(Fault::Jsonp)),
        ("POST", "EIO=4&transport=polling&j=0&sid=POLLS", BadRequest(Fault::Jsonp)),
        ("GET", "EIO=3&transport=polling", UnsupportedProtocol),
        ("GET", "EIO=04&transport=polling", UnsupportedProtocol),
        ("GET", "transport=polling", UnsupportedProtocol),
    ];
    let (mut room, fill_in) = occupied();
    for (method, query, expected) in table {
        let conn = room.http(method, &fill_in(query));
        assert_eq!(room.answer(conn), Some(expected.reply(false)), "{method} {query}");
    }
    assert!(room.knows(&fill_in("POLLS")), "and none of them disturbs the session that it names");
}

#[test]
fn r2_unknown_parameters_and_an_empty_sid_do_not_matter() {
    let mut room = chat(plain());
    for query in ["t=Oxyz&EIO=4&token=a%20b&transport=polling", "EIO=4&transport=polling&b64=1&sid="] {
        let conn = room.http("GET", query);
        let reply = room.answer(conn).unwrap();
        assert_eq!((reply.status, &reply.text()[..7]), (200, r#"0{"sid""#), "{query}");
    }
}

#[test]
fn r4_an_origin_with_illegal_characters_is_a_bad_request() {
    let mut room = chat(plain());
    let mut with_origin = |origin, query| {
        let conn = room.request(Request { method: "GET", query, origin: Some(origin), ..Request::default() });
        room.answer(conn).unwrap()
    };
    assert_eq!(with_origin("https://example.com", POLLING).status, 200);
    assert_eq!(with_origin("a\u{1}b", POLLING), bad_request(Fault::Origin));
    let unknown = "EIO=4&transport=polling&sid=nobody";
    assert_eq!(with_origin("\u{142}", unknown), bad_request(Fault::Origin), "before the sid");
}

#[test]
fn r4_failing_upgrades_are_refused_as_plain_text() {
    const TRANSPORT_UNKNOWN: &str = "Transport unknown. The parameter transport names none that this server offers.";
    const POLLING_UPGRADE: &str = "Bad request. transport=polling can't be a WebSocket: ask for transport=websocket.";
    let table = [
        ("EIO=4", TRANSPORT_UNKNOWN),
        ("EIO=4&transport=__proto__", TRANSPORT_UNKNOWN),
        ("EIO=4&transport=websocket&sid=nobody", "Session ID unknown"),
        (
            "EIO=3&transport=websocket&sid=POLLS",
            "Bad request. The session began with another EIO than the request has.",
        ),
        // The reference accepts these and closes them.
        ("EIO=4&transport=polling", POLLING_UPGRADE),
        ("EIO=4&transport=polling&sid=POLLS", POLLING_UPGRADE),
        ("EIO=4&transport=polling&sid=HAS_WS", POLLING_UPGRADE),
        ("EIO=4&transport=websocket&sid=HAS_WS", "Bad request. The session has a WebSocket already, or ends."),
        // The reference answers 101 first and then writes this into the WebSocket.
        ("EIO=3&transport=websocket", "Unsupported protocol version"),
        ("transport=websocket", "Unsupported protocol version"),
    ];
    let (mut room, fill_in) = occupied();
    for (query, message) in table {
        let conn = room.websocket(&fill_in(query));
        assert_eq!(room.answer(conn), Some(bare_refusal(message)), "{query}");
        assert!(!room.is_open(conn));
    }
    assert!(room.knows(&fill_in("POLLS")));
}

#[test]
fn r5_a_transport_that_is_not_offered_is_unknown_and_no_upgrade_leads_to_it() {
    let offering =
        |polling, websocket| Config { transports: Transports { polling, websocket }, allow_eio3: true, ..plain() };
    for eio in [3, 4] {
        let mut room = chat(offering(true, false));
        let poll = room.http("GET", &format!("EIO={eio}&transport=polling"));
        let open = room.answer(poll).unwrap();
        assert!(open.text().contains(r#""upgrades":[]"#), "{open:?}");
        let sid = open.text().split('"').nth(3).unwrap().to_owned();
        for query in [format!("EIO={eio}&transport=websocket"), format!("EIO={eio}&transport=websocket&sid={sid}")] {
            let conn = room.websocket(&query);
            assert_eq!(room.answer(conn), Some(Refusal::TransportUnknown.reply(true)), "{query}");
        }
        let again = room.http("PUT", &format!("EIO={eio}&transport=polling&sid={sid}"));
        assert_eq!(room.answer(again), Some(bad_request(Fault::Method)), "the session goes on");

        let mut room = chat(offering(false, true));
        let poll = room.http("GET", &format!("EIO={eio}&transport=polling"));
        assert_eq!(room.answer(poll), Some(Refusal::TransportUnknown.reply(false)));
        let conn = room.websocket(&format!("EIO={eio}&transport=websocket"));
        assert!(room.is_open(conn));
    }
}

#[test]
fn r6_a_full_room_refuses_handshakes_and_nothing_else() {
    let app = Recorder::default();
    let mut room = app.room(Config { max_connections: 2, ..plain() });
    let sid = room.open_polling();
    let (conn, id) = room.client();

    let third = room.http("GET", POLLING);
    assert_eq!(room.answer(third), Some(refusal(403, 4, "The room is full.")));
    let third = room.websocket(WEBSOCKET);
    assert_eq!(room.answer(third), Some(bare_refusal("The room is full.")));
    let third = room.http("POST", POLLING);
    assert_eq!(room.answer(third), Some(refusal(400, 2, "Bad handshake method")), "the room is looked at last");

    room.join_polling(&sid);
    let socket = room.upgrade(&sid);
    assert!(room.is_open(socket), "who is in may upgrade");
    app.log();
    room.hang_up(conn, false);
    assert_eq!(app.log(), [format!("disconnected / {id} transport close")]);
    room.open_polling();
}

#[test]
fn h1_h2_h4_the_open_packet_has_five_keys_and_names_the_upgrades_of_its_transport() {
    let mut room = chat(Config { max_payload: 77, ..support::fast() });
    let open = |sid: &str, upgrades: &str| {
        format!(r#"0{{"sid":"{sid}","upgrades":{upgrades},"pingInterval":300,"pingTimeout":200,"maxPayload":77}}"#)
    };
    let conn = room.http("GET", POLLING);
    let reply = room.answer(conn).unwrap();
    let sid = reply.text().split('"').nth(3).unwrap().to_owned();
    assert_eq!(reply, payload(&open(&sid, r#"["websocket"]"#)));

    let conn = room.websocket(WEBSOCKET);
    let frames = room.frames(conn);
    let sid = frames[0].split('"').nth(3).unwrap().to_owned();
    assert_eq!(frames, [open(&sid, "[]")]);
}

#[test]
fn h3_ids_are_20_characters_of_base64url_and_the_sessions_is_not_the_sockets() {
    let mut room = chat(plain());
    let mut ids = Vec::new();
    for _ in 0..20 {
        let sid = room.open_polling();
        ids.extend([room.join_polling(&sid), sid]);
    }
    let legal = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    assert!(ids.iter().all(|id| id.len() == 20 && id.bytes().all(legal)), "{ids:?}");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40, "no two are the same");
}
