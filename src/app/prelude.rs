//! What most apps need: `use roomcast::app::prelude::*;`.

pub use super::handlers::{Answer, Handlers, NoAnswer, Outcome, Room, Socket};
pub use super::{
    Ack, Answers, AnswersName, App, Args, Binary, BroadcastOperator, DataChange, Departed, Error, Event, Extensions,
    FetchError, FetchName, FetchOperator, FetchRequest, FetchResponse, Fetched, Io, Joining, Outgoing, Refusal,
    RemoteSocket, Result, RoomChange, TimerName, TimerOperator,
};
pub use crate::env::{ConfigError, Env, Setting};
pub use crate::ids::{Millis, SocketId};
pub use serde::{Deserialize, Serialize};
pub use serde_json::{Value, json};
