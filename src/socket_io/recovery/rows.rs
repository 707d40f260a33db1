//! The rows of the sockets that may be recovered: what must be known of them even if the process dies.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::profile::{Lost, Profile, Stay};
use super::replays::Replays;
use crate::database::{Database, DatabaseError, Row};
use crate::ids::{Millis, Offset, Pid, SocketId};
use crate::socket_io::stored::check_row;

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
        profile: &Profile,
        gone: Option<Millis>,
    ) -> Result<(), DatabaseError> {
        const UPSERT: &str = "INSERT INTO roomcast_sockets VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (pid) DO UPDATE SET stays = excluded.stays, data = excluded.data, gone = excluded.gone,
            forgotten = excluded.forgotten";
        // Texts and numbers always have their JSON.
        let stays = serde_json::to_string(&profile.stays).unwrap_or_default();
        let size = namespace.len() + stays.len() + profile.data.as_deref().map_or(0, str::len);
        if let Err(error) = check_row("a socket", size) {
            self.delete(&profile.pid)?;
            return Err(error);
        }
        let values = [
            profile.pid.as_str().into(),
            id.as_str().into(),
            namespace.into(),
            profile.since.0.into(),
            stays.into(),
            profile.data.as_deref().into(),
            gone.map(|gone| gone.0).into(),
            profile.forgotten.0.into(),
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
    pub fn profile(&self, pid: &Pid) -> Result<Option<Profile>, DatabaseError> {
        const FIND: &str =
            "SELECT pid, id, namespace, since, stays, data, gone, forgotten FROM roomcast_sockets WHERE pid = ?";
        let rows = self.0.query(FIND, &[pid.as_str().into()])?;
        Ok(rows.first().and_then(read).map(|lost| lost.profile))
    }

    /// Those whose clients are gone.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn lost(&self) -> Result<Vec<Lost>, DatabaseError> {
        const LOST: &str = "SELECT pid, id, namespace, since, stays, data, gone, forgotten FROM roomcast_sockets WHERE gone IS NOT NULL";
        Ok(self.0.query(LOST, &[])?.iter().filter_map(read).collect())
    }

    /// Those that count as connected, but are none of these: their clients were lost together with the process.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn orphans(&self, connected: &BTreeSet<Pid>, now: Millis) -> Result<Vec<Lost>, DatabaseError> {
        // Counting is a small part of reading.
        let rows = self.0.query("SELECT count(*) FROM roomcast_sockets WHERE gone IS NULL", &[])?;
        if rows.first().and_then(|row| row.number(0)) == Some(connected.len() as u64) {
            return Ok(Vec::new());
        }
        const CONNECTED: &str =
            "SELECT pid, id, namespace, since, stays, data, gone, forgotten FROM roomcast_sockets WHERE gone IS NULL";
        let rows = self.0.query(CONNECTED, &[])?;
        let orphans = rows.iter().filter_map(read).filter(|lost| !connected.contains(&lost.profile.pid));
        Ok(orphans.map(|lost| Lost { gone: now, ..lost }).collect())
    }
}

fn read(row: &Row) -> Option<Lost> {
    let stays: Vec<Stay> = serde_json::from_str(row.text(4)?).ok()?;
    let profile = Profile {
        pid: Pid::from_wire(row.text(0)?),
        told: true,
        since: Offset(row.number(3)?),
        stays,
        forgotten: Offset(row.number(7)?),
        data: row.text(5).map(Rc::from),
        replays: Replays::default(),
    };
    let namespace = row.text(2)?.into();
    let gone = Millis(row.number(6).unwrap_or_default());
    Some(Lost { id: SocketId::from_wire(row.text(1)?), namespace, profile, gone })
}
