//! Promises of answers that a panic doesn't leave without an end.
//!
//! A panic resets the wasm instance, and whatever it was still to answer it has forgotten: such a request would wait for ever,
//! and those to other rooms of the same isolate too. So JavaScript, which outlives it, fails them at once, and their clients
//! come back and recover.
//!
//! What needs no wait is done within the runtime's call, which is cheaper than a promise by far.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Function, Promise};
use worker::wasm_bindgen_futures::future_to_promise;

#[wasm_bindgen(inline_js = r#"
const RESTARTED = "The room was restarted while it handled this request.";

// What fails each request that has no answer yet.
const waiting = new Set();

// The life of wasm's memory, which a panic ends.
let life = { lost: false };
export const present = () => life;

export function living(run) {
  const own = life;
  return (...args) => {
    if (own.lost) throw new Error(RESTARTED);
    return run(...args);
  };
}

addEventListener("error", ({ error }) => {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  life.lost = true;
  life = { lost: false };
  for (const fail of waiting) fail(new Error(RESTARTED));
  waiting.clear();
});

export function answered(answer) {
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    answer.finally(() => waiting.delete(reject)).then(resolve, reject);
  });
}

// A panic within the runtime's call is told to those who listen for one, as a panic in a promise is.
export function guarded(run) {
  try {
    run();
  } catch (error) {
    reportError(error);
    throw error;
  }
}
"#)]
extern "C" {
    #[wasm_bindgen(js_name = answered)]
    fn fail_with_instance(answer: &Promise) -> Promise;

    /// The present life of wasm's memory. Functions that belong to one that is `lost` must not be called: they would find the
    /// memory of another.
    #[wasm_bindgen(js_name = present)]
    pub(super) fn present_life() -> JsValue;

    /// A function that throws where the one that it is made of belongs to a life that is lost.
    pub(super) fn living(run: &JsValue) -> Function;

    #[wasm_bindgen(js_name = guarded)]
    fn run_guarded(run: &mut dyn FnMut());
}

/// Does something within the runtime's call.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    let (mut run, mut done) = (Some(run), None);
    run_guarded(&mut || done = run.take().map(|run| run()));
    done
}

/// What `run` comes to, as the runtime wants it; or a failure where a panic comes first.
pub(super) fn answered(run: impl Future<Output = worker::Result<JsValue>> + 'static) -> Promise {
    let mut run = Box::pin(async move { run.await.map_err(JsValue::from) });
    let forward = Arc::new(Forward::default());
    let waker = Waker::from(forward.clone());
    match guarded(|| run.as_mut().poll(&mut Context::from_waker(&waker))) {
        Some(Poll::Ready(Ok(answer))) => Promise::resolve(&answer),
        Some(Poll::Ready(Err(error))) => Promise::reject(&error),
        Some(Poll::Pending) | None => fail_with_instance(&future_to_promise(poll_fn(move |context| {
            forward.0.register(context.waker());
            run.as_mut().poll(&mut Context::from_waker(&waker))
        }))),
    }
}

/// Wakes whoever carries a future on that was begun within the runtime's call.
#[derive(Default)]
struct Forward(AtomicWaker);

impl Wake for Forward {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}
