//! A room in its object: a thin shell around the core.
//!
//! Each event becomes one input; the effects are carried out at once and in order, and only then is anything awaited. The
//! object may be constructed anew at any time, after hibernation or a panic: its WebSockets are still there then, and what
//! is attached to them and stored is all that it needs.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use web_sys::Response;
use worker::js_sys::futures::spawn_local;
use worker::{Delay, Env as Bindings, Result, State};

use super::clock::{Clock, Timed, now};
use super::core::Core;
use super::counters;
use super::fetch;
use super::frames::{Inbox, OnFrame};
use super::host::{self, ObjectHost, Storage};
use super::incoming::Incoming;
use super::requests::{self, Answer, RequestTable, Waited};
use super::route::Route;
use super::sockets::SocketTable;
use crate::alarm::Wanted;
use crate::config::Config;
use crate::env::Env;
use crate::fetch::FetchRequest;
use crate::ids::{ConnId, Millis};
use crate::outbox::{self, BodyError, Effect, Headers, HttpResponse, Input, Outbox};
use crate::site::{SetupError, Site};

/// Why there is no room.
pub(super) enum Outage {
    /// The settings or the app can't be used.
    Setup(SetupError),
    /// It could not start this time, for this reason. The next event tries again.
    Start(String),
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Start(reason) => f.write_str(reason),
        }
    }
}

/// A room with usable settings.
pub(super) struct RunningRoom {
    state: Rc<State>,
    bindings: Bindings,
    config: &'static Config,
    core: RefCell<Core>,
    pub(super) sockets: Rc<SocketTable>,
    pub(super) inbox: Inbox,
    requests: RequestTable,
    clock: Rc<Clock>,
    storage: Rc<Storage>,
}

impl RunningRoom {
    /// Takes up whatever outlived the object's memory.
    ///
    /// # Errors
    /// The [`Outage`].
    pub(super) fn new(
        site: &'static Site,
        env: Env,
        bindings: Bindings,
        state: Rc<State>,
        config: &'static Config,
        clock: Rc<Clock>,
    ) -> Result<Rc<Self>, Outage> {
        let sockets = Rc::new(SocketTable::new(&state, config.absorbs_pongs()));
        let storage = host::storage(&state, config.debug);
        let host = ObjectHost::new(storage.clone(), sockets.clone());
        if config.debug {
            counters::open(&host).map_err(|error| Outage::Start(error.to_string()))?;
        }
        let core = Core::new(site, env, config.clone(), Rc::new(host)).map_err(Outage::Setup)?;
        let (core, requests) = (RefCell::new(core), RequestTable::default());
        let room = Rc::new_cyclic(|room| {
            let inbox = Inbox::new(&state, &sockets, config.max_payload, room);
            Self { state, bindings, config, core, sockets, inbox, requests, clock, storage }
        });
        room.count("constructed");
        Ok(room)
    }

    /// Counts something, where that is wanted.
    pub(super) fn count(&self, name: &str) {
        if self.config.debug {
            counters::count(&self.host(), name, &self.storage);
        }
    }

    fn host(&self) -> ObjectHost {
        ObjectHost::new(self.storage.clone(), self.sockets.clone())
    }

    /// The counters, or nothing where nothing is counted.
    #[inline(never)] // The runtime compiles a function when it is first called: clients never call this one.
    fn counters(&self) -> HttpResponse {
        if !self.config.debug {
            return HttpResponse::empty(404);
        }
        let bytes = self.state.storage().sql().database_size() as u64;
        let counted = counters::read(&self.host(), bytes).map(|counters| serde_json::json!(counters).to_string());
        match counted {
            Ok(json) => HttpResponse::json(200, &json),
            Err(error) => HttpResponse::sentence(500, &error.to_string()),
        }
    }

    /// One request, from its arrival to its answer.
    pub(super) async fn fetch(self: &Rc<Self>, request: &Incoming) -> Result<Response> {
        match Route::parse(&request.path, &request.query) {
            Ok(Route::Debug(_)) => return self.reply(request, self.counters()),
            Ok(Route::Api) => {
                let reply = self.api(request).await;
                return self.reply(request, reply);
            }
            // The Worker has sent on nothing else.
            _ => {}
        }
        self.count("requests");
        let conn = self.sockets.next_conn();
        let receiver = self.requests.insert(conn);
        let answer = self.serve(conn, request, receiver).await;
        if self.requests.remove(conn) {
            // The client went away, or the request can't be read.
            self.handle(Input::Aborted { conn });
        }
        // Nobody reads the answer to a client that is gone.
        let answer = answer.unwrap_or_else(|| Answer::Http(HttpResponse::empty(200)));
        requests::response(request, answer, self.config.cors())
    }

    fn reply(&self, request: &Incoming, reply: HttpResponse) -> Result<Response> {
        requests::response(request, Answer::Http(reply), self.config.cors())
    }

    /// Has the core handle a request, and waits for its answer; there is none if the client went away.
    async fn serve(
        self: &Rc<Self>,
        conn: ConnId,
        request: &Incoming,
        mut answer: oneshot::Receiver<Answer>,
    ) -> Option<Answer> {
        self.announce(conn, request);
        if request.method == "POST" && self.requests.is_waiting(conn) {
            match self.body(conn, request, &mut answer).await {
                Waited::Done(body) => self.handle(Input::Body { conn, body: body.as_deref().map_err(|error| *error) }),
                Waited::Answered(answer) => return Some(answer),
                Waited::Gone => return None,
            }
        }
        requests::wait(request, &mut answer).await
    }

    /// Reads the body of a request, which has only so long to arrive.
    async fn body(
        self: &Rc<Self>,
        conn: ConnId,
        request: &Incoming,
        answer: &mut oneshot::Receiver<Answer>,
    ) -> Waited<Result<Vec<u8>, BodyError>> {
        self.requests.body_begins(conn, now() + self.config.body_timeout);
        self.plan(now());
        let body = requests::body(request, answer, self.config.max_payload).await;
        self.requests.body_ended(conn);
        body
    }

    /// What a backend asks for; the Worker has let it in.
    async fn api(self: &Rc<Self>, request: &Incoming) -> HttpResponse {
        self.count("requests");
        let call = requests::api_call(request);
        let body = match &call {
            Ok(call) if call.has_body() => {
                let conn = self.sockets.next_conn();
                let mut answer = self.requests.insert(conn);
                let body = self.body(conn, request, &mut answer).await;
                self.requests.remove(conn);
                match body {
                    Waited::Done(body) => body,
                    Waited::Answered(_) | Waited::Gone => Err(BodyError::Aborted),
                }
            }
            _ => Ok(Vec::new()),
        };
        let body = body.as_deref().map_err(|error| *error);
        let command = match call.and_then(|call| call.command(body)) {
            Ok(command) => command,
            Err(problem) => {
                self.plan(now());
                return problem.reply();
            }
        };
        let now = now();
        self.inbox.frames.flush();
        let (reply, outbox) = self.core.borrow_mut().command(now, &command);
        self.run(now, outbox);
        reply
    }

    fn announce(self: &Rc<Self>, conn: ConnId, request: &Incoming) {
        let (origin, content_type) = (request.header("origin"), request.header("content-type"));
        let request = outbox::Request {
            method: &request.method,
            query: &request.query,
            upgrade: request.wants_websocket(),
            origin: origin.as_deref(),
            content_type: content_type.as_deref(),
            secure: request.secure,
            headers: Headers::new(request),
        };
        self.handle(Input::Request { conn, request });
    }

    /// The alarm rang.
    pub(super) fn alarm(self: &Rc<Self>) {
        self.clock.rang();
        self.count("alarms");
        self.handle(Input::Alarm);
    }

    /// Waits until nothing is left to be done at once: an alarm whose callbacks end in a panic is tried again by the runtime only
    /// if it hasn't come to its end.
    pub(super) async fn settled(&self) {
        while self.core.borrow().next_tick().is_some_and(|at| at <= now()) {
            Delay::from(Duration::ZERO).await;
        }
    }

    /// Has the core handle one input, after all that has come before it.
    fn handle(self: &Rc<Self>, input: Input<'_>) {
        self.inbox.frames.flush();
        self.turn(input);
    }

    /// Has the core handle one input, and carries out what it wants.
    fn turn(self: &Rc<Self>, input: Input<'_>) {
        let now = now();
        let outbox = self.core.borrow_mut().handle(now, input);
        self.run(now, outbox);
    }

    fn run(self: &Rc<Self>, now: Millis, outbox: Outbox) {
        let mut refused = Vec::new();
        for effect in outbox {
            match effect {
                Effect::Send { to, frame } => self.sockets.send(&to, &frame),
                Effect::Respond { conn, reply } => self.requests.answer(conn, Answer::Http(reply)),
                Effect::Accept { conn, headers, tag } => match self.sockets.accept(conn, &tag, &self.inbox.frames) {
                    Ok(client) => self.requests.answer(conn, Answer::Socket(client, headers)),
                    Err(error) => {
                        worker::console_error!("a WebSocket was not accepted: {error}");
                        self.requests.answer(conn, Answer::Http(HttpResponse::empty(503)));
                        refused.push(conn);
                    }
                },
                Effect::Close { conn, code } => self.sockets.close(conn, code),
                Effect::Attach { conn, state } => self.sockets.attach(conn, &state),
                Effect::Fetch { id, request } => self.fetch_elsewhere(id, request),
                Effect::Restart { reply } => {
                    self.requests.answer_all(&reply);
                    self.sockets.close_unrestorable();
                }
            }
        }
        for conn in refused {
            self.handle(Input::Aborted { conn });
        }
        self.plan(now);
    }

    /// Sends a request to another server. Nobody waits for its answer, which is an input like any other.
    fn fetch_elsewhere(self: &Rc<Self>, id: u64, request: FetchRequest) {
        let room = self.clone();
        spawn_local(async move {
            let outcome = fetch::perform(room.bindings.clone(), request).await;
            room.count("fetches");
            room.handle(Input::Fetched { id, outcome: &outcome });
        });
    }

    /// When the core wants to be called, and when a body is overdue.
    fn wanted(&self, now: Millis) -> Wanted {
        let core = self.core.borrow();
        let tick = [core.next_tick(), self.requests.next_deadline()].into_iter().flatten().min();
        Wanted { wake: core.next_wake(now), tick }
    }

    /// Makes sure that the room is called in time.
    fn plan(self: &Rc<Self>, now: Millis) {
        if self.core.borrow().is_new() {
            self.clock.known_unset();
        }
        self.clock.plan(now, self.wanted(now), self);
    }

    /// Gives up the bodies that should have arrived by now.
    fn expire_bodies(self: &Rc<Self>, now: Millis) {
        while let Some(conn) = self.requests.pop_overdue(now) {
            self.handle(Input::Body { conn, body: Err(BodyError::Aborted) });
            // Where the core has not answered it.
            self.requests.answer(conn, Answer::Http(HttpResponse::empty(408)));
        }
    }
}

impl OnFrame for RunningRoom {
    fn frames(self: Rc<Self>, frames: &[Input<'_>]) {
        frames.iter().for_each(|_| self.count("messages"));
        let now = now();
        let outbox = self.core.borrow_mut().handle_all(now, frames);
        self.inbox.frames.kept();
        self.run(now, outbox);
    }

    fn closed(self: Rc<Self>, conn: ConnId, failed: bool) {
        self.count("closes");
        // A room that it has woken still finds there what the socket was.
        self.turn(Input::Closed { conn, failed });
        self.sockets.remove(conn);
    }
}

impl Timed for RunningRoom {
    /// A timer that fires early does no harm: then nothing is due, and it is only set again.
    fn fired(self: Rc<Self>) {
        self.count("timers");
        let now = now();
        self.expire_bodies(now);
        let Wanted { wake, tick } = self.wanted(now);
        let is_due = |at: Option<Millis>| at.is_some_and(|at| at <= now);
        if is_due(wake) {
            self.handle(Input::Alarm);
        } else if is_due(tick) {
            self.handle(Input::Tick);
        } else {
            self.plan(now);
        }
    }

    fn replan(self: Rc<Self>) {
        self.plan(now());
    }
}
