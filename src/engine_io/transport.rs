//! What carries a session: its connections, what waits for them, and how packets are written on them.

use super::packet::{as_text, with_type};
use super::{Revision, http, payload};
use crate::ids::{ConnId, Millis};
use crate::outbox::{Frame, Reply};

/// How a POST's body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As text.
    Text,
    /// As bytes, which only revision 3 has.
    Binary,
}

/// What carries a session.
#[derive(Debug)]
pub(super) enum Transport {
    Polling(Polling),
    /// Still polling while a WebSocket is tried out.
    Upgrading {
        polling: Polling,
        socket: ConnId,
        /// Whether the client takes text only on that WebSocket.
        base64: bool,
        /// Whether the client has sent `2probe`: no poll waits for long from then on (U1).
        probed: bool,
    },
    WebSocket {
        conn: ConnId,
        /// When the client was last heard of, as far as the object itself was told.
        heard: Millis,
        flight: Flight,
    },
    /// Closed by the server while no GET was pending: the next one is told (P11).
    Closing(Vec<Frame>),
    /// Closed by the client with this POST while no GET was pending: one may be on its way (P7).
    Leaving(ConnId),
}

/// What was sent over a WebSocket and may not have arrived: the runtime keeps it without an end, and tells nobody.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Bytes sent since the last ping that was answered.
    bytes: usize,
    /// A ping that shows how far the client has read: when it was sent, and the bytes before it.
    mark: Option<(Millis, usize)>,
}

impl Flight {
    /// Adds what is sent, and takes off what has arrived since; gives the bytes that are left. `heard` says when the client
    /// was last heard of.
    pub(super) fn add(&mut self, size: usize, heard: impl FnOnce() -> Millis) -> usize {
        self.bytes = self.bytes.saturating_add(size);
        if let Some((_, before)) = self.mark.take_if(|(sent, _)| heard() >= *sent) {
            self.bytes = self.bytes.saturating_sub(before);
        }
        self.bytes
    }

    /// Whether it is time to ask how far the client is.
    pub(super) fn wants_mark(&self, most: usize) -> bool {
        self.mark.is_none() && self.bytes > most
    }

    /// The client is asked now.
    pub(super) fn mark(&mut self, now: Millis) {
        self.mark = Some((now, self.bytes));
    }
}

/// What waits for the client's next GET. Where one is pending, nothing is buffered.
#[derive(Debug, Default)]
pub(super) struct Polling {
    /// With the time of its arrival.
    pub get: Option<(ConnId, Millis)>,
    /// The GET that this turn's packets are for: it gets them together when the turn is over. A client that was answered
    /// with the first one alone, and then lost its connection, would show that one again after its recovery.
    pub answering: Option<ConnId>,
    pub buffer: Vec<Frame>,
    /// The bytes in `buffer`.
    pub buffered: usize,
}

impl Polling {
    /// Takes out what waits for the next GET.
    pub(super) fn take_buffer(&mut self) -> Vec<Frame> {
        self.buffered = 0;
        std::mem::take(&mut self.buffer)
    }
}

/// How a session's packets are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire {
    pub revision: Revision,
    pub base64: bool,
}

impl Wire {
    /// The answer to a GET that brings packets.
    pub(super) fn payload(self, frames: &[Frame]) -> Reply {
        http::payload(payload::encode(self.revision, self.base64, frames))
    }

    /// A frame as a WebSocket carries it (W1, P13).
    pub(super) fn frame(self, frame: Frame) -> Frame {
        match (&frame, self) {
            (Frame::Binary(_), Self { base64: true, revision }) => Frame::Text(as_text(revision, &frame).into()),
            (Frame::Binary(message), Self { revision: Revision::V3, .. }) => Frame::Binary(with_type(message).into()),
            _ => frame,
        }
    }
}
