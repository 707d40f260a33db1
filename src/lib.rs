//! Socket.IO rooms on Cloudflare's edge.
//!
//! A Worker serves a page and sends each room's traffic to that room's Durable Object; the object holds the room's sockets
//! and is a whole Socket.IO server for it.
//!
//! ```text
//! browser ─ HTTP/WS ─▶ edge::router ─▶ edge::durable ─ Input ─▶ Server::handle(now, input) ─ Outbox ─▶ edge ─▶ sockets
//!                                                               │
//!                                  engine_io::Engine            │  one transaction {
//!                                    handle(input)          ◀───┤    engine: input, then events, one by one
//!                                    poll() ─ Event ───────▶┤    packets ─▶ namespace ─▶ App ─▶ Io (emit, to, answer, …)
//!                                    send / close           ◀───┤  }  committed: the outbox leaves; or lost: start anew
//! ```
//!
//! What holds everywhere:
//! - Nothing outside [`edge`] names the `worker` crate. All below it is synchronous and takes the time as an argument. It asks
//!   the port [`host`] for randomness and storage, which answers at once, and what leaves it are effects in an [`outbox`].
//! - No input makes the code panic: a panic resets every room of the isolate.
//! - What must outlive the object's memory is data (a socket's attachment, a row), never a closure or a field. What others
//!   are to see is stored first: the runtime holds back what is sent until the writes of the turn are durable.
//! - A turn is one transaction. Where it can't be committed, nothing of it is sent and the memory is thrown away.
//! - No borrow of the object's state lives across an await.
//!
//! The layers, each using only those before it: [`sorted`], [`ids`], [`origin`], [`cors`], [`mod@env`], [`config`], [`timers`], [`alarm`],
//! [`database`], `javascript`, [`fetch`], [`outbox`], [`host`] and `transaction`; [`engine_io`] and [`socket_io`], which don't know each other; [`app`]; [`api`],
//! what backends may ask for; [`server`], which ties the layers together; [`site`], what a Worker is made of; [`edge`], whose macro
//! [`worker!`] makes one.
//!
//! The feature `chat-worker`, which is on by default, adds roomcast's own Worker: `chat` and `examples`, which know only [`app`],
//! and `apps`, which chooses one. A crate with a Worker of its own depends on roomcast without it.
//!
//! The feature `conformance` adds an app for the reference's public protocol suites, and a raw Engine.IO server. It is off in what
//! is deployed.
//!
//! Start reading at [`server::Server::handle`], with `docs/architecture.md` beside it; and, to write an app, at
//! [`app::handlers`], [`app`] and [`worker!`]. The folder `examples/quiz` of the repository is a whole app to begin with.

pub mod alarm;
pub mod api;
pub mod app;
#[cfg(feature = "chat-worker")]
pub mod apps;
#[cfg(feature = "chat-worker")]
pub mod chat;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod cors;
pub mod database;
pub mod edge;
pub mod engine_io;
pub mod env;
#[cfg(feature = "chat-worker")]
pub mod examples;
pub mod fetch;
pub mod host;
pub mod ids;
mod javascript;
pub mod origin;
pub mod outbox;
#[cfg(feature = "conformance")]
pub mod raw;
pub mod server;
pub mod site;
pub mod socket_io;
pub mod sorted;
pub mod timers;
mod transaction;

pub use env::{ConfigError, Env, Setting};

/// The Rust of docs/your-app.md, so that it compiles.
#[cfg(doctest)]
#[doc = include_str!("../docs/your-app.md")]
struct YourApp;

#[cfg(feature = "chat-worker")]
crate::__worker!(apps::SITE, ChatRoom);
