//! How much memory the handshakes of a room have that are whole.

use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use super::first_request::Handshake;
use crate::ids::Sid;

/// How many bytes of handshakes a room holds beyond what is kept of them. A first request has up to 16 KB of URL and 128 KB of
/// headers, as far as the platform takes them: without this, ten thousand strangers could fill the memory.
const MAX_SURPLUS_BYTES: usize = 8_388_608;

/// Down to how many bytes it goes where it is too much, so that it isn't too much again at once.
const ENOUGH_BYTES: usize = MAX_SURPLUS_BYTES / 4 * 3;

/// What a handshake costs besides its texts.
const OVERHEAD_BYTES: usize = 512;

/// The handshakes that are whole, the oldest first.
#[derive(Debug, Default)]
pub(in crate::socket_io) struct WholeHandshakes {
    queue: VecDeque<(Sid, Weak<Handshake>, usize)>,
    bytes: usize,
}

impl WholeHandshakes {
    /// Notes that of a new client. Gives the clients, this one never among them, of whose handshakes only what is kept beside
    /// a WebSocket may stay: they have long been judged.
    pub(in crate::socket_io) fn add(&mut self, sid: &Sid, handshake: &Rc<Handshake>) -> Vec<Sid> {
        let surplus = handshake.surplus();
        if surplus == 0 {
            return Vec::new();
        }
        self.push(sid.clone(), Rc::downgrade(handshake), surplus.saturating_add(OVERHEAD_BYTES));
        if self.bytes <= MAX_SURPLUS_BYTES { Vec::new() } else { self.reduce() }
    }

    fn push(&mut self, sid: Sid, handshake: Weak<Handshake>, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.queue.push_back((sid, handshake, bytes));
    }

    fn reduce(&mut self) -> Vec<Sid> {
        let is_there = |(_, handshake, _): &(Sid, Weak<Handshake>, usize)| handshake.strong_count() > 0;
        for (sid, handshake, bytes) in std::mem::take(self).queue.into_iter().filter(is_there) {
            self.push(sid, handshake, bytes);
        }
        let mut reduced = Vec::new();
        let is_much = self.bytes > MAX_SURPLUS_BYTES;
        while is_much
            && self.bytes > ENOUGH_BYTES
            && self.queue.len() > 1
            && let Some((sid, _, bytes)) = self.queue.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(bytes);
            reduced.push(sid);
        }
        reduced
    }
}
