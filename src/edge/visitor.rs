//! A request as the Worker sees it, and the ways in which the Worker answers it or hands it on.

use std::sync::atomic::{AtomicBool, Ordering};

use web_sys::RequestInit;
use worker::{Env as Bindings, Request, Response, Result};

use super::address::Address;
use super::error_page::ErrorAnswer;
use super::requests::{self, Answer};
use crate::config::Transports;
use crate::cors::{Cors, Visit};
use crate::engine_io::{Query, refuse_unasked};
use crate::outbox::{self, HttpResponse};
use crate::site::SetupError;

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

/// A request and what its answers depend on.
pub(super) struct Visitor<'a> {
    pub(super) request: &'a Request,
    pub(super) bindings: &'a Bindings,
    cors: Cors<'a>,
    /// As it was sent: the SDK takes a method that it doesn't know for GET.
    method: String,
    pub(super) path: String,
    pub(super) query: String,
    origin: Option<String>,
}

impl<'a> Visitor<'a> {
    pub(super) fn new(request: &'a Request, bindings: &'a Bindings, cors: Cors<'a>) -> Result<Self> {
        let url = request.inner().url();
        let Address { path, query, .. } = Address::parse(&url);
        let (path, query) = (path.to_owned(), query.to_owned());
        let (method, origin) = (request.inner().method(), request.headers().get("origin")?);
        Ok(Self { request, bindings, cors, method, path, query, origin })
    }

    /// A header; one that can't be read is none.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.request.headers().get(name).ok().flatten()
    }

    /// The answer to any `OPTIONS`, where pages of other sites may connect at all.
    pub(super) fn preflight(&self) -> Option<Result<Response>> {
        if self.method != "OPTIONS" {
            return None;
        }
        let asked = self.header("access-control-request-headers");
        let allowed = self.cors.preflight(self.origin.as_deref(), asked.as_deref())?;
        let length = [("content-length".to_owned(), "0".to_owned())];
        let headers = allowed.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).chain(length);
        let reply = HttpResponse { headers: headers.collect(), ..HttpResponse::empty(204) };
        // It has its headers already.
        Some(requests::response(self.request, Answer::Http(reply), Cors::OFF))
    }

    /// Answers with this, and with what a page of another site must be told to read it.
    pub(super) fn reply(&self, reply: HttpResponse) -> Result<Response> {
        requests::response(self.request, Answer::Http(reply), self.cors)
    }

    /// Says why there is nothing else to answer, in the form that the request accepts.
    pub(super) fn refuse(&self, error: &ErrorAnswer) -> Result<Response> {
        self.reply(error.reply(&self.header("accept").unwrap_or_default()))
    }

    /// The settings or the app can't be used. The log is for whoever deployed this, and the answer for anybody.
    pub(super) fn broken(&self, error: &SetupError) -> Result<Response> {
        worker::console_error!("{error}");
        self.refuse(&ErrorAnswer::broken(error.public()))
    }

    /// Checks that what the Worker needs is bound to it.
    pub(super) fn bound(&self) -> std::result::Result<(), SetupError> {
        let unbound = |error| SetupError::Other(format!("The rooms' objects aren't bound as {ROOMS}: {error}"));
        self.bindings.durable_object(ROOMS).map_err(unbound)?;
        let unbound = |error| SetupError::Other(format!("The pages' files aren't bound as {ASSETS}: {error}"));
        self.bindings.assets(ASSETS).map_err(unbound)?;
        Ok(())
    }

    /// Leads to where the page is.
    pub(super) fn redirect(&self, location: &str) -> Result<Response> {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let headers = vec![("location".to_owned(), format!("{location}{query}"))];
        self.reply(HttpResponse { headers, ..HttpResponse::empty(308) })
    }

    /// A static file under another name than the one asked for. Conditional requests keep their headers.
    pub(super) async fn asset(&self, page: Page, path: &str) -> Result<Response> {
        if let Some(reply) = self.not_read() {
            return self.reply(reply);
        }
        let url = self.request.inner().url();
        let url = format!("{}{path}", Address::parse(&url).origin);
        let init = RequestInit::new();
        init.set_method(&self.method);
        init.set_headers(&self.request.headers().0);
        let request = web_sys::Request::new_with_str_and_init(&url, &init)?;
        let file = self.bindings.assets(ASSETS)?.fetch_request(Request::from(request)).await?;
        if page == Page::Listed {
            return Ok(file);
        }
        let headers = file.headers().clone();
        headers.set("x-robots-tag", "noindex")?;
        Ok(file.with_headers(headers))
    }

    /// The answer to a method other than those of what can only be read.
    fn not_read(&self) -> Option<HttpResponse> {
        let mut reply = match self.method.as_str() {
            "GET" | "HEAD" => return None,
            "OPTIONS" => HttpResponse::empty(204),
            _ => ErrorAnswer::wrong_method().reply(&self.header("accept").unwrap_or_default()),
        };
        reply.headers.push(("allow".to_owned(), READ.to_owned()));
        Some(reply)
    }

    /// Hands a request that only reads on to a room's object.
    pub(super) async fn read_from(&self, room: &str) -> Result<Response> {
        match self.not_read() {
            Some(reply) => self.reply(reply),
            None => self.hand_on(room).await,
        }
    }

    /// Hands the request on to a room's server, which offers these transports, but for what can be answered without waking it.
    pub(super) async fn ask_room(&self, room: &str, offered: Transports) -> Result<Response> {
        let (method, query, upgrade) = (&self.method, &self.query, requests::wants_websocket(self.request)?);
        let request = outbox::Request { method, query, upgrade, origin: self.origin.as_deref(), ..Default::default() };
        let query = Query::parse(query);
        if let Some(refusal) = refuse_unasked(&request, &query, offered) {
            return self.reply(refusal);
        }
        if upgrade && !self.may_connect(query.sid.is_some()) {
            let error = ErrorAnswer::foreign_page(self.origin.as_deref().unwrap_or_default());
            if !TOLD_OF_A_PAGE.swap(true, Ordering::Relaxed) {
                worker::console_warn!("{}", error.message);
            }
            return self.refuse(&error);
        }
        self.hand_on(room).await
    }

    /// Whether a WebSocket may open; `has_session` is whether it is to carry one on.
    fn may_connect(&self, has_session: bool) -> bool {
        let (host, forwarded_host) = (self.header("host").unwrap_or_default(), self.header("x-forwarded-host"));
        let fetch_site = self.header("sec-fetch-site");
        self.cors.admits(&Visit {
            origin: self.origin.as_deref(),
            host: &host,
            forwarded_host: forwarded_host.as_deref(),
            fetch_site: fetch_site.as_deref(),
            has_session,
        })
    }

    pub(super) async fn hand_on(&self, room: &str) -> Result<Response> {
        // Another handle of the same request; its method `clone` would copy the body.
        let request = Request::from(Clone::clone(self.request.inner()));
        self.bindings.durable_object(ROOMS)?.get_by_name(room)?.fetch_with_request(request).await
    }
}
