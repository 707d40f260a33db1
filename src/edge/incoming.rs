//! A request as it came in.
//!
//! The SDK's own type copies each request, with properties that nobody asks for, and brings a parser of URLs along. The runtime
//! has one too.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{ByteStream, Request, Result, js_sys};

use crate::outbox::HeaderSource;

#[wasm_bindgen(inline_js = r#"
// A line each: the method, and of the URL the path, the query and the scheme; then the headers of these names that there are.
// None of it can have a line break in it.
export function head(request, names) {
  const { method, url, headers } = request;
  const { pathname, search, protocol } = new URL(url);
  let lines = `${method}\n${pathname}\n${search.slice(1)}\n${protocol}`;
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) lines += `\n${name}:${value}`;
  }
  return lines;
}

export function header(request, name) {
  return request.headers.get(name) ?? undefined;
}

// The names and values of all headers, in turn, a line each.
export function headers(request) {
  return [...request.headers].flat().join('\n');
}
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn head(request: &web_sys::Request, names: &js_sys::Array) -> std::result::Result<String, JsValue>;

    #[wasm_bindgen(catch)]
    fn header(request: &web_sys::Request, name: &str) -> std::result::Result<Option<String>, JsValue>;

    fn headers(request: &web_sys::Request) -> String;
}

/// The headers that are asked of most requests. They cross from JavaScript together, since each crossing has its price.
const USUAL: [&str; 11] = [
    "content-length",
    "content-type",
    "cf-connecting-ip",
    "host",
    "origin",
    "sec-fetch-site",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "upgrade",
    "user-agent",
    "x-forwarded-host",
];

thread_local! {
    static USUAL_NAMES: js_sys::Array = USUAL.iter().copied().map(JsValue::from).collect();
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
    /// Names and values of the usual headers that it has.
    usual: Vec<(String, String)>,
}

impl Incoming {
    /// Reads what is asked of every request.
    ///
    /// # Errors
    /// Its URL is none.
    pub(super) fn new(request: web_sys::Request) -> Result<Self> {
        let head = USUAL_NAMES.with(|names| head(&request, names))?;
        let mut lines = head.split('\n');
        let mut next = || lines.next().unwrap_or_default().to_owned();
        let (method, path, query, secure) = (next(), next(), next(), next() == "https:");
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let usual = lines.filter_map(|line| line.split_once(':').map(owned)).collect();
        Ok(Self { request, method, path, query, secure, usual })
    }

    /// The runtime's own.
    pub(super) fn raw(&self) -> &web_sys::Request {
        &self.request
    }

    /// A header; one that can't be read is none.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        if USUAL.iter().any(|usual| usual.eq_ignore_ascii_case(name)) {
            let found = self.usual.iter().find(|(usual, _)| usual.eq_ignore_ascii_case(name));
            return found.map(|(_, value)| value.clone());
        }
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
        let all = headers(&self.request);
        let mut lines = all.split('\n').map(str::to_owned);
        std::iter::from_fn(|| Some((lines.next()?, lines.next()?))).collect()
    }
}
