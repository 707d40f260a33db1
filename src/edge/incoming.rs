//! A request as it came in.
//!
//! The SDK's own type copies each request, with properties that nobody asks for, and brings a parser of URLs along. The runtime
//! has one too.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{ByteStream, Request, Result, js_sys};

use crate::outbox::HeaderSource;

#[wasm_bindgen(inline_js = r#"
// The method, and of the URL the path, the query and the scheme.
export function parts(request) {
  const { pathname, search, protocol } = new URL(request.url);
  return [request.method, pathname, search.slice(1), protocol];
}

export function header(request, name) {
  return request.headers.get(name) ?? undefined;
}

// The names and values of all headers, in turn.
export function headers(request) {
  return [...request.headers].flat();
}
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn parts(request: &web_sys::Request) -> std::result::Result<Vec<String>, JsValue>;

    #[wasm_bindgen(catch)]
    fn header(request: &web_sys::Request, name: &str) -> std::result::Result<Option<String>, JsValue>;

    fn headers(request: &web_sys::Request) -> Vec<String>;
}

/// A request as it came in.
pub(super) struct Incoming {
    request: web_sys::Request,
    /// As it was sent: the SDK takes a method that it doesn't know for GET.
    pub(super) method: String,
    pub(super) path: String,
    /// Without the question mark.
    pub(super) query: String,
    /// Whether it came by `https`.
    pub(super) secure: bool,
}

impl Incoming {
    /// Reads what is asked of every request.
    ///
    /// # Errors
    /// Its URL is none.
    pub(super) fn new(request: web_sys::Request) -> Result<Self> {
        let mut parts = parts(&request)?.into_iter();
        let mut next = || parts.next().unwrap_or_default();
        let (method, path, query, secure) = (next(), next(), next(), next() == "https:");
        Ok(Self { request, method, path, query, secure })
    }

    /// The runtime's own.
    pub(super) fn raw(&self) -> &web_sys::Request {
        &self.request
    }

    /// A header; one that can't be read is none.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        header(&self.request, name).ok().flatten()
    }

    /// Whether a WebSocket is asked for. Any other upgrade is one that a client offers with a plain request, as Java's does with
    /// `h2c`, and proxies send an empty one.
    pub(super) fn wants_websocket(&self) -> bool {
        self.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    }

    /// The length that its body is declared to have.
    pub(super) fn declared_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// All of its body at once, in an `ArrayBuffer`.
    pub(super) fn whole_body(&self) -> Result<js_sys::Promise> {
        Ok(self.request.array_buffer()?.unchecked_into())
    }

    /// Its body as it arrives; none where it has none.
    pub(super) fn body_stream(&self) -> Option<ByteStream> {
        Request::from(Clone::clone(&self.request)).stream().ok()
    }
}

impl HeaderSource for Incoming {
    fn get(&self, name: &str) -> Option<String> {
        self.header(name)
    }

    fn entries(&self) -> Vec<(String, String)> {
        let mut all = headers(&self.request).into_iter();
        std::iter::from_fn(|| Some((all.next()?, all.next()?))).collect()
    }
}
