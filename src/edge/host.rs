//! What the core may ask of the object: its storage, the system's generator, and its WebSockets.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{State, js_sys};

use super::sockets::SocketTable;
use crate::database::{Database, DatabaseError, Row, Value, may_give_rows, trim_comments, whole};
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

// The values of a statement, which cross together: each is a kind and a number, which is the value itself or its length.
function unpack(layout, texts, blobs) {
  const values = [];
  for (let at = 0, text = 0, blob = 0; at < layout.length; at += 2) {
    const number = layout[at + 1];
    switch (layout[at]) {
      case 0: values.push(null); break;
      case 1: values.push(number); break;
      case 2: values.push(texts.slice(text, text += number)); break;
      case 3: values.push(blobs.slice(blob, blob += number).buffer); break;
    }
  }
  return values;
}

export class Storage {
  #storage;
  #counts;
  // How many rows were read and written, as they are billed, where that is counted.
  rowsRead = 0;
  rowsWritten = 0;

  constructor(storage, counts) {
    this.#storage = storage;
    this.#counts = counts;
  }

  /** The rows of a statement, `undefined` where it gives none, or why it failed. */
  query(statement, givesRows, layout, texts, blobs) {
    try {
      const cursor = this.#storage.sql.exec(statement, ...unpack(layout, texts, blobs));
      const rows = givesRows ? cursor.raw().toArray() : undefined;
      if (this.#counts) {
        this.rowsRead += cursor.rowsRead;
        this.rowsWritten += cursor.rowsWritten;
      }
      return rows;
    } catch (error) {
      return reason(error);
    }
  }

  /** Keeps what `run` writes if it returns true; gives why that failed, or undefined. */
  atomically(run) {
    try {
      this.#storage.transactionSync(() => {
        if (!run()) throw ROLLBACK;
      });
    } catch (error) {
      if (error !== ROLLBACK) return reason(error);
    }
  }
}
"#)]
extern "C" {
    /// The object's storage.
    pub(super) type Storage;

    #[wasm_bindgen(constructor)]
    fn new(storage: &JsValue, counts: bool) -> Storage;
    #[wasm_bindgen(method)]
    fn query(this: &Storage, statement: &str, gives_rows: bool, layout: &[f64], texts: &str, blobs: &[u8]) -> JsValue;
    #[wasm_bindgen(method)]
    fn atomically(this: &Storage, run: &mut dyn FnMut() -> bool) -> JsValue;

    /// How many rows were read, as they are billed.
    #[wasm_bindgen(method, getter, js_name = rowsRead)]
    pub(super) fn rows_read(this: &Storage) -> f64;
    #[wasm_bindgen(method, setter, js_name = rowsRead)]
    pub(super) fn set_rows_read(this: &Storage, rows: f64);
    /// How many rows were written, as they are billed.
    #[wasm_bindgen(method, getter, js_name = rowsWritten)]
    pub(super) fn rows_written(this: &Storage) -> f64;
    #[wasm_bindgen(method, setter, js_name = rowsWritten)]
    pub(super) fn set_rows_written(this: &Storage, rows: f64);
}

/// The object, as the core sees it.
pub(super) struct ObjectHost {
    storage: Rc<Storage>,
    sockets: Rc<SocketTable>,
}

impl ObjectHost {
    pub(super) fn new(storage: Rc<Storage>, sockets: Rc<SocketTable>) -> Self {
        Self { storage, sockets }
    }
}

/// The storage of an object, whose rows are counted or not.
pub(super) fn storage(state: &State, counts: bool) -> Rc<Storage> {
    Rc::new(Storage::new(state.storage().as_raw(), counts))
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
        let Packed { layout, texts, blobs } = Packed::new(values);
        let answer = self.storage.query(sql, may_give_rows(sql), &layout, &texts, &blobs);
        if answer.is_undefined() {
            return Ok(Vec::new());
        }
        if let Some(error) = answer.as_string() {
            return Err(DatabaseError(error));
        }
        let row = |row: JsValue| Row(js_sys::Array::from(&row).iter().map(|value| from_js(&value)).collect());
        Ok(js_sys::Array::from(&answer).iter().map(row).collect())
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
        let error = self.storage.atomically(&mut || {
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

/// Values as they cross to JavaScript: together.
#[derive(Default)]
struct Packed<'a> {
    layout: Vec<f64>,
    texts: Cow<'a, str>,
    blobs: Cow<'a, [u8]>,
}

impl<'a> Packed<'a> {
    fn new(values: &'a [Value<'_>]) -> Self {
        let mut packed = Self { layout: Vec::with_capacity(2 * values.len()), ..Self::default() };
        for value in values {
            let pair = match value {
                Value::Null => [0.0, 0.0],
                Value::Integer(number) => [1.0, *number as f64],
                Value::Real(number) => [1.0, *number],
                Value::Text(text) => {
                    packed.texts += text.as_ref();
                    [2.0, utf16_len(text) as f64]
                }
                Value::Blob(bytes) => {
                    packed.blobs.to_mut().extend_from_slice(bytes);
                    [3.0, bytes.len() as f64]
                }
            };
            packed.layout.extend(pair);
        }
        packed
    }
}

/// The length of a text in JavaScript.
fn utf16_len(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
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
