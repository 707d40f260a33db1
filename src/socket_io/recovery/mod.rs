//! Connection state recovery (1.11): a client whose connection was lost comes back to its socket, and gets what it missed.
//!
//! Events are kept in the [`Log`] before they are sent. What a socket is must be known even if the process dies, so each
//! one that may be recovered has a row ([`SocketRows`]), written whenever its rooms or its data change. While its client is
//! gone it is [`Lost`], until the client shows its [`Pid`] or the time is over.
//!
//! A missed event is one that the socket would have got when it was sent. So it isn't the rooms at the end that count, as in
//! the reference, but the [`Stay`] in a room at the moment of the event.

mod log;
mod replays;
mod rows;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

pub use log::{Extent, Log, Logged, Replay};
pub use replays::Replays;
pub use rows::SocketRows;

use super::sockets::{Departed, DisconnectReason};
use crate::config::Config;
use crate::database::{Database, DatabaseError};
use crate::ids::{Millis, Offset, Pid, SocketId};
use crate::timers::Timers;

/// The steps that make the tables.
pub const SCHEMA: &[&str] = &[
    "
    CREATE TABLE roomcast_log (
        offset INTEGER PRIMARY KEY,
        namespace TEXT NOT NULL,
        to_rooms TEXT NOT NULL,
        except_rooms TEXT NOT NULL,
        event TEXT NOT NULL,
        attachments BLOB
    );
    CREATE TABLE roomcast_sockets (
        pid TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        namespace TEXT NOT NULL,
        since INTEGER NOT NULL,
        stays TEXT NOT NULL,
        data TEXT,
        gone INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX roomcast_sockets_gone ON roomcast_sockets (gone) WHERE gone IS NOT NULL;
    CREATE TABLE roomcast_meta (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID
",
    "
    ALTER TABLE roomcast_log ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE roomcast_log ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE roomcast_log ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE roomcast_sockets ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE roomcast_sessions (sid TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID
",
];

/// A time in a room: the events after `since`, up to and with `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
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

impl Stay {
    fn covers(&self, offset: Offset) -> bool {
        self.since < offset && self.until.is_none_or(|until| offset <= until)
    }
}

/// What a socket is, but for the connection that carries it.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What recovers it.
    pub pid: Pid,
    /// Whether its client knows that.
    pub told: bool,
    /// The last event before it connected.
    pub since: Offset,
    /// When it was in which room; its own it is always in.
    pub stays: Vec<Stay>,
    /// Stays that ended here or before may be forgotten: nobody can tell which of the events up to this one were for it.
    pub forgotten: Offset,
    /// What the app keeps with it, as JSON.
    pub data: Option<Rc<str>>,
    /// What its client was sent again.
    pub replays: Replays,
}

/// How many stays of a socket that have ended are kept. A socket that leaves more rooms while events are sent can be recovered
/// only if its client has got all events up to the end of the oldest of these stays.
const MAX_ENDED_STAYS: usize = 256;

impl Profile {
    /// The profile of a new socket.
    pub fn new(pid: Pid, told: bool, since: Offset) -> Self {
        let forgotten = Offset::default();
        Self { pid, told, since, stays: Vec::new(), forgotten, data: None, replays: Replays::default() }
    }

    /// Whether it is known which of the events after `offset` were for it.
    pub fn reaches(&self, offset: Offset) -> bool {
        self.forgotten <= offset
    }

    /// The rooms that it is in now, but for its own.
    pub fn rooms(&self) -> impl Iterator<Item = &Rc<str>> {
        self.stays.iter().filter(|stay| stay.until.is_none()).map(|stay| &stay.room)
    }

    /// It joined a room.
    pub fn enter(&mut self, room: &str, last: Offset) {
        self.stays.push(Stay { room: room.into(), since: last, until: None });
    }

    /// It left a room. Stays that ended so long ago that no event of theirs is kept are forgotten, and the oldest where there
    /// are too many.
    pub fn exit(&mut self, room: &str, last: Offset, oldest: Offset) {
        for stay in &mut self.stays {
            if stay.until.is_none() && *stay.room == *room {
                stay.until = Some(last);
            }
        }
        self.stays.retain(|stay| stay.until.is_none_or(|until| stay.since < until && oldest <= until));
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        let mut ends: Vec<_> = self.stays.iter().filter_map(|stay| stay.until).collect();
        let Some(surplus) = ends.len().checked_sub(MAX_ENDED_STAYS + 1) else {
            return;
        };
        let (_, newest, _) = ends.select_nth_unstable(surplus);
        self.forgotten = self.forgotten.max(*newest);
        self.stays.retain(|stay| stay.until.is_none_or(|until| self.forgotten < until));
    }

    /// Whether an event was for the socket `id`.
    pub fn sees(&self, id: &SocketId, event: &Logged) -> bool {
        let was_in = |room: &Rc<str>| {
            **room == *id.as_str() || self.stays.iter().any(|stay| stay.room == *room && stay.covers(event.offset))
        };
        let addressed = event.to.is_empty() || event.to.iter().any(was_in);
        self.since < event.offset && addressed && !event.except.iter().any(was_in)
    }
}

/// A socket whose client is gone and may come back.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Its id.
    pub id: SocketId,
    /// Its namespace.
    pub namespace: Rc<str>,
    /// What it was.
    pub profile: Profile,
    /// Since when it is gone.
    pub gone: Millis,
}

impl Lost {
    /// What the app is told of it.
    pub fn departed(&self, reason: DisconnectReason, recoverable: bool) -> Departed {
        Departed {
            namespace: self.namespace.clone(),
            id: self.id.clone(),
            data: self.profile.data.clone(),
            rooms: self.profile.rooms().map(ToString::to_string).chain([self.id.to_string()]).collect(),
            reason,
            recoverable,
        }
    }
}

/// A socket whose client is gone and may come back, as an app sees it.
#[derive(Debug, Clone, Copy)]
pub struct Away<'a> {
    /// Its id.
    pub id: &'a SocketId,
    /// Since when its client is gone.
    pub since: Millis,
    /// What the app keeps with it, as JSON.
    pub data: Option<&'a Rc<str>>,
}

/// The log, and the sockets that may be recovered.
#[derive(Debug)]
pub struct Recovery {
    /// How long a client may be gone; 0 where nothing is ever recovered.
    window: Millis,
    /// How many may be gone.
    max_away: usize,
    /// The events.
    pub log: Log,
    /// Who is gone.
    lost: BTreeMap<Pid, Lost>,
    /// When they go for good.
    expiries: Timers<Pid>,
}

impl Recovery {
    /// Nothing is known yet of what the database has.
    pub fn new(config: &Config) -> Self {
        Self {
            window: config.recovery,
            max_away: config.max_away_sockets,
            log: Log::new(config),
            lost: BTreeMap::new(),
            expiries: Timers::default(),
        }
    }

    /// Whether anything is recovered at all.
    pub fn is_on(&self) -> bool {
        self.window > Millis(0)
    }

    /// Reads where the log ends, and who is gone.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        self.log.open(database)?;
        for lost in SocketRows(database).lost()? {
            self.lose(lost);
        }
        Ok(())
    }

    /// A client is gone, but may come back.
    pub fn lose(&mut self, lost: Lost) {
        let pid = lost.profile.pid.clone();
        self.expiries.set(pid.clone(), lost.gone + self.window);
        self.lost.insert(pid, lost);
    }

    /// Everybody who is gone.
    pub fn lost(&self) -> impl Iterator<Item = &Lost> {
        self.lost.values()
    }

    /// Who is gone and showed this.
    pub fn find(&self, pid: &Pid) -> Option<&Lost> {
        self.lost.get(pid)
    }

    /// Takes a client out who came back, or who never will.
    pub fn take(&mut self, pid: &Pid) -> Option<Lost> {
        self.expiries.clear(pid);
        self.lost.remove(pid)
    }

    /// The clients whose time is over, and those gone longest where too many are gone; each with the time at which it was to
    /// be over.
    pub fn due(&self, now: Millis) -> impl Iterator<Item = (&Pid, Millis)> {
        let surplus = self.surplus();
        let expiries = self.expiries.iter().enumerate();
        expiries.take_while(move |(index, (_, at))| *index < surplus || *at <= now).map(|(_, due)| due)
    }

    /// How many more are gone than are waited for.
    fn surplus(&self) -> usize {
        self.lost.len().saturating_sub(self.max_away)
    }

    /// Whether the time of a client is over that wasn't taken out yet.
    pub fn is_overdue(&self, pid: &Pid, now: Millis) -> bool {
        self.expires(pid).is_some_and(|at| at <= now)
    }

    /// When the time of a client is over.
    pub fn expires(&self, pid: &Pid) -> Option<Millis> {
        self.expiries.get(pid)
    }

    /// When the first one's time is over.
    pub fn next_expiry(&self) -> Option<Millis> {
        if self.surplus() > 0 { Some(Millis(0)) } else { self.expiries.next() }
    }

    /// Whether anybody who is gone would have got this event.
    pub fn is_missed(&self, namespace: &str, event: &Logged) -> bool {
        self.lost.values().any(|lost| *lost.namespace == *namespace && lost.profile.sees(&lost.id, event))
    }

    /// Who is gone from a namespace.
    pub fn away<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = Away<'a>> {
        let lost = self.lost.values().filter(move |lost| *lost.namespace == *namespace);
        lost.map(|lost| Away { id: &lost.id, since: lost.gone, data: lost.profile.data.as_ref() })
    }
}
