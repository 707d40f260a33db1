//! Promises of answers that a panic doesn't leave without an end.
//!
//! A panic resets the wasm instance, and whatever it was still to answer it has forgotten: such a request would wait for ever,
//! and those to other rooms of the same isolate too. So JavaScript, which outlives it, fails them at once, and their clients
//! come back and recover.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::Promise;
use worker::wasm_bindgen_futures::future_to_promise;

#[wasm_bindgen(inline_js = r#"
// What fails each request that has no answer yet.
const waiting = new Set();

addEventListener("error", ({ error }) => {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  for (const fail of waiting) fail(new Error("The room was restarted while it handled this request."));
  waiting.clear();
});

export function answered(answer) {
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    answer.finally(() => waiting.delete(reject)).then(resolve, reject);
  });
}
"#)]
extern "C" {
    #[wasm_bindgen(js_name = answered)]
    fn fail_with_instance(answer: &Promise) -> Promise;
}

/// What `run` comes to, as the runtime wants it; or a failure where a panic comes first.
pub(super) fn answered(run: impl Future<Output = worker::Result<JsValue>> + 'static) -> Promise {
    fail_with_instance(&promised(run))
}

/// What `run` comes to, as the runtime wants it.
pub(super) fn promised(run: impl Future<Output = worker::Result<JsValue>> + 'static) -> Promise {
    future_to_promise(async move { run.await.map_err(JsValue::from) })
}
