//! The macro [`worker!`](crate::worker!), and what it needs in the crate that calls it: that one need not depend on anything else.

pub use wasm_bindgen::{self, JsValue};
pub use web_sys::{Request, WebSocket};
pub use worker::Env;
pub use worker::js_sys::Promise;
pub use worker::worker_sys::DurableObjectState;

pub use super::durable::RoomObject;
pub use super::router::fetch;

/// Makes a Worker of a function from [`Env`](crate::env::Env) to an [`App`](crate::app::App), or to a `Result` of one with
/// [`ConfigError`](crate::env::ConfigError): its entry, and the class `Room` of the Durable Objects, to be named in
/// wrangler.toml. A crate has one such line:
///
/// ```ignore
/// use roomcast::app::prelude::*;
///
/// roomcast::worker!(echo);
///
/// fn echo(_: Env) -> impl App {
///     Handlers::new().on("message", |socket, text: String| socket.emit("message", &text))
/// }
/// ```
///
/// The crate is a `cdylib`, depends on roomcast with `default-features = false`, and is built by `worker-build`. The bindings in its
/// wrangler.toml are `ROOMS` for the objects and `ASSETS` for the files in `public/`, of which `index.html` is `/` and `room.html` is
/// `/r/<room>`.
#[cfg(not(feature = "chat-worker"))]
#[macro_export]
macro_rules! worker {
    ($app:expr $(,)?) => {
        $crate::__worker!($crate::site::Site::new(|env| $crate::site::make_app($app, env)), Room);
    };
}

/// Makes a Worker of an app: where the crate is used without its default features. With them it has a Worker of its own, and
/// this is an error that says so.
#[cfg(feature = "chat-worker")]
#[macro_export]
macro_rules! worker {
    ($($app:tt)*) => {
        compile_error!(
            "roomcast brings the Worker of its chat along, and there can be only one: write `default-features = false` where Cargo.toml names roomcast"
        );
    };
}

/// What the runtime calls: the Worker's entry, and the class of the objects under this name.
#[doc(hidden)]
#[macro_export]
macro_rules! __worker {
    ($site:expr, $class:ident) => {
        #[allow(missing_docs, unreachable_pub)]
        const _: () = {
            use $crate::edge::exports;
            use $crate::edge::exports::wasm_bindgen;

            static SITE: $crate::site::Site = $site;

            #[wasm_bindgen::prelude::wasm_bindgen(wasm_bindgen = $crate::edge::exports::wasm_bindgen)]
            pub fn fetch(request: exports::Request, env: exports::Env) -> exports::Promise {
                exports::fetch(&SITE, request, &env)
            }

            #[wasm_bindgen::prelude::wasm_bindgen(wasm_bindgen = $crate::edge::exports::wasm_bindgen)]
            pub struct $class(exports::RoomObject);

            #[wasm_bindgen::prelude::wasm_bindgen(wasm_bindgen = $crate::edge::exports::wasm_bindgen)]
            impl $class {
                #[wasm_bindgen(constructor)]
                pub fn new(state: exports::DurableObjectState, env: exports::Env) -> Self {
                    Self(exports::RoomObject::new(&SITE, state, &env))
                }

                pub fn fetch(&self, request: exports::Request) -> exports::Promise {
                    self.0.fetch(request)
                }

                pub fn alarm(&self) -> exports::Promise {
                    self.0.alarm()
                }

                #[wasm_bindgen(js_name = webSocketMessage)]
                pub fn web_socket_message(&self, socket: &exports::WebSocket, message: &exports::JsValue) {
                    self.0.web_socket_message(socket, message);
                }

                #[wasm_bindgen(js_name = webSocketClose)]
                pub fn web_socket_close(&self, socket: &exports::WebSocket, code: u16, reason: &str, was_clean: bool) {
                    self.0.web_socket_close(socket, code, reason, was_clean);
                }

                #[wasm_bindgen(js_name = webSocketError)]
                pub fn web_socket_error(&self, socket: &exports::WebSocket) {
                    self.0.web_socket_error(socket);
                }
            }
        };
    };
}
