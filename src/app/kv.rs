//! A small store of an app: values by key.

use std::fmt;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Result, not_json};
use crate::host::Host;
use crate::javascript;
use crate::socket_io::stored::check_row;

/// The steps that make the table.
pub(crate) const SCHEMA: &[&str] =
    &["CREATE TABLE roomcast_kv (app TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (app, key)) WITHOUT ROWID"];

/// Values by key, each at most 2 MB of JSON, in the room's database. What is written in a hook is durable before anything is
/// sent that the hook sends.
pub struct Kv {
    database: Rc<dyn Host>,
    app: &'static str,
}

impl Kv {
    pub(super) fn new(database: Rc<dyn Host>, app: &'static str) -> Self {
        Self { database, app }
    }

    /// The value of a key; `None` where there is none, or something else.
    ///
    /// # Errors
    /// [`Error::Storage`](super::Error::Storage).
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let find = "SELECT value FROM roomcast_kv WHERE app = ? AND key = ?";
        let rows = self.database.query(find, &[self.app.into(), key.into()])?;
        let value = rows.first().and_then(|row| row.text(0));
        Ok(value.and_then(|json| javascript::read(json).ok()))
    }

    /// Sets the value of a key. It costs a row written.
    ///
    /// # Errors
    /// [`Error::NotJson`](super::Error::NotJson) or [`Error::Storage`](super::Error::Storage): then the key has the value that it had.
    pub fn put(&self, key: &str, value: &(impl Serialize + ?Sized)) -> Result {
        const UPSERT: &str = "INSERT INTO roomcast_kv VALUES (?, ?, ?)
            ON CONFLICT (app, key) DO UPDATE SET value = excluded.value";
        let json = serde_json::to_string(value).map_err(not_json)?;
        check_row("a value", self.app.len() + key.len() + json.len())?;
        self.database.query(UPSERT, &[self.app.into(), key.into(), json.into()])?;
        Ok(())
    }

    /// Forgets a key.
    ///
    /// # Errors
    /// [`Error::Storage`](super::Error::Storage).
    pub fn delete(&self, key: &str) -> Result {
        let delete = "DELETE FROM roomcast_kv WHERE app = ? AND key = ?";
        self.database.query(delete, &[self.app.into(), key.into()])?;
        Ok(())
    }

    /// The keys that start with `prefix`, and their values as far as they are such; in the order of the keys.
    ///
    /// # Errors
    /// [`Error::Storage`](super::Error::Storage).
    pub fn list<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<(String, T)>> {
        // Byte for byte: LIKE would ignore case, and has wildcards.
        const LIST: &str = "SELECT key, value FROM roomcast_kv
            WHERE app = ? AND key >= ? AND substr(key, 1, length(?)) = ? ORDER BY key";
        let rows = self.database.query(LIST, &[self.app.into(), prefix.into(), prefix.into(), prefix.into()])?;
        let read = |row: &crate::database::Row| Some((row.text(0)?.to_owned(), javascript::read(row.text(1)?).ok()?));
        Ok(rows.iter().filter_map(read).collect())
    }
}

impl fmt::Debug for Kv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kv({:?})", self.app)
    }
}
