//! What leaves, and how.

use std::rc::Rc;

use crate::fetch::FetchRequest;
use crate::ids::{Sid, SocketId};
use crate::outbox::Frame;
use crate::socket_io::Args;
use crate::sorted::SortedSet;

/// Something that leaves for clients, or for other servers.
#[derive(Debug)]
pub(super) enum Output {
    /// The frames of a packet, for the sessions that its selection meant when it was sent.
    Frames { to: Vec<Sid>, frames: Vec<Frame>, volatile: bool },
    /// The end of a session.
    Close(Sid),
    /// A request to another server, with its number.
    Fetch(u64, FetchRequest),
}

/// How an event is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It is stored before it is sent, for those whose connection is lost just then (1.11).
    Logged,
    /// As logged; volatile where it can't be stored.
    LoggedOrVolatile,
    /// It is sent and not stored.
    Unlogged,
    /// Only to clients that take it at once (1.12).
    Volatile,
}

/// An event that the app has sent.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new().on_any_outgoing(|room, sent| {
///         let count = sent.to.len();
///         room.io.warn(&format!("{} went to {count} sockets", sent.name));
///     })
/// }
/// # app();
/// ```
#[derive(Debug)]
pub struct Outgoing {
    /// Its namespace.
    pub namespace: Rc<str>,
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Args<'static>,
    /// The connected sockets that it was for.
    pub to: SortedSet<SocketId>,
}
