//! The Worker: serves the page, and sends each room's traffic to that room's object.

use worker::js_sys::Promise;
use worker::{Env as Bindings, Headers, Method, Request, RequestInit, Response, ResponseBuilder, Result};

use super::answered::answered;
use super::requests::{self, text};
use super::route::Route;
use super::settings;
use crate::api::{self, Problem};
use crate::config::Config;
use crate::cors::Cors;
use crate::env::Env;
use crate::ids::RoomName;
use crate::site::{SetupError, Site};

/// The binding of the room objects.
const ROOMS: &str = "ROOMS";
/// The binding of the static files.
const ASSETS: &str = "ASSETS";

/// Every request that no static file answers, and those that the Worker is to see first.
pub fn fetch(site: &'static Site, request: web_sys::Request, env: Bindings) -> Promise {
    console_error_panic_hook::set_once();
    answered(async move {
        let response = match route(site, request.into(), &env).await {
            Err(error) => {
                worker::console_error!("{error}");
                text(500, "Something went wrong here.")?
            }
            Ok(response) => response,
        };
        Ok(web_sys::Response::from(response).into())
    })
}

async fn route(site: &Site, request: Request, env: &Bindings) -> Result<Response> {
    let url = request.url()?;
    let route = match Route::parse(url.path(), url.query().unwrap_or_default()) {
        Ok(route) => route,
        Err(invalid) => return text(400, &invalid.to_string()),
    };
    match route {
        Route::Asset => asset(&request, env, url.path()).await,
        Route::TutorialSetup => text(200, "ok"),
        Route::Api => match admit(&request, env) {
            Ok(room) => hand_on(request, env, room.as_str()).await,
            Err(problem) => requests::api_response(&request, problem.reply()),
        },
        Route::Unknown => text(404, "Not found."),
        route => match Config::read(&settings::env(env, RoomName::DEFAULT)) {
            Ok(config) => configured(site, request, env, route, &config).await,
            Err(error) => broken(&error.into()),
        },
    }
}

/// What depends on the settings.
async fn configured(
    site: &Site,
    request: Request,
    bindings: &Bindings,
    route: Route,
    config: &Config,
) -> Result<Response> {
    // A room's object checks the settings of its app by itself.
    let env = settings::env(bindings, RoomName::DEFAULT);
    match route {
        Route::Start | Route::Page => match (site.pages)(&env) {
            Ok(pages) => asset(&request, bindings, if route == Route::Start { pages.start } else { pages.room }).await,
            Err(error) => broken(&error.into()),
        },
        Route::Room(room) => ask_room(request, bindings, room.as_str(), &config.cors).await,
        Route::Debug(room) if config.debug => ask_room(request, bindings, room.as_str(), &config.cors).await,
        #[cfg(feature = "conformance")]
        Route::Raw if (site.raw)(&env) => ask_room(request, bindings, crate::conformance::RAW_ROOM, &config.cors).await,
        Route::Health => match healthy(site, env, bindings) {
            Ok(()) => Response::from_json(&serde_json::json!({ "ok": true, "version": env!("CARGO_PKG_VERSION") })),
            Err(error) => broken(&error),
        },
        _ => text(404, "Not found."),
    }
}

/// Checks what a room would fail of, as far as it can be known without waking one.
fn healthy(site: &Site, env: Env, bindings: &Bindings) -> std::result::Result<(), SetupError> {
    let unbound = |error| SetupError::Other(format!("The rooms' objects aren't bound as {ROOMS}: {error}"));
    bindings.durable_object(ROOMS).map_err(unbound)?;
    let unbound = |error| SetupError::Other(format!("The pages' files aren't bound as {ASSETS}: {error}"));
    bindings.assets(ASSETS).map_err(unbound)?;
    (site.pages)(&env)?;
    site.checked_app(env).map(drop)
}

/// The settings or the app can't be used. The log is for whoever deployed this, and the answer for anybody.
fn broken(error: &SetupError) -> Result<Response> {
    worker::console_error!("{error}");
    text(500, &error.public())
}

/// The room that a request to the API is about. The token is asked for first: who has none learns nothing else.
fn admit(request: &Request, env: &Bindings) -> Result<RoomName, Problem> {
    // A header that can't be read is none.
    let authorization = request.headers().get("authorization").ok().flatten();
    api::authorize(&settings::api_token(env), authorization.as_deref())?;
    requests::api_call(request).map(|call| call.room)
}

/// Hands a request on to a room's object, but for what can be answered without waking it.
async fn ask_room(request: Request, env: &Bindings, room: &str, cors: &Cors) -> Result<Response> {
    let headers = request.headers();
    let origin = headers.get("origin")?;
    if request.method() == Method::Options
        && let Some(allowed) =
            cors.preflight(origin.as_deref(), headers.get("access-control-request-headers")?.as_deref())
    {
        let headers = Headers::new();
        for (name, value) in allowed {
            headers.set(name, &value)?;
        }
        headers.set("content-length", "0")?;
        return Ok(ResponseBuilder::new().with_status(204).with_headers(headers).empty());
    }
    let host = headers.get("host")?.unwrap_or_default();
    if headers.has("upgrade")? && !cors.allows_websocket(origin.as_deref(), &host) {
        return text(403, "Pages of this origin may not connect here.");
    }
    hand_on(request, env, room).await
}

async fn hand_on(request: Request, env: &Bindings, room: &str) -> Result<Response> {
    env.durable_object(ROOMS)?.get_by_name(room)?.fetch_with_request(request).await
}

/// A static file under another name than the one asked for. Conditional requests keep their headers.
async fn asset(request: &Request, env: &Bindings, path: &str) -> Result<Response> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return text(405, "This page can only be read.");
    }
    let mut url = request.url()?;
    url.set_path(path);
    url.set_query(None);
    let mut init = RequestInit::new();
    init.with_method(request.method()).with_headers(request.headers().clone());
    env.assets(ASSETS)?.fetch(url, Some(init)).await
}
