//! What is known of a client from its first request.
//!
//! All of it is there when the app judges the client, and as long as the room's memory lasts, but for what [`WholeHandshakes`]
//! drops. Beside a sleeping WebSocket there is room for a part of it, which is [`Kept`].

mod first_request;
mod kept;
mod whole;

pub use first_request::{Handshake, NotKept};
pub use kept::Kept;
pub(super) use whole::WholeHandshakes;
