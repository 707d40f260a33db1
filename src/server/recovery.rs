//! Clients that come back to their socket (1.11), and sockets that nobody comes back to.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::hub::Hub;
use crate::app::{Connection, send};
use crate::database::DatabaseError;
use crate::engine_io::{Engine, Turn};
use crate::ids::{Offset, Pid, Sid, SocketId};
use crate::socket_io::recovery::{Lost, Profile, Replay, SocketRows};
use crate::socket_io::{DisconnectReason, Reply};

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
            offset: Option<Value>,
        }
        let Shown { pid, offset } = serde_json::from_str(auth?.get()).ok()?;
        let position = match offset {
            None => Position::Start,
            Some(offset) => offset.as_str().and_then(Offset::from_wire).map_or(Position::Unknown, Position::At),
        };
        Some(Self { pid: Pid::from_wire(&pid), position })
    }
}

impl Hub {
    /// Gives a client its socket back.
    ///
    /// # Errors
    /// Where that can't be: it joins as anybody else, and the socket that it gives up thereby, if any, is gone for good.
    pub(super) fn recover(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        sid: &Sid,
        namespace: &Rc<str>,
        claim: &Claim,
        auth: Option<&RawValue>,
    ) -> Result<(), Option<Box<Lost>>> {
        let missed = self.missed(turn, namespace, claim).unwrap_or_else(|error| {
            turn.runtime.warn(&format!("a client was not recovered: {error}"));
            None
        });
        // Whoever has been recovered is on a new connection: if there is an old one, it is dead or will be.
        let mut lost = self.take(engine, turn, namespace, &claim.pid).ok_or(None)?;
        let Some(missed) = missed.filter(|missed| lost.profile.replays.allow(missed)) else {
            return Err(Some(Box::new(lost)));
        };
        let Lost { id, mut profile, .. } = lost;
        profile.told = true;
        let pid = profile.pid.clone();
        self.sockets.join(sid, namespace, &id, profile);
        self.connects.clear(sid);
        for Replay { logged, name, args, .. } in missed {
            if let Ok(offset) = to_raw_value(&logged.offset.to_string()) {
                let event = Reply::Event { name: &name, args: &args.and(&offset), ack: None };
                send(engine, turn, &self.sockets, sid, namespace, &event);
            }
        }
        let connect = Reply::Connect { id: Some(id.as_str()), pid: Some(pid.as_str()) };
        send(engine, turn, &self.sockets, sid, namespace, &connect);
        let connection = Connection { socket: &id, auth, recovered: true };
        self.call(engine, turn, namespace, |app, io| app.connected(io, &connection));
        Ok(())
    }

    /// The events that the client has missed; `None` where nobody can tell, or where it is too much.
    fn missed(
        &self,
        turn: &Turn<'_>,
        namespace: &Rc<str>,
        claim: &Claim,
    ) -> Result<Option<Vec<Replay>>, DatabaseError> {
        let Some((id, profile)) = self.claimed(namespace, &claim.pid) else {
            return Ok(None);
        };
        let log = &self.sockets.recovery.log;
        let position = match claim.position {
            Position::Start => profile.since,
            // A client that had to start anew still shows the offset of its life before, until it gets an event.
            Position::At(offset) if log.contains(turn.runtime, namespace, offset)? => offset.max(profile.since),
            Position::At(_) | Position::Unknown => return Ok(None),
        };
        if !log.reaches(position) || !profile.reaches(position) {
            return Ok(None);
        }
        log.after(turn.runtime, namespace, position, self.max_replayed, |event| profile.sees(id, event))
    }

    /// The socket with this pid, be its client gone or still counted as connected.
    fn claimed(&self, namespace: &Rc<str>, pid: &Pid) -> Option<(&SocketId, &Profile)> {
        if let Some(lost) = self.sockets.recovery.find(pid).filter(|lost| lost.namespace == *namespace) {
            return Some((&lost.id, &lost.profile));
        }
        let (id, socket) = self.sockets.namespaces.get(namespace)?.by_pid(pid)?;
        Some((id, &socket.profile)).filter(|(_, profile)| profile.told)
    }

    /// Takes a socket from wherever it is: a connection that still counts as open is closed, with all that it carries.
    fn take(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, namespace: &Rc<str>, pid: &Pid) -> Option<Lost> {
        let place = self.sockets.namespaces.get(namespace);
        if let Some((_, socket)) = place.and_then(|place| place.by_pid(pid)).filter(|(_, socket)| socket.profile.told) {
            let old = socket.sid.clone();
            engine.close(turn, &old);
            self.remove_client(engine, turn, &old, DisconnectReason::Transport("transport close"));
        }
        self.sockets.recovery.find(pid).filter(|lost| lost.namespace == *namespace)?;
        self.sockets.unsaved.insert((namespace.clone(), pid.clone()));
        self.sockets.recovery.take(pid)
    }

    /// Forgets those whose time is over, and the ones gone longest where too many are.
    pub(super) fn expire_all_lost(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        while let Some(lost) = self.sockets.recovery.take_expired(turn.now) {
            self.sockets.unsaved.insert((lost.namespace.clone(), lost.profile.pid.clone()));
            self.expire_lost(engine, turn, &lost);
        }
    }

    /// Tells the app of a socket that nobody will come back to.
    pub(super) fn expire_lost(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, lost: &Lost) {
        let departed = lost.departed(DisconnectReason::Transport("transport close"), false);
        self.owes_nothing(turn, &departed.namespace, &departed.id);
        self.call(engine, turn, &departed.namespace, |app, io| app.expired(io, &departed));
    }

    /// The sockets that count as connected and whose connection is gone together with the object's memory.
    pub(super) fn lose_orphans(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        let places = self.sockets.namespaces.values();
        let rows = places.flat_map(|place| place.sockets.values()).filter(|socket| socket.has_row());
        let connected: BTreeSet<Pid> = rows.map(|socket| socket.profile.pid.clone()).collect();
        let orphans = SocketRows(turn.runtime).orphans(&connected, turn.now).unwrap_or_else(|error| {
            turn.runtime.warn(&format!("lost clients were not looked for: {error}"));
            Vec::new()
        });
        let recoverable = self.sockets.recovery.is_on();
        for lost in orphans {
            self.sockets.unsaved.insert((lost.namespace.clone(), lost.profile.pid.clone()));
            let reason = DisconnectReason::Transport("transport error");
            self.sockets.departed.push_back(lost.departed(reason, recoverable));
            if recoverable {
                self.sockets.recovery.lose(lost);
            }
        }
        self.settle(engine, turn);
    }

    /// Who was asked before the object lost its memory, and is neither there now nor may come back, answers no more.
    pub(super) fn forget_answers_of_strangers(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        for (namespace, socket) in self.services.questions.owing() {
            let place = self.sockets.namespaces.get(&namespace);
            let connected = place.is_some_and(|place| place.sockets.contains_key(&socket));
            if !connected && !self.sockets.recovery.away(&namespace).any(|away| *away.id == socket) {
                self.owes_nothing(turn, &namespace, &socket);
            }
        }
        self.settle(engine, turn);
    }

    /// Writes the rows that aren't what their sockets are.
    pub(super) fn save_rows(&mut self, turn: &Turn<'_>) {
        for (namespace, pid) in std::mem::take(&mut self.sockets.unsaved) {
            if let Err(error) = self.save_row(turn, &namespace, &pid) {
                turn.runtime.warn(&format!("a socket won't be recovered after a crash: {error}"));
            }
        }
    }

    fn save_row(&self, turn: &Turn<'_>, namespace: &Rc<str>, pid: &Pid) -> Result<(), DatabaseError> {
        let rows = SocketRows(turn.runtime);
        if let Some(Lost { id, profile, gone, .. }) = self.sockets.recovery.find(pid) {
            return rows.save(id, namespace, profile, Some(*gone));
        }
        let place = self.sockets.namespaces.get(namespace);
        match place.and_then(|place| place.by_pid(pid)) {
            Some((id, socket)) if socket.has_row() => rows.save(id, namespace, &socket.profile, None),
            _ => rows.delete(pid),
        }
    }
}
