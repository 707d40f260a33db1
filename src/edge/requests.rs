//! HTTP requests: those that wait for the core's answer, the bodies of POSTs, and the API's.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::StreamExt;
use futures_util::future::{Either, pending, select};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use worker::{Delay, Headers, Request, Response, ResponseBuilder, Result, WebSocket};

use crate::api::{Call, Problem};
use crate::cors::Cors;
use crate::engine_io::needs_xss_header;
use crate::ids::{ConnId, Millis};
use crate::outbox::{BodyError, Frame, Reply};

/// The answer to a request.
pub(super) enum Answer {
    /// An ordinary one.
    Reply(Reply),
    /// The request became a WebSocket; this is the client's end, and headers for the answer.
    Socket(WebSocket, Vec<(String, String)>),
}

/// The requests that have no answer yet.
#[derive(Default)]
pub(super) struct RequestTable {
    waiting: RefCell<HashMap<ConnId, oneshot::Sender<Answer>>>,
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
    pub(super) fn answer_all(&self, reply: &Reply) {
        for (_, sender) in self.waiting.take() {
            _ = sender.send(Answer::Reply(reply.clone()));
        }
    }

    /// Forgets a request whose client went away.
    pub(super) fn remove(&self, conn: ConnId) {
        self.waiting.borrow_mut().remove(&conn);
    }
}

/// What ended a wait.
pub(super) enum Waited {
    /// The answer is there.
    Answered(Answer),
    /// A deadline is due.
    Tick,
    /// The client went away.
    Gone,
}

/// Waits for the answer, at most until the next tick, or until the client goes away.
pub(super) async fn wait(
    request: &Request,
    answer: &mut oneshot::Receiver<Answer>,
    next_tick: Option<Millis>,
) -> Waited {
    // Most answers are there at once; only a wait is worth a listener and a timer.
    if let Ok(Some(answer)) = answer.try_recv() {
        return Waited::Answered(answer);
    }
    let (sender, aborted) = oneshot::channel();
    let on_abort = Closure::once(move || _ = sender.send(()));
    let signal = request.inner().signal();
    signal.set_onabort(Some(on_abort.as_ref().unchecked_ref()));
    let tick = async {
        match next_tick {
            Some(wait) => Delay::from(Duration::from_millis(wait.0)).await,
            None => pending().await,
        }
    };
    let outcome = select(answer, select(aborted, Box::pin(tick))).await;
    signal.set_onabort(None);
    match outcome {
        // The answer's other half is dropped only with the room.
        Either::Left((answer, _)) => answer.map_or(Waited::Gone, Waited::Answered),
        Either::Right((Either::Left(_), _)) => Waited::Gone,
        Either::Right((Either::Right(_), _)) => Waited::Tick,
    }
}

/// Reads a body of at most `most` bytes. What is declared longer isn't read at all.
pub(super) async fn body(request: &mut Request, most: usize) -> Result<Vec<u8>, BodyError> {
    let declared = request.headers().get("content-length").ok().flatten();
    if declared.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > most as u64) {
        return Err(BodyError::TooLarge);
    }
    let mut body = Vec::new();
    // A request without a body has no stream.
    let Ok(mut chunks) = request.stream() else {
        return Ok(body);
    };
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
    // A URL that can't be read is none of the API's.
    let url = request.url().map_err(|_| Problem::UnknownPath)?;
    // The SDK takes a method that it doesn't know for GET.
    Call::parse(&request.inner().method(), url.path(), url.query().unwrap_or_default())
}

/// An answer of the API: it is for no page, so it allows none to read it.
pub(super) fn api_response(request: &Request, reply: Reply) -> Result<Response> {
    response(request, Answer::Reply(reply), &Cors::Off)
}

/// An answer as the runtime wants it.
pub(super) fn response(request: &Request, answer: Answer, cors: &Cors) -> Result<Response> {
    let reply = match answer {
        Answer::Socket(client, headers) => {
            let mut response = Response::from_websocket(client)?;
            for (name, value) in headers {
                response.headers_mut().append(&name, &value)?;
            }
            return Ok(response);
        }
        Answer::Reply(reply) => reply,
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
