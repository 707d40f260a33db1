//! What carries a session: its connections, what waits for them, and how packets are written on them.

use super::packet::{as_text, with_type};
use super::protocol::Revision;
use super::{http, payload};
use crate::ids::{ConnId, Millis};
use crate::outbox::{Frame, HttpResponse};

/// How long a GET that arrives about when the probe does is kept: the client's `5` may be on its way, and then the GET was
/// sent after the upgrade (U5). Else it is released, as the reference does from a timer of the same length (U1).
pub(super) const RELEASE_AFTER: Millis = Millis(100);

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
        in_flight: InFlight,
    },
    /// Closed by the server while no GET was pending: the next one is told (P11).
    Closing(Polling),
    /// Closed by the client with this POST while no GET was pending: one may be on its way (P7).
    Leaving(ConnId),
}

/// What was sent over a WebSocket and may not have arrived: the runtime queues it without a bound, and tells nobody.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// Bytes sent since the last ping that was answered.
    bytes: usize,
    /// A ping that shows how far the client has read: when it was sent, and the bytes before it.
    mark: Option<(Millis, usize)>,
}

impl InFlight {
    /// Bytes that may be unread.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts what is sent.
    pub(super) fn add(&mut self, size: usize) {
        self.bytes = self.bytes.saturating_add(size);
    }

    /// Takes off what the client has read, and tells how much that is, if it has answered the mark: `answered` is the time of its last pong, which shows
    /// nothing where it lies ahead: then it is from before the clock went back.
    pub(super) fn confirm(&mut self, now: Millis, answered: impl FnOnce() -> Millis) -> usize {
        let mark = self.mark.take_if(|(sent, _)| (*sent..=now).contains(&answered()));
        let read = mark.map_or(0, |(_, before)| before.min(self.bytes));
        self.bytes -= read;
        read
    }

    /// Whether a mark is on its way.
    pub(super) fn is_marked(&self) -> bool {
        self.mark.is_some()
    }

    /// The clock has gone back by so much since the mark was sent.
    pub(super) fn bring_forward(&mut self, by: Millis) {
        if let Some((sent, _)) = &mut self.mark {
            *sent = sent.before(by);
        }
    }

    /// The client is asked now how far it has read.
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

/// How a session's packets are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire {
    pub revision: Revision,
    pub base64: bool,
}

impl Wire {
    /// The answer to a GET that brings packets.
    pub(super) fn payload(self, frames: &[Frame]) -> HttpResponse {
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
