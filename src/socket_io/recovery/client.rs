//! Whether a client recovers: recovery puts one argument more behind those of each event, and only clients that know of it
//! may get that.
//!
//! No client says so. But the one that knows of it is that of Socket.IO itself, in JavaScript, since 4.6; and its first request
//! looks like no other's. By its sources, and those of the others:
//! - It writes its query as `[what the user adds &]EIO=4&transport=…[&t=…][&b64=1]`. Python writes `transport` before `EIO`,
//!   Swift `b64` between them, and C# what the user adds behind them.
//! - It runs in a browser, in Node, Bun or Deno, whose agents have names of their own (C++, Dart and Arduino have others). A
//!   WebSocket of Node's `ws` has no agent, as those of C# and Rust; but it alone offers to compress.
//! - React Native has the agent of Android's or Apple's network library, or none. Java has Android's too; but its WebSocket has
//!   no origin, and its polling no `t` at the end.

use serde::{Deserialize, Serialize};

use crate::outbox::Request;

/// Whether a client recovers, as its first request says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientRecovery {
    /// It asked for none: `recovery=0`.
    #[serde(rename = "n")]
    Never,
    /// Nothing says that it knows of it. Once it shows a pid, it does.
    #[serde(rename = "c")]
    IfClaimed,
    /// It asked for it (`recovery=1`), or is a client that knows of it.
    #[default]
    #[serde(rename = "a")]
    Always,
}

impl ClientRecovery {
    /// What a client's first request says. Any value but `1` and `0` is somebody else's parameter.
    pub fn of(request: &Request<'_>) -> Self {
        let mut query = form_urlencoded::parse(request.query.as_bytes());
        match query.find(|(name, _)| name == "recovery").as_ref().map(|(_, value)| value.as_ref()) {
            Some("1") => Self::Always,
            Some("0") => Self::Never,
            _ if is_javascripts(request) => Self::Always,
            _ => Self::IfClaimed,
        }
    }

    /// Whether a socket of the client recovers; `claims` where the client shows a pid.
    pub fn allows(self, claims: bool) -> bool {
        match self {
            Self::Never => false,
            Self::IfClaimed => claims,
            Self::Always => true,
        }
    }

    /// Whether it is what clients of the releases before are.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a first request is that of the client in JavaScript.
fn is_javascripts(request: &Request<'_>) -> bool {
    let Some(last) = last_parameter(request) else {
        return false;
    };
    let compresses = || request.headers.get("sec-websocket-extensions").is_some();
    match (request.headers.get("user-agent").as_deref().map(runtime), request.upgrade) {
        (Some(Runtime::JavaScript), _) => true,
        (Some(Runtime::NetworkLibrary), true) => request.origin.is_some(),
        (Some(Runtime::NetworkLibrary), false) => last.starts_with("t="),
        (Some(Runtime::Other), _) | (None, false) => false,
        (None, true) => request.origin.is_some() || compresses(),
    }
}

/// The time stamp in the query, or an empty text; `None` where the query isn't written as the client in JavaScript does.
fn last_parameter<'a>(request: &Request<'a>) -> Option<&'a str> {
    let transport = if request.upgrade { "EIO=4&transport=websocket" } else { "EIO=4&transport=polling" };
    let (before, own) = request.query.split_at_checked(request.query.rfind(transport)?)?;
    if !(before.is_empty() || before.ends_with('&')) {
        return None;
    }
    let rest = own.strip_prefix(transport)?;
    let rest = rest.strip_suffix("&b64=1").unwrap_or(rest);
    match rest.strip_prefix('&') {
        // What users add stands before. They may also give the time stamp another name.
        Some(pair) => Some(pair).filter(|pair| !pair.contains('&')),
        None => Some(rest).filter(|rest| rest.is_empty()),
    }
}

/// What sends a request.
enum Runtime {
    /// A browser, or one for servers.
    JavaScript,
    /// Android's or Apple's library, in programs of several languages.
    NetworkLibrary,
    /// Anything else.
    Other,
}

fn runtime(agent: &str) -> Runtime {
    let name = agent.split('/').next().unwrap_or_default();
    match name {
        "Mozilla" | "node" | "node-XMLHttpRequest" | "undici" | "Bun" | "Deno" => Runtime::JavaScript,
        "okhttp" => Runtime::NetworkLibrary,
        _ if agent.contains(" CFNetwork/") => Runtime::NetworkLibrary,
        _ => Runtime::Other,
    }
}
