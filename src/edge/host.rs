//! What the core may ask of the object: its storage, the system's generator, and its WebSockets.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{State, js_sys};

use super::sockets::SocketTable;
use crate::database::{Database, DatabaseError, Row, Value, trim_comments, whole};
use crate::host::{HibernatedSocket, Host};
use crate::ids::{ConnId, Entropy, Millis};

// Exceptions must not pass through wasm as if nothing had happened: those that say why a statement failed become texts. A
// trap in wasm itself, which is a panic, goes on its way.
#[wasm_bindgen(inline_js = r#"
const ROLLBACK = Symbol("rollback");

function reason(error) {
  if (error instanceof WebAssembly.RuntimeError) throw error;
  return String(error?.message ?? error);
}

// The rows of a statement with the numbers of rows read and written, or why it failed.
export function query(storage, statement, values) {
  try {
    const cursor = storage.sql.exec(statement, ...values);
    const rows = cursor.raw().toArray();
    return [rows, cursor.rowsRead, cursor.rowsWritten];
  } catch (error) {
    return reason(error);
  }
}

// Keeps what `run` writes if it returns true; gives why that failed, or undefined.
export function atomically(storage, run) {
  try {
    storage.transactionSync(() => {
      if (!run()) throw ROLLBACK;
    });
  } catch (error) {
    if (error !== ROLLBACK) return reason(error);
  }
  return undefined;
}
"#)]
extern "C" {
    fn query(storage: &JsValue, statement: &str, values: &js_sys::Array) -> JsValue;
    fn atomically(storage: &JsValue, run: &mut dyn FnMut() -> bool) -> JsValue;
}

/// The object, as the core sees it.
pub(super) struct ObjectHost {
    storage: JsValue,
    sockets: Rc<SocketTable>,
    rows: Rc<RowCount>,
}

/// How many rows were read and written, as they are billed.
#[derive(Default)]
pub(super) struct RowCount {
    pub(super) read: Cell<u64>,
    pub(super) written: Cell<u64>,
}

impl ObjectHost {
    pub(super) fn new(state: &State, sockets: Rc<SocketTable>, rows: Rc<RowCount>) -> Self {
        Self { storage: state.storage().as_raw().into(), sockets, rows }
    }
}

impl Entropy for ObjectHost {
    fn fill(&self, bytes: &mut [u8]) {
        // `crypto.getRandomValues` fails only for more than 64 KiB at once.
        if let Err(error) = getrandom::fill(bytes) {
            worker::console_error!("no randomness: {error}");
        }
    }
}

impl Database for ObjectHost {
    fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError> {
        let values = values.iter().map(to_js).collect::<js_sys::Array>();
        let answer = query(&self.storage, sql, &values);
        if let Some(error) = answer.as_string() {
            return Err(DatabaseError(error));
        }
        let answer = js_sys::Array::from(&answer);
        let count = |index| answer.get(index).as_f64().unwrap_or_default() as u64;
        self.rows.read.set(self.rows.read.get() + count(1));
        self.rows.written.set(self.rows.written.get() + count(2));
        let row = |row: JsValue| Row(js_sys::Array::from(&row).iter().map(|value| from_js(&value)).collect());
        Ok(js_sys::Array::from(&answer.get(0)).iter().map(row).collect())
    }

    fn execute_batch(&self, sql: &str) -> Result<(), DatabaseError> {
        // The runtime takes several statements at once, and no comments behind the last.
        match trim_comments(sql) {
            "" => Ok(()),
            script => self.query(script, &[]).map(drop),
        }
    }

    fn atomically(&self, run: &mut dyn FnMut() -> bool) -> Result<(), DatabaseError> {
        let kept = Cell::new(false);
        let error = atomically(&self.storage, &mut || {
            kept.set(run());
            kept.get()
        });
        match error.as_string() {
            Some(error) if kept.get() => Err(DatabaseError(error)),
            _ => Ok(()),
        }
    }
}

impl Host for ObjectHost {
    fn hibernated(&self) -> Vec<HibernatedSocket> {
        self.sockets.hibernated()
    }

    fn last_pong(&self, conn: ConnId) -> Option<Millis> {
        self.sockets.last_pong(conn)
    }

    fn attachment(&self, conn: ConnId) -> Option<String> {
        self.sockets.attachment(conn)
    }

    fn warn(&self, sentence: &str) {
        worker::console_error!("{sentence}");
    }
}

fn to_js(value: &Value<'_>) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Integer(number) => JsValue::from_f64(*number as f64),
        Value::Real(number) => JsValue::from_f64(*number),
        Value::Text(text) => JsValue::from_str(text),
        Value::Blob(bytes) => js_sys::Uint8Array::from(bytes.as_ref()).buffer().into(),
    }
}

fn from_js(value: &JsValue) -> Value<'static> {
    if let Some(text) = value.as_string() {
        return Value::Text(text.into());
    }
    match value.as_f64() {
        // SQLite's whole numbers come as JavaScript's.
        Some(number) => whole(number).map_or(Value::Real(number), Value::Integer),
        None if value.is_object() => Value::Blob(js_sys::Uint8Array::new(value).to_vec().into()),
        None => Value::Null,
    }
}
