//! What the app is told of sockets: that they are gone, and why, or that their data has changed.

use std::rc::Rc;

use super::extensions::Extensions;
use crate::ids::SocketId;

/// Why a socket is gone; the words are the reference's (1.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The client sent DISCONNECT.
    ClientNamespaceDisconnect,
    /// The app disconnected the socket.
    ServerNamespaceDisconnect,
    /// The connection was closed for a packet that breaks the rules.
    ForcedClose,
    /// The same, of a polling client that hasn't been told yet.
    ForcedServerClose,
    /// The connection ended below; with the reason's own word.
    Transport(&'static str),
}

impl DisconnectReason {
    /// The reference's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
            Self::Transport(reason) => reason,
        }
    }

    /// Whether the client may come back to its socket: unless one side meant to part, or they don't understand each other
    /// (1.11).
    pub fn is_recoverable(self) -> bool {
        match self {
            Self::ClientNamespaceDisconnect | Self::ServerNamespaceDisconnect => false,
            Self::ForcedClose | Self::ForcedServerClose => true,
            Self::Transport(reason) => reason != "parse error",
        }
    }
}

/// A socket that is gone, with what the app needs to take leave.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new().on_disconnect(|room, departed| {
///         let name: Option<String> = departed.data();
///         room.io.emit("left", &(name, departed.reason.as_str(), departed.recoverable))
///     })
/// }
/// # app();
/// ```
#[derive(Debug)]
pub struct Departed {
    /// Its namespace.
    pub namespace: Rc<str>,
    /// Its id.
    pub id: SocketId,
    /// What the app had kept with it, as JSON.
    pub data: Option<Rc<str>>,
    /// What the app had kept with it in memory alone.
    pub extensions: Rc<Extensions>,
    /// The rooms that it was in.
    pub rooms: Vec<String>,
    /// Why it is gone.
    pub reason: DisconnectReason,
    /// Whether its client may still come back to it (1.11).
    pub recoverable: bool,
}

/// The app has changed what it keeps with a socket.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new()
///         .on("name", |socket, name: String| socket.set_data(&name))
///         .on_data(|room, change| {
///             let name: Option<String> = room.io.data(&change.socket);
///             room.io.emit("named", &(&change.socket, name))
///         })
/// }
/// # app();
/// ```
#[derive(Debug)]
pub struct DataChange {
    /// The socket's namespace.
    pub namespace: Rc<str>,
    /// The socket.
    pub socket: SocketId,
    /// What was kept before, as JSON; `None` where nothing was.
    pub before: Option<Rc<str>>,
}
