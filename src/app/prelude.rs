//! What most apps need: `use roomcast::app::prelude::*;`.

pub use super::handlers::{Failure, Handlers, Outcome, Room, Socket};
pub use super::{
    Ack, Answers, App, Args, Binary, BroadcastOperator, Departed, Event, Io, IoError, Joining, Outgoing, Refusal,
    RoomChange,
};
pub use crate::env::{ConfigError, Env, Setting};
pub use crate::ids::{Millis, SocketId};
pub use serde::{Deserialize, Serialize};
pub use serde_json::{Value, json};
