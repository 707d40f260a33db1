//! Timers of apps: those kept in the database, which outlive the object's memory, and those that cost nothing.

use std::rc::Rc;

use crate::database::{Database, DatabaseError};
use crate::ids::Millis;
use crate::timers::Timers;

/// The steps that make the table.
pub(crate) const SCHEMA: &[&str] = &["
    CREATE TABLE roomcast_timers (namespace TEXT, name TEXT, at INTEGER, PRIMARY KEY (namespace, name)) WITHOUT ROWID
"];

/// What [`App::scheduled`](super::App::scheduled) is to be called with, and when.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    timers: Timers<(Rc<str>, Rc<str>)>,
    /// Those that are in memory alone.
    timeouts: Timers<(Rc<str>, Rc<str>)>,
}

impl Schedule {
    /// Reads what an earlier life of the object has set.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(crate) fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        for row in database.query("SELECT namespace, name, at FROM roomcast_timers", &[])? {
            if let (Some(namespace), Some(name), Some(at)) = (row.text(0), row.text(1), row.number(2)) {
                self.timers.set((namespace.into(), name.into()), Millis(at));
            }
        }
        Ok(())
    }

    /// Sets a timer, in place of an earlier one of the name.
    ///
    /// # Errors
    /// [`DatabaseError`]: then nothing has changed.
    pub(crate) fn set(
        &mut self,
        database: &dyn Database,
        namespace: &Rc<str>,
        name: &str,
        at: Millis,
    ) -> Result<(), DatabaseError> {
        const UPSERT: &str = "INSERT INTO roomcast_timers VALUES (?, ?, ?)
            ON CONFLICT (namespace, name) DO UPDATE SET at = excluded.at";
        database.query(UPSERT, &[namespace.as_ref().into(), name.into(), at.0.into()])?;
        self.timers.set((namespace.clone(), name.into()), at);
        Ok(())
    }

    /// Sets a timer that is forgotten with the object's memory.
    pub(crate) fn set_timeout(&mut self, namespace: &Rc<str>, name: &str, at: Millis) {
        self.timeouts.set((namespace.clone(), name.into()), at);
    }

    /// Forgets the timers of a name, of either kind.
    pub(crate) fn clear(
        &mut self,
        database: &dyn Database,
        namespace: &Rc<str>,
        name: &str,
    ) -> Result<(), DatabaseError> {
        let key = (namespace.clone(), Rc::from(name));
        self.timeouts.clear(&key);
        if self.timers.clear(&key) {
            delete(database, &key)?;
        }
        Ok(())
    }

    /// When the next one is due that outlives the object's memory.
    pub(crate) fn next(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// When the next one is due that doesn't.
    pub(crate) fn next_timeout(&self) -> Option<Millis> {
        self.timeouts.next()
    }

    /// Takes out one that is due; gives its namespace and its name.
    pub(crate) fn pop_due(&mut self, database: &dyn Database, now: Millis) -> Option<(Rc<str>, Rc<str>)> {
        if let Some((key, _)) = self.timeouts.pop_due(now) {
            return Some(key);
        }
        let (key, _) = self.timers.pop_due(now)?;
        // One that can't be deleted comes again after a restart, as one that is late.
        _ = delete(database, &key);
        Some(key)
    }
}

fn delete(database: &dyn Database, (namespace, name): &(Rc<str>, Rc<str>)) -> Result<(), DatabaseError> {
    const DELETE: &str = "DELETE FROM roomcast_timers WHERE namespace = ? AND name = ?";
    database.query(DELETE, &[namespace.as_ref().into(), name.as_ref().into()]).map(drop)
}
