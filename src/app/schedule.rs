//! Timers of apps: those kept in the database, which outlive the object's memory, and those that cost nothing.

use std::rc::Rc;

use crate::database::{Database, DatabaseError, Part, Value};
use crate::ids::Millis;
use crate::sorted::{SortedMap, SortedSet};
use crate::timers::Timers;

/// The table.
pub(crate) const TABLES: Part<'_> = Part { name: "timers", steps: SCHEMA, newest: Some(NEWEST) };

const SCHEMA: &[&str] = &[
    "CREATE TABLE roomcast_timers (namespace TEXT, name TEXT, at INTEGER, PRIMARY KEY (namespace, name)) WITHOUT ROWID",
    "
    ALTER TABLE roomcast_timers RENAME TO roomcast_timers_1;
    CREATE TABLE roomcast_timers (
        namespace TEXT, name TEXT, key TEXT, at INTEGER, context TEXT, PRIMARY KEY (namespace, name, key)
    ) WITHOUT ROWID;
    INSERT INTO roomcast_timers SELECT namespace, name, '', at, NULL FROM roomcast_timers_1;
    DROP TABLE roomcast_timers_1
",
];

const NEWEST: &str = "
    CREATE TABLE roomcast_timers (
        namespace TEXT, name TEXT, key TEXT, at INTEGER, context TEXT, PRIMARY KEY (namespace, name, key)
    ) WITHOUT ROWID
";

/// Which timer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TimerKey {
    pub(crate) namespace: Rc<str>,
    /// Which handler it is for.
    pub(crate) name: Rc<str>,
    /// Which of the timers of this name.
    pub(crate) key: Rc<str>,
}

/// A timer that is due: [`App::scheduled`](super::App::scheduled) is called with it.
#[derive(Debug)]
pub struct DueTimer {
    /// Its name.
    pub name: Rc<str>,
    /// Which of the timers of this name.
    pub key: Rc<str>,
    /// What was given along, as JSON.
    pub context: Option<Rc<str>>,
}

/// When a timer is due, and what its handler is given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    at: Millis,
    context: Option<Rc<str>>,
}

/// Timers of one kind.
#[derive(Debug, Default)]
struct Table {
    deadlines: Timers<TimerKey>,
    contexts: SortedMap<TimerKey, Rc<str>>,
}

impl Table {
    fn get(&self, key: &TimerKey) -> Option<Entry> {
        let at = self.deadlines.get(key)?;
        Some(Entry { at, context: self.contexts.get(key).cloned() })
    }

    fn put(&mut self, key: TimerKey, entry: Option<Entry>) {
        let (at, context) = entry.map_or((None, None), |Entry { at, context }| (Some(at), context));
        match context {
            Some(context) => _ = self.contexts.insert(key.clone(), context),
            None => _ = self.contexts.remove(&key),
        }
        self.deadlines.put(key, at);
    }

    fn take(&mut self, key: &TimerKey) -> Option<DueTimer> {
        let Entry { context, .. } = self.get(key)?;
        self.put(key.clone(), None);
        Some(DueTimer { name: key.name.clone(), key: key.key.clone(), context })
    }
}

/// What [`App::scheduled`](super::App::scheduled) is to be called with, and when.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    stored: Table,
    /// Those that are stored and do not fire any more.
    aside: SortedSet<TimerKey>,
    /// Those that are in memory alone.
    timeouts: Table,
    /// How many steps that may still fail are going on, one within the other.
    steps: usize,
    /// The timers that there were before such a step changed them, the last change last.
    undos: Vec<Undo>,
}

#[derive(Debug)]
struct Undo {
    stored: bool,
    key: TimerKey,
    before: Option<Entry>,
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
        for row in database.query("SELECT namespace, name, key, at, context FROM roomcast_timers", &[])? {
            if let (Some(namespace), Some(name), Some(key), Some(at)) =
                (row.text(0), row.text(1), row.text(2), row.number(3))
            {
                let key = TimerKey { namespace: namespace.into(), name: name.into(), key: key.into() };
                let entry = Entry { at: Millis(at), context: row.text(4).map(Rc::from) };
                self.stored.put(key, Some(entry));
            }
        }
        Ok(())
    }

    /// Sets a timer, in place of an earlier one of the key.
    ///
    /// # Errors
    /// [`DatabaseError`]: then nothing has changed.
    pub(crate) fn set(
        &mut self,
        database: &dyn Database,
        key: TimerKey,
        at: Millis,
        context: Option<Rc<str>>,
    ) -> Result<(), DatabaseError> {
        const UPSERT: &str = "INSERT INTO roomcast_timers VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (namespace, name, key) DO UPDATE SET at = excluded.at, context = excluded.context";
        let [namespace, name, own] = columns(&key);
        database.query(UPSERT, &[namespace, name, own, at.0.into(), context.as_deref().into()])?;
        self.change(true, key, Some(Entry { at, context }));
        Ok(())
    }

    /// Sets a timer that is forgotten with the object's memory.
    pub(crate) fn set_timeout(&mut self, key: TimerKey, at: Millis, context: Option<Rc<str>>) {
        self.change(false, key, Some(Entry { at, context }));
    }

    /// Forgets the timers of a key, of either kind.
    pub(crate) fn clear(&mut self, database: &dyn Database, key: &TimerKey) -> Result<(), DatabaseError> {
        self.change(false, key.clone(), None);
        if self.change(true, key.clone(), None) {
            delete(database, key)?;
        }
        Ok(())
    }

    /// When the next one is due that outlives the object's memory.
    pub(crate) fn next(&self) -> Option<Millis> {
        self.stored.deadlines.next()
    }

    /// When the next one is due that doesn't.
    pub(crate) fn next_timeout(&self) -> Option<Millis> {
        self.timeouts.deadlines.next()
    }

    /// The stored timers that are due, the earliest first.
    pub(crate) fn due(&self, now: Millis) -> impl Iterator<Item = (&TimerKey, Millis)> {
        self.stored.deadlines.due(now)
    }

    /// Takes out a stored timer that is due at `at`; `None` where it was cleared or set anew meanwhile.
    pub(crate) fn take(&mut self, database: &dyn Database, key: &TimerKey, at: Millis) -> Option<DueTimer> {
        let due = self.take_stored(key, at)?;
        // One that can't be deleted comes again after a restart, as one that is late.
        _ = delete(database, key);
        Some(due)
    }

    /// Has a stored timer that is due at `at` not fire any more; its row stays until it is cleared or set anew. `false` where
    /// there is none.
    pub(crate) fn set_aside(&mut self, key: &TimerKey, at: Millis) -> bool {
        let found = self.take_stored(key, at).is_some();
        if found {
            self.aside.insert(key.clone());
        }
        found
    }

    fn take_stored(&mut self, key: &TimerKey, at: Millis) -> Option<DueTimer> {
        self.stored.get(key).filter(|entry| entry.at == at)?;
        self.stored.take(key)
    }

    /// Whether a timer was set aside, and neither cleared nor set anew since.
    pub(crate) fn is_aside(&self, key: &TimerKey) -> bool {
        self.aside.contains(key)
    }

    /// Takes out a timer that is due and isn't stored; with its namespace.
    pub(crate) fn pop_due_timeout(&mut self, now: Millis) -> Option<(Rc<str>, DueTimer)> {
        let key = self.timeouts.deadlines.due(now).next()?.0.clone();
        Some((key.namespace.clone(), self.timeouts.take(&key)?))
    }

    /// The clock has gone back by so much: the timers in memory are due after the time that was asked for. Those that are stored
    /// are due at the time that is stored.
    pub(crate) fn bring_timeouts_forward(&mut self, by: Millis) {
        self.timeouts.deadlines.bring_forward(by);
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

    fn table(&mut self, stored: bool) -> &mut Table {
        if stored { &mut self.stored } else { &mut self.timeouts }
    }

    /// Makes a timer this one, or none; `false` where there was none before.
    fn change(&mut self, stored: bool, key: TimerKey, entry: Option<Entry>) -> bool {
        let table = self.table(stored);
        let before = table.get(&key);
        let was_set = before.is_some();
        table.put(key.clone(), entry);
        let aside = stored && self.aside.remove(&key);
        if self.steps > 0 {
            self.undos.push(Undo { stored, key, before, aside });
        }
        was_set || aside
    }
}

/// The columns that tell a timer from others.
fn columns(TimerKey { namespace, name, key }: &TimerKey) -> [Value<'_>; 3] {
    [namespace.as_ref().into(), name.as_ref().into(), key.as_ref().into()]
}

fn delete(database: &dyn Database, key: &TimerKey) -> Result<(), DatabaseError> {
    const DELETE: &str = "DELETE FROM roomcast_timers WHERE namespace = ? AND name = ? AND key = ?";
    database.query(DELETE, &columns(key)).map(drop)
}
