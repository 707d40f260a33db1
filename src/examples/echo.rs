//! What a client sends as `message` comes back to it as `message`.

use crate::app::prelude::*;

/// Sends back what it is sent.
pub fn echo() -> impl App {
    Handlers::new().on("message", |socket, text: String| socket.emit("message", &text))
}
