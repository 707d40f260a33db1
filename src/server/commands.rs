//! What backends ask of the room over HTTP.

use std::collections::BTreeMap;

use serde::Serialize;

use super::hub::Hub;
use crate::api::{Command, Emit, Problem, reply};
use crate::engine_io::{Engine, Turn};
use crate::ids::SocketId;
use crate::outbox::Reply;
use crate::socket_io::Namespace;

/// The answer to [`Command::Emit`].
#[derive(Serialize)]
struct Emitted {
    /// How many connected sockets the event was for.
    sockets: usize,
}

/// The answer to [`Command::Count`].
#[derive(Serialize)]
struct Counted<'a> {
    /// Sessions, be they in a namespace or not.
    connections: usize,
    /// Those that somebody is in, or is away from.
    namespaces: BTreeMap<&'a str, CountedNamespace<'a>>,
}

#[derive(Default, Serialize)]
struct CountedNamespace<'a> {
    /// Connected sockets.
    sockets: usize,
    /// Those whose clients are gone and may come back.
    away: usize,
    /// The connected sockets in each room, but for those that are just one socket's own.
    rooms: BTreeMap<&'a str, usize>,
}

/// The answer to [`Command::Disconnect`].
#[derive(Serialize)]
struct Disconnected<'a> {
    disconnected: &'a SocketId,
}

impl Hub {
    /// Does what a backend asks for.
    pub(super) fn command(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, command: &Command) -> Reply {
        let done = match command {
            Command::Emit(emit) => self.emit(engine, turn, emit).map(|sockets| reply(200, &Emitted { sockets })),
            Command::Count => Ok(reply(200, &self.count())),
            Command::Disconnect { socket, close } => self
                .disconnect(engine, turn, socket, *close)
                .map(|()| reply(200, &Disconnected { disconnected: socket })),
        };
        done.unwrap_or_else(|problem| problem.reply())
    }

    fn emit(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, emit: &Emit) -> Result<usize, Problem> {
        let Emit { event, args, to, except, namespace } = emit;
        if !self.app.has_namespace(namespace) {
            return Err(Problem::UnknownNamespace);
        }
        let sockets = self.call(engine, turn, namespace, |_, io| {
            let selected = to.iter().fold(io.all(), |selected, room| selected.to(room));
            let selected = except.iter().fold(selected, |selected, room| selected.except(room));
            selected.emit_counted(event, args)
        });
        Ok(sockets?)
    }

    fn count(&self) -> Counted<'_> {
        let places = self.sockets.namespaces.iter();
        let mut namespaces: BTreeMap<_, _> = places.map(|(name, place)| (name.as_ref(), counted(place))).collect();
        for lost in self.sockets.recovery.lost() {
            namespaces.entry(lost.namespace.as_ref()).or_default().away += 1;
        }
        Counted { connections: self.sockets.clients.len(), namespaces }
    }

    fn disconnect(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        socket: &SocketId,
        close: bool,
    ) -> Result<(), Problem> {
        let place = self.sockets.namespaces.iter().find(|(_, place)| place.sockets.contains_key(socket));
        if let Some(namespace) = place.map(|(namespace, _)| namespace.clone()) {
            self.call(engine, turn, &namespace, |_, io| io.disconnect(socket, close));
            return Ok(());
        }
        let away = self.sockets.recovery.lost().find(|lost| lost.id == *socket);
        let pid = away.map(|lost| lost.profile.pid.clone());
        let lost = pid.and_then(|pid| self.sockets.recovery.take(&pid)).ok_or(Problem::UnknownSocket)?;
        self.sockets.unsaved.insert((lost.namespace.clone(), lost.profile.pid.clone()));
        self.expire_lost(engine, turn, &lost);
        Ok(())
    }
}

fn counted(place: &Namespace) -> CountedNamespace<'_> {
    let shared = place.rooms.iter().filter(|(room, _)| !place.sockets.contains_key(&SocketId::from_wire(room)));
    CountedNamespace { sockets: place.sockets.len(), away: 0, rooms: shared.collect() }
}
