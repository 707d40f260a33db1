//! The core of a room: what the object's shell drives.

use std::cell::RefCell;
use std::rc::Rc;

use crate::api::Command;
#[cfg(feature = "conformance")]
use crate::api::Problem;
use crate::config::Config;
#[cfg(feature = "conformance")]
use crate::conformance::RAW_ROOM;
use crate::env::Env;
use crate::host::Host;
use crate::ids::Millis;
use crate::outbox::{HttpResponse, Input, Outbox};
#[cfg(feature = "conformance")]
use crate::raw::RawServer;
use crate::server::Server;
use crate::site::{SetupError, Site};

/// A room's server.
pub(super) enum Core {
    /// A Socket.IO server with its app.
    SocketIo(Box<Server>),
    /// A raw Engine.IO server.
    #[cfg(feature = "conformance")]
    EngineIo(Box<RawServer>),
}

impl Core {
    /// The core of a room.
    ///
    /// # Errors
    /// Why its app can't be used.
    pub(super) fn new(site: &'static Site, env: Env, config: Config, host: Rc<dyn Host>) -> Result<Self, SetupError> {
        // The raw server is the only one that is chosen by the object's name.
        #[cfg(feature = "conformance")]
        if (site.raw)(&env) && env.room() == RAW_ROOM {
            return Ok(Self::EngineIo(Box::new(RawServer::new(config, host))));
        }
        let first = RefCell::new(Some(site.checked_app(env.clone())?));
        let make_app = move || match first.take() {
            Some(app) => Ok(app),
            None => site.checked_app(env.clone()).map_err(|error| error.to_string()),
        };
        Ok(Self::SocketIo(Box::new(Server::new(config, Box::new(make_app), host))))
    }

    /// Handles one input at the time `now`.
    pub(super) fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        match self {
            Self::SocketIo(server) => server.handle(now, input),
            #[cfg(feature = "conformance")]
            Self::EngineIo(server) => server.handle_all(now, &[input]),
        }
    }

    /// Handles frames that have come together.
    pub(super) fn handle_all(&mut self, now: Millis, frames: &[Input<'_>]) -> Outbox {
        match self {
            Self::SocketIo(server) => server.handle_all(now, frames),
            #[cfg(feature = "conformance")]
            Self::EngineIo(server) => server.handle_all(now, frames),
        }
    }

    /// Does what a backend asks for at the time `now`; the answer is given when the effects are done.
    pub(super) fn command(&mut self, now: Millis, command: &Command) -> (HttpResponse, Outbox) {
        match self {
            Self::SocketIo(server) => server.command(now, command),
            #[cfg(feature = "conformance")]
            Self::EngineIo(_) => (Problem::NoSocketIo.reply(), Outbox::default()),
        }
    }

    /// Whether nothing was stored before this room was started.
    pub(super) fn is_new(&self) -> bool {
        match self {
            Self::SocketIo(server) => server.is_new(),
            #[cfg(feature = "conformance")]
            Self::EngineIo(_) => false,
        }
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub(super) fn next_wake(&self, now: Millis) -> Option<Millis> {
        match self {
            Self::SocketIo(server) => server.next_wake(now),
            #[cfg(feature = "conformance")]
            Self::EngineIo(server) => server.next_wake(now),
        }
    }

    /// When [`Input::Tick`] is wanted for what needs no alarm: it is forgotten together with the object's memory.
    pub(super) fn next_tick(&self) -> Option<Millis> {
        match self {
            Self::SocketIo(server) => server.next_tick(),
            #[cfg(feature = "conformance")]
            Self::EngineIo(server) => server.next_tick(),
        }
    }
}
