//! Heartbeats of WebSockets that nobody has looked at since the object lost its memory.
//!
//! Where nothing is to be done but to ping, thousands of sessions need not be taken up again for it: the tag of a WebSocket
//! and the time of its last pong say all.

use super::packet::Packet;
use super::{Revision, Turn};
use crate::config::Config;
use crate::ids::{ConnId, Millis};
use crate::runtime::Sleeper;

/// The tag of a WebSocket that is accepted now.
pub(super) fn tag(revision: Revision, now: Millis) -> String {
    let revision = match revision {
        Revision::V3 => 3,
        Revision::V4 => 4,
    };
    format!("{revision}.{}", now.0)
}

/// An object sleeps no sooner than this after the last event: by then a client has answered a ping, or is slow.
const ASLEEP_AFTER: Millis = Millis(10_000);

/// WebSockets that nobody has looked at, each with the time at which it was accepted.
#[derive(Debug)]
pub struct Asleep(Vec<(ConnId, Millis)>);

impl Asleep {
    /// Reads the tags; `None` where there is nobody, or where one must be looked at: clients of revision 3 have deadlines
    /// of their own, and a release before this one gave no tags.
    pub fn read(sleepers: &[Sleeper]) -> Option<Self> {
        let sockets: Vec<_> = sleepers.iter().map(accepted).collect::<Option<_>>()?;
        (!sockets.is_empty()).then_some(Self(sockets))
    }

    /// When the last one was accepted.
    pub fn newest(&self) -> Millis {
        self.0.iter().map(|(_, accepted)| *accepted).max().unwrap_or_default()
    }

    /// Pings them as [`Engine`](super::Engine) does. `false` where one of them is to be closed, and so must be looked at:
    /// then nothing was done.
    pub fn beat(&self, config: &Config, turn: &mut Turn<'_>) -> bool {
        let heard: Vec<_> = self.0.iter().map(|socket| heard(turn, *socket)).collect();
        if heard.iter().any(|(_, heard)| is_dead(config, *heard, turn.now)) {
            return false;
        }
        let ping = Packet::Ping("".into()).encode();
        for (conn, _) in heard.iter().filter(|(_, heard)| wants_ping(config, *heard, turn.now)) {
            turn.out.send(*conn, ping.clone());
        }
        true
    }
}

/// The WebSockets that haven't answered the last ping that others have answered. What was queued for a client that reads
/// slowly may be lost together with the object's memory: it must come back for it, before it gets anything later.
pub(super) fn lagging(config: &Config, turn: &Turn<'_>, sleepers: &[Sleeper]) -> Vec<ConnId> {
    let interval = config.ping_interval;
    let sockets: Vec<_> = sleepers.iter().filter_map(accepted).map(|socket| heard(turn, socket)).collect();
    let last_pong =
        sleepers.iter().filter_map(|sleeper| turn.runtime.last_pong(sleeper.conn)).max().unwrap_or_default();
    if turn.now < last_pong + ASLEEP_AFTER {
        return Vec::new();
    }
    let last_beat = Millis(last_pong.0 - last_pong.0 % interval.0);
    // Whoever was heard of less than half an interval before that wasn't pinged.
    let late = last_beat.before(Millis(interval.0 / 2));
    sockets.into_iter().filter(|(_, heard)| *heard < late).map(|(conn, _)| conn).collect()
}

/// When a WebSocket of revision 4 was accepted.
fn accepted(sleeper: &Sleeper) -> Option<(ConnId, Millis)> {
    let accepted = sleeper.tag.as_deref()?.strip_prefix("4.")?.parse().ok()?;
    Some((sleeper.conn, Millis(accepted)))
}

/// When its client was last heard of.
fn heard(turn: &Turn<'_>, (conn, accepted): (ConnId, Millis)) -> (ConnId, Millis) {
    let pong = turn.runtime.last_pong(conn).unwrap_or_default();
    (conn, pong.max(accepted))
}

/// Whether a client has been silent for too long. An alarm may be late, so nobody is blamed for a ping that came late: the
/// client has answered none in two intervals and the timeout.
pub(super) fn is_dead(config: &Config, heard: Millis, now: Millis) -> bool {
    let Config { ping_interval, ping_timeout, .. } = *config;
    now >= heard + ping_interval + ping_interval + ping_timeout
}

/// Whether a client is to be pinged: unless it was heard of so lately that the next ping will do.
pub(super) fn wants_ping(config: &Config, heard: Millis, now: Millis) -> bool {
    now >= heard + Millis(config.ping_interval.0 / 2)
}
