//! The Worker: serves the page, and sends each room's traffic to that room's object.

use worker::{Context, Env, Method, Request, RequestInit, Response, Result, event};

use super::route::Route;
use super::settings;
use crate::ids::RoomName;

/// The binding of the room objects.
const ROOMS: &str = "ROOMS";
/// The binding of the static files.
const ASSETS: &str = "ASSETS";

/// Every request that no static file answers, and those that the Worker is to see first.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _: Context) -> Result<Response> {
    let url = request.url()?;
    match Route::parse(url.path(), url.query().unwrap_or_default()) {
        Err(invalid) => text(400, &invalid.to_string()),
        Ok(Route::Page) => asset(&request, &env, "/room").await,
        Ok(Route::Asset) => asset(&request, &env, url.path()).await,
        Ok(Route::TutorialSetup) => text(200, "ok"),
        Ok(Route::Unknown) => text(404, "Not found."),
        Ok(Route::Health) => match settings::read(&env) {
            Ok(_) => Response::from_json(&serde_json::json!({ "ok": true, "version": env!("CARGO_PKG_VERSION") })),
            Err(error) => text(500, &error.to_string()),
        },
        Ok(Route::Room(room)) => match settings::read(&env) {
            Ok(_) => ask_room(request, &env, &room).await,
            Err(error) => {
                // Whoever deployed this reads the log rather than the answer.
                worker::console_error!("{error}");
                text(500, &error.to_string())
            }
        },
    }
}

async fn ask_room(request: Request, env: &Env, room: &RoomName) -> Result<Response> {
    let room = env.durable_object(ROOMS)?.get_by_name(room.as_str())?;
    room.fetch_with_request(request).await
}

/// A static file under another name than the one asked for. Conditional requests keep their headers.
async fn asset(request: &Request, env: &Env, path: &str) -> Result<Response> {
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

fn text(status: u16, sentence: &str) -> Result<Response> {
    Ok(Response::ok(sentence)?.with_status(status))
}
