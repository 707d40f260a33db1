//! What an app keeps: data of sockets, values, and tables.

use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;

use super::Io;
use crate::app::data::parse_data;
use crate::app::error::{Error, MAX_DATA_BYTES, Result, not_json};
use crate::app::kv::Kv;
use crate::database::{Row, Value};
use crate::ids::SocketId;
use crate::socket_io::Extensions;
use crate::socket_io::recovery::Away;

impl<'a> Io<'a> {
    /// What the app keeps with a socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self, socket: &SocketId) -> Option<T> {
        let data = self.room().namespace(self.name())?.sockets.get(socket)?.state.data.clone();
        parse_data(data.as_ref())
    }

    /// Keeps something with a socket, in place of what was kept. It outlives hibernation. What is the same as before costs
    /// nothing. A socket that is gone keeps nothing.
    ///
    /// # Errors
    /// [`Error::NotJson`] or [`Error::DataTooLarge`]; what was kept stays.
    pub fn set_data(&self, socket: &SocketId, value: &(impl Serialize + ?Sized)) -> Result {
        let data = to_raw_value(value).map_err(not_json)?;
        if data.get().len() > MAX_DATA_BYTES {
            return Err(Error::DataTooLarge);
        }
        self.room().sockets.set_data(self.name(), socket, data.get().into());
        Ok(())
    }

    /// What the app keeps with a socket in memory alone; `None` where the socket is gone.
    pub fn extensions(&self, socket: &SocketId) -> Option<Rc<Extensions>> {
        Some(self.room().namespace(self.name())?.sockets.get(socket)?.state.extensions.clone())
    }

    /// The sockets of the namespace whose clients are gone and may come back.
    pub fn away(&self) -> Vec<Away> {
        self.room().sockets.recovery.away(self.name()).collect()
    }

    /// Runs one statement on the app's own tables, which [`App::schema`](crate::app::App::schema) makes.
    ///
    /// # Errors
    /// [`Error::Storage`]: then the statement has changed nothing.
    pub fn sql(&self, statement: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        Ok(self.room().host.query(statement, values)?)
    }

    /// The app's values by key.
    pub fn kv(&self) -> Kv {
        let room = self.room();
        Kv::new(room.host.clone(), room.app)
    }
}
