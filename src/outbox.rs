//! What goes into the core and what comes out of it: [`Input`], [`Effect`], and the [`Outbox`] that collects effects.

use std::fmt;
use std::rc::Rc;

use crate::fetch::{FetchOutcome, FetchRequest};
use crate::ids::ConnId;

/// Something that happened at the object.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// An HTTP request for the server has arrived. Where it is a POST that the core wants to read, no effect answers it
    /// yet and its body follows as [`Input::Body`].
    Request {
        /// The number that the shell gave to this request.
        conn: ConnId,
        /// What the request says.
        request: Request<'a>,
    },
    /// The body of an earlier request is there, or won't come.
    Body {
        /// The request that it belongs to.
        conn: ConnId,
        /// The whole body, or why there is none.
        body: Result<&'a [u8], BodyError>,
    },
    /// The client of a request that has no answer yet went away.
    Aborted {
        /// The request.
        conn: ConnId,
    },
    /// A WebSocket received a text frame.
    Text {
        /// The WebSocket.
        conn: ConnId,
        /// The frame's payload.
        text: &'a str,
    },
    /// A WebSocket received a binary frame.
    Binary {
        /// The WebSocket.
        conn: ConnId,
        /// The frame's payload.
        bytes: &'a [u8],
    },
    /// A WebSocket is closed, by whichever side.
    Closed {
        /// The WebSocket.
        conn: ConnId,
        /// Whether it ended by a fault of the network rather than by a close frame.
        failed: bool,
    },
    /// Another server has answered a request of [`Effect::Fetch`], or nobody will.
    Fetched {
        /// The request's number.
        id: u64,
        /// The answer, or why there is none.
        outcome: &'a FetchOutcome,
    },
    /// Time has passed: deadlines may be due that are too near for the alarm.
    Tick,
    /// The alarm rang.
    Alarm,
}

/// The part of an HTTP request that the server looks at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The raw query, without its `?`.
    pub query: &'a str,
    /// Whether the request wants to become a WebSocket.
    pub upgrade: bool,
    /// The `Origin` header.
    pub origin: Option<&'a str>,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// Whether it came over TLS.
    pub secure: bool,
    /// All headers, for an app that judges a handshake.
    pub headers: Headers<'a>,
}

/// The headers of a request, looked up when somebody asks: most requests are never asked.
#[derive(Clone, Copy, Default)]
pub struct Headers<'a>(Option<&'a dyn HeaderSource>);

/// Where headers come from.
pub trait HeaderSource {
    /// The value of a header, whatever the case of its name.
    fn get(&self, name: &str) -> Option<String>;

    /// All headers, with their names and values.
    fn entries(&self) -> Vec<(String, String)>;
}

/// Headers in a list, with their names and values.
impl<T: AsRef<[(&'static str, String)]>> HeaderSource for T {
    fn get(&self, name: &str) -> Option<String> {
        let found = self.as_ref().iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }

    fn entries(&self) -> Vec<(String, String)> {
        self.as_ref().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }
}

impl<'a> Headers<'a> {
    /// The headers of `source`.
    pub fn new(source: &'a dyn HeaderSource) -> Self {
        Self(Some(source))
    }

    /// The value of a header, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0?.get(name)
    }

    /// All headers, with their names and values.
    pub fn entries(&self) -> Vec<(String, String)> {
        self.0.map(HeaderSource::entries).unwrap_or_default()
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Headers(…)")
    }
}

/// Why a request's body can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It has more than [`Config::max_payload`](crate::config::Config::max_payload) bytes.
    TooLarge,
    /// The client went away in the middle of it.
    Aborted,
}

/// Something that the shell must do, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Answers an HTTP request.
    Respond {
        /// The request.
        conn: ConnId,
        /// The answer.
        reply: HttpResponse,
    },
    /// Answers an upgrade request with 101: from here on `conn` is a WebSocket.
    Accept {
        /// The request.
        conn: ConnId,
        /// Headers for the answer.
        headers: Vec<(String, String)>,
        /// What the runtime keeps with the WebSocket for as long as it is open, for [`HibernatedSocket`](crate::host::HibernatedSocket).
        tag: String,
    },
    /// Sends a frame over WebSockets.
    Send {
        /// The WebSockets, one after the other.
        to: Vec<ConnId>,
        /// The frame.
        frame: Frame,
    },
    /// Closes a WebSocket.
    Close {
        /// The WebSocket.
        conn: ConnId,
        /// The close code, where the protocol has one (W2, W3).
        code: Option<u16>,
    },
    /// The core has lost its memory, and nothing that it wanted in this turn is done. Every request that waits is answered with
    /// this, and WebSockets that don't outlive the memory are closed.
    Restart {
        /// The answer.
        reply: HttpResponse,
    },
    /// Sends a request to another server; what comes of it is [`Input::Fetched`].
    Fetch {
        /// The request's number.
        id: u64,
        /// The request, with its timeout and its bound.
        request: FetchRequest,
    },
    /// Replaces what the runtime keeps beside a WebSocket while the object sleeps.
    Attach {
        /// The WebSocket.
        conn: ConnId,
        /// The state, to be had again from [`Host::attachment`](crate::host::Host::attachment).
        state: String,
    },
}

/// One Engine.IO packet, encoded once however many receive it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text packet: its type digit and its data.
    Text(Rc<str>),
    /// A binary message, without any prefix.
    Binary(Rc<[u8]>),
}

impl Frame {
    /// Bytes of payload.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether there is no payload at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this is the same frame, not just an equal one: that of a broadcast for another receiver.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => Rc::ptr_eq(one, other),
            (Self::Binary(one), Self::Binary(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// When a client may try again that was answered 503.
pub const RETRY_AFTER_SECONDS: &str = "1";

/// The close code for a WebSocket whose frame was lost in the server: an internal error (RFC 6455 §7.4.1).
pub const INTERNAL_ERROR: u16 = 1011;

/// The answer to an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The `Content-Type`, where there is a body.
    pub content_type: Option<&'static str>,
    /// Whether caches must not keep it: everything that the polling transport itself says (H4, P3).
    pub no_store: bool,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Frame,
}

impl HttpResponse {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, content_type: None, no_store: false, headers: Vec::new(), body: Frame::Text("".into()) }
    }

    /// A sentence.
    pub fn sentence(status: u16, sentence: &str) -> Self {
        let content_type = Some("text/plain; charset=utf-8");
        Self { content_type, body: Frame::Text(sentence.into()), ..Self::empty(status) }
    }

    /// JSON.
    pub fn json(status: u16, json: &str) -> Self {
        Self { content_type: Some("application/json"), body: Frame::Text(json.into()), ..Self::empty(status) }
    }

    /// The room can't answer now, and will soon: 503.
    pub fn unavailable() -> Self {
        let body = r#"{"code":"unavailable","message":"The room can't answer now. Try again in a moment."}"#;
        let headers = vec![("retry-after".to_owned(), RETRY_AFTER_SECONDS.to_owned())];
        Self { no_store: true, headers, ..Self::json(503, body) }
    }

    /// The body as text; empty where it is bytes.
    pub fn text(&self) -> &str {
        match &self.body {
            Frame::Text(text) => text,
            Frame::Binary(_) => "",
        }
    }
}

/// The effects of one turn, in order.
#[derive(Debug, Default)]
#[must_use = "effects do nothing until the shell runs them"]
pub struct Outbox {
    effects: Vec<Effect>,
}

impl Outbox {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// Adds an effect after all others.
    pub fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Answers an HTTP request.
    pub fn respond(&mut self, conn: ConnId, reply: HttpResponse) {
        self.push(Effect::Respond { conn, reply });
    }

    /// Sends a frame over a WebSocket. Receivers of the same frame share an effect.
    pub fn send(&mut self, conn: ConnId, frame: Frame) {
        match self.effects.last_mut() {
            Some(Effect::Send { to, frame: last }) if last.is_same(&frame) => to.push(conn),
            _ => self.push(Effect::Send { to: vec![conn], frame }),
        }
    }
}

impl IntoIterator for Outbox {
    type Item = Effect;
    type IntoIter = std::vec::IntoIter<Effect>;

    fn into_iter(self) -> Self::IntoIter {
        self.effects.into_iter()
    }
}
