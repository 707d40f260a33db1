//! The shell: the only code that names the `worker` crate.
//!
//! `router` is the Worker: it serves the page and finds the room of a request. `durable` is the room's object: it turns
//! what the runtime tells it into inputs of the core and carries the core's effects out. It does so synchronously and in
//! order; what it awaits comes after, with no borrow held. `entry.mjs` goes around both: it fails the requests that a panic
//! leaves without an answer, and refuses frames that are too large before they are copied.

mod clock;
mod counters;
// The macro of the SDK adds methods without docs.
#[allow(missing_docs)]
mod durable;
mod host;
mod listen;
mod requests;
mod room;
mod route;
mod router;
mod settings;
mod sockets;

pub use durable::ChatRoom;

/// Sends the message of a panic to the log, which else shows only that wasm trapped.
#[worker::event(start)]
fn start() {
    console_error_panic_hook::set_once();
}
