//! The shell: the only code that names the `worker` crate.
//!
//! `router` is the Worker: it serves the page and finds the room of a request, of which `visitor` knows how it may be answered.
//! `durable` is the room's object: it turns what the runtime tells it into inputs of the core and carries the core's effects
//! out. It does so synchronously and in order; what it awaits comes after, with no borrow held. [`worker!`](crate::worker!)
//! exports both to the runtime.

mod answered;
mod clock;
mod core;
mod counters;
mod durable;
mod error_page;
#[doc(hidden)]
pub mod exports;
mod fetch;
mod frames;
mod host;
mod incoming;
mod requests;
mod room;
mod route;
mod router;
mod settings;
mod sockets;
mod visitor;
