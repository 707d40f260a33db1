//! The Worker: serves the page, and sends each room's traffic to that room's object.

use wasm_bindgen::JsCast;
use web_sys::Request;
use worker::js_sys::Promise;
use worker::{Env as Bindings, Result};

use super::answered::guarded;
use super::error_page::ErrorAnswer;
use super::incoming::Incoming;
use super::requests;
use super::route::Route;
use super::settings;
use super::visitor::{Page, Served, Visitor};
use crate::api;
use crate::config::Config;
use crate::cors::Cors;
use crate::env::Env;
use crate::ids::RoomName;
use crate::outbox::HttpResponse;
use crate::site::{SetupError, Site};

/// Every request that no static file answers, and those that the Worker is to see first.
pub fn fetch(site: &'static Site, request: Request, env: &Bindings) -> Promise {
    console_error_panic_hook::set_once();
    match guarded(|| answer(site, request, env)) {
        Some(Ok(Served::Now(response))) => Promise::resolve(&response).unchecked_into(),
        Some(Ok(Served::Later(promise))) => promise,
        Some(Err(error)) => Promise::reject(&error.into()),
        None => Promise::reject(&"nothing was run".into()),
    }
}

fn answer(site: &Site, request: Request, bindings: &Bindings) -> Result<Served> {
    // A room's object checks the settings of its app by itself.
    let env = settings::env(bindings, RoomName::DEFAULT);
    let config = settings::config(&env);
    let cors = config.as_ref().map_or(Cors::OFF, Config::cors);
    let visitor = Visitor::new(Incoming::new(request)?, bindings, cors);
    if let Some(allowed) = visitor.preflight() {
        return allowed.map(Served::Now);
    }
    let route = match Route::parse(&visitor.request.path, &visitor.request.query) {
        Ok(route) => route,
        Err(invalid) => return visitor.refuse(&ErrorAnswer::invalid_room(&invalid)).map(Served::Now),
    };
    let served = match route {
        Route::Api => api(&visitor),
        Route::TutorialSetup => visitor.reply(HttpResponse::sentence(200, "ok")).map(Served::Now),
        Route::Unknown => visitor.refuse(&ErrorAnswer::not_found()).map(Served::Now),
        Route::Moved(location) => visitor.redirect(&location).map(Served::Now),
        Route::Client(file) => visitor.asset(Page::Listed, &format!("/socket.io/{file}")),
        route => match config {
            Ok(config) => configured(site, &visitor, env, route, config),
            Err(error) => visitor.broken(&error.clone().into()).map(Served::Now),
        },
    };
    served.or_else(|error| {
        worker::console_error!("{error}");
        visitor.refuse(&ErrorAnswer::failed()).map(Served::Now)
    })
}

/// What depends on the settings.
fn configured(site: &Site, visitor: &Visitor<'_>, env: Env, route: Route, config: &Config) -> Result<Served> {
    match route {
        Route::Start | Route::Page => match (site.pages)(&env) {
            Ok(pages) if route == Route::Start => visitor.asset(Page::Listed, pages.start),
            Ok(pages) => visitor.asset(Page::Unlisted, pages.room),
            Err(error) => visitor.broken(&error.into()).map(Served::Now),
        },
        Route::Room(room) => visitor.ask_room(room.as_str(), config.transports),
        Route::Debug(room) if config.debug => visitor.read_from(room.as_str()),
        #[cfg(feature = "conformance")]
        Route::Raw if (site.raw)(&env) => visitor.ask_room(crate::conformance::RAW_ROOM, config.transports),
        Route::Health => match healthy(site, env, visitor) {
            Ok(()) => {
                let health = serde_json::json!({ "ok": true, "version": env!("CARGO_PKG_VERSION") });
                visitor.reply(HttpResponse::json(200, &health.to_string())).map(Served::Now)
            }
            Err(error) => visitor.broken(&error).map(Served::Now),
        },
        _ => visitor.refuse(&ErrorAnswer::not_found()).map(Served::Now),
    }
}

/// Checks what a room would fail of, as far as it can be known without waking one.
fn healthy(site: &Site, env: Env, visitor: &Visitor<'_>) -> std::result::Result<(), SetupError> {
    visitor.bound()?;
    (site.pages)(&env)?;
    site.checked_app(env).map(drop)
}

/// What backends ask for. The token is asked for first: who has none learns nothing else.
fn api(visitor: &Visitor<'_>) -> Result<Served> {
    let admitted =
        api::authorize(&settings::api_token(visitor.bindings), visitor.request.header("authorization").as_deref());
    match admitted.and_then(|()| requests::api_call(&visitor.request)) {
        Ok(call) => visitor.hand_on(call.room.as_str()),
        Err(problem) => visitor.reply(problem.reply()).map(Served::Now),
    }
}
