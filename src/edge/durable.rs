//! The room's object, as the runtime sees it: each of its events goes to the [`Room`].

use std::rc::Rc;

use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage, durable_object,
};

use super::requests;
use super::room::Room;
use super::settings;
use crate::api::{self, Problem};
use crate::outbox::Input;

/// The object of one room.
#[durable_object]
pub struct ChatRoom {
    /// Or why there is none, as a sentence.
    room: Result<Rc<Room>, String>,
}

impl DurableObject for ChatRoom {
    fn new(state: State, env: Env) -> Self {
        let config = settings::read(&env).map_err(|error| error.to_string());
        let room = config.and_then(|config| Room::new(state, config).map_err(|error| error.to_string()));
        if let Err(error) = &room {
            worker::console_error!("{error}");
        }
        Self { room }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match &self.room {
            Ok(room) => room.fetch(request).await,
            Err(error) if api::owns(&request.path()) => {
                requests::api_response(&request, Problem::Broken(error.clone()).reply())
            }
            Err(error) => Response::error(error, 500),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.room()?.alarm().await?;
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        let room = self.room()?;
        let Some(conn) = room.sockets.number(&socket) else {
            return Ok(());
        };
        room.count("messages");
        match &message {
            WebSocketIncomingMessage::String(text) => room.handle(Input::Text { conn, text }),
            WebSocketIncomingMessage::Binary(bytes) => room.handle(Input::Binary { conn, bytes }),
        }
        room.set_alarm().await
    }

    async fn websocket_close(&self, socket: WebSocket, code: usize, reason: String, was_clean: bool) -> Result<()> {
        // The runtime doesn't answer a close frame by itself. 1005 says that there was no code, and 1006 that there was
        // no frame: neither may be sent.
        let code = u16::try_from(code).ok().filter(|code| !matches!(code, 1005 | 1006 | 1015));
        if was_clean && socket.close(code, Some(reason)).is_err() {
            worker::console_debug!("a socket was closed twice");
        }
        self.closed(&socket, false).await
    }

    async fn websocket_error(&self, socket: WebSocket, _: Error) -> Result<()> {
        self.closed(&socket, true).await
    }
}

impl ChatRoom {
    fn room(&self) -> Result<&Rc<Room>> {
        self.room.as_ref().map_err(|error| Error::RustError(error.clone()))
    }

    async fn closed(&self, socket: &WebSocket, failed: bool) -> Result<()> {
        let room = self.room()?;
        if let Some(conn) = room.sockets.number(socket) {
            room.closed(conn, failed);
        }
        room.set_alarm().await
    }
}
