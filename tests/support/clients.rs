//! What clients do, in the steps that many tests share.

use roomcast::app::App;
use roomcast::engine_io::{Fault, Refusal};
use roomcast::ids::ConnId;
use roomcast::outbox::{BodyError, Frame, Headers, HttpResponse, Input, Request};
use serde_json::Value;

use super::Room;

/// The query that opens a session by polling.
pub(crate) const POLLING: &str = "EIO=4&transport=polling";
/// The query that opens a session by WebSocket.
pub(crate) const WEBSOCKET: &str = "EIO=4&transport=websocket";

/// What a GET is answered that brings packets (H4).
pub(crate) fn payload(body: &str) -> HttpResponse {
    HttpResponse {
        content_type: Some("text/plain; charset=UTF-8"),
        no_store: true,
        body: Frame::Text(body.into()),
        ..HttpResponse::empty(200)
    }
}

/// What is answered to a request of a session that has this fault (1.2).
pub(crate) fn bad_request(fault: Fault) -> HttpResponse {
    Refusal::BadRequest(fault).reply(false)
}

impl Room {
    /// A request without a body, as Socket.IO's own client sends it in Node.
    pub(crate) fn http(&mut self, method: &str, query: &str) -> ConnId {
        let headers = [("user-agent", "node-XMLHttpRequest".to_owned())];
        self.request(Request { method, query, headers: Headers::new(&headers), ..Request::default() })
    }

    /// A request for a WebSocket, as Socket.IO's own client sends it in Node.
    pub(crate) fn websocket(&mut self, query: &str) -> ConnId {
        let headers = [("sec-websocket-extensions", "permessage-deflate".to_owned())];
        let headers = Headers::new(&headers);
        self.request(Request { method: "GET", query, upgrade: true, headers, ..Request::default() })
    }

    /// A GET of a session, which may have to wait for its answer.
    pub(crate) fn get(&mut self, sid: &str) -> ConnId {
        self.http("GET", &format!("{POLLING}&sid={sid}"))
    }

    /// A GET of a session that finds packets; gives them.
    pub(crate) fn poll(&mut self, sid: &str) -> String {
        let conn = self.get(sid);
        self.packets(conn)
    }

    /// The packets that a GET has brought.
    pub(crate) fn packets(&mut self, conn: ConnId) -> String {
        let reply = self.answer(conn).expect("an answer to a GET");
        assert_eq!(reply, payload(reply.text()));
        reply.text().to_owned()
    }

    /// A POST of a session whose body is still to come.
    pub(crate) fn start_post(&mut self, sid: &str) -> ConnId {
        self.http("POST", &format!("{POLLING}&sid={sid}"))
    }

    /// The body of a POST, or why there is none; gives the answer.
    pub(crate) fn finish_post(&mut self, conn: ConnId, body: Result<&[u8], BodyError>) -> HttpResponse {
        self.input(Input::Body { conn, body });
        if let Some(reply) = self.answer(conn) {
            return reply;
        }
        // The answer to a close waits a moment for a GET that may be on its way (P7).
        self.pass(50);
        self.answer(conn).expect("an answer to a POST")
    }

    /// A whole POST of a session; gives the answer.
    pub(crate) fn post(&mut self, sid: &str, body: &str) -> HttpResponse {
        let conn = self.start_post(sid);
        self.finish_post(conn, Ok(body.as_bytes()))
    }

    /// Whether requests with this id are still taken, asked in a way that disturbs nothing.
    pub(crate) fn knows(&mut self, sid: &str) -> bool {
        let conn = self.http("PUT", &format!("{POLLING}&sid={sid}"));
        let reply = self.answer(conn).expect("an answer to a PUT");
        !reply.text().contains("Session ID unknown")
    }

    /// Opens a session by polling; gives its id.
    pub(crate) fn open_polling(&mut self) -> String {
        let conn = self.http("GET", POLLING);
        let open = self.packets(conn);
        sid_in(&open, "0")
    }

    /// Opens a session by WebSocket.
    pub(crate) fn open_socket(&mut self) -> ConnId {
        let conn = self.websocket(WEBSOCKET);
        assert_eq!(self.frames(conn).len(), 1, "the open packet");
        conn
    }

    /// A WebSocket for a session that polls.
    pub(crate) fn try_websocket(&mut self, sid: &str) -> ConnId {
        self.websocket(&format!("{WEBSOCKET}&sid={sid}"))
    }

    /// Moves a session from polling to a WebSocket.
    pub(crate) fn upgrade(&mut self, sid: &str) -> ConnId {
        let conn = self.try_websocket(sid);
        self.text(conn, "2probe");
        assert_eq!(self.frames(conn), ["3probe"]);
        self.text(conn, "5");
        conn
    }

    /// Joins a namespace over a WebSocket; gives the socket's id there.
    pub(crate) fn join(&mut self, conn: ConnId, namespace: &str) -> String {
        self.text(conn, &format!("40{namespace},"));
        let frames = self.frames(conn);
        let connect = frames.first().expect("the CONNECT packet");
        sid_in(connect, connect.split('{').next().unwrap_or_default())
    }

    /// Joins `/` by polling, with no GET pending; gives the socket's id.
    pub(crate) fn join_polling(&mut self, sid: &str) -> String {
        self.post(sid, "40");
        sid_in(&self.poll(sid), "40")
    }

    /// A client that joined `/` by WebSocket; its connection and its socket's id.
    pub(crate) fn client(&mut self) -> (ConnId, String) {
        let conn = self.open_socket();
        let id = self.join(conn, "/");
        (conn, id)
    }

    /// Sends an event: a list of its name and its arguments.
    pub(crate) fn emit(&mut self, conn: ConnId, event: &Value) {
        self.text(conn, &format!("42{event}"));
    }

    /// The events that a WebSocket received since last asked, each as the JSON array of its packet.
    pub(crate) fn events(&mut self, conn: ConnId) -> Vec<Value> {
        let frames = self.frames(conn);
        let event = |frame: &String| {
            let array = frame.strip_prefix("42").unwrap_or_else(|| panic!("{frame} is no event"));
            serde_json::from_str(array).expect("JSON")
        };
        frames.iter().map(event).collect()
    }

    /// Sends an event and takes its answer, which must be all that comes back.
    pub(crate) fn call(&mut self, conn: ConnId, event: &str, arg: &Value) -> Value {
        self.text(conn, &format!(r#"427["{event}",{arg}]"#));
        let frames = self.frames(conn);
        let [ack] = frames.as_slice() else { panic!("not just an answer: {frames:?}") };
        let args = ack.strip_prefix("437").unwrap_or_else(|| panic!("{ack} is no answer"));
        let args: Vec<Value> = serde_json::from_str(args).expect("JSON");
        <[Value; 1]>::try_from(args).map(|[answer]| answer).expect("one argument")
    }
}

/// The `sid` in the JSON behind a packet's header.
fn sid_in(packet: &str, header: &str) -> String {
    let json = packet.strip_prefix(header).unwrap_or_else(|| panic!("{packet} doesn't start with {header}"));
    let json: Value = serde_json::from_str(json).expect("JSON");
    json.get("sid").and_then(Value::as_str).expect("a sid").to_owned()
}
