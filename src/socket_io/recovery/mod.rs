//! Connection state recovery (1.11): a client whose connection was lost comes back to its socket, and gets what it missed.
//!
//! Events are kept in the [`Log`] before they are sent. What a socket is must be known even if the process dies, so each
//! has a row ([`SocketRows`]), written whenever its rooms or its data change. While its client is gone it is [`AwaySocket`],
//! until the client shows its [`Pid`] or the time is over.
//!
//! Only clients that know of it recover ([`ClientRecovery`]): all others get what the app has sent and nothing else, and their
//! sockets are gone for good with the connection.
//!
//! A missed event is one that the socket would have got when it was sent. So it isn't the rooms at the end that count, as in
//! the reference, but the [`Membership`] in a room at the moment of the event.

mod client;
mod log;
mod logged;
mod replays;
mod rows;
mod socket_state;

pub use client::ClientRecovery;
pub use log::{Log, Mark, Step};
pub use logged::{Logged, Replay};
pub use replays::Replays;
pub use rows::SocketRows;
pub use socket_state::{Away, AwaySocket, Membership, SocketState};

use crate::config::Config;
use crate::database::{Database, DatabaseError, Part};
use crate::ids::{Millis, Pid};
use crate::sorted::SortedMap;
use crate::timers::Timers;

/// The tables.
pub const TABLES: Part<'_> = Part { name: "roomcast", steps: SCHEMA, newest: Some(NEWEST) };

const SCHEMA: &[&str] = &[
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
    "ALTER TABLE roomcast_sockets ADD COLUMN told INTEGER NOT NULL DEFAULT 1",
];

const NEWEST: &str = "
    CREATE TABLE roomcast_log (
        offset INTEGER PRIMARY KEY,
        namespace TEXT NOT NULL,
        to_rooms TEXT NOT NULL,
        except_rooms TEXT NOT NULL,
        event TEXT NOT NULL,
        attachments BLOB,
        number INTEGER NOT NULL DEFAULT 0,
        size INTEGER NOT NULL DEFAULT 0,
        total INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE roomcast_sockets (
        pid TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        namespace TEXT NOT NULL,
        since INTEGER NOT NULL,
        stays TEXT NOT NULL,
        data TEXT,
        gone INTEGER,
        forgotten INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 1
    ) WITHOUT ROWID;
    CREATE INDEX roomcast_sockets_gone ON roomcast_sockets (gone) WHERE gone IS NOT NULL;
    CREATE TABLE roomcast_meta (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
    CREATE TABLE roomcast_sessions (sid TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID
";

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
    away: SortedMap<Pid, AwaySocket>,
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
            away: SortedMap::new(),
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
        for away in SocketRows(database).away()? {
            self.insert(away);
        }
        Ok(())
    }

    /// A client is gone, but may come back.
    pub fn insert(&mut self, away: AwaySocket) {
        let pid = away.state.pid.clone();
        self.expiries.set(pid.clone(), away.gone + self.window);
        self.away.insert(pid, away);
    }

    /// Everybody who is gone.
    pub fn all_away(&self) -> impl Iterator<Item = &AwaySocket> {
        self.away.values()
    }

    /// Who is gone and showed this.
    pub fn find(&self, pid: &Pid) -> Option<&AwaySocket> {
        self.away.get(pid)
    }

    /// Takes a client out who came back, or who never will.
    pub fn take(&mut self, pid: &Pid) -> Option<AwaySocket> {
        self.expiries.clear(pid);
        self.away.remove(pid)
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
        self.away.len().saturating_sub(self.max_away)
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
        self.away.values().any(|away| *away.namespace == *namespace && away.state.sees(&away.id, event))
    }

    /// Who is gone from a namespace.
    pub fn away(&self, namespace: &str) -> impl Iterator<Item = Away> {
        let away = self.away.values().filter(move |away| *away.namespace == *namespace);
        away.map(|away| Away { id: away.id.clone(), since: away.gone, data: away.state.data.clone() })
    }
}
