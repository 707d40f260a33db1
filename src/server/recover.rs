//! Clients that come back to their socket (1.11).

use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::live::Live;
use crate::app::Connection;
use crate::database::DatabaseError;
use crate::ids::{Offset, Pid, Sid, SocketId};
use crate::javascript;
use crate::socket_io::recovery::{AwaySocket, Replay, SocketState};
use crate::socket_io::{DisconnectReason, ServerPacket};

/// What a client shows to get its socket back.
pub(super) struct Claim {
    pid: Pid,
    position: Position,
}

/// How far the client has got.
enum Position {
    /// It has had no event at all.
    Start,
    /// This is the last one that it had.
    At(Offset),
    /// It had one whose last argument is a text of somebody else's: clients can't tell the difference.
    Unknown,
}

impl Claim {
    /// Reads what a client sends with its CONNECT; `None` where it wants no socket back.
    pub(super) fn read(auth: Option<&RawValue>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Shown {
            pid: String,
            #[serde(default)]
            offset: Option<Box<RawValue>>,
        }
        let Shown { pid, offset } = javascript::read(auth?.get()).ok()?;
        let position = match offset {
            None => Position::Start,
            Some(offset) => {
                let offset = javascript::text(offset.get());
                offset.and_then(|offset| Offset::from_wire(&offset)).map_or(Position::Unknown, Position::At)
            }
        };
        Some(Self { pid: Pid::from_wire(&pid), position })
    }
}

impl Live {
    /// Gives a client its socket back.
    ///
    /// # Errors
    /// Where that can't be: it joins as anybody else, and the socket that it gives up thereby, if any, is gone for good.
    pub(super) fn recover(
        &mut self,
        sid: &Sid,
        namespace: &Rc<str>,
        claim: &Claim,
        auth: Option<&RawValue>,
    ) -> Result<(), Option<Box<AwaySocket>>> {
        // The app learns that the socket was gone before it learns that it is back.
        self.tell_orphan(&claim.pid);
        let overdue = self.state.sockets.recovery.is_overdue(&claim.pid, self.state.now);
        let missed = self.missed(namespace, claim).unwrap_or_else(|error| {
            self.state.host.warn(&format!("a client was not recovered: {error}"));
            None
        });
        // Whoever has been recovered is on a new connection: if there is an old one, it is dead or will be.
        let mut away = self.take(namespace, &claim.pid).ok_or(None)?;
        let Some(missed) = missed.filter(|missed| !overdue && away.state.replays.allow(missed)) else {
            return Err(Some(Box::new(away)));
        };
        let AwaySocket { id, mut state, .. } = away;
        state.told = true;
        let pid = state.pid.clone();
        self.state.sockets.join(sid, namespace, &id, state);
        self.connects.clear(sid);
        for replay in missed {
            let Replay { logged, name, args, .. } = replay.as_ref();
            if let Ok(offset) = to_raw_value(&logged.offset.to_string()) {
                let event = ServerPacket::Event { name, args: &args.and(&offset), ack: None };
                self.state.send_to_client(sid, namespace, &event);
            }
        }
        let connect = ServerPacket::Connect { id: Some(id.as_str()), pid: Some(pid.as_str()) };
        self.state.send_to_client(sid, namespace, &connect);
        let connection = Connection { socket: &id, auth, recovered: true };
        self.call(namespace, |app, io| app.connected(io, &connection));
        Ok(())
    }

    /// The events that the client has missed; `None` where nobody can tell, or where it is too much.
    fn missed(&self, namespace: &Rc<str>, claim: &Claim) -> Result<Option<Vec<Rc<Replay>>>, DatabaseError> {
        let Some((id, state)) = self.claimed(namespace, &claim.pid) else {
            return Ok(None);
        };
        let log = &self.state.sockets.recovery.log;
        let position = match claim.position {
            Position::Start => state.since,
            // A client that had to start anew still shows the offset of its life before, until it gets an event.
            Position::At(offset) if log.contains(self.state.host.as_ref(), namespace, offset)? => {
                offset.max(state.since)
            }
            Position::At(_) | Position::Unknown => return Ok(None),
        };
        if !log.reaches(position) || !state.reaches(position) {
            return Ok(None);
        }
        log.after(self.state.host.as_ref(), namespace, position, self.config.max_buffered / 2, |event| {
            state.sees(id, event)
        })
    }

    /// The socket with this pid, be its client gone or still counted as connected.
    fn claimed(&self, namespace: &Rc<str>, pid: &Pid) -> Option<(&SocketId, &SocketState)> {
        if let Some(away) = self.state.sockets.recovery.find(pid).filter(|away| away.namespace == *namespace) {
            return Some((&away.id, &away.state));
        }
        let (id, socket) = self.state.sockets.namespaces.get(namespace)?.by_pid(pid)?;
        Some((id, &socket.state)).filter(|(_, state)| state.told)
    }

    /// Takes a socket from wherever it is: a connection that still counts as open is closed, with all that it carries.
    fn take(&mut self, namespace: &Rc<str>, pid: &Pid) -> Option<AwaySocket> {
        let found = self.state.sockets.namespaces.get(namespace);
        if let Some((_, socket)) = found.and_then(|found| found.by_pid(pid)).filter(|(_, socket)| socket.state.told) {
            let old = socket.sid.clone();
            self.state.engine.close(&old);
            self.remove_client(&old, DisconnectReason::Transport("transport close"));
        }
        self.state.sockets.recovery.find(pid).filter(|away| away.namespace == *namespace)?;
        self.state.sockets.unsaved.insert((namespace.clone(), pid.clone()));
        self.state.sockets.recovery.take(pid)
    }
}
