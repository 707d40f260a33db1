//! Steps that may still fail, and the end of a turn: when the rows of the log are written.

use super::waiting::Step;
use super::{Extent, Log};
use crate::database::{Database, DatabaseError};

/// What an append is taken back to: see [`Log::mark`].
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    extent: Extent,
    waiting: usize,
}

impl Log {
    /// What is there now, to be given to [`rewind`](Self::rewind) where what is written next is taken back.
    pub fn mark(&self) -> Mark {
        Mark { extent: self.extent, waiting: self.waiting.borrow().len() }
    }

    /// Takes back what was appended and dropped since: the rows are what they were. The offsets stay used.
    pub fn rewind(&mut self, mark: Mark) {
        self.extent = mark.extent;
        self.waiting.get_mut().truncate(mark.waiting);
        self.tail.take();
    }

    /// Begins a step whose rows the database takes back where it fails; gives the step around it, for
    /// [`end_step`](Self::end_step).
    ///
    /// # Errors
    /// [`DatabaseError`] where what waits can't be written before it: then it hasn't begun.
    pub fn begin_step(&mut self, database: &dyn Database) -> Result<Step, DatabaseError> {
        let waiting = self.waiting.get_mut();
        if waiting.step() == Step::Waits {
            return Ok(Step::Waits);
        }
        waiting.write(database)?;
        Ok(waiting.set_step(Step::TakenBack))
    }

    /// Begins a step in which events wait for their rows; `None` where they must have them at once. Gives the step around it.
    pub fn begin_waiting(&mut self) -> Option<Step> {
        let waits = self.waiting.get_mut().may_begin() && self.has_room(0);
        waits.then(|| self.waiting.get_mut().set_step(Step::Waits))
    }

    /// From now on, each event has its row at once. This is for a storage that has failed: the app is told of each event that can't
    /// be stored, and its turn isn't lost.
    pub fn write_at_once(&mut self) {
        self.waiting.get_mut().write_at_once();
    }

    /// Something else was written in this turn. It shows that the storage can be written, so events may wait for their rows.
    pub fn note_written(&mut self) {
        self.waiting.get_mut().note_written();
    }

    /// Ends the step within this one.
    pub fn end_step(&mut self, outer: Step) {
        self.waiting.get_mut().set_step(outer);
    }

    /// Writes what waits, since the turn ends.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn end_turn(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        let waiting = self.waiting.get_mut();
        waiting.write(database)?;
        waiting.begin_turn();
        Ok(())
    }
}
