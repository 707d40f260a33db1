//! What an app keeps: data of sockets, values, tables, and timers.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;

use super::Io;
use crate::app::data::parse_data;
use crate::app::error::{IoError, MAX_DATA_BYTES};
use crate::app::kv::Kv;
use crate::database::{Row, Value};
use crate::ids::{Millis, SocketId};
use crate::socket_io::recovery::Away;

impl Io<'_> {
    /// What the app keeps with a socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self, socket: &SocketId) -> Option<T> {
        parse_data(self.joined()?.sockets.get(socket)?.state.data.as_ref())
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
        self.room.sockets.set_data(&self.namespace, socket, data.get().into());
        Ok(())
    }

    /// The sockets of the namespace whose clients are gone and may come back.
    pub fn away(&self) -> impl Iterator<Item = Away<'_>> {
        self.room.sockets.recovery.away(&self.namespace)
    }

    /// Runs one statement on the app's own tables, which [`App::schema`](crate::app::App::schema) makes.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then the statement has changed nothing.
    pub fn sql(&self, statement: &str, values: &[Value<'_>]) -> Result<Vec<Row>, IoError> {
        Ok(self.room.host.query(statement, values)?)
    }

    /// The app's values by key.
    pub fn kv(&self) -> Kv<'_> {
        Kv::new(self.room.host.as_ref(), self.room.app)
    }

    /// Has [`App::scheduled`](crate::app::App::scheduled) called with this name after so long, in place of what was set under
    /// the name. It costs a write, and another one when it is due.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then nothing has changed.
    pub fn schedule(&mut self, name: &str, after: Millis) -> Result<(), IoError> {
        let at = self.later(after);
        Ok(self.room.schedule.set(self.room.host.as_ref(), &self.namespace, name, at)?)
    }

    /// The same, but it costs nothing and is forgotten when the object loses its memory: for ticks, which an app starts
    /// again when somebody comes. The room doesn't sleep before it is due.
    pub fn set_timeout(&mut self, name: &str, after: Millis) {
        let at = self.later(after);
        self.room.schedule.set_timeout(&self.namespace, name, at);
    }

    /// A timer is never due in the turn that sets it: one that sets itself again at once would keep the turn from its end.
    fn later(&self, after: Millis) -> Millis {
        self.now() + after.max(Millis(1))
    }

    /// Forgets the timers of this name.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then one that is stored may come again after a restart.
    pub fn clear_timeout(&mut self, name: &str) -> Result<(), IoError> {
        Ok(self.room.schedule.clear(self.room.host.as_ref(), &self.namespace, name)?)
    }
}
