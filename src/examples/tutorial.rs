//! The chat that Socket.IO tutorials build: what one sends as `createdMessage`, all others get as `newIncomingMessage`.

use crate::app::prelude::*;

#[derive(Serialize, Deserialize)]
struct Message {
    author: String,
    message: String,
}

/// Passes on what people say.
pub fn tutorial() -> impl App {
    Handlers::new()
        .on("createdMessage", |socket, message: Message| socket.broadcast().emit("newIncomingMessage", &message))
}
