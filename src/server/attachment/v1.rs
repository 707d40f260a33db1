//! What the release before recovery wrote. Its clients know no pid: they go on, and are not recovered.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::restored::{Restored, Session};
use crate::engine_io::SessionState;
use crate::host::Host;
use crate::ids::{Offset, Pid, Sid, SocketId};
use crate::socket_io::recovery::SocketState;

#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(borrow)]
    sid: Cow<'a, str>,
    socket: SessionState,
    #[serde(default)]
    connect_by: Option<u64>,
    joined: Vec<Joined<'a>>,
}

#[derive(Deserialize)]
struct Joined<'a> {
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    id: Cow<'a, str>,
    #[serde(default)]
    rooms: Vec<Cow<'a, str>>,
    #[serde(default)]
    data: Option<&'a RawValue>,
}

/// Reads it; `None` where it is something else. `last` is the offset of the newest event.
pub(super) fn read(state: &str, host: &dyn Host, last: Offset) -> Option<Session> {
    let Attachment { sid, socket, connect_by, joined } = serde_json::from_str(state).ok()?;
    let restored = |joined: Joined<'_>| {
        let mut state = SocketState::new(Pid::random(host), false, last);
        for room in &joined.rooms {
            state.enter(room, last);
        }
        state.data = joined.data.map(|json| json.get().into());
        let id = SocketId::from_wire(&joined.id);
        Restored { namespace: joined.namespace.as_ref().into(), id, state, spilled: false }
    };
    let joined = joined.into_iter().map(restored).collect();
    let (handshake, recovery) = Default::default();
    Some(Session { sid: Sid::from_wire(&sid), socket, connect_by, handshake, recovery, joined })
}
