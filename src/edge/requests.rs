//! HTTP requests: those that wait for the core's answer, the bodies of POSTs, and the API's.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;

use futures_channel::oneshot;
use futures_util::StreamExt;
use futures_util::future::{Either, pending, select};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use worker::{ByteStream, Headers, Request, Response, ResponseBuilder, Result, WebSocket};

use super::address::Address;
use crate::api::{Call, Problem};
use crate::cors::Cors;
use crate::engine_io::needs_xss_header;
use crate::ids::{ConnId, Millis};
use crate::outbox::{BodyError, Frame, HttpResponse};
use crate::timers::Timers;

/// The answer to a request.
pub(super) enum Answer {
    /// An ordinary one.
    Http(HttpResponse),
    /// The request became a WebSocket; this is the client's end, and headers for the answer.
    Socket(WebSocket, Vec<(String, String)>),
}

/// The requests that have no answer yet.
#[derive(Default)]
pub(super) struct RequestTable {
    waiting: RefCell<HashMap<ConnId, oneshot::Sender<Answer>>>,
    /// Until when the bodies that are arriving must be there.
    bodies: RefCell<Timers<ConnId>>,
}

impl RequestTable {
    /// A request arrived; what is returned will have its answer.
    pub(super) fn insert(&self, conn: ConnId) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().insert(conn, sender);
        receiver
    }

    /// Whether a request still waits.
    pub(super) fn is_waiting(&self, conn: ConnId) -> bool {
        self.waiting.borrow().contains_key(&conn)
    }

    /// Answers a request; one whose client went away is passed over.
    pub(super) fn answer(&self, conn: ConnId, answer: Answer) {
        if let Some(sender) = self.waiting.borrow_mut().remove(&conn) {
            _ = sender.send(answer);
        }
    }

    /// Answers all requests that wait.
    pub(super) fn answer_all(&self, reply: &HttpResponse) {
        for (_, sender) in self.waiting.take() {
            _ = sender.send(Answer::Http(reply.clone()));
        }
    }

    /// Forgets a request; `false` where it has been answered.
    pub(super) fn remove(&self, conn: ConnId) -> bool {
        self.body_ended(conn);
        self.waiting.borrow_mut().remove(&conn).is_some()
    }

    /// The body of a request is arriving, and must be there by then.
    pub(super) fn body_begins(&self, conn: ConnId, deadline: Millis) {
        self.bodies.borrow_mut().set(conn, deadline);
    }

    /// The body of a request is there, or nobody waits for it any more.
    pub(super) fn body_ended(&self, conn: ConnId) {
        self.bodies.borrow_mut().clear(&conn);
    }

    /// The next deadline of a body.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.bodies.borrow().next()
    }

    /// Takes out a body that should be there by now.
    pub(super) fn pop_overdue(&self, now: Millis) -> Option<ConnId> {
        self.bodies.borrow_mut().pop_due(now).map(|(conn, _)| conn)
    }
}

/// What waiting for something else than the answer came to.
pub(super) enum Waited<T> {
    /// It is there.
    Done(T),
    /// The request was answered first.
    Answered(Answer),
    /// The client went away.
    Gone,
}

/// Waits until the request is answered or its client goes away.
pub(super) async fn wait(request: &Request, answer: &mut oneshot::Receiver<Answer>) -> Option<Answer> {
    match race(request, answer, pending::<()>()).await {
        Waited::Answered(answer) => Some(answer),
        Waited::Done(()) | Waited::Gone => None,
    }
}

/// Waits for `done`, until the request is answered or its client goes away.
async fn race<T>(
    request: &Request,
    answer: &mut oneshot::Receiver<Answer>,
    done: impl Future<Output = T>,
) -> Waited<T> {
    // Most answers are there at once; only a wait is worth a listener.
    if let Ok(Some(answer)) = answer.try_recv() {
        return Waited::Answered(answer);
    }
    let signal = request.inner().signal();
    if signal.aborted() {
        return Waited::Gone;
    }
    let (sender, aborted) = oneshot::channel();
    let on_abort = Closure::once(move || _ = sender.send(()));
    signal.set_onabort(Some(on_abort.as_ref().unchecked_ref()));
    let done = pin!(done);
    let outcome = select(answer, select(done, aborted)).await;
    signal.set_onabort(None);
    match outcome {
        // The answer's other half is dropped only with the room.
        Either::Left((answer, _)) => answer.map_or(Waited::Gone, Waited::Answered),
        Either::Right((Either::Left((done, _)), _)) => Waited::Done(done),
        Either::Right((Either::Right(_), _)) => Waited::Gone,
    }
}

/// Reads a body of at most `most` bytes, until the request is answered or its client goes away. What is declared longer
/// isn't read at all.
pub(super) async fn body(
    request: &mut Request,
    answer: &mut oneshot::Receiver<Answer>,
    most: usize,
) -> Waited<Result<Vec<u8>, BodyError>> {
    let declared = request.headers().get("content-length").ok().flatten();
    if declared.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > most as u64) {
        return Waited::Done(Err(BodyError::TooLarge));
    }
    // A request without a body has no stream.
    let Ok(chunks) = request.stream() else {
        return Waited::Done(Ok(Vec::new()));
    };
    race(request, answer, collect(chunks, most)).await
}

/// Reads a body of at most `most` bytes.
pub(super) async fn collect(mut chunks: ByteStream, most: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| BodyError::Aborted)?;
        if body.len().saturating_add(chunk.len()) > most {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What a request to the API asks for.
pub(super) fn api_call(request: &Request) -> Result<Call, Problem> {
    let url = request.inner().url();
    let Address { path, query, .. } = Address::parse(&url);
    // The SDK takes a method that it doesn't know for GET.
    Call::parse(&request.inner().method(), path, query)
}

/// Whether a WebSocket is asked for. Any other upgrade is one that a client offers with a plain request, as Java's does with
/// `h2c`, and proxies send an empty one.
pub(super) fn wants_websocket(request: &Request) -> Result<bool> {
    Ok(request.headers().get("upgrade")?.is_some_and(|value| value.eq_ignore_ascii_case("websocket")))
}

/// The header by which a client names subprotocols, and a server the one that it takes (RFC 6455 §1.9).
const PROTOCOL: &str = "sec-websocket-protocol";

/// The first subprotocol that a client offers, which the reference takes too: a client that offered some fails without one.
fn offered_protocol(request: &Request) -> Result<Option<String>> {
    let offered = request.headers().get(PROTOCOL)?.unwrap_or_default();
    let first = offered.split(',').next().map(str::trim).filter(|name| !name.is_empty());
    Ok(first.map(str::to_owned))
}

/// An answer as the runtime wants it.
pub(super) fn response(request: &Request, answer: Answer, cors: Cors<'_>) -> Result<Response> {
    let reply = match answer {
        Answer::Socket(client, headers) => {
            let mut response = Response::from_websocket(client)?;
            if let Some(protocol) = offered_protocol(request)? {
                response.headers_mut().set(PROTOCOL, &protocol)?;
            }
            for (name, value) in headers {
                response.headers_mut().append(&name, &value)?;
            }
            return Ok(response);
        }
        Answer::Http(reply) => reply,
    };
    let headers = Headers::new();
    if let Some(content_type) = reply.content_type {
        headers.set("content-type", content_type)?;
    }
    if reply.no_store {
        headers.set("cache-control", "no-store")?;
        if needs_xss_header(&request.headers().get("user-agent")?.unwrap_or_default()) {
            headers.set("x-xss-protection", "0")?;
        }
    }
    for (name, value) in cors.headers(request.headers().get("origin")?.as_deref()) {
        headers.set(name, &value)?;
    }
    for (name, value) in reply.headers {
        headers.append(&name, &value)?;
    }
    let body = match reply.body {
        Frame::Text(text) => text.as_bytes().to_vec(),
        Frame::Binary(bytes) => bytes.to_vec(),
    };
    Ok(ResponseBuilder::new().with_status(reply.status).with_headers(headers).fixed(body))
}
