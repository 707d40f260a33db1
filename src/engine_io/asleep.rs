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

/// WebSockets that nobody has looked at, each with the time at which it was accepted.
#[derive(Debug)]
pub struct Asleep(Vec<(ConnId, Millis)>);

impl Asleep {
    /// Reads the tags; `None` where there is nobody, or where one must be looked at: clients of revision 3 have deadlines
    /// of their own, and a release before this one gave no tags.
    pub fn read(sleepers: &[Sleeper]) -> Option<Self> {
        let read = |sleeper: &Sleeper| {
            let accepted = sleeper.tag.as_deref()?.strip_prefix("4.")?.parse().ok()?;
            Some((sleeper.conn, Millis(accepted)))
        };
        let sockets: Vec<_> = sleepers.iter().map(read).collect::<Option<_>>()?;
        (!sockets.is_empty()).then_some(Self(sockets))
    }

    /// When the last one was accepted.
    pub fn newest(&self) -> Millis {
        self.0.iter().map(|(_, accepted)| *accepted).max().unwrap_or_default()
    }

    /// Pings them as [`Engine`](super::Engine) does. `false` where one of them is to be closed, and so must be looked at:
    /// then nothing was done.
    pub fn beat(&self, config: &Config, turn: &mut Turn<'_>) -> bool {
        let heard = |(conn, accepted): &(ConnId, Millis)| {
            let pong = turn.runtime.last_pong(*conn).unwrap_or_default();
            (*conn, pong.max(*accepted))
        };
        let heard: Vec<_> = self.0.iter().map(heard).collect();
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
