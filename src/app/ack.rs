//! The right to answer an event.

use serde::{Deserialize, Serialize};

use crate::ids::SocketId;

/// The right to answer an event, once (E2). It may be kept as JSON and used after a restart.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// const BELL: TimerName = TimerName::new("bell");
///
/// fn app() -> impl App {
///     Handlers::new()
///         .on("wake me", |socket, ms: u64| {
///             socket.io.timer(BELL).key(socket.id).context(&socket.take_ack()).schedule(Millis(ms))
///         })
///         .on_timer(BELL, |room, ack: Option<Ack>| match ack {
///             Some(ack) => room.io.answer(ack, "good morning"),
///             None => Ok(()),
///         })
/// }
/// # app();
/// ```
#[derive(Debug, Serialize, Deserialize)]
pub struct Ack {
    pub(super) socket: SocketId,
    pub(super) id: u64,
}

impl Ack {
    pub(crate) fn new(socket: SocketId, id: u64) -> Self {
        Self { socket, id }
    }

    /// The same right, for where the first one is taken back.
    pub(super) fn again(&self) -> Self {
        Self { socket: self.socket.clone(), id: self.id }
    }
}
