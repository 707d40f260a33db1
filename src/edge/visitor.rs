//! A request as the Worker sees it, and the ways in which the Worker answers it or hands it on.

use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Request, Response};
use worker::Env as Bindings;
use worker::js_sys::{Function, Promise, Reflect};

use super::answered::living;
use super::error_page::ErrorAnswer;
use super::incoming::Incoming;
use super::requests::{self, Answer};
use super::settings;
use crate::config::{Config, Transports};
use crate::cors::{Cors, Visit};
use crate::engine_io::{Query, refuse_unasked};
use crate::ids::RoomName;
use crate::outbox::{self, HttpResponse};
use crate::site::SetupError;

#[wasm_bindgen(inline_js = r#"
// The answer of a room to a request.
export async function handOn(rooms, room, request, env, failed) {
  try {
    return await rooms.getByName(room).fetch(request);
  } catch (error) {
    return failed(request, env, String(error));
  }
}

// The static file at `path`, which search engines may list or not. Conditional requests keep their headers.
export async function asset(files, path, request, isListed, env, failed) {
  try {
    const { url, method, headers } = request;
    const file = await files.fetch(new URL(path, url), { method, headers });
    if (isListed) return file;
    const unlisted = new Response(file.body, file);
    unlisted.headers.set("x-robots-tag", "noindex");
    return unlisted;
  } catch (error) {
    return failed(request, env, String(error));
  }
}
"#)]
extern "C" {
    #[wasm_bindgen(js_name = handOn)]
    fn hand_on(rooms: &JsValue, room: &str, request: &Request, env: &Bindings, failed: &Function) -> Promise;

    fn asset(
        files: &JsValue,
        path: &str,
        request: &Request,
        is_listed: bool,
        env: &Bindings,
        failed: &Function,
    ) -> Promise;
}

/// The binding of the room objects.
const ROOMS: &str = "ROOMS";
/// The binding of the static files.
const ASSETS: &str = "ASSETS";
/// The methods of what can only be read.
const READ: &str = "GET, HEAD, OPTIONS";

/// Whether the log has told of a page that may not connect. Once is enough: whoever set the server up reads what to do.
static TOLD_OF_A_PAGE: AtomicBool = AtomicBool::new(false);

/// Whether search engines may list a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Listed,
    /// A room is for those who were given its URL.
    Unlisted,
}

/// An answer of the Worker.
pub(super) enum Served {
    /// It is there.
    Now(Response),
    /// Somebody else has promised it.
    Later(Promise),
}

impl From<Response> for Served {
    fn from(response: Response) -> Self {
        Self::Now(response)
    }
}

type Failed = dyn Fn(Request, Bindings, String) -> Result<Response, JsValue>;

thread_local! {
    /// What answers a request where whoever promised an answer fails.
    static FAILED: Function = living(&Closure::<Failed>::new(failed).into_js_value());
}

#[allow(clippy::needless_pass_by_value, reason = "closures are given what JavaScript passes")]
fn failed(request: Request, bindings: Bindings, error: String) -> Result<Response, JsValue> {
    worker::console_error!("{error}");
    let env = settings::env(&bindings, RoomName::DEFAULT);
    let cors = settings::config(&env).as_ref().map_or(Cors::OFF, Config::cors);
    let visitor = Visitor::new(Incoming::new(request)?, &bindings, cors);
    visitor.refuse(&ErrorAnswer::failed()).map_err(JsValue::from)
}

/// A request and what its answers depend on.
pub(super) struct Visitor<'a> {
    pub(super) request: Incoming,
    pub(super) bindings: &'a Bindings,
    cors: Cors<'a>,
    origin: Option<String>,
}

impl<'a> Visitor<'a> {
    pub(super) fn new(request: Incoming, bindings: &'a Bindings, cors: Cors<'a>) -> Self {
        let origin = request.header("origin");
        Self { request, bindings, cors, origin }
    }

    /// The answer to any `OPTIONS`, where pages of other sites may connect at all.
    pub(super) fn preflight(&self) -> Option<worker::Result<Response>> {
        if self.request.method != "OPTIONS" {
            return None;
        }
        let asked = self.request.header("access-control-request-headers");
        let allowed = self.cors.preflight(self.origin.as_deref(), asked.as_deref())?;
        let length = [("content-length".to_owned(), "0".to_owned())];
        let headers = allowed.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).chain(length);
        let reply = HttpResponse { headers: headers.collect(), ..HttpResponse::empty(204) };
        // It has its headers already.
        Some(requests::response(&self.request, Answer::Http(reply), Cors::OFF))
    }

    /// Answers with this, and with what a page of another site must be told to read it.
    pub(super) fn reply(&self, reply: HttpResponse) -> worker::Result<Response> {
        requests::response(&self.request, Answer::Http(reply), self.cors)
    }

    /// Says why there is nothing else to answer, in the form that the request accepts.
    pub(super) fn refuse(&self, error: &ErrorAnswer) -> worker::Result<Response> {
        self.reply(error.reply(&self.request.header("accept").unwrap_or_default()))
    }

    /// The settings or the app can't be used. The log is for whoever deployed this, and the answer for anybody.
    pub(super) fn broken(&self, error: &SetupError) -> worker::Result<Response> {
        worker::console_error!("{error}");
        self.refuse(&ErrorAnswer::broken(error.public()))
    }

    /// Checks that what the Worker needs is bound to it.
    pub(super) fn bound(&self) -> Result<(), SetupError> {
        let unbound = |error| SetupError::Other(format!("The rooms' objects aren't bound as {ROOMS}: {error}"));
        self.bindings.durable_object(ROOMS).map_err(unbound)?;
        let unbound = |error| SetupError::Other(format!("The pages' files aren't bound as {ASSETS}: {error}"));
        self.bindings.assets(ASSETS).map_err(unbound)?;
        Ok(())
    }

    /// Leads to where the page is.
    pub(super) fn redirect(&self, location: &str) -> worker::Result<Response> {
        let query = &self.request.query;
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let headers = vec![("location".to_owned(), format!("{location}{query}"))];
        self.reply(HttpResponse { headers, ..HttpResponse::empty(308) })
    }

    /// A static file under another name than the one asked for.
    pub(super) fn asset(&self, page: Page, path: &str) -> worker::Result<Served> {
        if let Some(reply) = self.not_read() {
            return self.reply(reply).map(Served::Now);
        }
        let (files, is_listed) = (self.binding(ASSETS)?, page == Page::Listed);
        Ok(self.later(|failed| asset(&files, path, self.request.raw(), is_listed, self.bindings, failed)))
    }

    fn later(&self, promise: impl FnOnce(&Function) -> Promise) -> Served {
        Served::Later(FAILED.with(|failed| promise(failed)))
    }

    /// The answer to a method other than those of what can only be read.
    fn not_read(&self) -> Option<HttpResponse> {
        let mut reply = match self.request.method.as_str() {
            "GET" | "HEAD" => return None,
            "OPTIONS" => HttpResponse::empty(204),
            _ => ErrorAnswer::wrong_method().reply(&self.request.header("accept").unwrap_or_default()),
        };
        reply.headers.push(("allow".to_owned(), READ.to_owned()));
        Some(reply)
    }

    /// Hands a request that only reads on to a room's object.
    pub(super) fn read_from(&self, room: &str) -> worker::Result<Served> {
        match self.not_read() {
            Some(reply) => self.reply(reply).map(Served::Now),
            None => self.hand_on(room),
        }
    }

    /// Hands the request on to a room's server, which offers these transports, but for what can be answered without waking it.
    pub(super) fn ask_room(&self, room: &str, offered: Transports) -> worker::Result<Served> {
        let Incoming { method, query, .. } = &self.request;
        let upgrade = self.request.wants_websocket();
        let request = outbox::Request { method, query, upgrade, origin: self.origin.as_deref(), ..Default::default() };
        let query = Query::parse(query);
        if let Some(refusal) = refuse_unasked(&request, &query, offered) {
            return self.reply(refusal).map(Served::Now);
        }
        if upgrade && !self.may_connect(query.sid.is_some()) {
            let error = ErrorAnswer::foreign_page(self.origin.as_deref().unwrap_or_default());
            if !TOLD_OF_A_PAGE.swap(true, Ordering::Relaxed) {
                worker::console_warn!("{}", error.message);
            }
            return self.refuse(&error).map(Served::Now);
        }
        self.hand_on(room)
    }

    /// Whether a WebSocket may open; `has_session` is whether it is to carry one on.
    fn may_connect(&self, has_session: bool) -> bool {
        let (host, forwarded_host) =
            (self.request.header("host").unwrap_or_default(), self.request.header("x-forwarded-host"));
        let fetch_site = self.request.header("sec-fetch-site");
        self.cors.admits(&Visit {
            origin: self.origin.as_deref(),
            host: &host,
            forwarded_host: forwarded_host.as_deref(),
            fetch_site: fetch_site.as_deref(),
            has_session,
        })
    }

    pub(super) fn hand_on(&self, room: &str) -> worker::Result<Served> {
        let rooms = self.binding(ROOMS)?;
        Ok(self.later(|failed| hand_on(&rooms, room, self.request.raw(), self.bindings, failed)))
    }

    fn binding(&self, name: &str) -> worker::Result<JsValue> {
        Ok(Reflect::get(self.bindings, &name.into())?)
    }
}
