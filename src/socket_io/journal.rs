//! What a step that may still fail has changed, so that it can be undone.

use std::rc::Rc;

use super::namespace::{Client, Socket};
use super::recovery::SocketState;
use crate::ids::{Sid, SocketId};

/// The way back from one change.
#[derive(Debug)]
pub(super) enum Undo {
    /// The socket had this state.
    State { namespace: Rc<str>, id: SocketId, state: SocketState },
    /// The socket wasn't in the room.
    LeaveRoom { namespace: Rc<str>, id: SocketId, room: Rc<str> },
    /// The socket was in the room.
    JoinRoom { namespace: Rc<str>, id: SocketId, room: Rc<str> },
    /// The socket was in the namespace.
    Rejoin { namespace: Rc<str>, id: SocketId, socket: Socket },
    /// The client was there.
    Client { sid: Sid, client: Box<Client> },
}

/// A moment to go back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    pub(super) undos: usize,
    pub(super) departed: usize,
    pub(super) changes: usize,
    pub(super) data_changes: usize,
}
