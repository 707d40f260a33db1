//! What the runtime keeps beside a WebSocket while the object sleeps, and the way back.
//!
//! JSON with a version. What earlier releases wrote is read as well; any other version makes the server close the socket:
//! its client comes back with a new session, and is never taken for what it isn't.

mod restored;
mod rows;
mod v1;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::live::Live;
use crate::database::DatabaseError;
use crate::engine_io::{Engine, SessionState};
use crate::host::Host;
use crate::ids::{ConnId, Millis, Offset, Pid, Sid, SocketId};
use crate::socket_io::recovery::{ClientRecovery, Membership, SocketRows, SocketState};
use crate::socket_io::{DisconnectReason, Kept, Sockets};
use restored::{Restored, Session};
pub(super) use rows::SessionRows;

/// The version written by this release.
const VERSION: u32 = 4;

/// What the runtime keeps at most, in bytes, but for its own header.
const MOST_BYTES: usize = 16_000;

/// What each attachment begins with; all of it where the session stands in its row.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    /// [`VERSION`], or that of an earlier release.
    v: u32,
    /// The session's id, where all the rest stands in the row of this session.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    row: Option<Cow<'a, str>>,
}

/// A session on a WebSocket. Versions 2 and 3 are the same but for [`Attachment::recovery`], which is absent, and version 2 but
/// for [`Joined::forgotten`], which may be absent.
#[derive(Serialize, Deserialize)]
struct Attachment<'a> {
    /// [`VERSION`].
    v: u32,
    /// The session's id.
    #[serde(borrow)]
    sid: Cow<'a, str>,
    /// What the layer below needs.
    socket: SessionState,
    /// When it must have joined a namespace, Unix ms; absent once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connect_by: Option<u64>,
    /// What its first request said; absent where a release before wrote it.
    #[serde(rename = "h", default)]
    handshake: Kept<'a>,
    /// Whether its sockets recover; absent where they do.
    #[serde(rename = "k", default, skip_serializing_if = "ClientRecovery::is_default")]
    recovery: ClientRecovery,
    /// Its sockets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    joined: Vec<Joined<'a>>,
}

/// A socket in a namespace.
#[derive(Serialize, Deserialize)]
struct Joined<'a> {
    #[serde(borrow, rename = "n")]
    namespace: Cow<'a, str>,
    #[serde(rename = "i")]
    id: Cow<'a, str>,
    #[serde(rename = "p")]
    pid: Cow<'a, str>,
    /// Whether its client knows the pid.
    #[serde(rename = "t")]
    told: bool,
    /// The last event before it connected.
    #[serde(rename = "s")]
    since: Offset,
    /// Its rooms, but for its own; `None` where they stand in its row, as then does its data.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    memberships: Option<Vec<Membership>>,
    /// Nobody can tell which of the events up to this one were for it; as in [`SocketState`].
    #[serde(rename = "f", default, skip_serializing_if = "Offset::is_start")]
    forgotten: Offset,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// Keeps what a session is beside its WebSocket, if it has one. What is too much for that goes into rows: first each socket
/// into its own, and if it still is too much, all the rest into the session's. A session that can't be kept is closed.
pub(super) fn save(live: &mut Live, sid: &Sid) {
    let Some((conn, state, rest)) = compose(&live.state.engine, &mut live.state.sockets, sid) else {
        return;
    };
    let host = live.state.host.clone();
    match live.session_rows.save(host.as_ref(), sid, rest.as_deref()) {
        Ok(()) => live.state.engine.attach(conn, state),
        Err(error) => {
            host.warn(&format!("a connection is closed, since its state can't be stored: {error}"));
            live.close(sid, DisconnectReason::ForcedServerClose);
        }
    }
}

/// The WebSocket of a session, its attachment, and what goes into the session's row if anything. Sockets that are too much for
/// the attachment are marked to get a row.
fn compose(engine: &Engine, sockets: &mut Sockets, sid: &Sid) -> Option<(ConnId, String, Option<String>)> {
    let (conn, socket) = engine.socket(sid)?;
    let whole = write(socket, sockets, sid, false)?;
    let spilled = !fits(&whole);
    let state = if spilled { write(socket, sockets, sid, true)? } else { whole };
    let client = sockets.clients.get(sid)?;
    for (namespace, id) in &client.joined {
        let found = sockets.namespaces.get_mut(namespace);
        if let Some(socket) = found.and_then(|found| found.sockets.get_mut(id))
            && socket.spilled != spilled
        {
            socket.spilled = spilled;
            sockets.unsaved.insert((namespace.clone(), socket.state.pid.clone()));
        }
    }
    if fits(&state) {
        return Some((conn, state, None));
    }
    let elsewhere = Head { v: VERSION, row: Some(sid.as_str().into()) };
    Some((conn, serde_json::to_string(&elsewhere).ok()?, Some(state)))
}

fn write(socket: SessionState, sockets: &Sockets, sid: &Sid, spilled: bool) -> Option<String> {
    let client = sockets.clients.get(sid)?;
    let joined = client.joined.iter().filter_map(|(namespace, id)| {
        let found = sockets.namespaces.get(namespace)?;
        let SocketState { pid, told, since, memberships, forgotten, data, .. } = &found.sockets.get(id)?.state;
        let data = data.as_deref().filter(|_| !spilled);
        Some(Joined {
            namespace: namespace.as_ref().into(),
            id: id.as_str().into(),
            pid: pid.as_str().into(),
            told: *told,
            since: *since,
            memberships: (!spilled).then(|| memberships.clone()),
            forgotten: *forgotten,
            data: data.and_then(|json| serde_json::from_str(json).ok()),
        })
    });
    let attachment = Attachment {
        v: VERSION,
        sid: sid.as_str().into(),
        socket,
        connect_by: client.connect_by.map(|deadline| deadline.0),
        handshake: client.handshake.kept(),
        recovery: client.recovery,
        joined: joined.collect(),
    };
    serde_json::to_string(&attachment).ok()
}

/// The runtime writes a string with a byte a character, or with two where one of them needs it.
fn fits(text: &str) -> bool {
    let wide = text.chars().any(|c| c > '\u{ff}');
    text.encode_utf16().count() * if wide { 2 } else { 1 } <= MOST_BYTES
}

/// Takes a session up again; `false` where the attachment makes no sense.
///
/// # Errors
/// [`DatabaseError`] where the rows that belong to it can't be read.
#[inline(never)] // The runtime compiles a function when it is first called: a new room never calls this one.
pub(super) fn restore(live: &mut Live, conn: ConnId, state: &str) -> Result<bool, DatabaseError> {
    let host = live.state.host.clone();
    let row = match serde_json::from_str(state) {
        Ok(Head { v: 3 | VERSION, row: Some(sid) }) => live.session_rows.find(host.as_ref(), &Sid::from_wire(&sid))?,
        _ => None,
    };
    let state = row.as_deref().unwrap_or(state);
    let session = match serde_json::from_str(state) {
        Ok(Head { v: 2 | 3 | VERSION, row: None }) => match serde_json::from_str::<Attachment<'_>>(state) {
            Ok(own) => own.read(host.as_ref())?,
            Err(_) => None,
        },
        Ok(Head { v: 1, .. }) => v1::read(state, host.as_ref(), live.state.sockets.recovery.log.last()),
        _ => None,
    };
    let Some(Session { sid, socket, connect_by, handshake, recovery, joined }) = session else {
        return Ok(false);
    };
    live.state.engine.restore(sid.clone(), conn, socket);
    live.add_client(&sid, connect_by.map(Millis), handshake, recovery);
    for Restored { namespace, id, state, spilled } in joined {
        live.state.sockets.join(&sid, &namespace, &id, state);
        let found = live.state.sockets.namespaces.get_mut(&namespace);
        if let Some(socket) = found.and_then(|found| found.sockets.get_mut(&id)) {
            socket.spilled = spilled;
        }
    }
    Ok(true)
}

impl Attachment<'_> {
    fn read(self, host: &dyn Host) -> Result<Option<Session>, DatabaseError> {
        let joined = self.joined.into_iter().map(|joined| joined.read(host)).collect::<Result<Option<_>, _>>()?;
        let Self { socket, connect_by, recovery, .. } = self;
        let (sid, handshake) = (Sid::from_wire(&self.sid), self.handshake.into());
        Ok(joined.map(|joined| Session { sid, socket, connect_by, handshake, recovery, joined }))
    }
}

impl Joined<'_> {
    fn read(self, host: &dyn Host) -> Result<Option<Restored>, DatabaseError> {
        let pid = Pid::from_wire(&self.pid);
        let spilled = self.memberships.is_none();
        let state = match self.memberships {
            Some(memberships) => {
                let data = self.data.map(|json| json.get().into());
                SocketState {
                    memberships,
                    forgotten: self.forgotten,
                    data,
                    ..SocketState::new(pid, self.told, self.since)
                }
            }
            None => match SocketRows(host).state(&pid)? {
                Some(state) => SocketState { told: self.told, ..state },
                None => return Ok(None),
            },
        };
        let id = SocketId::from_wire(&self.id);
        Ok(Some(Restored { namespace: self.namespace.as_ref().into(), id, state, spilled }))
    }
}
