//! The Worker: serves the page, and sends each room's traffic to that room's object.

use web_sys::{Request, Response};
use worker::js_sys::Promise;
use worker::{Env as Bindings, Result};

use super::answered::answered;
use super::error_page::ErrorAnswer;
use super::incoming::Incoming;
use super::requests;
use super::route::Route;
use super::settings;
use super::visitor::{Page, Visitor};
use crate::api;
use crate::config::Config;
use crate::cors::Cors;
use crate::env::Env;
use crate::ids::RoomName;
use crate::outbox::HttpResponse;
use crate::site::{SetupError, Site};

/// Every request that no static file answers, and those that the Worker is to see first.
pub fn fetch(site: &'static Site, request: Request, env: Bindings) -> Promise {
    console_error_panic_hook::set_once();
    answered(async move { answer(site, request, &env).await.map(Into::into) })
}

async fn answer(site: &Site, request: Request, bindings: &Bindings) -> Result<Response> {
    // A room's object checks the settings of its app by itself.
    let env = settings::env(bindings, RoomName::DEFAULT);
    let config = settings::config(&env);
    let cors = config.as_ref().map_or(Cors::OFF, Config::cors);
    let visitor = Visitor::new(Incoming::new(request)?, bindings, cors);
    if let Some(allowed) = visitor.preflight() {
        return allowed;
    }
    let route = match Route::parse(&visitor.request.path, &visitor.request.query) {
        Ok(route) => route,
        Err(invalid) => return visitor.refuse(&ErrorAnswer::invalid_room(&invalid)),
    };
    let served = match route {
        Route::Api => api(&visitor).await,
        Route::TutorialSetup => visitor.reply(HttpResponse::sentence(200, "ok")),
        Route::Unknown => visitor.refuse(&ErrorAnswer::not_found()),
        Route::Moved(location) => visitor.redirect(&location),
        Route::Client(file) => visitor.asset(Page::Listed, &format!("/socket.io/{file}")).await,
        route => match config {
            Ok(config) => configured(site, &visitor, env, route, config).await,
            Err(error) => visitor.broken(&error.clone().into()),
        },
    };
    served.or_else(|error| {
        worker::console_error!("{error}");
        visitor.refuse(&ErrorAnswer::failed())
    })
}

/// What depends on the settings.
async fn configured(site: &Site, visitor: &Visitor<'_>, env: Env, route: Route, config: &Config) -> Result<Response> {
    match route {
        Route::Start | Route::Page => match (site.pages)(&env) {
            Ok(pages) if route == Route::Start => visitor.asset(Page::Listed, pages.start).await,
            Ok(pages) => visitor.asset(Page::Unlisted, pages.room).await,
            Err(error) => visitor.broken(&error.into()),
        },
        Route::Room(room) => visitor.ask_room(room.as_str(), config.transports).await,
        Route::Debug(room) if config.debug => visitor.read_from(room.as_str()).await,
        #[cfg(feature = "conformance")]
        Route::Raw if (site.raw)(&env) => visitor.ask_room(crate::conformance::RAW_ROOM, config.transports).await,
        Route::Health => match healthy(site, env, visitor) {
            Ok(()) => {
                let health = serde_json::json!({ "ok": true, "version": env!("CARGO_PKG_VERSION") });
                visitor.reply(HttpResponse::json(200, &health.to_string()))
            }
            Err(error) => visitor.broken(&error),
        },
        _ => visitor.refuse(&ErrorAnswer::not_found()),
    }
}

/// Checks what a room would fail of, as far as it can be known without waking one.
fn healthy(site: &Site, env: Env, visitor: &Visitor<'_>) -> std::result::Result<(), SetupError> {
    visitor.bound()?;
    (site.pages)(&env)?;
    site.checked_app(env).map(drop)
}

/// What backends ask for. The token is asked for first: who has none learns nothing else.
async fn api(visitor: &Visitor<'_>) -> Result<Response> {
    let admitted =
        api::authorize(&settings::api_token(visitor.bindings), visitor.request.header("authorization").as_deref());
    match admitted.and_then(|()| requests::api_call(&visitor.request)) {
        Ok(call) => visitor.hand_on(call.room.as_str()).await,
        Err(problem) => visitor.reply(problem.reply()),
    }
}
