//! What the server keeps for an app besides its sockets.

use std::collections::VecDeque;

use super::questions::Questions;
use super::{App, Outgoing, Schedule, Watched};
use crate::config::Config;
use crate::database::{Database, DatabaseError};
use crate::ids::Millis;

/// Timers, questions, and what the app is to be told when its hook is done.
pub(crate) struct Services {
    /// The name of the app, for its own values.
    pub(crate) app: &'static str,
    pub(crate) ack_timeout: Millis,
    pub(crate) schedule: Schedule,
    pub(crate) questions: Questions,
    /// What was sent; `None` where the app doesn't want to know.
    pub(crate) sent: Option<VecDeque<Outgoing>>,
}

impl Services {
    pub(crate) fn new(config: &Config, app: &dyn App) -> Self {
        let Watched { outgoing, .. } = app.watched();
        Self {
            app: app.schema().app,
            ack_timeout: config.ack_timeout,
            schedule: Schedule::default(),
            questions: Questions::default(),
            sent: outgoing.then(VecDeque::new),
        }
    }

    /// Reads what an earlier life of the object has left.
    pub(crate) fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        self.schedule.open(database)?;
        self.questions.open(database)
    }
}
