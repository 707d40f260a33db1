//! The room's object: a thin shell around [`Server`].
//!
//! Each event of the runtime becomes one input; the effects are carried out at once and in order, and only then is
//! anything awaited. The object may be constructed anew at any time, after hibernation or a panic: its WebSockets are still
//! there then, and what is attached to them is all that it needs.

use std::cell::{Cell, RefCell};

use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage, durable_object,
    js_sys,
};

use super::requests::{Answer, RequestTable};
use super::sockets::SocketTable;
use super::{requests, settings, sockets};
use crate::chat::Chat;
use crate::config::{Config, ConfigError};
use crate::ids::{ConnId, Entropy, Millis};
use crate::outbox::{self, Effect, Input, Outbox};
use crate::server::Server;

/// The object of one room.
#[durable_object]
pub struct ChatRoom {
    state: State,
    room: Result<Room, ConfigError>,
}

/// What a room with usable settings has.
struct Room {
    config: Config,
    server: RefCell<Server<Chat>>,
    sockets: SocketTable,
    requests: RequestTable,
    alarm: Cell<Alarm>,
}

/// What is known of the object's one alarm.
#[derive(Clone, Copy)]
enum Alarm {
    /// Nothing: the object was just constructed.
    Unknown,
    /// It is set for then, or not at all.
    Known(Option<Millis>),
}

/// The system's generator.
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        // `crypto.getRandomValues` fails only for more than 64 KiB at once.
        if let Err(error) = getrandom::fill(bytes) {
            worker::console_error!("no randomness: {error}");
        }
    }
}

/// The only place that reads the clock.
fn now() -> Millis {
    // A time since 1970 in milliseconds is no negative number.
    Millis(js_sys::Date::now() as u64)
}

impl DurableObject for ChatRoom {
    fn new(state: State, env: Env) -> Self {
        let room = settings::read(&env).map(|config| Room::new(&state, config));
        Self { state, room }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let room = match &self.room {
            Ok(room) => room,
            Err(error) => return Response::error(error.to_string(), 500),
        };
        room.fetch(&self.state, request).await
    }

    async fn alarm(&self) -> Result<Response> {
        let room = self.room()?;
        room.alarm.set(Alarm::Known(None));
        let pongs = if room.config.absorbs_pongs() { room.sockets.pong_times(&self.state) } else { Vec::new() };
        room.handle(&self.state, Input::Alarm { pongs: &pongs });
        room.set_alarm(&self.state).await?;
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        let room = self.room()?;
        let Some(conn) = sockets::number(&self.state, &socket) else {
            return Ok(());
        };
        match &message {
            WebSocketIncomingMessage::String(text) => room.handle(&self.state, Input::Text { conn, text }),
            WebSocketIncomingMessage::Binary(bytes) => room.handle(&self.state, Input::Binary { conn, bytes }),
        }
        room.set_alarm(&self.state).await
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
    fn room(&self) -> Result<&Room> {
        self.room.as_ref().map_err(|error| Error::RustError(error.to_string()))
    }

    async fn closed(&self, socket: &WebSocket, failed: bool) -> Result<()> {
        let room = self.room()?;
        if let Some(conn) = room.sockets.remove(&self.state, socket) {
            room.handle(&self.state, Input::Closed { conn, failed });
        }
        room.set_alarm(&self.state).await
    }
}

impl Room {
    fn new(state: &State, config: Config) -> Self {
        if config.absorbs_pongs()
            && let Err(error) = sockets::absorb_pongs(state)
        {
            // Then pongs come as messages, which costs more and works as well.
            worker::console_error!("pongs will wake this room: {error}");
        }
        let server = Server::new(config.clone(), Chat::default(), Box::new(SystemEntropy));
        let room = Self {
            config,
            server: RefCell::new(server),
            sockets: SocketTable::default(),
            requests: RequestTable::default(),
            alarm: Cell::new(Alarm::Unknown),
        };
        let found = room.sockets.find(state);
        let found = found.iter().map(|(conn, text)| (*conn, text.as_deref()));
        let outbox = room.server.borrow_mut().restore(now(), found);
        room.run(state, outbox);
        room
    }

    /// One request, from its arrival to its answer.
    async fn fetch(&self, state: &State, mut request: Request) -> Result<Response> {
        let conn = self.sockets.next_conn();
        let answer = self.requests.insert(conn);
        self.announce(state, conn, &request)?;
        if request.method() == worker::Method::Post && self.requests.is_waiting(conn) {
            let body = requests::body(&mut request, self.config.max_payload).await;
            let body = body.as_deref().map_err(|error| *error);
            self.handle(state, Input::Body { conn, body });
        }
        self.set_alarm(state).await?;
        match requests::wait(&request, answer).await {
            Some(answer) => requests::response(&request, answer),
            None => {
                self.requests.remove(conn);
                self.handle(state, Input::Aborted { conn });
                self.set_alarm(state).await?;
                Response::empty()
            }
        }
    }

    fn announce(&self, state: &State, conn: ConnId, request: &Request) -> Result<()> {
        let url = request.url()?;
        let headers = request.headers();
        let (method, origin) = (request.method(), headers.get("origin")?);
        let (upgrade, content_type) = (headers.get("upgrade")?, headers.get("content-type")?);
        let request = outbox::Request {
            method: method.as_ref(),
            query: url.query().unwrap_or_default(),
            upgrade: upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket")),
            origin: origin.as_deref(),
            content_type: content_type.as_deref(),
        };
        self.handle(state, Input::Request { conn, request });
        Ok(())
    }

    fn handle(&self, state: &State, input: Input<'_>) {
        let outbox = self.server.borrow_mut().handle(now(), input);
        self.run(state, outbox);
    }

    fn run(&self, state: &State, outbox: Outbox) {
        for effect in outbox {
            match effect {
                Effect::Respond { conn, reply } => self.requests.answer(conn, Answer::Reply(reply)),
                Effect::Accept { conn } => match self.sockets.accept(state, conn) {
                    Ok(client) => self.requests.answer(conn, Answer::Socket(client)),
                    Err(error) => {
                        worker::console_error!("a WebSocket was not accepted: {error}");
                        self.requests.answer(conn, Answer::Reply(outbox::Reply::empty(503)));
                    }
                },
                Effect::Send { conn, frame } => self.sockets.send(conn, &frame),
                Effect::Close { conn, code } => self.sockets.close(conn, code),
                Effect::Attach { conn, state } => self.sockets.attach(conn, &state),
            }
        }
        self.sockets.end_turn();
    }

    /// Makes sure that the alarm rings in time. One that rings too early does no harm, so it is only ever moved forward:
    /// setting it is a write.
    async fn set_alarm(&self, state: &State) -> Result<()> {
        let now = now();
        let Some(wanted) = self.server.borrow().next_wake(now) else {
            return Ok(());
        };
        let storage = state.storage();
        let set = match self.alarm.get() {
            Alarm::Known(set) => set,
            // A time since 1970 in milliseconds is no negative number.
            Alarm::Unknown => storage.get_alarm().await?.map(|at| Millis(at.max(0) as u64)),
        };
        let in_time = set.is_some_and(|set| set <= wanted);
        self.alarm.set(Alarm::Known(if in_time { set } else { Some(wanted) }));
        if !in_time {
            let wait = wanted.0.saturating_sub(now.0);
            storage.set_alarm(i64::try_from(wait).unwrap_or(i64::MAX)).await?;
        }
        Ok(())
    }
}
