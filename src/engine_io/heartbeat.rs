//! Heartbeats and deadlines of a session.
//!
//! They come in three kinds. Where the runtime absorbs pongs, all sessions of revision 4 are pinged at the same moments
//! ([`Session::heartbeat`]), so that one wake-up serves them all: on a WebSocket the times of the last pongs are compared,
//! and a polling session gets a deadline for its pong (HB3). Else a session of revision 4 has its own timers: a ping is due,
//! or a pong is (HB1). In revision 3 it is the client that pings, and its next ping is due (HB5).

use super::event::Reason;
use super::packet::Packet;
use super::protocol::Revision;
use super::scope::{Scope, Timer};
use super::session::Session;
use super::transport::Transport;
use crate::config::Config;
use crate::ids::Millis;
use crate::outbox::Frame;

impl Session {
    /// Whether it is pinged together with all others.
    pub(super) fn has_common_heartbeat(&self) -> bool {
        self.revision() == Revision::V4 && !self.is_over()
    }

    /// The clock has gone back by so much.
    pub(super) fn bring_forward(&mut self, by: Millis) {
        self.heard = self.heard.before(by);
        if let Transport::WebSocket { in_flight, .. } = &mut self.transport {
            in_flight.bring_forward(by);
        }
    }

    /// A client's heartbeat came, asked for or not: nothing else is a sign of life (HB2).
    pub(super) fn handle_sign_of_life(&mut self, scope: &mut Scope<'_>) {
        self.heard = scope.now;
        scope.timers.clear(&self.timer(Timer::Pong));
        self.schedule_heartbeat(scope.now, scope);
    }

    /// The next ping follows from when the client was heard of last (HB1, HB5).
    pub(super) fn schedule_heartbeat(&self, heard: Millis, scope: &mut Scope<'_>) {
        let Config { ping_interval, ping_timeout, .. } = *scope.config;
        let (timer, wait) = match self.revision() {
            Revision::V3 => (Timer::Pong, ping_interval + ping_timeout),
            Revision::V4 if scope.config.absorbs_pongs() => return,
            Revision::V4 => (Timer::Ping, ping_interval),
        };
        scope.timers.set(self.timer(timer), heard + wait);
    }

    /// The common heartbeat, due at `due`: a ping, unless the client is gone, owes a pong, or was heard of so lately that the
    /// next one will do.
    ///
    /// # Errors
    /// The session is over: the client has been silent for too long.
    pub(super) fn heartbeat(&mut self, ping: &Frame, due: Millis, scope: &mut Scope<'_>) -> Result<(), Reason> {
        if !self.has_common_heartbeat() {
            return Ok(());
        }
        let Transport::WebSocket { conn, .. } = self.transport else {
            let owes_pong = scope.timers.contains(&self.timer(Timer::Pong));
            // It wasn't pinged while it owed its pong, so the next ping must not wait any longer (HB4).
            if !owes_pong && self.heard < due {
                self.ping(due, scope);
            }
            return Ok(());
        };
        // One that lies ahead is from before the clock went back.
        let pong = scope.host.last_pong(conn).filter(|pong| *pong <= scope.now);
        self.heard = self.heard.max(pong.unwrap_or_default());
        if is_dead(scope.config, self.heard, scope.now) {
            return Err(Reason::PingTimeout);
        }
        if self.heard < due && wants_ping(scope.config, self.heard, scope.now) {
            scope.transmit(conn, ping.clone());
        }
        Ok(())
    }

    /// Pings the client and sets the deadline of its pong. That is due even if no GET fetches the ping (HB3), and then a late
    /// timer is no excuse (HB6). A client that was there for the ping has all the time to answer it.
    fn ping(&mut self, due: Millis, scope: &mut Scope<'_>) {
        let pinged = if self.is_listening() { scope.now } else { due };
        scope.timers.set(self.timer(Timer::Pong), pinged + scope.config.ping_timeout);
        self.send(Packet::Ping("".into()).encode(), scope);
    }

    /// One of the session's timers fired.
    ///
    /// # Errors
    /// The session is over: no pong came in time, or nobody fetched what it had to say.
    pub(super) fn handle_timer(&mut self, timer: Timer, due: Millis, scope: &mut Scope<'_>) -> Result<(), Reason> {
        match timer {
            Timer::Ping => self.ping(due, scope),
            Timer::Upgrade => self.cancel_upgrade(scope),
            Timer::Release => self.release_get(&Packet::Noop, scope),
            Timer::Pong => return Err(Reason::PingTimeout),
            Timer::Close => return Err(Reason::ForcedClose),
            Timer::Overflow => return Err(Reason::TransportError),
        }
        Ok(())
    }
}

/// Whether a client has been silent for too long. An alarm may be late, so nobody is blamed for a ping that came late: the
/// client has answered none in two intervals and the timeout.
pub(super) fn is_dead(config: &Config, heard: Millis, now: Millis) -> bool {
    let Config { ping_interval, ping_timeout, .. } = *config;
    now >= heard + ping_interval + ping_interval + ping_timeout
}

/// Whether a client is to be pinged: unless it was heard of so lately that the next ping comes before the client gives up,
/// which is an interval and the timeout after the last one (HB4). A time that lies ahead is from before the clock went back.
pub(super) fn wants_ping(config: &Config, heard: Millis, now: Millis) -> bool {
    heard > now || now >= heard + recent(config)
}

/// A client that was heard of within this time needs no ping yet. It is so short that a pong on which a ping is saved has
/// taken a whole number of intervals that the timeout has too, or comes too late: a client whose pongs are slow and that is
/// passed over for as many heartbeats still has its next ping in time (HB4).
pub(super) fn recent(config: &Config) -> Millis {
    let Config { ping_interval: Millis(interval), ping_timeout: Millis(timeout), .. } = *config;
    let interval = interval.max(1);
    Millis((interval.min(timeout) / 2).min(interval - timeout % interval))
}
