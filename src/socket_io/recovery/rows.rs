//! The rows of the sockets: what must be known of them even if the process dies.

use std::rc::Rc;

use super::socket_state::{AwaySocket, Membership, SocketState};
use crate::database::{Database, DatabaseError, Row};
use crate::ids::{Millis, Offset, Pid, SocketId};
use crate::socket_io::stored::check_row;
use crate::sorted::SortedSet;

/// The table of the sockets.
pub struct SocketRows<'a>(pub &'a dyn Database);

impl SocketRows<'_> {
    /// Writes what a socket is, and since when its client is gone if it is.
    ///
    /// # Errors
    /// [`DatabaseError`]. What is too large for a row has none: an older row would tell what the socket isn't any more.
    pub fn save(
        &self,
        id: &SocketId,
        namespace: &str,
        state: &SocketState,
        gone: Option<Millis>,
    ) -> Result<(), DatabaseError> {
        const UPSERT: &str = "INSERT INTO roomcast_sockets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (pid) DO UPDATE SET stays = excluded.stays, data = excluded.data, gone = excluded.gone,
            forgotten = excluded.forgotten, told = excluded.told";
        // Texts and numbers always have their JSON.
        let memberships = serde_json::to_string(&state.memberships).unwrap_or_default();
        let size = namespace.len() + memberships.len() + state.data.as_deref().map_or(0, str::len);
        if let Err(error) = check_row("a socket", size) {
            self.delete(&state.pid)?;
            return Err(error);
        }
        let values = [
            state.pid.as_str().into(),
            id.as_str().into(),
            namespace.into(),
            state.since.0.into(),
            memberships.into(),
            state.data.as_deref().into(),
            gone.map(|gone| gone.0).into(),
            state.forgotten.0.into(),
            i64::from(state.told).into(),
        ];
        self.0.query(UPSERT, &values).map(drop)
    }

    /// Forgets a socket for good.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn delete(&self, pid: &Pid) -> Result<(), DatabaseError> {
        self.0.query("DELETE FROM roomcast_sockets WHERE pid = ?", &[pid.as_str().into()]).map(drop)
    }

    /// What a socket was when it was last written.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn state(&self, pid: &Pid) -> Result<Option<SocketState>, DatabaseError> {
        const FIND: &str =
            "SELECT pid, id, namespace, since, stays, data, gone, forgotten, told FROM roomcast_sockets WHERE pid = ?";
        let rows = self.0.query(FIND, &[pid.as_str().into()])?;
        Ok(rows.first().and_then(read).map(|away| away.state))
    }

    /// Those whose clients are gone.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn away(&self) -> Result<Vec<AwaySocket>, DatabaseError> {
        const LOST: &str = "SELECT pid, id, namespace, since, stays, data, gone, forgotten, told FROM roomcast_sockets
            WHERE gone IS NOT NULL";
        Ok(self.0.query(LOST, &[])?.iter().filter_map(read).collect())
    }

    /// Those that count as connected, but are none of these: their clients were lost together with the process.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn orphans(&self, connected: &SortedSet<Pid>, now: Millis) -> Result<Vec<AwaySocket>, DatabaseError> {
        // Counting is a small part of reading.
        let rows = self.0.query("SELECT count(*) FROM roomcast_sockets WHERE gone IS NULL", &[])?;
        if rows.first().and_then(|row| row.number(0)) == Some(connected.len() as u64) {
            return Ok(Vec::new());
        }
        const CONNECTED: &str = "SELECT pid, id, namespace, since, stays, data, gone, forgotten, told FROM roomcast_sockets WHERE gone IS NULL";
        let rows = self.0.query(CONNECTED, &[])?;
        let orphans = rows.iter().filter_map(read).filter(|away| !connected.contains(&away.state.pid));
        Ok(orphans.map(|away| AwaySocket { gone: now, ..away }).collect())
    }
}

fn read(row: &Row) -> Option<AwaySocket> {
    let memberships: Vec<Membership> = serde_json::from_str(row.text(4)?).ok()?;
    let state = SocketState {
        memberships,
        forgotten: Offset(row.number(7)?),
        data: row.text(5).map(Rc::from),
        ..SocketState::new(Pid::from_wire(row.text(0)?), row.number(8)? == 1, Offset(row.number(3)?))
    };
    let namespace = row.text(2)?.into();
    let gone = Millis(row.number(6).unwrap_or_default());
    Some(AwaySocket { id: SocketId::from_wire(row.text(1)?), namespace, state, gone })
}
