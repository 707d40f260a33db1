//! What a socket is, whichever connection carries it, and sockets whose clients are gone.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::logged::Logged;
use super::replays::Replays;
use crate::ids::{Millis, Offset, Pid, SocketId};
use crate::socket_io::departed::{Departed, DisconnectReason};
use crate::socket_io::extensions::Extensions;

/// A time in a room: the events after `since`, up to and with `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The room.
    #[serde(rename = "r")]
    pub room: Rc<str>,
    /// The last event before the socket joined.
    #[serde(rename = "s")]
    pub since: Offset,
    /// The last event before it left; `None` while it is there.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Offset>,
}

impl Membership {
    fn covers(&self, offset: Offset) -> bool {
        self.since < offset && self.until.is_none_or(|until| offset <= until)
    }
}

/// What a socket is, but for the connection that carries it.
#[derive(Debug, Clone)]
pub struct SocketState {
    /// What recovers it.
    pub pid: Pid,
    /// Whether its client knows that. Only then its events have an offset.
    pub told: bool,
    /// The last event before it connected.
    pub since: Offset,
    /// When it was in which room; its own it is always in.
    pub memberships: Vec<Membership>,
    /// Stays that ended here or before may be forgotten: nobody can tell which of the events up to this one were for it.
    pub forgotten: Offset,
    /// What the app keeps with it, as JSON.
    pub data: Option<Rc<str>>,
    /// What the app keeps with it in memory alone.
    pub extensions: Rc<Extensions>,
    /// What its client was sent again.
    pub replays: Replays,
}

/// How many memberships of a socket that have ended are kept. A socket that leaves more rooms while events are sent can be recovered
/// only if its client has got all events up to the end of the oldest of these memberships.
const MAX_ENDED_MEMBERSHIPS: usize = 256;

impl SocketState {
    /// The state of a new socket.
    pub fn new(pid: Pid, told: bool, since: Offset) -> Self {
        let forgotten = Offset::default();
        Self {
            pid,
            told,
            since,
            memberships: Vec::new(),
            forgotten,
            data: None,
            extensions: Rc::default(),
            replays: Replays::default(),
        }
    }

    /// Whether it is known which of the events after `offset` were for it.
    pub fn reaches(&self, offset: Offset) -> bool {
        self.forgotten <= offset
    }

    /// The rooms that it is in now, but for its own.
    pub fn rooms(&self) -> impl Iterator<Item = &Rc<str>> {
        self.memberships.iter().filter(|membership| membership.until.is_none()).map(|membership| &membership.room)
    }

    /// It joined a room.
    pub fn enter(&mut self, room: &str, last: Offset) {
        self.memberships.push(Membership { room: room.into(), since: last, until: None });
    }

    /// It left a room. Stays that ended so long ago that no event of theirs is kept are forgotten, and the oldest where there
    /// are too many.
    pub fn exit(&mut self, room: &str, last: Offset, oldest: Offset) {
        for membership in &mut self.memberships {
            if membership.until.is_none() && *membership.room == *room {
                membership.until = Some(last);
            }
        }
        self.memberships
            .retain(|membership| membership.until.is_none_or(|until| membership.since < until && oldest <= until));
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        let mut ends: Vec<_> = self.memberships.iter().filter_map(|membership| membership.until).collect();
        let Some(surplus) = ends.len().checked_sub(MAX_ENDED_MEMBERSHIPS + 1) else {
            return;
        };
        let (_, newest, _) = ends.select_nth_unstable(surplus);
        self.forgotten = self.forgotten.max(*newest);
        self.memberships.retain(|membership| membership.until.is_none_or(|until| self.forgotten < until));
    }

    /// Whether an event was for the socket `id`.
    pub fn sees(&self, id: &SocketId, event: &Logged) -> bool {
        let was_in = |room: &Rc<str>| {
            **room == *id.as_str()
                || self.memberships.iter().any(|membership| membership.room == *room && membership.covers(event.offset))
        };
        let addressed = event.to.is_empty() || event.to.iter().any(was_in);
        self.since < event.offset && addressed && !event.except.iter().any(was_in)
    }
}

/// A socket whose client is gone and may come back.
#[derive(Debug, Clone)]
pub struct AwaySocket {
    /// Its id.
    pub id: SocketId,
    /// Its namespace.
    pub namespace: Rc<str>,
    /// What it was.
    pub state: SocketState,
    /// Since when it is gone.
    pub gone: Millis,
}

impl AwaySocket {
    /// What the app is told of it.
    pub fn departed(&self, reason: DisconnectReason, recoverable: bool) -> Departed {
        Departed {
            namespace: self.namespace.clone(),
            id: self.id.clone(),
            data: self.state.data.clone(),
            rooms: self.state.rooms().map(ToString::to_string).chain([self.id.to_string()]).collect(),
            extensions: self.state.extensions.clone(),
            reason,
            recoverable,
        }
    }
}

/// A socket whose client is gone and may come back, as an app sees it.
#[derive(Debug, Clone)]
pub struct Away {
    /// Its id.
    pub id: SocketId,
    /// Since when its client is gone.
    pub since: Millis,
    /// What the app keeps with it, as JSON.
    pub data: Option<Rc<str>>,
}
