//! One frame for many WebSockets.

use super::sockets::{SocketTable, number};
use crate::ids::ConnId;
use crate::outbox::Frame;

/// The WebSockets that are sent the same frame, one after the other.
#[derive(Default)]
pub(super) struct Broadcast {
    frame: Option<Frame>,
    to: Vec<f64>,
}

impl Broadcast {
    /// Adds a frame, after those before it are sent if they are others.
    pub(super) fn add(&mut self, sockets: &SocketTable, conn: ConnId, frame: Frame) {
        if !self.frame.as_ref().is_some_and(|known| known.is_same(&frame)) {
            self.send(sockets);
            self.frame = Some(frame);
        }
        self.to.push(number(conn));
    }

    /// Sends what was added.
    pub(super) fn send(&mut self, sockets: &SocketTable) {
        if let Some(frame) = self.frame.take() {
            sockets.send(&self.to, &frame);
            self.to.clear();
        }
    }
}
