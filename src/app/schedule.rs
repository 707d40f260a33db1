//! Timers of apps: those kept in the database, which outlive the object's memory, and those that cost nothing.

use std::collections::BTreeSet;
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
    /// Those that are stored and do not fire any more.
    aside: BTreeSet<(Rc<str>, Rc<str>)>,
    /// Those that are in memory alone.
    timeouts: Timers<(Rc<str>, Rc<str>)>,
    /// How many steps that may still fail are going on, one within the other.
    steps: usize,
    /// The deadlines that timers had before such a step changed them, the last change last.
    undos: Vec<Undo>,
}

#[derive(Debug)]
struct Undo {
    stored: bool,
    key: (Rc<str>, Rc<str>),
    before: Option<Millis>,
    aside: bool,
}

/// A moment to go back to.
pub(crate) struct Mark(usize);

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
        self.change(true, (namespace.clone(), name.into()), Some(at));
        Ok(())
    }

    /// Sets a timer that is forgotten with the object's memory.
    pub(crate) fn set_timeout(&mut self, namespace: &Rc<str>, name: &str, at: Millis) {
        self.change(false, (namespace.clone(), name.into()), Some(at));
    }

    /// Forgets the timers of a name, of either kind.
    pub(crate) fn clear(
        &mut self,
        database: &dyn Database,
        namespace: &Rc<str>,
        name: &str,
    ) -> Result<(), DatabaseError> {
        let key = (namespace.clone(), Rc::from(name));
        self.change(false, key.clone(), None);
        if self.change(true, key.clone(), None) {
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

    /// The stored timers that are due, the earliest first.
    pub(crate) fn due(&self, now: Millis) -> impl Iterator<Item = (&(Rc<str>, Rc<str>), Millis)> {
        self.timers.due(now)
    }

    /// Takes out a stored timer that is due at `at`; `false` where it was cleared or set anew meanwhile.
    pub(crate) fn take(&mut self, database: &dyn Database, key: &(Rc<str>, Rc<str>), at: Millis) -> bool {
        if self.timers.get(key) != Some(at) || !self.timers.clear(key) {
            return false;
        }
        // One that can't be deleted comes again after a restart, as one that is late.
        _ = delete(database, key);
        true
    }

    /// Has a stored timer that is due at `at` not fire any more; its row stays until it is cleared or set anew. `false` where
    /// there is none.
    pub(crate) fn set_aside(&mut self, key: &(Rc<str>, Rc<str>), at: Millis) -> bool {
        let found = self.timers.get(key) == Some(at) && self.timers.clear(key);
        if found {
            self.aside.insert(key.clone());
        }
        found
    }

    /// Whether a timer was set aside, and neither cleared nor set anew since.
    pub(crate) fn is_aside(&self, key: &(Rc<str>, Rc<str>)) -> bool {
        self.aside.contains(key)
    }

    /// Takes out a timer that is due and isn't stored.
    pub(crate) fn pop_due_timeout(&mut self, now: Millis) -> Option<(Rc<str>, Rc<str>)> {
        self.timeouts.pop_due(now).map(|(key, _)| key)
    }

    /// The clock has gone back by so much: the timers in memory are due after the time that was asked for. Those that are stored
    /// are due at the time that is stored.
    pub(crate) fn bring_timeouts_forward(&mut self, by: Millis) {
        self.timeouts.bring_forward(by);
    }

    /// A step that may fail begins. Steps may be nested.
    pub(crate) fn begin_step(&mut self) -> Mark {
        self.steps += 1;
        Mark(self.undos.len())
    }

    /// The step ends: the timers that it has set stay, or are what they were. The database takes back its rows by itself.
    pub(crate) fn end_step(&mut self, Mark(undos): Mark, keep: bool) {
        self.steps = self.steps.saturating_sub(1);
        while !keep
            && self.undos.len() > undos
            && let Some(Undo { stored, key, before, aside }) = self.undos.pop()
        {
            if aside {
                self.aside.insert(key.clone());
            }
            self.table(stored).put(key, before);
        }
        if self.steps == 0 {
            self.undos.clear();
        }
    }

    fn table(&mut self, stored: bool) -> &mut Timers<(Rc<str>, Rc<str>)> {
        if stored { &mut self.timers } else { &mut self.timeouts }
    }

    /// Gives a timer this deadline, or none; `false` where there was none before.
    fn change(&mut self, stored: bool, key: (Rc<str>, Rc<str>), at: Option<Millis>) -> bool {
        let table = self.table(stored);
        let before = table.get(&key);
        table.put(key.clone(), at);
        let aside = stored && self.aside.remove(&key);
        if self.steps > 0 {
            self.undos.push(Undo { stored, key, before, aside });
        }
        before.is_some() || aside
    }
}

fn delete(database: &dyn Database, (namespace, name): &(Rc<str>, Rc<str>)) -> Result<(), DatabaseError> {
    const DELETE: &str = "DELETE FROM roomcast_timers WHERE namespace = ? AND name = ?";
    database.query(DELETE, &[namespace.as_ref().into(), name.as_ref().into()]).map(drop)
}
