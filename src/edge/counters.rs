//! What a room counts where the setting `DEBUG` is on: how often it was woken and why, and what it read and wrote. The
//! counters are stored, or else a room that sleeps would forget them; what that costs itself isn't counted.

use serde_json::{Map, Value as Json, json};

use super::host::Storage;
use crate::database::{Database, DatabaseError, Part, migrate};

const SCHEMA: &[&str] = &["CREATE TABLE roomcast_counters (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID"];

/// What is counted.
const NAMES: [&str; 9] =
    ["constructed", "requests", "alarms", "timers", "messages", "closes", "fetches", "rowsRead", "rowsWritten"];

/// Makes the table.
pub(super) fn open(database: &dyn Database) -> Result<(), DatabaseError> {
    migrate(database, &[Part::new("counters", SCHEMA)]).map(drop)
}

/// Counts one more of `name`, and the rows since the last time.
pub(super) fn count(database: &dyn Database, name: &str, storage: &Storage) {
    // Whole numbers that are never negative.
    let (read, written) = (storage.rows_read() as u64, storage.rows_written() as u64);
    for (name, by) in [(name, 1), ("rowsRead", read), ("rowsWritten", written)] {
        const ADD: &str = "INSERT INTO roomcast_counters VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET value = value + excluded.value";
        if by > 0
            && let Err(error) = database.query(ADD, &[name.into(), by.into()])
        {
            worker::console_error!("not counted: {error}");
        }
    }
    storage.set_rows_read(0.0);
    storage.set_rows_written(0.0);
}

/// All counters, and the size of the database.
pub(super) fn read(database: &dyn Database, bytes: u64) -> Result<Json, DatabaseError> {
    let mut counters: Map<String, Json> = NAMES.iter().map(|name| ((*name).to_owned(), json!(0))).collect();
    for row in database.query("SELECT name, value FROM roomcast_counters", &[])? {
        if let (Some(name), Some(value)) = (row.text(0), row.number(1)) {
            counters.insert(name.to_owned(), json!(value));
        }
    }
    counters.insert("databaseBytes".to_owned(), json!(bytes));
    Ok(Json::Object(counters))
}
