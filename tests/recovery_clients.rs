//! Which clients recover (1.11), and that all others get exactly what was sent to them.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::{App, Handlers};
use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::{Headers, Request};
use roomcast::socket_io::recovery::ClientRecovery::{self, Always, IfClaimed, Never};
use serde_json::json;
use support::{Recorder, Room, Traveller, WEBSOCKET};

const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const IPHONE: &str = "example/1 CFNetwork/3826.500.131 Darwin/24.5.0";
/// What Node's `ws` offers, and browsers too.
const DEFLATE: &str = "permessage-deflate; client_max_window_bits";
const NONE: [&str; 3] = [""; 3];

/// What a first request says: its query, and its agent, origin and extensions, each of which may be missing.
fn recovery_of(query: &str, [agent, origin, extensions]: [&str; 3]) -> ClientRecovery {
    let mut headers = vec![("user-agent", agent.to_owned()), ("sec-websocket-extensions", extensions.to_owned())];
    headers.retain(|(_, value)| !value.is_empty());
    ClientRecovery::of(&Request {
        method: "GET",
        query,
        upgrade: query.contains("transport=websocket"),
        origin: Some(origin).filter(|origin| !origin.is_empty()),
        headers: Headers::new(&headers),
        ..Request::default()
    })
}

#[test]
fn r1_11_9_the_client_in_javascript_is_known_by_its_first_request() {
    let table = [
        // engine.io-client 6.6: transports/polling.js, websocket.js (`uri`), socket.js (`createTransport`), util.js.
        ("EIO=4&transport=polling&t=vq3k1abc", [CHROME, "", ""]),
        ("EIO=4&transport=polling&t=vq3k1abc", [CHROME, "https://example.com", ""]),
        ("EIO=4&transport=websocket", [CHROME, "https://example.com", DEFLATE]),
        ("EIO=4&transport=polling&t=vq3k1abc", ["node-XMLHttpRequest", "", ""]),
        ("EIO=4&transport=websocket", ["", "", DEFLATE]),
        // engine.io-client 6.2 (socket.io-client 4.5) and before: the time stamp is made by yeast.
        ("EIO=4&transport=polling&t=OvQ-9_a", [CHROME, "", ""]),
        // The user's own parameters, `timestampRequests`, `timestampParam` and `forceBase64`.
        ("room=tea&token=a%20b&EIO=4&transport=polling&t=vq3k1abc&b64=1", [CHROME, "", ""]),
        ("room=tea&EIO=4&transport=websocket&t=vq3k1abc", ["", "", DEFLATE]),
        ("EIO=4&transport=polling&stamp=vq3k1abc", [CHROME, "", ""]),
        ("EIO=4&transport=polling", [CHROME, "", ""]),
        ("EIO=4&transport=websocket&b64=1", [CHROME, "https://example.com", ""]),
        // transports/polling-fetch.js and websocket.js with what Node, Bun and Deno have built in.
        ("EIO=4&transport=polling&t=vq3k1abc", ["node", "", ""]),
        ("EIO=4&transport=websocket", ["undici", "", DEFLATE]),
        ("EIO=4&transport=websocket", ["Bun/1.3.0", "", ""]),
        ("EIO=4&transport=websocket", ["Deno/2.5.0", "", ""]),
        // React Native: on Android OkHttp, WebSocketModule.java gives each WebSocket an origin; on iOS RCTSRWebSocket.m too.
        ("EIO=4&transport=polling&t=vq3k1abc", ["okhttp/4.12.0", "", ""]),
        ("EIO=4&transport=websocket", ["okhttp/4.12.0", "https://example.com", ""]),
        ("EIO=4&transport=polling&t=vq3k1abc", [IPHONE, "", ""]),
        ("EIO=4&transport=websocket", ["", "https://example.com", ""]),
    ];
    for (query, headers) in table {
        assert_eq!(recovery_of(query, headers), Always, "{query} {headers:?}");
    }
}

#[test]
fn r1_11_9_clients_in_other_languages_are_not_taken_for_it() {
    let table = [
        // python-engineio, base_client.py (`_get_engineio_url`), with requests or aiohttp, and websocket-client.
        ("transport=polling&EIO=4&t=1700000000.5", ["python-requests/2.32.5", "", ""]),
        ("transport=polling&EIO=4&t=1700000000.5", ["Python/3.11 aiohttp/3.13.2", "", ""]),
        ("transport=websocket&EIO=4&t=1700000000.5", ["", "https://example.com", ""]),
        ("transport=websocket&EIO=4", ["Python/3.11 aiohttp/3.13.2", "", DEFLATE]),
        // socket.io-client-swift, SocketEngine.swift (`createURLs`), with Starscream.
        ("transport=polling&b64=1&EIO=4", [IPHONE, "", ""]),
        ("transport=websocket&room=tea&EIO=4", [IPHONE, "https://example.com", ""]),
        // engine.io-client-java, Socket.java, Polling.java, WebSocket.java: a HashMap, so `t` comes first; with OkHttp.
        ("EIO=4&transport=polling", ["okhttp/3.12.12", "", ""]),
        ("t=OvQ-9_a&EIO=4&transport=polling", ["okhttp/3.12.12", "", ""]),
        ("EIO=4&transport=polling&token=a", ["okhttp/3.12.12", "", ""]),
        ("EIO=4&transport=websocket", ["okhttp/3.12.12", "", ""]),
        ("EIO=4&transport=websocket&token=a", ["okhttp/3.12.12", "", ""]),
        // socket.io-client-dart, polling_transport.dart, io_websocket_transport.dart, with dart:io.
        ("EIO=4&transport=polling&t=mi6vq3k1", ["Dart/3.9 (dart:io)", "", ""]),
        ("EIO=4&transport=websocket", ["Dart/3.9 (dart:io)", "", DEFLATE]),
        // socket.io-client-cpp, sio_client_impl.cpp (`connect_impl`), with websocketpp.
        ("EIO=4&transport=websocket&t=1700000000", ["WebSocket++/0.8.2", "", ""]),
        // socket.io-client-csharp, UriConverter.cs: .NET's HttpClient and ClientWebSocket name no agent.
        ("EIO=4&transport=polling&t=1700000000", NONE),
        ("EIO=4&transport=websocket", NONE),
        ("EIO=4&transport=websocket&a=b&token=c", NONE),
        // rust-socketio, client.rs and polling.rs: reqwest and tungstenite don't either, nor does tungstenite compress.
        ("EIO=4&transport=polling", NONE),
        ("EIO=4&transport=websocket", NONE),
        // arduinoWebSockets, SocketIOclient.cpp, WebSocketsClient.cpp (`sendHeader`).
        ("EIO=4&transport=websocket", ["arduino-WebSocket-Client", "file://", ""]),
        ("EIO=4&transport=websocket", ["Go-http-client/1.1", "", ""]),
        ("EIO=4&transport=polling&t=vq3k1abc", ["curl/8.16.0", "", ""]),
        ("EIO=4&transport=polling&t=vq3k1abc", NONE),
        // What looks like it and isn't.
        ("", [CHROME, "", ""]),
        ("xEIO=4&transport=polling&t=vq3k1abc", [CHROME, "", ""]),
        ("EIO=4&transport=pollingx&t=vq3k1abc", [CHROME, "", ""]),
        ("EIO=4&transport=polling&t=a&token=b", [CHROME, "", ""]),
        ("EIO=4&transport=websocket", ["MozillaX/5.0", "", DEFLATE]),
        ("EIO=3&transport=polling&t=vq3k1abc", [CHROME, "", ""]),
    ];
    for (query, headers) in table {
        assert_eq!(recovery_of(query, headers), IfClaimed, "{query} {headers:?}");
    }
}

#[test]
fn r1_11_9_the_parameter_recovery_switches_it_for_any_client() {
    let python = ["python-requests/2.32.5", "", ""];
    let table = [
        ("recovery=1&transport=polling&EIO=4", python, Always),
        ("transport=polling&EIO=4&recovery=1", python, Always),
        ("recovery=0&EIO=4&transport=polling&t=vq3k1abc", [CHROME, "", ""], Never),
        ("recovery=0&transport=polling&EIO=4", python, Never),
        ("recovery=0&recovery=1&transport=polling&EIO=4", python, Never),
        // Any other value is a parameter of the app's own.
        ("recovery=true&EIO=4&transport=polling&t=vq3k1abc", [CHROME, "", ""], Always),
        ("recovery=&transport=polling&EIO=4", python, IfClaimed),
        ("recovery=01&transport=polling&EIO=4", python, IfClaimed),
    ];
    for (query, headers, recovery) in table {
        assert_eq!(recovery_of(query, headers), recovery, "{query}");
    }
    for (recovery, without, with) in [(Always, true, true), (IfClaimed, false, true), (Never, false, false)] {
        assert_eq!((recovery.allows(false), recovery.allows(true)), (without, with), "{recovery:?}");
    }
}

fn config() -> Config {
    Config { ping_interval: Millis(600_000), ..Config::default() }
}

/// The first request of a client that knows nothing of recovery.
const OTHER: &str = "transport=websocket&EIO=4";

/// Joins `/` over a WebSocket with this query; gives the answer to CONNECT.
fn join(room: &mut Room, query: &str, auth: &str) -> (ConnId, String) {
    let conn = room.websocket(query);
    room.frames(conn);
    room.text(conn, &format!("40{auth}"));
    let frames = room.frames(conn);
    (conn, frames[0].clone())
}

/// Whose end the app was told of, without the socket's id.
fn departures(app: &Recorder) -> Vec<String> {
    let words = |line: &String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let departed = app.log().iter().map(words).filter(|words| words[0] != "connected").collect::<Vec<_>>();
    departed.iter().map(|words| [&words[..1], &words[3..]].concat().join(" ")).collect()
}

#[test]
fn r1_11_9_who_knows_nothing_of_it_gets_what_was_sent_and_no_pid() {
    for query in [OTHER, "recovery=0&EIO=4&transport=websocket"] {
        let mut room = Recorder::default().room(config());
        let mut here = Traveller::new(&mut room);
        let (conn, connect) = join(&mut room, query, "");
        assert!(connect.starts_with(r#"40{"sid":""#) && !connect.contains("pid"), "{connect}");
        for restart in [false, true] {
            if restart {
                room.restart();
            }
            room.text(here.conn, r#"42["shout",1]"#);
            assert_eq!(room.frames(conn), [r#"42["said",[1]]"#], "{query}, restarted: {restart}");
            let frames = room.frames(here.conn);
            assert!(frames[0].starts_with(r#"42["said",[1],""#), "{frames:?}");
        }
        // Another namespace after the restart, without a word on what the client is.
        room.text(conn, "40/a,");
        let connect = room.frames(conn).concat();
        assert!(!connect.contains("pid"), "{connect}");
        // It is gone for good at once: nothing is kept for it.
        room.hang_up(conn, true);
        here.events(&mut room);
        assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_sockets"), 1);
    }
}

#[test]
fn an_event_for_nobody_who_recovers_is_not_stored() {
    let mut room = Recorder::default().room(config());
    let (conn, _) = join(&mut room, OTHER, "");
    room.text(conn, r#"42["shout",1]"#);
    assert_eq!(room.frames(conn), [r#"42["said",[1]]"#]);
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_log"), 0);
    let mut away = Traveller::new(&mut room);
    room.hang_up(away.conn, true);
    room.text(conn, r#"42["shout",2]"#);
    assert_eq!(room.frames(conn), [r#"42["said",[2]]"#]);
    assert_eq!(away.come_back(&mut room), [json!(["said", [2]])], "but what somebody misses is");
}

#[test]
fn r1_11_9_whoever_asks_for_it_recovers_in_any_language() {
    let mut room = Recorder::default().room(config());
    let query = format!("recovery=1&{OTHER}");
    let (conn, connect) = join(&mut room, &query, "");
    room.hang_up(conn, true);
    let pid = connect.split('"').nth(7).unwrap();
    let (_, again) = join(&mut room, &query, &format!(r#"{{"pid":"{pid}"}}"#));
    assert_eq!(again, connect);
}

#[test]
fn r1_11_9_who_shows_a_pid_knows_of_it() {
    let mut room = Recorder::default().room(config());
    let (_, connect) = join(&mut room, OTHER, r#"{"pid":"of another life"}"#);
    assert!(connect.contains(r#""pid":""#), "{connect}");
    let (_, connect) = join(&mut room, &format!("recovery=0&{OTHER}"), r#"{"pid":"of another life"}"#);
    assert!(!connect.contains("pid"), "{connect}");
}

#[test]
fn the_app_hears_at_once_that_somebody_is_gone_who_can_not_come_back() {
    let app = Recorder::default();
    let mut room = app.room(config());
    let (conn, _) = join(&mut room, OTHER, "");
    app.log();
    room.hang_up(conn, true);
    assert_eq!(departures(&app), ["disconnected transport error"]);
    room.pass(600_000);
    assert_eq!(departures(&app), [""; 0], "and not a second time");
}

#[test]
fn the_app_hears_of_those_who_were_lost_with_the_memory_and_can_not_come_back() {
    let app = Recorder::default();
    let mut room = app.room(config());
    let (conn, _) = join(&mut room, OTHER, "");
    room.text(conn, r#"42["say"]"#);
    app.log();
    room.crash();
    room.pass(1_000);
    assert_eq!(departures(&app), ["disconnected transport error"]);
    room.pass(600_000);
    assert_eq!(departures(&app), [""; 0], "there is nobody to wait for");
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_sockets"), 0);
}

#[test]
fn r1_11_9_an_app_may_do_without() {
    let app = || Handlers::new().without_recovery().on("shout", |socket, text: String| socket.io.emit("said", &text));
    assert!(!app().recovery() && Handlers::new().recovery());
    let mut room = Room::new(config(), app);
    for query in [WEBSOCKET, "recovery=1&EIO=4&transport=websocket"] {
        let (conn, connect) = join(&mut room, query, "");
        assert!(!connect.contains("pid"), "{connect}");
        room.text(conn, r#"42["shout","a"]"#);
        assert_eq!(room.frames(conn), [r#"42["said","a"]"#]);
        room.hang_up(conn, true);
    }
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_log"), 0);
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_sockets"), 0);
}
