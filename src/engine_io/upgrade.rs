//! The upgrade of a session from polling to a WebSocket (1.6).

use super::packet::Packet;
use super::refusal::Fault;
use super::scope::{Scope, Timer};
use super::session::Session;
use super::transport::{InFlight, RELEASE_AFTER, Transport};
use crate::ids::ConnId;

impl Session {
    /// Whether it may try a WebSocket out: one at a time, and none after an upgrade (U4, W6).
    pub(super) fn takes_upgrade(&self) -> bool {
        matches!(self.transport, Transport::Polling(_))
    }

    /// A WebSocket for this session: it is tried out beside the polling transport (1.6).
    pub(super) fn handle_upgrade(&mut self, socket: ConnId, base64: bool, scope: &mut Scope<'_>) {
        let Transport::Polling(polling) = &mut self.transport else {
            return;
        };
        let polling = std::mem::take(polling);
        self.transport = Transport::Upgrading { polling, socket, base64, probed: false };
        scope.conns.insert(socket, self.sid().clone());
        scope.timers.set(self.timer(Timer::Upgrade), scope.now + scope.config.upgrade_timeout);
    }

    /// Whether this WebSocket is being tried out.
    pub(super) fn is_probing(&self, conn: ConnId) -> bool {
        matches!(self.transport, Transport::Upgrading { socket, .. } if socket == conn)
    }

    /// A frame on the WebSocket that is being tried out: `2probe`, then `5`; all else ends the attempt (U3). The C# client sends
    /// `5` alone, and the reference takes it. `true` where the session has moved.
    pub(super) fn handle_probe(&mut self, packet: Option<&Packet<'_>>, scope: &mut Scope<'_>) -> bool {
        let Transport::Upgrading { polling, socket, probed, .. } = &mut self.transport else {
            return false;
        };
        match packet {
            Some(Packet::Ping(data)) if data == "probe" => {
                *probed = true;
                let release_at = polling.get.map(|(_, arrived)| arrived + RELEASE_AFTER);
                scope.transmit(*socket, Packet::Pong("probe".into()).encode());
                match release_at {
                    Some(at) if at > scope.now => scope.timers.set(self.timer(Timer::Release), at),
                    _ => self.release_get(&Packet::Noop, scope),
                }
                false
            }
            Some(Packet::Upgrade) => {
                // Without a probe, a GET that waits was sent before the upgrade.
                if !*probed {
                    self.release_get(&Packet::Noop, scope);
                }
                self.complete_upgrade(scope);
                true
            }
            _ => {
                self.cancel_upgrade(scope);
                false
            }
        }
    }

    /// What waited for a GET goes over the WebSocket, in order (U9). A GET that waits came too late (U5).
    fn complete_upgrade(&mut self, scope: &mut Scope<'_>) {
        self.flush(scope);
        let buffer = self.take_buffer(scope);
        let Transport::Upgrading { polling, socket, base64, .. } = &self.transport else {
            return;
        };
        let (get, conn) = (polling.get, *socket);
        self.base64 = *base64;
        self.transport = Transport::WebSocket { conn, in_flight: InFlight::default() };
        self.heard = scope.now;
        if let Some((get, _)) = get {
            scope.respond(get, Fault::Transport.reply());
        }
        for frame in buffer {
            self.send(frame, scope);
        }
        self.clear_timers(scope);
        self.schedule_heartbeat(scope.now, scope);
    }

    /// The upgrade won't be: the session stays on polling (U3, U6).
    pub(super) fn cancel_upgrade(&mut self, scope: &mut Scope<'_>) {
        if let Transport::Upgrading { polling, socket, .. } = &mut self.transport {
            let socket = *socket;
            self.transport = Transport::Polling(std::mem::take(polling));
            scope.timers.clear(&self.timer(Timer::Upgrade));
            scope.timers.clear(&self.timer(Timer::Release));
            scope.close_socket(socket, None);
        }
    }
}
