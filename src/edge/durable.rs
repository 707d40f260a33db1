//! The room's object, as the runtime sees it: each of its events goes to the [`RunningRoom`], which the first event starts.

use std::cell::RefCell;
use std::rc::Rc;

use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage, durable_object,
};

use super::clock::{Clock, now};
use super::listen::SocketEvent;
use super::requests::{self, Answer};
use super::room::RunningRoom;
use super::settings;
use crate::api::{self, Problem};
use crate::config::Config;
use crate::cors::Cors;
use crate::ids::Millis;
use crate::outbox::{HttpResponse, INTERNAL_ERROR};

/// How long after an alarm that found a room unable to start the next one rings.
const TRY_AGAIN_AFTER: Millis = Millis(30_000);

/// The object of one room.
#[durable_object]
pub struct ChatRoom {
    state: Rc<State>,
    /// Or why they can't be used, as a sentence. They don't change while the object is in memory.
    config: Result<Config, String>,
    clock: Rc<Clock>,
    /// The room, once it has started.
    room: RefCell<Option<Rc<RunningRoom>>>,
    /// Why the room could not start, as it was logged last.
    logged: RefCell<String>,
}

/// Why there is no room.
enum Outage {
    /// The settings can't be used, as this sentence says.
    Settings(String),
    /// It could not start this time, for this reason. The next event tries again.
    Start(String),
}

impl DurableObject for ChatRoom {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        let config = settings::read(&env).map_err(|error| error.to_string());
        let never_hibernates = config.as_ref().is_ok_and(|config| !config.absorbs_pongs());
        let interval = config.as_ref().map_or(TRY_AGAIN_AFTER, |config| config.ping_interval);
        let clock = Clock::new(state.clone(), (!never_hibernates).then_some(interval));
        Self { state, config, clock, room: RefCell::default(), logged: RefCell::default() }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match self.room() {
            Ok(room) => room.fetch(request).await,
            Err(outage) => self.refuse(&request, outage),
        }
    }

    /// Never fails by itself: the runtime would try it again six times and then forget the alarm. A panic does, and is tried
    /// again.
    async fn alarm(&self) -> Result<Response> {
        match self.room() {
            Ok(room) => {
                room.alarm();
                room.settled().await;
            }
            Err(_) => self.clock.rang_in_vain(now() + TRY_AGAIN_AFTER),
        }
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        match &message {
            WebSocketIncomingMessage::String(text) => self.tell(&socket, SocketEvent::Text(text)),
            WebSocketIncomingMessage::Binary(bytes) => self.tell(&socket, SocketEvent::Binary(bytes)),
        }
        Ok(())
    }

    async fn websocket_close(&self, socket: WebSocket, code: usize, reason: String, was_clean: bool) -> Result<()> {
        // The runtime doesn't answer a close frame by itself. 1005 says that there was no code, and 1006 that there was
        // no frame: neither may be sent.
        let code = u16::try_from(code).ok().filter(|code| !matches!(code, 1005 | 1006 | 1015));
        if was_clean && socket.close(code, Some(reason)).is_err() {
            worker::console_debug!("a socket was closed twice");
        }
        self.tell(&socket, SocketEvent::Closed { failed: false });
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _: Error) -> Result<()> {
        self.tell(&socket, SocketEvent::Closed { failed: true });
        Ok(())
    }
}

impl ChatRoom {
    /// The room, started if it isn't running.
    fn room(&self) -> Result<Rc<RunningRoom>, Outage> {
        let running = self.room.borrow().clone();
        let started = running.map_or_else(|| self.start(), Ok);
        if let Err(Outage::Settings(reason) | Outage::Start(reason)) = &started
            && self.logged.replace(reason.clone()) != *reason
        {
            worker::console_error!("the room can't start: {reason}");
        }
        started
    }

    fn start(&self) -> Result<Rc<RunningRoom>, Outage> {
        let config = self.config.clone().map_err(Outage::Settings)?;
        let room = RunningRoom::new(self.state.clone(), config, self.clock.clone());
        let room = room.map_err(|error| Outage::Start(error.to_string()))?;
        self.logged.take();
        self.room.replace(Some(room.clone()));
        Ok(room)
    }

    /// Tells the room of an event at a WebSocket. Where there is no room the socket is closed, so that its client comes back.
    fn tell(&self, socket: &WebSocket, event: SocketEvent<'_>) {
        match self.room() {
            Ok(room) => {
                if let Some(conn) = room.sockets.number(socket) {
                    room.socket_event(conn, event);
                }
            }
            // It may be closed already.
            Err(_) => _ = socket.close(Some(INTERNAL_ERROR), Some("")),
        }
    }

    /// Answers a request for which there is no room.
    fn refuse(&self, request: &Request, outage: Outage) -> Result<Response> {
        let is_api = api::owns(&request.path());
        let reason = match outage {
            Outage::Settings(sentence) if is_api => {
                return requests::api_response(request, Problem::Broken(sentence).reply());
            }
            Outage::Settings(sentence) => return Response::error(sentence, 500),
            Outage::Start(reason) => reason,
        };
        if is_api {
            return requests::api_response(request, Problem::Unavailable(reason).reply());
        }
        // What went wrong is for the log, and for backends.
        let cors = self.config.as_ref().map_or(&Cors::Off, |config| &config.cors);
        requests::response(request, Answer::Http(HttpResponse::unavailable()), cors)
    }
}
