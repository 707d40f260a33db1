//! Socket.IO rooms on Cloudflare's edge.
//!
//! A Worker serves a page and sends each room's traffic to that room's Durable Object; the object holds the room's sockets
//! and is a whole Socket.IO server for it.
//!
//! ```text
//! browser ─ HTTP/WS ─▶ edge::router ─▶ edge::durable ─ Input ─▶ Server::handle(now, input) ─ Outbox ─▶ edge ─▶ sockets
//!                                                      │  ▲
//!                                engine_io session ◀───┘  │  frames, encoded once
//!                                socket_io packet ─▶ namespace ─▶ App (chat) ─▶ Io (emit, to, answer, …)
//! ```
//!
//! What holds everywhere:
//! - Nothing outside [`edge`] names the `worker` crate. All below it is synchronous, takes the time and its randomness as
//!   arguments, and does no I/O: it returns effects.
//! - No input makes the code panic: a panic resets every room of the isolate.
//! - What must outlive the object's memory is data (a socket's attachment, a row), never a closure or a field. What others
//!   are to see is stored first: the runtime holds back what is sent until the writes of the turn are durable.
//! - No borrow of the object's state lives across an await.
//!
//! The layers, each using only those before it: [`ids`], [`config`], [`timers`], [`alarm`], [`outbox`], [`database`] and [`host`];
//! [`engine_io`] and [`socket_io`], which don't know each other; [`app`]; [`chat`] and [`examples`], which know only [`app`]; [`api`], what
//! backends may ask for; [`server`], which ties the layers together; [`apps`], which names the app that runs; [`edge`].
//!
//! The feature `conformance` adds an app for the reference's public protocol suites, and a raw Engine.IO server. It is off in what
//! is deployed.
//!
//! Start reading at [`server::Server::handle`], and, to write an app, at [`app::handlers`] and [`app`].

pub mod alarm;
pub mod api;
pub mod app;
pub mod apps;
pub mod chat;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod cors;
pub mod database;
pub mod edge;
pub mod engine_io;
pub mod examples;
pub mod host;
pub mod ids;
pub mod outbox;
#[cfg(feature = "conformance")]
pub mod raw;
pub mod server;
pub mod socket_io;
pub mod timers;
