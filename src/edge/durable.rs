//! The room's object, as the runtime sees it: each of its events goes to the [`RunningRoom`], which the first event starts.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::Response;
use worker::js_sys::Promise;
use worker::worker_sys::DurableObjectState;
use worker::{Env as Bindings, Result, State};

use super::answered::{answered, guarded};
use super::clock::{Clock, now};
use super::frames::OnFrame as _;
use super::incoming::Incoming;
use super::requests::{self, Answer};
use super::room::{Outage, RunningRoom};
use super::settings;
use crate::api::{self, Problem};
use crate::config::Config;
use crate::cors::Cors;
use crate::env::{ConfigError, Env};
use crate::ids::Millis;
use crate::outbox::{HttpResponse, INTERNAL_ERROR};
use crate::site::Site;

/// How long after an alarm that found a room unable to start the next one rings.
const TRY_AGAIN_AFTER: Millis = Millis(30_000);

/// The object of one room. Its methods are the runtime's events.
pub struct RoomObject(Rc<Object>);

struct Object {
    site: &'static Site,
    state: Rc<State>,
    bindings: Bindings,
    env: Env,
    /// Or why they can't be used.
    config: &'static Result<Config, ConfigError>,
    clock: Rc<Clock>,
    /// The room, once it has started.
    room: RefCell<Option<Rc<RunningRoom>>>,
    /// Why the room could not start, as it was logged last.
    logged: RefCell<String>,
}

impl RoomObject {
    /// The object with what the runtime gives it.
    pub fn new(site: &'static Site, state: DurableObjectState, bindings: &Bindings) -> Self {
        console_error_panic_hook::set_once();
        let state = Rc::new(State::from(state));
        let env = settings::env(bindings, &state.id().name().unwrap_or_default());
        let config = settings::config(&env);
        let never_hibernates = config.as_ref().is_ok_and(|config| !config.absorbs_pongs());
        let interval = config.as_ref().map_or(TRY_AGAIN_AFTER, |config| config.ping_interval);
        let clock = Clock::new(state.clone(), (!never_hibernates).then_some(interval));
        let (room, logged) = Default::default();
        Self(Rc::new(Object { site, state, bindings: bindings.clone(), env, config, clock, room, logged }))
    }

    /// A request.
    pub fn fetch(&self, request: web_sys::Request) -> Promise {
        let object = self.0.clone();
        answered(async move { object.fetch(request).await.map(Into::into) })
    }

    /// The alarm rang. It never fails by itself: the runtime would try it again six times and then forget the alarm. A panic
    /// does, and is tried again.
    pub fn alarm(&self) -> Promise {
        let object = self.0.clone();
        answered(async move {
            match object.room() {
                Ok(room) => {
                    room.alarm();
                    room.settled().await;
                }
                Err(_) => object.clock.rang_in_vain(now() + TRY_AGAIN_AFTER),
            }
            Ok(JsValue::UNDEFINED)
        })
    }

    /// A frame arrived.
    pub fn web_socket_message(&self, socket: &web_sys::WebSocket, message: &JsValue) {
        if let Some(room) = self.0.room_of(socket) {
            room.inbox.frames.receive(socket, message);
        }
    }

    /// A socket is closed.
    pub fn web_socket_close(&self, socket: &web_sys::WebSocket, code: u16, reason: &str, was_clean: bool) {
        guarded(|| self.0.closed(socket, code, reason, was_clean));
    }

    /// A socket failed.
    pub fn web_socket_error(&self, socket: &web_sys::WebSocket) {
        guarded(|| self.0.gone(socket, true));
    }
}

impl Object {
    async fn fetch(&self, request: web_sys::Request) -> Result<Response> {
        let request = Incoming::new(request)?;
        match self.room() {
            Ok(room) => room.fetch(&request).await,
            Err(outage) => self.refuse(&request, outage),
        }
    }

    fn closed(&self, socket: &web_sys::WebSocket, code: u16, reason: &str, was_clean: bool) {
        // The runtime doesn't answer a close frame by itself. 1005 says that there was no code, and 1006 that there was
        // no frame: neither may be sent.
        let answer = match code {
            _ if !was_clean => Ok(()),
            1005 | 1006 | 1015 => socket.close(),
            _ => socket.close_with_code_and_reason(code, reason),
        };
        if answer.is_err() {
            worker::console_debug!("a socket was closed twice");
        }
        self.gone(socket, false);
    }

    /// The room, started if it isn't running.
    fn room(&self) -> Result<Rc<RunningRoom>, Outage> {
        let running = self.room.borrow().clone();
        let not_run = || Err(Outage::Start("nothing was run".to_owned()));
        let started = running.map_or_else(|| guarded(|| self.start()).unwrap_or_else(not_run), Ok);
        if let Err(reason) = started.as_ref().map_err(Outage::to_string)
            && self.logged.replace(reason.clone()) != reason
        {
            worker::console_error!("the room can't start: {reason}");
        }
        started
    }

    fn start(&self) -> Result<Rc<RunningRoom>, Outage> {
        let config = self.config.as_ref().map_err(|error| Outage::Setup(error.clone().into()))?;
        let (env, bindings) = (self.env.clone(), self.bindings.clone());
        let room = RunningRoom::new(self.site, env, bindings, self.state.clone(), config, self.clock.clone())?;
        self.logged.take();
        self.room.replace(Some(room.clone()));
        room.inbox.frames.flush();
        Ok(room)
    }

    fn gone(&self, socket: &web_sys::WebSocket, failed: bool) {
        if let Some(room) = self.room_of(socket)
            && let Some(conn) = room.sockets.conn(socket)
        {
            room.inbox.frames.flush();
            room.closed(conn, failed);
        }
    }

    /// The room, for an event of this WebSocket. Where there is none the socket is closed, so that its client comes back.
    fn room_of(&self, socket: &web_sys::WebSocket) -> Option<Rc<RunningRoom>> {
        let room = self.room().ok();
        if room.is_none() {
            // It may be closed already.
            _ = socket.close_with_code_and_reason(INTERNAL_ERROR, "");
        }
        room
    }

    /// Answers a request for which there is no room.
    fn refuse(&self, request: &Incoming, outage: Outage) -> Result<Response> {
        let cors = self.config.as_ref().map_or(Cors::OFF, Config::cors);
        let reply = |reply| requests::response(request, Answer::Http(reply), cors);
        let is_api = api::owns(&request.path);
        let reason = match outage {
            // Who calls the API has shown its token.
            Outage::Setup(error) if is_api => {
                return reply(Problem::Broken(error.to_string()).reply());
            }
            Outage::Setup(error) => return reply(HttpResponse::sentence(500, &error.public())),
            Outage::Start(reason) => reason,
        };
        if is_api {
            return reply(Problem::Unavailable(reason).reply());
        }
        // What went wrong is for the log, and for backends.
        reply(HttpResponse::unavailable())
    }
}
