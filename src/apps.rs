//! What runs in the rooms, by the setting `APP`.

use crate::app::App;
use crate::chat::chat;
use crate::config::{AppKind, Config};
#[cfg(feature = "conformance")]
use crate::conformance::{Conformance, Echo, RAW_ROOM};
use crate::core::Core;
use crate::database::DatabaseError;
use crate::examples;
#[cfg(feature = "conformance")]
use crate::raw::RawServer;
use crate::runtime::{Runtime, Sleeper};
use crate::server::Server;

/// The app that the settings name. This is the place to put another one.
fn app(config: &Config) -> Box<dyn App> {
    match config.app {
        AppKind::Chat => Box::new(chat(config)),
        AppKind::Echo => Box::new(examples::echo()),
        AppKind::Tutorial => Box::new(examples::tutorial()),
        AppKind::Dashboard => Box::new(examples::dashboard()),
        AppKind::Game => Box::new(examples::game()),
        AppKind::Whiteboard => Box::new(examples::whiteboard()),
        #[cfg(feature = "conformance")]
        AppKind::Conformance => Box::new(Conformance),
    }
}

/// The core of a room.
///
/// # Errors
/// [`DatabaseError`] where the room's database can't be read.
pub fn start(
    config: &Config,
    room: Option<&str>,
    runtime: Box<dyn Runtime>,
    sleepers: Vec<Sleeper>,
) -> Result<Box<dyn Core>, DatabaseError> {
    let own = config.clone();
    // The raw server is the only one that is chosen by the object's name.
    #[cfg(not(feature = "conformance"))]
    let _ = room;
    #[cfg(feature = "conformance")]
    if config.app == AppKind::Conformance && room == Some(RAW_ROOM) {
        return Ok(Box::new(RawServer::start(own, Echo, runtime, sleepers)));
    }
    Ok(Box::new(Server::start(own, app(config), runtime, sleepers)?))
}

/// The file that `/r/<room>` shows with this app.
pub fn page(app: AppKind) -> &'static str {
    match app {
        AppKind::Chat => "/room",
        AppKind::Echo => "/examples/echo/",
        AppKind::Tutorial => "/examples/tutorial/",
        AppKind::Dashboard => "/examples/dashboard/",
        AppKind::Game => "/examples/game/",
        AppKind::Whiteboard => "/examples/whiteboard/",
        #[cfg(feature = "conformance")]
        AppKind::Conformance => "/room",
    }
}
