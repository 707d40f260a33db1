//! HTTP requests: those that wait for the core's answer, the bodies of POSTs, and the API's.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;

use futures_channel::oneshot;
use futures_util::StreamExt;
use futures_util::future::{Either, pending, select};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, Response};
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{ByteStream, Result, WebSocket};

use super::incoming::Incoming;

use crate::api::{Call, Problem};
use crate::cors::Cors;
use crate::engine_io::needs_xss_header;
use crate::ids::{ConnId, Millis};
use crate::outbox::{BodyError, Frame, HttpResponse};
use crate::timers::Timers;

#[wasm_bindgen(inline_js = r#"
// An answer whose headers' names and values stand in turn in a list.
export function respond(status, list, body, webSocket) {
  const headers = new Headers();
  for (let at = 0; at < list.length; at += 2) headers.append(list[at], list[at + 1]);
  return new Response(body, { status, headers, webSocket });
}
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn respond(
        status: u16,
        headers: Vec<String>,
        body: &JsValue,
        socket: Option<&web_sys::WebSocket>,
    ) -> std::result::Result<Response, JsValue>;
}

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
pub(super) async fn wait(request: &Incoming, answer: &mut oneshot::Receiver<Answer>) -> Option<Answer> {
    // Most answers are there at once; only a wait is worth a listener.
    if let Ok(Some(answer)) = answer.try_recv() {
        return Some(answer);
    }
    match unless_answered(answer, unless_gone(request, pending::<()>())).await {
        Waited::Answered(answer) => Some(answer),
        Waited::Done(_) | Waited::Gone => None,
    }
}

/// Waits for `done`, until the request is answered.
async fn unless_answered<T>(answer: &mut oneshot::Receiver<Answer>, done: impl Future<Output = T>) -> Waited<T> {
    match select(answer, pin!(done)).await {
        // The answer's other half is dropped only with the room.
        Either::Left((answer, _)) => answer.map_or(Waited::Gone, Waited::Answered),
        Either::Right((done, _)) => Waited::Done(done),
    }
}

/// Waits for `done`, until the client of the request goes away.
async fn unless_gone<T>(request: &Incoming, done: impl Future<Output = T>) -> Option<T> {
    let signal = request.raw().signal();
    if signal.aborted() {
        return None;
    }
    let (sender, aborted) = oneshot::channel();
    let run = Closure::once(move || _ = sender.send(()));
    signal.set_onabort(Some(run.as_ref().unchecked_ref()));
    let _listener = Listener { signal, _run: run };
    match select(pin!(done), aborted).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// Listens until it is dropped.
struct Listener {
    signal: AbortSignal,
    _run: Closure<dyn FnMut()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.signal.set_onabort(None);
    }
}

/// Reads a body of at most `most` bytes, until the request is answered or its client goes away. What is declared longer
/// isn't read at all.
pub(super) async fn body(
    request: &Incoming,
    answer: &mut oneshot::Receiver<Answer>,
    most: usize,
) -> Waited<Result<Vec<u8>, BodyError>> {
    match request.declared_length() {
        Some(length) if length > most as u64 => Waited::Done(Err(BodyError::TooLarge)),
        // It ends with an error where the client goes away.
        Some(_) => unless_answered(answer, whole(request)).await,
        None => match request.body_stream() {
            Some(chunks) => match unless_answered(answer, unless_gone(request, collect(chunks, most))).await {
                Waited::Done(body) => body.map_or(Waited::Gone, Waited::Done),
                Waited::Answered(answer) => Waited::Answered(answer),
                Waited::Gone => Waited::Gone,
            },
            None => Waited::Done(Ok(Vec::new())),
        },
    }
}

/// Reads a body whose length is declared: the runtime takes no more than that.
async fn whole(request: &Incoming) -> Result<Vec<u8>, BodyError> {
    let buffer = match request.whole_body() {
        Ok(promise) => JsFuture::from(promise).await.map_err(|_| BodyError::Aborted)?,
        Err(_) => return Err(BodyError::Aborted),
    };
    Ok(Uint8Array::new(&buffer).to_vec())
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
pub(super) fn api_call(request: &Incoming) -> Result<Call, Problem> {
    Call::parse(&request.method, &request.path, &request.query)
}

/// The header by which a client names subprotocols, and a server the one that it takes (RFC 6455 §1.9).
const PROTOCOL: &str = "sec-websocket-protocol";

/// The first subprotocol that a client offers, which the reference takes too: a client that offered some fails without one.
fn offered_protocol(request: &Incoming) -> Option<String> {
    let offered = request.header(PROTOCOL)?;
    offered.split(',').next().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// An answer as the runtime wants it.
pub(super) fn response(request: &Incoming, answer: Answer, cors: Cors<'_>) -> Result<Response> {
    let mut list = Vec::new();
    let mut add = |name: &str, value: String| list.extend([name.to_owned(), value]);
    let reply = match answer {
        Answer::Socket(client, headers) => {
            if let Some(protocol) = offered_protocol(request) {
                add(PROTOCOL, protocol);
            }
            headers.into_iter().for_each(|(name, value)| add(&name, value));
            return Ok(respond(101, list, &JsValue::NULL, Some(client.as_ref()))?);
        }
        Answer::Http(reply) => reply,
    };
    if let Some(content_type) = reply.content_type {
        add("content-type", content_type.to_owned());
    }
    if reply.no_store {
        add("cache-control", "no-store".to_owned());
        if needs_xss_header(&request.header("user-agent").unwrap_or_default()) {
            add("x-xss-protection", "0".to_owned());
        }
    }
    for (name, value) in cors.headers(request.header("origin").as_deref()) {
        add(name, value.into_owned());
    }
    reply.headers.into_iter().for_each(|(name, value)| add(&name, value));
    let body = match &reply.body {
        Frame::Text(text) => Uint8Array::from(text.as_bytes()),
        Frame::Binary(bytes) => Uint8Array::from(bytes.as_ref()),
    };
    Ok(respond(reply.status, list, &body, None)?)
}
