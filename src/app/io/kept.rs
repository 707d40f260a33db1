//! What an app keeps: data of sockets, values, tables, and timers.

use std::collections::VecDeque;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;

use super::Io;
use crate::app::{Away, IoError, Kv, MAX_DATA_BYTES};
use crate::database::{Row, Value};
use crate::ids::{Millis, SocketId};
use crate::socket_io::{Departed, Held};

impl Io<'_> {
    /// What the app keeps with a socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self, socket: &SocketId) -> Option<T> {
        parse_data(self.place()?.sockets.get(socket)?.profile.data.as_ref())
    }

    /// Keeps something with a socket, in place of what was kept. It outlives hibernation. A socket that is gone keeps
    /// nothing.
    ///
    /// # Errors
    /// [`IoError::NotJson`] or [`IoError::DataTooLarge`]; what was kept stays.
    pub fn set_data(&mut self, socket: &SocketId, value: &impl Serialize) -> Result<(), IoError> {
        let data = to_raw_value(value)?;
        if data.get().len() > MAX_DATA_BYTES {
            return Err(IoError::DataTooLarge);
        }
        if let Some(found) = self.place_mut().and_then(|place| place.sockets.get_mut(socket)) {
            found.profile.data = Some(data.get().into());
            self.sockets.touch(&self.namespace.clone(), socket);
        }
        Ok(())
    }

    /// The sockets of the namespace whose clients are gone and may come back.
    pub fn away(&self) -> impl Iterator<Item = Away<'_>> {
        self.sockets.recovery.away(&self.namespace)
    }

    /// Runs one statement on the app's own tables, which [`App::schema`](crate::app::App::schema) makes.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then the statement has changed nothing.
    pub fn sql(&self, statement: &str, values: &[Value<'_>]) -> Result<Vec<Row>, IoError> {
        Ok(self.turn.runtime.query(statement, values)?)
    }

    /// The app's values by key.
    pub fn kv(&self) -> Kv<'_> {
        Kv::new(self.turn.runtime, self.services.app)
    }

    /// Stores and sends all that `run` stores and sends, or nothing of it where it fails. Sockets that it moves between
    /// rooms or disconnects, or whose data it sets, stay as it leaves them, and timers too.
    ///
    /// # Errors
    /// That of `run`, or [`IoError::Storage`].
    pub fn atomically<T, E: From<IoError>>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let outer = self.sockets.held.replace(Vec::new());
        let (asked, sent) = (self.services.questions.mark(), self.services.sent.as_ref().map_or(0, VecDeque::len));
        let (runtime, log) = (self.turn.runtime, self.sockets.recovery.log.mark());
        let (mut run, mut outcome) = (Some(run), None);
        let kept = runtime.atomically(&mut || {
            outcome = run.take().map(|run| run(self));
            matches!(outcome, Some(Ok(_)))
        });
        let held = std::mem::replace(&mut self.sockets.held, outer).unwrap_or_default();
        let outcome = outcome.unwrap_or_else(|| Err(IoError::Storage("nothing was run".to_owned()).into()));
        let outcome = kept.map_err(|error| IoError::from(error).into()).and(outcome);
        if outcome.is_err() {
            self.services.questions.rewind(asked);
            self.sockets.recovery.log.rewind(log);
            if let Some(noted) = &mut self.services.sent {
                noted.truncate(sent);
            }
        }
        let value = outcome?;
        for Held { to, frames, volatile } in held {
            self.dispatch(to, frames, volatile);
        }
        Ok(value)
    }

    /// Has [`App::scheduled`](crate::app::App::scheduled) called with this name after so long, in place of what was set under
    /// the name. It costs a write, and another one when it is due.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then nothing has changed.
    pub fn schedule(&mut self, name: &str, after: Millis) -> Result<(), IoError> {
        Ok(self.services.schedule.set(self.turn.runtime, &self.namespace, name, self.later(after))?)
    }

    /// The same, but it costs nothing and is forgotten when the object loses its memory: for ticks, which an app starts
    /// again when somebody comes. The room doesn't sleep before it is due.
    pub fn set_timeout(&mut self, name: &str, after: Millis) {
        self.services.schedule.set_timeout(&self.namespace, name, self.later(after));
    }

    /// A timer is never due in the turn that sets it: one that sets itself again at once would keep the turn from its end.
    fn later(&self, after: Millis) -> Millis {
        self.turn.now + after.max(Millis(1))
    }

    /// Forgets the timers of this name.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then one that is stored may come again after a restart.
    pub fn clear_timeout(&mut self, name: &str) -> Result<(), IoError> {
        Ok(self.services.schedule.clear(self.turn.runtime, &self.namespace, name)?)
    }
}

pub(in crate::app) fn parse_data<T: DeserializeOwned>(data: Option<&Rc<str>>) -> Option<T> {
    serde_json::from_str(data?).ok()
}

impl Departed {
    /// What the app had kept with the socket; `None` where it kept nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data.as_ref())
    }
}

impl Away<'_> {
    /// What the app keeps with the socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data)
    }
}
