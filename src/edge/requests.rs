//! HTTP requests that wait for the core's answer, and the bodies of POSTs.

use std::cell::RefCell;
use std::collections::HashMap;

use futures_channel::oneshot;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use worker::{Request, Response, ResponseBuilder, Result, WebSocket};

use crate::engine_io::needs_xss_header;
use crate::ids::ConnId;
use crate::outbox::{BodyError, Reply};

/// The answer to a request.
pub(super) enum Answer {
    /// An ordinary one.
    Reply(Reply),
    /// The request became a WebSocket; this is the client's end.
    Socket(WebSocket),
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

    /// Forgets a request whose client went away.
    pub(super) fn remove(&self, conn: ConnId) {
        self.waiting.borrow_mut().remove(&conn);
    }
}

/// Waits for the answer, or until the client goes away: then there is none.
pub(super) async fn wait(request: &Request, answer: oneshot::Receiver<Answer>) -> Option<Answer> {
    let (sender, aborted) = oneshot::channel();
    let on_abort = Closure::once(move || _ = sender.send(()));
    let signal = request.inner().signal();
    signal.set_onabort(Some(on_abort.as_ref().unchecked_ref()));
    let outcome = select(answer, aborted).await;
    signal.set_onabort(None);
    match outcome {
        Either::Left((answer, _)) => answer.ok(),
        Either::Right(_) => None,
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

/// An answer as the runtime wants it.
pub(super) fn response(request: &Request, answer: Answer) -> Result<Response> {
    let reply = match answer {
        Answer::Socket(client) => return Response::from_websocket(client),
        Answer::Reply(reply) => reply,
    };
    let mut builder = ResponseBuilder::new().with_status(reply.status);
    if let Some(content_type) = reply.content_type {
        builder = builder.with_header("content-type", content_type)?;
    }
    if reply.no_store {
        builder = builder.with_header("cache-control", "no-store")?;
        if needs_xss_header(&request.headers().get("user-agent")?.unwrap_or_default()) {
            builder = builder.with_header("x-xss-protection", "0")?;
        }
    }
    Ok(builder.fixed(reply.body.into_bytes()))
}
