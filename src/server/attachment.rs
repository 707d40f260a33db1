//! What the runtime keeps beside a WebSocket while the object sleeps, and the way back.
//!
//! JSON with a version. A version that isn't ours makes the server close the socket: its client comes back with a new
//! session.

use std::borrow::Cow;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Hub;
use crate::app::App;
use crate::engine_io::{Engine, SocketState, Turn};
use crate::ids::{ConnId, Millis, Sid, SocketId};
use crate::socket_io::Sockets;

/// The version written by this release.
const VERSION: u32 = 1;

/// A session on a WebSocket.
#[derive(Serialize, Deserialize)]
struct Attachment<'a> {
    /// [`VERSION`].
    v: u32,
    /// The session's id.
    #[serde(borrow)]
    sid: Cow<'a, str>,
    /// What the layer below needs.
    socket: SocketState,
    /// When it must have joined a namespace, Unix ms; absent once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connect_by: Option<u64>,
    /// Its sockets.
    joined: Vec<Joined<'a>>,
}

/// A socket in a namespace.
#[derive(Serialize, Deserialize)]
struct Joined<'a> {
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    id: Cow<'a, str>,
    /// The rooms but for its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rooms: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// The attachment of a session, and the WebSocket that it belongs to; `None` while the session has none.
pub(super) fn save(engine: &Engine, sockets: &Sockets, sid: &Sid) -> Option<(ConnId, String)> {
    let (conn, socket) = engine.socket(sid)?;
    let client = sockets.clients.get(sid)?;
    let joined = client.joined.iter().filter_map(|(namespace, id)| {
        let place = sockets.namespaces.get(namespace)?;
        let data = place.sockets.get(id)?.data.as_deref();
        Some(Joined {
            namespace: namespace.as_ref().into(),
            id: id.as_str().into(),
            rooms: place.rooms.of(id).filter(|room| *room != id.as_str()).map(Cow::from).collect(),
            data: data.and_then(|json| serde_json::from_str(json).ok()),
        })
    });
    let attachment = Attachment {
        v: VERSION,
        sid: sid.as_str().into(),
        socket,
        connect_by: client.connect_by.map(|deadline| deadline.0),
        joined: joined.collect(),
    };
    Some((conn, serde_json::to_string(&attachment).ok()?))
}

/// Takes a session up again; `false` where the attachment can't be read.
pub(super) fn restore<A: App>(
    engine: &mut Engine,
    hub: &mut Hub<A>,
    turn: &mut Turn<'_>,
    conn: ConnId,
    state: &str,
) -> bool {
    let Ok(Attachment { v: VERSION, sid, socket, connect_by, joined }) = serde_json::from_str(state) else {
        return false;
    };
    let sid = Sid::from_wire(&sid);
    engine.restore(turn, sid.clone(), conn, socket);
    hub.add_client(&sid, connect_by.map(Millis));
    for Joined { namespace, id, rooms, data } in joined {
        let namespace: Rc<str> = namespace.as_ref().into();
        let id = SocketId::from_wire(&id);
        hub.sockets.join(&sid, &namespace, &id);
        if let Some(place) = hub.sockets.namespaces.get_mut(&namespace) {
            for room in rooms {
                place.rooms.join(&id, &room);
            }
            if let Some(socket) = place.sockets.get_mut(&id) {
                socket.data = data.map(|json| json.get().into());
            }
        }
    }
    true
}
