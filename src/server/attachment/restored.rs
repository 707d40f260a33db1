//! A session as it is found in what is stored, whichever version wrote it.

use std::rc::Rc;

use crate::engine_io::SessionState;
use crate::ids::{Sid, SocketId};
use crate::socket_io::Handshake;
use crate::socket_io::recovery::{ClientRecovery, SocketState};

/// A session as an attachment of whatever version has it.
pub(super) struct Session {
    pub(super) sid: Sid,
    pub(super) socket: SessionState,
    pub(super) connect_by: Option<u64>,
    pub(super) handshake: Handshake,
    pub(super) recovery: ClientRecovery,
    pub(super) joined: Vec<Restored>,
}

pub(super) struct Restored {
    pub(super) namespace: Rc<str>,
    pub(super) id: SocketId,
    pub(super) state: SocketState,
    pub(super) spilled: bool,
}
