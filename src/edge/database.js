// Calls to the object's storage whose exceptions must not pass through wasm as if nothing had happened: those that say why
// a statement failed become texts. A trap in wasm itself, which is a panic, goes on its way.

const ROLLBACK = Symbol("rollback");

function reason(error) {
  if (error instanceof WebAssembly.RuntimeError) throw error;
  return String(error?.message ?? error);
}

/** The rows of a statement with the numbers of rows read and written, or why it failed. */
export function query(storage, statement, values) {
  try {
    const cursor = storage.sql.exec(statement, ...values);
    const rows = cursor.raw().toArray();
    return [rows, cursor.rowsRead, cursor.rowsWritten];
  } catch (error) {
    return reason(error);
  }
}

/** Keeps what `run` writes if it returns true; gives why that failed, or undefined. */
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
