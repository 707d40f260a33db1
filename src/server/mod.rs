//! The pure core of a room: sessions below, namespaces and the app above, tied together.
//!
//! [`Server::handle`] takes one [`Input`] and returns what is to be done. It reads no clock and no generator, does no I/O,
//! and no input makes it panic. Whatever must outlive the object's memory leaves as [`Effect::Attach`] and comes back
//! through [`Server::restore`]: after hibernation, an eviction and a panic alike.

mod attachment;

use std::rc::Rc;

use serde_json::value::RawValue;

use crate::app::{Ack, Answer, App, Event, Io, message_frame};
use crate::config::Config;
use crate::engine_io::{Engine, Listener, Message, Reason, Turn};
use crate::ids::{ConnId, Entropy, Millis, Sid, SocketId};
use crate::outbox::{Effect, Input, Outbox};
use crate::socket_io::{Body, Client, DecodeError, DisconnectReason, Packet, Sockets, packet};
use crate::timers::Timers;

/// A whole Socket.IO server for one room.
pub struct Server<A> {
    engine: Engine,
    hub: Hub<A>,
    entropy: Box<dyn Entropy>,
}

impl<A: App> Server<A> {
    /// A server without clients.
    pub fn new(config: Config, app: A, entropy: Box<dyn Entropy>) -> Self {
        let hub = Hub {
            app,
            sockets: Sockets::default(),
            connects: Timers::default(),
            connect_timeout: config.connect_timeout,
        };
        Self { engine: Engine::new(config), hub, entropy }
    }

    /// Handles one input at the time `now`.
    pub fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        self.turn(now, |engine, hub, turn| {
            hub.expire(engine, turn);
            engine.handle(turn, input, hub);
        })
    }

    /// Takes up the WebSockets that outlived the object's memory, each with its attachment. One whose attachment can't be
    /// read is closed, so that its client comes back: it is never misread.
    pub fn restore<'s>(&mut self, now: Millis, sockets: impl IntoIterator<Item = (ConnId, Option<&'s str>)>) -> Outbox {
        self.turn(now, |engine, hub, turn| {
            for (conn, state) in sockets {
                if !state.is_some_and(|state| attachment::restore(engine, hub, turn, conn, state)) {
                    turn.out.push(Effect::Close { conn, code: None });
                }
            }
            hub.sockets.changed.clear();
        })
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        [self.engine.next_wake(now), self.hub.connects.next()].into_iter().flatten().min()
    }

    fn turn(&mut self, now: Millis, run: impl FnOnce(&mut Engine, &mut Hub<A>, &mut Turn<'_>)) -> Outbox {
        let mut out = Outbox::default();
        let mut turn = Turn { now, entropy: self.entropy.as_mut(), out: &mut out };
        run(&mut self.engine, &mut self.hub, &mut turn);
        for sid in std::mem::take(&mut self.hub.sockets.changed) {
            if let Some((conn, state)) = attachment::save(&self.engine, &self.hub.sockets, &sid) {
                out.push(Effect::Attach { conn, state });
            }
        }
        out
    }
}

/// What listens to the engine: the sockets and the app.
struct Hub<A> {
    app: A,
    sockets: Sockets,
    /// When clients must have joined a namespace (C7).
    connects: Timers<Sid>,
    connect_timeout: Millis,
}

impl<A: App> Listener for Hub<A> {
    fn opened(&mut self, _: &mut Engine, turn: &mut Turn<'_>, sid: &Sid) {
        self.add_client(sid, Some(turn.now + self.connect_timeout));
        self.sockets.changed.insert(sid.clone());
    }

    fn upgraded(&mut self, _: &mut Engine, _: &mut Turn<'_>, sid: &Sid) {
        self.sockets.changed.insert(sid.clone());
    }

    fn message(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, message: Message<'_>) {
        let packet = match &message {
            Message::Text(text) => Packet::decode(text),
            Message::Binary(_) => Err(DecodeError::UnexpectedBinary),
        };
        match packet {
            Ok(packet) => self.packet(engine, turn, sid, packet),
            Err(_) => self.close(engine, turn, sid, DisconnectReason::ForcedClose),
        }
    }

    fn closed(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: Reason) {
        self.remove_client(engine, turn, sid, DisconnectReason::Transport(reason.as_str()));
    }
}

impl<A: App> Hub<A> {
    fn add_client(&mut self, sid: &Sid, connect_by: Option<Millis>) {
        if let Some(deadline) = connect_by {
            self.connects.set(sid.clone(), deadline);
        }
        let client = Client { joined: Default::default(), connect_by };
        self.sockets.clients.insert(sid.clone(), client);
    }

    fn expire(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        while let Some((sid, _)) = self.connects.pop_due(turn.now) {
            self.close(engine, turn, &sid, DisconnectReason::ForcedServerClose);
        }
    }

    fn packet(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, packet: Packet<'_>) {
        let Packet { namespace, body } = packet;
        let socket = self.sockets.find(sid, namespace);
        let namespace: Rc<str> = namespace.into();
        match (body, socket) {
            (Body::Connect(auth), None) => self.connect(engine, turn, sid, &namespace, auth),
            (Body::Disconnect, Some(socket)) => {
                self.sockets.leave(&namespace, &socket, DisconnectReason::ClientNamespaceDisconnect);
                self.tell_departures(engine, turn);
            }
            (Body::Event { name, args, ack }, Some(socket)) => {
                let ack = ack.map(|id| Ack::new(socket.clone(), id));
                let event = Event { socket: &socket, name: &name, args: &args, ack };
                self.call(engine, turn, &namespace, |app, io| app.event(io, event));
            }
            (Body::Ack { id: Some(id), args }, Some(socket)) => {
                let place = self.sockets.namespaces.get_mut(&namespace);
                if place.is_some_and(|place| place.take_ack(&socket, id)) {
                    let answer = Answer { socket: &socket, id, args: &args };
                    self.call(engine, turn, &namespace, |app, io| app.acked(io, answer));
                }
            }
            // Nobody's answer (E3).
            (Body::Ack { id: None, .. }, Some(_)) => {}
            // Joined twice, not joined at all, or what only a server says (C6).
            (Body::Connect(_) | Body::ConnectError, Some(_)) | (_, None) => {
                self.close(engine, turn, sid, DisconnectReason::ForcedServerClose);
            }
        }
    }

    fn connect(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        sid: &Sid,
        namespace: &Rc<str>,
        auth: Option<&RawValue>,
    ) {
        let answer = |engine: &mut Engine, turn: &mut Turn<'_>, text: &str| {
            engine.send(turn, sid, message_frame(text));
        };
        if !self.app.has_namespace(namespace) {
            let refusal = packet::connect_error(namespace, "Invalid namespace", None);
            return answer(engine, turn, &refusal);
        }
        let verdict = self.call(engine, turn, namespace, |app, io| app.connecting(io, auth));
        // A hook may have closed this very client.
        if !self.sockets.clients.contains_key(sid) {
            return;
        }
        if let Err(refusal) = verdict {
            let refusal = packet::connect_error(namespace, &refusal.message, refusal.data.as_ref());
            return answer(engine, turn, &refusal);
        }
        let id = SocketId::random(turn.entropy);
        self.sockets.join(sid, namespace, &id);
        self.connects.clear(sid);
        answer(engine, turn, &packet::connect(namespace, id.as_str()));
        self.call(engine, turn, namespace, |app, io| app.connected(io, &id));
    }

    /// Ends a connection for what its client did. A polling client that can't be told at once is
    /// [`ForcedServerClose`](DisconnectReason::ForcedServerClose) to the app, unless its packet was unreadable (1.10).
    fn close(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: DisconnectReason) {
        let told = engine.close(turn, sid);
        let reason = if told { DisconnectReason::ForcedClose } else { reason };
        self.remove_client(engine, turn, sid, reason);
    }

    fn remove_client(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: DisconnectReason) {
        self.connects.clear(sid);
        self.sockets.remove_client(sid, reason);
        self.tell_departures(engine, turn);
    }

    /// Calls the app, and then tells it who left meanwhile: a hook may disconnect others, but isn't called from itself.
    fn call<T>(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        namespace: &Rc<str>,
        hook: impl FnOnce(&mut A, &mut Io<'_>) -> T,
    ) -> T {
        let mut io = Io::new(engine, &mut self.sockets, turn.reborrow(), namespace.clone());
        let result = hook(&mut self.app, &mut io);
        self.tell_departures(engine, turn);
        result
    }

    fn tell_departures(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        while let Some(departed) = self.sockets.departed.pop_front() {
            let mut io = Io::new(engine, &mut self.sockets, turn.reborrow(), departed.namespace.clone());
            self.app.disconnected(&mut io, &departed);
        }
    }
}
