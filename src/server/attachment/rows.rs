//! The rows of the sessions that don't fit beside their WebSockets even without their sockets, such as those with very many
//! namespaces.

use rustc_hash::FxHashMap;

use crate::database::{Database, DatabaseError};
use crate::ids::Sid;
use crate::socket_io::Client;
use crate::socket_io::stored::check_row;
use crate::sorted::SortedSet;

/// The table of the sessions.
#[derive(Debug, Default)]
pub(in crate::server) struct SessionRows {
    /// Those that have a row.
    kept: SortedSet<Sid>,
}

impl SessionRows {
    /// Writes what a session is, or deletes its row where nothing has to stand there any more.
    pub(super) fn save(
        &mut self,
        database: &dyn Database,
        sid: &Sid,
        state: Option<&str>,
    ) -> Result<(), DatabaseError> {
        const UPSERT: &str = "INSERT INTO roomcast_sessions VALUES (?, ?)
            ON CONFLICT (sid) DO UPDATE SET state = excluded.state";
        let Some(state) = state else {
            return if self.kept.contains(sid) { self.delete(database, sid) } else { Ok(()) };
        };
        check_row("a session", sid.as_str().len() + state.len())?;
        database.query(UPSERT, &[sid.as_str().into(), state.into()])?;
        self.kept.insert(sid.clone());
        Ok(())
    }

    fn delete(&mut self, database: &dyn Database, sid: &Sid) -> Result<(), DatabaseError> {
        database.query("DELETE FROM roomcast_sessions WHERE sid = ?", &[sid.as_str().into()])?;
        self.kept.remove(sid);
        Ok(())
    }

    /// What a session was when it was last written.
    pub(super) fn find(&self, database: &dyn Database, sid: &Sid) -> Result<Option<String>, DatabaseError> {
        let rows = database.query("SELECT state FROM roomcast_sessions WHERE sid = ?", &[sid.as_str().into()])?;
        Ok(rows.first().and_then(|row| row.text(0)).map(str::to_owned))
    }

    /// Reads which sessions have a row.
    pub(in crate::server) fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        let rows = database.query("SELECT sid FROM roomcast_sessions", &[])?;
        self.kept = rows.iter().filter_map(|row| row.text(0).map(Sid::from_wire)).collect();
        Ok(())
    }

    /// Deletes the rows of those that are not among these clients any more.
    pub(in crate::server) fn delete_ended(
        &mut self,
        database: &dyn Database,
        clients: &FxHashMap<Sid, Client>,
    ) -> Result<(), DatabaseError> {
        let ended: Vec<_> = self.kept.iter().filter(|sid| !clients.contains_key(sid)).cloned().collect();
        ended.iter().try_for_each(|sid| self.delete(database, sid))
    }
}
