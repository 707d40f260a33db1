//! Requests of apps to other servers.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use web_sys::RequestInit;
use worker::js_sys::Uint8Array;
use worker::{AbortController, AbortSignal, Delay, Env, Fetch, Headers, Method, Request, Response};

use super::requests::collect;
use crate::fetch::{FetchError, FetchOutcome, FetchRequest, FetchResponse};
use crate::outbox::BodyError;

/// Performs a request: the whole answer is there in time and within its bound, or there is none.
pub(super) async fn perform(bindings: Env, request: FetchRequest) -> FetchOutcome {
    let limit = Duration::from_millis(request.timeout.unwrap_or_default().0);
    let controller = AbortController::default();
    let signal = controller.signal();
    let (answer, timeout) = (pin!(exchange(&bindings, &request, &signal)), pin!(Delay::from(limit)));
    match select(answer, timeout).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            controller.abort();
            Err(FetchError::Timeout)
        }
    }
}

async fn exchange(bindings: &Env, request: &FetchRequest, signal: &AbortSignal) -> FetchOutcome {
    let message = message(request)?;
    let response = match &request.binding {
        Some(name) => {
            let service = bindings.service(name).map_err(|error| FetchError::Invalid(error.to_string()))?;
            service.fetch_request(message).await
        }
        None => Fetch::Request(message).send_with_signal(signal).await,
    };
    read(response.map_err(failed)?, request.max_bytes.unwrap_or_default()).await
}

/// A request as the runtime wants it.
fn message(request: &FetchRequest) -> Result<Request, FetchError> {
    let invalid = |error: worker::Error| FetchError::Invalid(error.to_string());
    let headers = Headers::new();
    for (name, value) in &request.headers {
        headers.append(name, value).map_err(invalid)?;
    }
    // The SDK takes a method that it doesn't know for GET.
    if Method::from(request.method.to_string()).as_ref() != request.method {
        return Err(FetchError::Invalid(format!("there is no method {:?}", request.method)));
    }
    let init = RequestInit::new();
    init.set_method(&request.method);
    init.set_headers(&headers.0);
    if let Some(body) = &request.body {
        init.set_body(&Uint8Array::from(body.as_ref()));
    }
    let message = web_sys::Request::new_with_str_and_init(&request.url, &init);
    message.map(Request::from).map_err(|error| invalid(error.into()))
}

/// Reads an answer of at most `most` bytes.
async fn read(mut response: Response, most: usize) -> FetchOutcome {
    let status = response.status_code();
    let headers = response.headers().entries().collect();
    // An answer without a body has no stream.
    let body = match response.stream() {
        Ok(chunks) => collect(chunks, most).await.map_err(|error| match error {
            BodyError::TooLarge => FetchError::TooLarge,
            BodyError::Aborted => FetchError::Failed("the connection broke in the middle of the answer".to_owned()),
        })?,
        Err(_) => Vec::new(),
    };
    Ok(FetchResponse { status, headers, body })
}

#[allow(clippy::needless_pass_by_value, reason = "it is the argument of `map_err`")]
fn failed(error: worker::Error) -> FetchError {
    FetchError::Failed(error.to_string())
}
