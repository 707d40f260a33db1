//! Heartbeats of hibernated WebSockets that were not restored yet.
//!
//! Where there is nothing to do but ping, thousands of sessions need not be restored for it: the tag of a WebSocket and the
//! time of its last pong say all.

use super::heartbeat::{is_dead, recent, wants_ping};
use super::packet::Packet;
use super::protocol::Revision;
use crate::config::Config;
use crate::host::{HibernatedSocket, Host};
use crate::ids::{ConnId, Millis};
use crate::outbox::Outbox;

/// The tag of a WebSocket that is accepted now.
pub(super) fn tag(revision: Revision, now: Millis) -> String {
    let revision = match revision {
        Revision::V3 => 3,
        Revision::V4 => 4,
    };
    format!("{revision}.{}", now.0)
}

/// An object hibernates no sooner than this after the last event: by then a client has answered a ping, or is slow.
const HIBERNATES_AFTER: Millis = Millis(10_000);

/// Hibernated WebSockets, each with the time at which it was accepted.
#[derive(Debug)]
pub struct Hibernated(Vec<(ConnId, Millis)>);

impl Hibernated {
    /// Reads the tags; `None` where there are no sockets, or where one must be restored: clients of revision 3 have deadlines
    /// of their own, and an early release gave no tags.
    pub fn read(sockets: &[HibernatedSocket]) -> Option<Self> {
        let sockets: Vec<_> = sockets.iter().map(accepted).collect::<Option<_>>()?;
        (!sockets.is_empty()).then_some(Self(sockets))
    }

    /// When the last one was accepted.
    pub fn newest(&self) -> Millis {
        self.0.iter().map(|(_, accepted)| *accepted).max().unwrap_or_default()
    }

    /// Pings them as [`Engine`](super::Engine) does. `None` where one of them is to be closed, and so must be restored.
    pub fn heartbeat(&self, config: &Config, host: &dyn Host, now: Millis) -> Option<Outbox> {
        let heard: Vec<_> = self.0.iter().map(|socket| heard(host, *socket)).collect();
        if heard.iter().any(|(_, heard)| is_dead(config, *heard, now)) {
            return None;
        }
        let ping = Packet::Ping("".into()).encode();
        let mut out = Outbox::default();
        for (conn, _) in heard.iter().filter(|(_, heard)| wants_ping(config, *heard, now)) {
            out.send(*conn, ping.clone());
        }
        Some(out)
    }
}

/// The WebSockets that haven't answered the last ping that others have answered. Frames queued for a client that reads
/// slowly may be lost together with the object's memory: it must come back for them, before it gets anything later.
pub(super) fn lagging(config: &Config, host: &dyn Host, now: Millis, sockets: &[HibernatedSocket]) -> Vec<ConnId> {
    let interval = config.ping_interval;
    let heard: Vec<_> = sockets.iter().filter_map(accepted).map(|socket| heard(host, socket)).collect();
    let pongs = sockets.iter().filter_map(|socket| host.last_pong(socket.conn));
    let last_pong = pongs.filter(|pong| *pong <= now).max();
    let Some(last_pong) = last_pong.filter(|last_pong| now >= *last_pong + HIBERNATES_AFTER) else {
        return Vec::new();
    };
    let last_heartbeat = Millis(last_pong.0 - last_pong.0 % interval.0.max(1));
    // A client that was heard of later than this wasn't pinged, unless that was before the clock went back.
    let pinged = last_heartbeat.before(recent(config));
    let lags = |heard: Millis| heard < pinged || heard > now;
    heard.into_iter().filter(|(_, heard)| lags(*heard)).map(|(conn, _)| conn).collect()
}

/// When a WebSocket of revision 4 was accepted.
fn accepted(socket: &HibernatedSocket) -> Option<(ConnId, Millis)> {
    let accepted = socket.tag.as_deref()?.strip_prefix("4.")?.parse().ok()?;
    Some((socket.conn, Millis(accepted)))
}

/// When its client was last heard of. Where that lies ahead, the clock has gone back since.
fn heard(host: &dyn Host, (conn, accepted): (ConnId, Millis)) -> (ConnId, Millis) {
    (conn, host.last_pong(conn).unwrap_or(accepted))
}
