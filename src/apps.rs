//! What runs in the rooms, by the setting `APP`.

use crate::chat::chat;
use crate::config::{AppKind, Config};
use crate::conformance::{Conformance, Echo, RAW_ROOM};
use crate::core::Core;
use crate::database::DatabaseError;
use crate::examples;
use crate::raw::RawServer;
use crate::runtime::{Runtime, Sleeper};
use crate::server::Server;

/// The core of a room with the app that the settings name. This is the place to put another one.
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
    Ok(match config.app {
        AppKind::Chat => Box::new(Server::start(own, chat(config), runtime, sleepers)?),
        AppKind::Conformance if room == Some(RAW_ROOM) => Box::new(RawServer::start(own, Echo, runtime, sleepers)),
        AppKind::Conformance => Box::new(Server::start(own, Conformance, runtime, sleepers)?),
        AppKind::Echo => Box::new(Server::start(own, examples::echo(), runtime, sleepers)?),
        AppKind::Tutorial => Box::new(Server::start(own, examples::tutorial(), runtime, sleepers)?),
        AppKind::Dashboard => Box::new(Server::start(own, examples::dashboard(), runtime, sleepers)?),
        AppKind::Game => Box::new(Server::start(own, examples::game(), runtime, sleepers)?),
        AppKind::Whiteboard => Box::new(Server::start(own, examples::whiteboard(), runtime, sleepers)?),
    })
}

/// The file that `/r/<room>` shows with this app.
pub fn page(app: AppKind) -> &'static str {
    match app {
        AppKind::Chat | AppKind::Conformance => "/room",
        AppKind::Echo => "/examples/echo/",
        AppKind::Tutorial => "/examples/tutorial/",
        AppKind::Dashboard => "/examples/dashboard/",
        AppKind::Game => "/examples/game/",
        AppKind::Whiteboard => "/examples/whiteboard/",
    }
}
