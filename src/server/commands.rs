//! What backends ask of the room over HTTP.

use serde::Serialize;

use super::live::Live;
use crate::api::{Command, Emit, Problem, reply};
use crate::ids::SocketId;
use crate::outbox::HttpResponse;
use crate::socket_io::Namespace;
use crate::sorted::SortedMap;

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
    namespaces: SortedMap<&'a str, CountedNamespace<'a>>,
    /// Callbacks of the app that failed too often to be tried again.
    #[serde(rename = "setAside", skip_serializing_if = "is_zero")]
    set_aside: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[derive(Default, Serialize)]
struct CountedNamespace<'a> {
    /// Connected sockets.
    sockets: usize,
    /// Those whose clients are gone and may come back.
    away: usize,
    /// The connected sockets in each room, but for those that are just one socket's own.
    rooms: SortedMap<&'a str, usize>,
}

/// The answer to [`Command::Disconnect`].
#[derive(Serialize)]
struct Disconnected<'a> {
    disconnected: &'a SocketId,
}

impl Live {
    /// Does what a backend asks for.
    pub(super) fn command(&mut self, command: &Command) -> HttpResponse {
        let done = match command {
            Command::Emit(emit) => self.emit(emit).map(|sockets| reply(200, &Emitted { sockets })),
            Command::Count => Ok(reply(200, &self.count())),
            Command::Disconnect { socket, close } => {
                self.disconnect(socket, *close).map(|()| reply(200, &Disconnected { disconnected: socket }))
            }
        };
        done.unwrap_or_else(|problem| problem.reply())
    }

    fn emit(&mut self, emit: &Emit) -> Result<usize, Problem> {
        let Emit { event, args, to, except, namespace } = emit;
        if !self.app.has_namespace(namespace) {
            return Err(Problem::UnknownNamespace);
        }
        let sockets = self.call(namespace, |_, io| {
            let selected = to.iter().fold(io.all(), |selected, room| selected.to(room));
            let selected = except.iter().fold(selected, |selected, room| selected.except(room));
            selected.emit_counted(event, args)
        });
        Ok(sockets?)
    }

    fn count(&self) -> Counted<'_> {
        let joined = self.state.sockets.namespaces.iter();
        let mut namespaces: SortedMap<_, _> =
            joined.map(|(name, namespace)| (name.as_ref(), counted(namespace))).collect();
        for away in self.state.sockets.recovery.all_away() {
            namespaces.change(away.namespace.as_ref(), |counted: &mut CountedNamespace<'_>| counted.away += 1);
        }
        let set_aside = self.set_aside_count();
        Counted { connections: self.state.sockets.clients.len(), namespaces, set_aside }
    }

    fn disconnect(&mut self, socket: &SocketId, close: bool) -> Result<(), Problem> {
        let mut joined = self.state.sockets.namespaces.iter();
        let found = joined.find(|(_, namespace)| namespace.sockets.contains_key(socket));
        if let Some(namespace) = found.map(|(name, _)| name.clone()) {
            self.call(&namespace, |_, io| io.disconnect(socket, close));
            return Ok(());
        }
        let away = self.state.sockets.recovery.all_away().find(|away| away.id == *socket);
        let pid = away.map(|away| away.state.pid.clone()).ok_or(Problem::UnknownSocket)?;
        self.tell_orphan(&pid);
        let away = self.state.sockets.recovery.take(&pid).ok_or(Problem::UnknownSocket)?;
        self.state.sockets.unsaved.insert((away.namespace.clone(), away.state.pid.clone()));
        self.tell_expired(&away);
        Ok(())
    }
}

fn counted(namespace: &Namespace) -> CountedNamespace<'_> {
    let shared = namespace.rooms.iter().filter(|(room, _)| !namespace.sockets.contains_key(&SocketId::from_wire(room)));
    CountedNamespace { sockets: namespace.sockets.len(), away: 0, rooms: shared.collect() }
}
