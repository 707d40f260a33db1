//! A room in its object: a thin shell around the core.
//!
//! Each event becomes one input; the effects are carried out at once and in order, and only then is anything awaited. The
//! object may be constructed anew at any time, after hibernation or a panic: its WebSockets are still there then, and what
//! is attached to them and stored is all that it needs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use worker::{Delay, Request, Response, Result, State, js_sys};

use super::counters;
use super::requests::{self, Answer, RequestTable, Waited};
use super::runtime::{ObjectRuntime, RowCount};
use super::sockets::SocketTable;
use crate::api;
use crate::apps::Core;
use crate::config::Config;
use crate::database::DatabaseError;
use crate::ids::{ConnId, Millis};
use crate::outbox::{self, Effect, Headers, Input, Outbox, Reply};

/// Deadlines nearer than this are waited for by the requests that they concern: an alarm costs a write, and may be late.
const SOON: Millis = Millis(1_000);

/// A room with usable settings.
pub(super) struct Room {
    state: Rc<State>,
    config: Config,
    core: RefCell<Core>,
    pub(super) sockets: Rc<SocketTable>,
    requests: RequestTable,
    alarm: Cell<Alarm>,
    /// The earliest timer that is set for what needs no alarm.
    timer: Cell<Option<Millis>>,
    rows: Rc<RowCount>,
}

/// What is known of the object's one alarm.
#[derive(Clone, Copy)]
enum Alarm {
    /// Nothing: the object was just constructed.
    Unknown,
    /// It is set for then, or not at all.
    Known(Option<Millis>),
}

/// The only place that reads the clock.
fn now() -> Millis {
    // A time since 1970 in milliseconds is no negative number.
    Millis(js_sys::Date::now() as u64)
}

impl Room {
    /// Takes up whatever outlived the object's memory.
    pub(super) fn new(state: State, config: Config) -> Result<Rc<Self>, DatabaseError> {
        let state = Rc::new(state);
        let sockets = Rc::new(SocketTable::new(state.clone(), config.absorbs_pongs()));
        let rows = Rc::new(RowCount::default());
        let runtime = ObjectRuntime::new(&state, sockets.clone(), rows.clone());
        if config.debug {
            counters::open(&runtime)?;
        }
        let core = Core::new(&config, state.id().name().as_deref(), Rc::new(runtime));
        let (core, requests, alarm) = (RefCell::new(core), RequestTable::default(), Cell::new(Alarm::Unknown));
        let timer = Cell::new(None);
        let room = Self { state, config, core, sockets, requests, alarm, timer, rows };
        room.count("constructed");
        Ok(Rc::new(room))
    }

    /// Counts something, where that is wanted.
    pub(super) fn count(&self, name: &str) {
        if self.config.debug {
            counters::count(&self.runtime(), name, &self.rows);
        }
    }

    fn runtime(&self) -> ObjectRuntime {
        ObjectRuntime::new(&self.state, self.sockets.clone(), self.rows.clone())
    }

    /// The counters, or nothing where nothing is counted.
    fn counters(&self) -> Result<Response> {
        if !self.config.debug {
            return Response::error("Not found.", 404);
        }
        let bytes = self.state.storage().sql().database_size() as u64;
        match counters::read(&self.runtime(), bytes) {
            Ok(counters) => Response::from_json(&counters),
            Err(error) => Response::error(error.to_string(), 500),
        }
    }

    /// One request, from its arrival to its answer.
    pub(super) async fn fetch(self: &Rc<Self>, mut request: Request) -> Result<Response> {
        if api::owns(&request.path()) {
            let reply = self.api(&mut request).await?;
            return requests::api_response(&request, reply);
        }
        if request.path().ends_with("/debug") {
            return self.counters();
        }
        self.count("requests");
        let conn = self.sockets.next_conn();
        let mut answer = self.requests.insert(conn);
        self.announce(conn, &request)?;
        if request.method() == worker::Method::Post && self.requests.is_waiting(conn) {
            let body = requests::body(&mut request, self.config.max_payload).await;
            let body = body.as_deref().map_err(|error| *error);
            self.handle(Input::Body { conn, body });
        }
        self.set_alarm().await?;
        loop {
            match requests::wait(&request, &mut answer, self.next_tick()).await {
                Waited::Answered(answer) => return requests::response(&request, answer, &self.config.cors),
                Waited::Tick => self.handle(Input::Tick),
                Waited::Gone => {
                    self.requests.remove(conn);
                    self.handle(Input::Aborted { conn });
                    self.set_alarm().await?;
                    return Response::empty();
                }
            }
        }
    }

    /// What a backend asks for; the Worker has let it in.
    async fn api(self: &Rc<Self>, request: &mut Request) -> Result<Reply> {
        self.count("requests");
        let call = requests::api_call(request);
        let body = match &call {
            Ok(call) if call.has_body() => requests::body(request, self.config.max_payload).await,
            _ => Ok(Vec::new()),
        };
        let body = body.as_deref().map_err(|error| *error);
        let command = match call.and_then(|call| call.command(body)) {
            Ok(command) => command,
            Err(problem) => return Ok(problem.reply()),
        };
        let (reply, outbox) = self.core.borrow_mut().command(now(), &command);
        self.run(outbox);
        self.set_alarm().await?;
        Ok(reply)
    }

    fn announce(self: &Rc<Self>, conn: ConnId, request: &Request) -> Result<()> {
        let url = request.url()?;
        let headers = request.headers();
        let (method, origin) = (request.method(), headers.get("origin")?);
        let (upgrade, content_type) = (headers.get("upgrade")?, headers.get("content-type")?);
        let lookup = |name: &str| headers.get(name).ok().flatten();
        let request = outbox::Request {
            method: method.as_ref(),
            query: url.query().unwrap_or_default(),
            upgrade: upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket")),
            origin: origin.as_deref(),
            content_type: content_type.as_deref(),
            secure: url.scheme() == "https",
            headers: Headers::new(&lookup),
        };
        self.handle(Input::Request { conn, request });
        Ok(())
    }

    /// The alarm rang.
    pub(super) async fn alarm(self: &Rc<Self>) -> Result<()> {
        self.alarm.set(Alarm::Known(None));
        self.count("alarms");
        self.handle(Input::Alarm);
        self.set_alarm().await
    }

    /// A WebSocket closed.
    pub(super) fn closed(self: &Rc<Self>, conn: ConnId, failed: bool) {
        self.count("closes");
        // A room that it has woken still finds there what the socket was.
        self.handle(Input::Closed { conn, failed });
        self.sockets.remove(conn);
    }

    /// Has the core handle one input, and carries out what it wants.
    pub(super) fn handle(self: &Rc<Self>, input: Input<'_>) {
        let outbox = self.core.borrow_mut().handle(now(), input);
        self.run(outbox);
    }

    fn run(self: &Rc<Self>, outbox: Outbox) {
        for effect in outbox {
            match effect {
                Effect::Respond { conn, reply } => self.requests.answer(conn, Answer::Reply(reply)),
                Effect::Accept { conn, headers, tag } => match self.sockets.accept(self, conn, &tag) {
                    Ok(client) => self.requests.answer(conn, Answer::Socket(client, headers)),
                    Err(error) => {
                        worker::console_error!("a WebSocket was not accepted: {error}");
                        self.requests.answer(conn, Answer::Reply(outbox::Reply::empty(503)));
                    }
                },
                Effect::Send { conn, frame } => self.sockets.send(conn, &frame),
                Effect::Close { conn, code } => self.sockets.close(conn, code),
                Effect::Restart { reply } => self.requests.answer_all(&reply),
                Effect::Attach { conn, state } => self.sockets.attach(conn, &state),
            }
        }
        self.sockets.end_turn();
    }

    /// How long until a deadline that the alarm is too coarse for.
    fn next_tick(&self) -> Option<Millis> {
        let now = now();
        let wake = self.core.borrow().next_wake(now)?;
        Some(until(now, wake)).filter(|wait| *wait <= SOON)
    }

    /// Makes sure that the room is woken in time. An alarm that rings too early does no harm, so it is only ever moved
    /// forward: setting it is a write.
    pub(super) async fn set_alarm(self: &Rc<Self>) -> Result<()> {
        let now = now();
        let (wake, tick) = {
            let core = self.core.borrow();
            (core.next_wake(now), core.next_tick())
        };
        if !self.config.absorbs_pongs() {
            // A room that never sleeps needs no alarm: a timer costs nothing and is on time.
            self.set_timer(now, [wake, tick].into_iter().flatten().min());
            return Ok(());
        }
        self.set_timer(now, tick);
        let Some(wanted) = wake else {
            return Ok(());
        };
        let storage = self.state.storage();
        let set = match self.alarm.get() {
            Alarm::Known(set) => set,
            // A time since 1970 in milliseconds is no negative number.
            Alarm::Unknown => storage.get_alarm().await?.map(|at| Millis(at.max(0) as u64)),
        };
        let in_time = set.is_some_and(|set| set <= wanted);
        self.alarm.set(Alarm::Known(if in_time { set } else { Some(wanted) }));
        if !in_time {
            storage.set_alarm(i64::try_from(until(now, wanted).0).unwrap_or(i64::MAX)).await?;
        }
        Ok(())
    }

    /// Has time told to the core then, if the object still has its memory. One that comes too early does no harm either.
    fn set_timer(self: &Rc<Self>, now: Millis, wanted: Option<Millis>) {
        let Some(wanted) = wanted.filter(|wanted| self.timer.get().is_none_or(|set| *wanted < set)) else {
            return;
        };
        self.timer.set(Some(wanted));
        let room = self.clone();
        js_sys::futures::spawn_local(async move {
            Delay::from(Duration::from_millis(until(now, wanted).0)).await;
            if room.timer.get() == Some(wanted) {
                room.timer.set(None);
            }
            room.handle(Input::Tick);
            if let Err(error) = room.set_alarm().await {
                worker::console_error!("the alarm was not set: {error}");
            }
        });
    }
}

/// How long it is from now until then.
fn until(now: Millis, then: Millis) -> Millis {
    Millis(then.0.saturating_sub(now.0))
}
