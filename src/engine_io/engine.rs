//! The table of all sessions: what comes in, and who it is for.

use std::collections::VecDeque;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::event::{Event, Reason};
use super::handshake::Opening;
use super::hibernated;
use super::packet::Packet;
use super::protocol::Revision;
use super::scope::{Scope, Timer};
use super::session::{MESSAGE_COST, Session, SessionState};
use crate::config::Config;
use crate::host::{HibernatedSocket, Host};
use crate::ids::{ConnId, Millis, Sid};
use crate::outbox::{Effect, Frame, Input, Outbox};
use crate::timers::Timers;

/// All sessions of a room.
pub struct Engine {
    pub(super) config: Config,
    pub(super) host: Rc<dyn Host>,
    pub(super) now: Millis,
    pub(super) sessions: FxHashMap<Sid, Session>,
    pub(super) conns: FxHashMap<ConnId, Sid>,
    pub(super) timers: Timers<(Sid, Timer)>,
    /// Sessions with a GET to be answered at the end of the turn.
    ready: Vec<Sid>,
    /// The number of this input.
    inputs: u64,
    /// When all sessions that share a heartbeat are pinged next.
    heartbeat_at: Millis,
    /// Whether the object has lost its memory since the last heartbeat: then the alarm that rings next may have been set for one.
    restored: bool,
    pub(super) opening: Option<Opening>,
    pub(super) events: VecDeque<Event>,
    /// The sessions with packets that aren't read yet, in the order of their turns.
    pub(super) reading: VecDeque<Sid>,
    /// How much may still be read for this input: a packet with a message costs [`MESSAGE_COST`], any other 1.
    pub(super) budget: usize,
    /// The bytes that all clients together have left unread.
    pub(super) unread: usize,
    /// All clients are looked at once they have left more than this unread.
    pub(super) look_at: usize,
    pub(super) out: Outbox,
}

impl Engine {
    /// An engine without sessions.
    pub fn new(config: Config, host: Rc<dyn Host>) -> Self {
        Self {
            config,
            host,
            now: Millis::default(),
            sessions: FxHashMap::default(),
            conns: FxHashMap::default(),
            timers: Timers::default(),
            ready: Vec::new(),
            // 0 stands for sessions that were sent nothing yet.
            inputs: 1,
            heartbeat_at: Millis::default(),
            restored: false,
            opening: None,
            events: VecDeque::new(),
            reading: VecDeque::new(),
            budget: 0,
            unread: 0,
            look_at: 0,
            out: Outbox::default(),
        }
    }

    /// How many sessions there are.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// The WebSocket that carries a session, and what must be known to restore it with [`restore`](Self::restore).
    pub fn socket(&self, sid: &Sid) -> Option<(ConnId, SessionState)> {
        self.sessions.get(sid)?.socket()
    }

    /// The protocol's revision that a session speaks.
    pub fn revision(&self, sid: &Sid) -> Option<Revision> {
        self.sessions.get(sid).map(Session::revision)
    }

    /// Bytes that all clients together have left unread, as far as can be told.
    pub fn unread(&self) -> usize {
        self.unread
    }

    /// The connections of all sessions: WebSockets, and requests without an answer.
    pub fn conns(&self) -> impl Iterator<Item = ConnId> {
        self.conns.keys().copied()
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        let heartbeat = self.has_heartbeat().then(|| self.heartbeat_at.min(self.next_heartbeat(now)));
        [heartbeat, self.timers.next()].into_iter().flatten().min()
    }

    /// When another turn is wanted for what is in memory alone: now, where packets wait to be read.
    pub fn next_tick(&self) -> Option<Millis> {
        (!self.reading.is_empty()).then_some(self.now)
    }

    /// Whether there are sessions that have no timers of their own.
    fn has_heartbeat(&self) -> bool {
        self.config.absorbs_pongs() && self.sessions.values().any(Session::has_common_heartbeat)
    }

    /// All heartbeats of this interval are at the same moments, so that one alarm serves them all, and an object that forgot
    /// the last one knows the next.
    pub fn next_heartbeat(&self, now: Millis) -> Millis {
        now.next_multiple_of(self.config.ping_interval)
    }

    /// A turn begins at the time `now`. Where the clock has gone back, deadlines go back with it: heartbeats neither stop until
    /// it has caught up nor come all at once.
    pub fn begin(&mut self, now: Millis) {
        let now = now.steady_after(self.now);
        let back = self.now.since(now);
        if back > Millis(0) {
            self.timers.bring_forward(back);
            self.sessions.values_mut().for_each(|session| session.bring_forward(back));
        }
        self.now = now;
        self.next_input();
        let next = self.next_heartbeat(now);
        if self.heartbeat_at > next || !self.has_heartbeat() {
            self.heartbeat_at = next;
        }
    }

    /// Another input of the same turn follows: it may read as much as the one before.
    pub fn next_input(&mut self) {
        self.inputs = self.inputs.wrapping_add(1);
        self.budget = self.config.max_turn_packets.saturating_mul(MESSAGE_COST);
        self.share_reading();
    }

    /// Does what is due; [`poll_past`](Self::poll_past) tells what came of it.
    pub fn handle_deadlines(&mut self, alarm: bool) {
        self.expire();
        if self.now >= self.heartbeat_at || (alarm && self.restored) {
            self.heartbeat();
        }
    }

    /// Handles one input of this turn, after what is due; [`poll`](Self::poll) tells what came of it.
    pub fn handle(&mut self, input: Input<'_>) {
        self.handle_deadlines(matches!(input, Input::Alarm));
        match input {
            Input::Request { conn, request } => self.request(conn, &request),
            Input::Body { conn, body } => self.body(conn, body),
            Input::Text { conn, text } => self.frame(conn, text.len(), |revision| Packet::decode(revision, text)),
            Input::Binary { conn, bytes } => {
                self.frame(conn, bytes.len(), |revision| Packet::decode_binary(revision, bytes));
            }
            Input::Aborted { conn } | Input::Closed { conn, failed: true } => self.gone(conn, Reason::TransportError),
            Input::Closed { conn, failed: false } => self.gone(conn, Reason::TransportClose),
            // What other servers answer is for the layers above.
            Input::Fetched { .. } | Input::Tick | Input::Alarm => {}
        }
    }

    /// The next thing that the layer above must know. At most [`Config::max_turn_packets`] messages are read for an input: the
    /// rest waits for the next one.
    pub fn poll(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.poll_past() {
                return Some(event);
            }
            if !self.read_packet() {
                return None;
            }
        }
    }

    /// The next thing that has happened already: no packet is read for it.
    pub fn poll_past(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The turn is over: answers the GETs that its packets are for, and gives all that the shell is to do.
    pub fn finish(&mut self) -> Outbox {
        for sid in std::mem::take(&mut self.ready) {
            if let (Some(session), mut scope) = self.split(&sid) {
                session.flush(&mut scope);
            }
        }
        self.bound_unread();
        std::mem::take(&mut self.out)
    }

    /// Sends a frame to a session; one that is gone is passed over.
    pub fn send(&mut self, sid: &Sid, frame: Frame) {
        if let (Some(session), mut scope) = self.split(sid) {
            session.send(frame, &mut scope);
        }
    }

    /// Sends the frames of one message to a session if its client takes them at once; else drops them all (1.12). `false`
    /// where they were dropped.
    pub fn send_volatile(&mut self, sid: &Sid, frames: &[Frame]) -> bool {
        let (session, mut scope) = self.split(sid);
        session.is_some_and(|session| session.send_volatile(frames, &mut scope))
    }

    /// Closes a session, of which [`Event::Closed`] doesn't tell. `false` where its client will be told later, by its next
    /// GET (P11).
    pub fn close(&mut self, sid: &Sid) -> bool {
        let (Some(session), mut scope) = self.split(sid) else {
            return true;
        };
        let done = session.close(&mut scope);
        if done {
            self.remove(sid, Reason::ForcedClose);
        }
        done
    }

    /// Restores a session whose WebSocket outlived the object's memory.
    pub fn restore(&mut self, sid: Sid, conn: ConnId, state: SessionState) {
        let pong = self.host.last_pong(conn).unwrap_or_default();
        // The clock may have gone back meanwhile.
        let heard = state.heard.max(pong).min(self.now);
        let (_, mut scope) = self.split(&sid);
        let session = Session::websocket(sid.clone(), SessionState { heard, ..state }, conn, &mut scope);
        self.sessions.insert(sid, session);
        self.restored = true;
    }

    /// Closes those of the hibernated WebSockets whose clients may have lost frames with the object's memory.
    pub fn close_lagging(&mut self, sockets: &[HibernatedSocket]) {
        if !self.config.absorbs_pongs() {
            return;
        }
        for conn in hibernated::lagging(&self.config, self.host.as_ref(), self.now, sockets) {
            if let Some(sid) = self.conns.get(&conn).cloned() {
                self.settle(&sid, Err(Reason::PingTimeout));
            }
        }
    }

    /// Closes a WebSocket that belongs to no session.
    pub fn drop_socket(&mut self, conn: ConnId) {
        self.out.push(Effect::Close { conn, code: None });
    }

    /// Has the runtime keep a text beside a WebSocket.
    pub fn attach(&mut self, conn: ConnId, state: String) {
        self.out.push(Effect::Attach { conn, state });
    }

    /// A session, and what its transitions may use.
    pub(super) fn split(&mut self, sid: &Sid) -> (Option<&mut Session>, Scope<'_>) {
        let scope = Scope {
            now: self.now,
            input: self.inputs,
            config: &self.config,
            timers: &mut self.timers,
            conns: &mut self.conns,
            ready: &mut self.ready,
            unread: &mut self.unread,
            host: self.host.as_ref(),
            out: &mut self.out,
        };
        (self.sessions.get_mut(sid), scope)
    }

    /// Deadlines are looked at on each input, not only when the alarm rings: it may be late (HB6).
    fn expire(&mut self) {
        while let Some(((sid, timer), due)) = self.timers.pop_due(self.now) {
            if let (Some(session), mut scope) = self.split(&sid) {
                let verdict = session.handle_timer(timer, due, &mut scope);
                self.settle(&sid, verdict);
            }
        }
    }

    /// The common heartbeat: pings all sessions that share it, and ends those whose clients stayed silent.
    fn heartbeat(&mut self) {
        if !self.config.absorbs_pongs() {
            return;
        }
        // Of a heartbeat that the object may have forgotten, only those are pinged again who haven't answered it.
        let due = Millis(self.now.0 - self.now.0 % self.config.ping_interval.0.max(1));
        self.heartbeat_at = self.next_heartbeat(self.now);
        self.restored = false;
        let ping = Packet::Ping("".into()).encode();
        for sid in self.sessions.keys().cloned().collect::<Vec<_>>() {
            if let (Some(session), mut scope) = self.split(&sid) {
                let verdict = session.heartbeat(&ping, due, &mut scope);
                self.settle(&sid, verdict);
            }
        }
    }

    fn gone(&mut self, conn: ConnId, reason: Reason) {
        let Some(sid) = self.conns.remove(&conn) else {
            return;
        };
        if let (Some(session), mut scope) = self.split(&sid) {
            let verdict = session.handle_gone(conn, reason, &mut scope);
            self.settle(&sid, verdict);
        }
    }

    /// Carries out what a transition found: a session that is over is taken out, its client and the layer above are told.
    pub(super) fn settle(&mut self, sid: &Sid, verdict: Result<(), Reason>) {
        if let Err(reason) = verdict
            && self.remove(sid, reason)
        {
            self.events.push_back(Event::Closed { sid: sid.clone(), reason });
        }
    }

    /// `true` where the layer above doesn't know yet that the session is over.
    fn remove(&mut self, sid: &Sid, reason: Reason) -> bool {
        let Some(session) = self.sessions.remove(sid) else {
            return false;
        };
        let news = !session.is_over();
        session.end(reason, &mut self.split(sid).1);
        news
    }
}
