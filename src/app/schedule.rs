//! Timers of apps: kept in the database, so that they outlive the object's memory.

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
pub struct Schedule {
    timers: Timers<(Rc<str>, Rc<str>)>,
}

impl Schedule {
    /// Reads what an earlier life of the object has set.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
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
    pub fn set(
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

    /// When the next one is due.
    pub fn next(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// Takes out one that is due; gives its namespace and its name.
    pub fn pop_due(&mut self, database: &dyn Database, now: Millis) -> Option<(Rc<str>, Rc<str>)> {
        let ((namespace, name), _) = self.timers.pop_due(now)?;
        const DELETE: &str = "DELETE FROM roomcast_timers WHERE namespace = ? AND name = ?";
        // One that can't be deleted comes again after a restart, as one that is late.
        _ = database.query(DELETE, &[namespace.as_ref().into(), name.as_ref().into()]);
        Some((namespace, name))
    }
}
