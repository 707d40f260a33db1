//! What runs in the rooms, by the setting `APP`.

use std::rc::Rc;

use crate::api::Command;
#[cfg(feature = "conformance")]
use crate::api::Problem;
use crate::app::App;
use crate::chat::chat;
use crate::config::{AppKind, Config};
#[cfg(feature = "conformance")]
use crate::conformance::{Conformance, RAW_ROOM};
use crate::examples;
use crate::host::Host;
use crate::ids::Millis;
use crate::outbox::{HttpResponse, Input, Outbox};
#[cfg(feature = "conformance")]
use crate::raw::RawServer;
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
        AppKind::Conformance => Box::new(Conformance { recovery: true }),
        #[cfg(feature = "conformance")]
        AppKind::ConformanceWithoutRecovery => Box::new(Conformance { recovery: false }),
    }
}

/// The core of a room: what the object's shell drives.
pub enum Core {
    /// A Socket.IO server with its app.
    SocketIo(Box<Server>),
    /// A raw Engine.IO server.
    #[cfg(feature = "conformance")]
    EngineIo(Box<RawServer>),
}

impl Core {
    /// The core of the room of this name.
    pub fn new(config: &Config, room: Option<&str>, host: Rc<dyn Host>) -> Self {
        let own = config.clone();
        // The raw server is the only one that is chosen by the object's name.
        #[cfg(not(feature = "conformance"))]
        let _ = room;
        #[cfg(feature = "conformance")]
        if config.app == AppKind::Conformance && room == Some(RAW_ROOM) {
            return Self::EngineIo(Box::new(RawServer::new(own, host)));
        }
        let make_app = move || app(&own);
        Self::SocketIo(Box::new(Server::new(config.clone(), Box::new(make_app), host)))
    }

    /// Handles one input at the time `now`.
    pub fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        match self {
            Self::SocketIo(server) => server.handle(now, input),
            #[cfg(feature = "conformance")]
            Self::EngineIo(server) => server.handle(now, input),
        }
    }

    /// Does what a backend asks for at the time `now`; the answer is given when the effects are done.
    pub fn command(&mut self, now: Millis, command: &Command) -> (HttpResponse, Outbox) {
        match self {
            Self::SocketIo(server) => server.command(now, command),
            #[cfg(feature = "conformance")]
            Self::EngineIo(_) => (Problem::NoSocketIo.reply(), Outbox::default()),
        }
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        match self {
            Self::SocketIo(server) => server.next_wake(now),
            #[cfg(feature = "conformance")]
            Self::EngineIo(server) => server.next_wake(now),
        }
    }

    /// When [`Input::Tick`] is wanted for what needs no alarm: it is forgotten together with the object's memory.
    pub fn next_tick(&self) -> Option<Millis> {
        match self {
            Self::SocketIo(server) => server.next_tick(),
            #[cfg(feature = "conformance")]
            Self::EngineIo(server) => server.next_tick(),
        }
    }
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
        AppKind::Conformance | AppKind::ConformanceWithoutRecovery => "/room",
    }
}
