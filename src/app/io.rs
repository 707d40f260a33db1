//! What an app may do in a hook.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;

use super::questions::Asking;
use super::{Ack, Args, Away, BroadcastOperator, IoError, Kv, MAX_DATA_BYTES, Outgoing, RemoteSocket, Services};
use crate::database::{Row, Value};
use crate::engine_io::{self, Engine, Turn};
use crate::ids::{Millis, Sid, SocketId};
use crate::outbox::Frame;
use crate::socket_io::recovery::Logged;
use crate::socket_io::{Departed, DisconnectReason, Handshake, Held, Message, Namespace, Reply, Sockets};

/// One namespace of the room, at the moment of a hook.
pub struct Io<'a> {
    engine: &'a mut Engine,
    pub(super) sockets: &'a mut Sockets,
    services: &'a mut Services,
    turn: Turn<'a>,
    namespace: Rc<str>,
}

impl<'a> Io<'a> {
    pub(crate) fn new(
        engine: &'a mut Engine,
        sockets: &'a mut Sockets,
        services: &'a mut Services,
        turn: Turn<'a>,
        namespace: Rc<str>,
    ) -> Self {
        Self { engine, sockets, services, turn, namespace }
    }

    /// The time of this hook.
    pub fn now(&self) -> Millis {
        self.turn.now
    }

    /// The namespace that this is about.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Another namespace of the room. A name without its slash is given one, so `""` is `/` (C10).
    pub fn of(&mut self, namespace: &str) -> Io<'_> {
        let namespace = if namespace.starts_with('/') { namespace.into() } else { format!("/{namespace}").into() };
        let Self { engine, sockets, services, turn, .. } = self;
        Io { engine, sockets, services, turn: turn.reborrow(), namespace }
    }

    /// Everybody in the namespace.
    pub fn all(&mut self) -> BroadcastOperator<'_, 'a> {
        BroadcastOperator::new(self)
    }

    /// Those in a room; a socket's id is a room with just that socket.
    pub fn to(&mut self, room: impl AsRef<str>) -> BroadcastOperator<'_, 'a> {
        self.all().to(room)
    }

    /// Everybody but those in a room.
    pub fn except(&mut self, room: impl AsRef<str>) -> BroadcastOperator<'_, 'a> {
        self.all().except(room)
    }

    /// Sends an event to everybody in the namespace.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&mut self, event: &str, value: &(impl Serialize + ?Sized)) -> Result<(), IoError> {
        self.all().emit(event, value)
    }

    /// Answers an event. An answer to a socket that is gone is dropped.
    ///
    /// # Errors
    /// [`IoError::NotJson`].
    pub fn answer(&mut self, ack: Ack, value: &impl Serialize) -> Result<(), IoError> {
        self.answer_args(ack, &Args::of(value)?)
    }

    /// Answers an event with any number of arguments.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    #[allow(clippy::needless_pass_by_value, reason = "an event is answered once")]
    pub fn answer_args(&mut self, ack: Ack, args: &Args<'_>) -> Result<(), IoError> {
        self.send(&[ack.socket], &Reply::Ack { id: ack.id, args }, false)
    }

    /// The sockets in the namespace, by id.
    pub fn sockets(&self) -> impl Iterator<Item = &SocketId> {
        self.place().into_iter().flat_map(|place| place.sockets.keys())
    }

    /// Whether a socket is in the namespace.
    pub fn is_connected(&self, socket: &SocketId) -> bool {
        self.place().is_some_and(|place| place.sockets.contains_key(socket))
    }

    /// The rooms of the namespace with the number of sockets in each, in no order. Each socket is in a room of its own.
    pub fn rooms(&self) -> impl Iterator<Item = (&str, usize)> {
        self.place().into_iter().flat_map(|place| place.rooms.iter())
    }

    /// The rooms that a socket is in: that of its own id too.
    pub fn rooms_of(&self, socket: &SocketId) -> impl Iterator<Item = &str> {
        self.place().into_iter().flat_map(|place| place.rooms.of(socket))
    }

    /// The namespaces that somebody has joined.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.sockets.namespaces.keys().map(AsRef::as_ref)
    }

    /// How many clients are connected to the room, whatever namespaces they have joined.
    pub fn clients_count(&self) -> usize {
        self.sockets.clients.len()
    }

    /// What the first request of the socket's client said; `None` where the socket is gone.
    pub fn handshake(&self, socket: &SocketId) -> Option<&Rc<Handshake>> {
        let sid = &self.place()?.sockets.get(socket)?.sid;
        Some(&self.sockets.clients.get(sid)?.handshake)
    }

    /// What the app keeps with a socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self, socket: &SocketId) -> Option<T> {
        parse_data(self.place()?.sockets.get(socket)?.profile.data.as_ref())
    }

    /// Keeps something with a socket, in place of what was kept. It outlives hibernation. A socket that is gone keeps
    /// nothing.
    ///
    /// # Errors
    /// [`IoError::NotJson`] or [`IoError::DataTooLarge`]; what was kept stays.
    pub fn set_data(&mut self, socket: &SocketId, value: &impl Serialize) -> Result<(), IoError> {
        let data = to_raw_value(value)?;
        if data.get().len() > MAX_DATA_BYTES {
            return Err(IoError::DataTooLarge);
        }
        if let Some(found) = self.place_mut().and_then(|place| place.sockets.get_mut(socket)) {
            found.profile.data = Some(data.get().into());
            self.sockets.touch(&self.namespace.clone(), socket);
        }
        Ok(())
    }

    /// The sockets of the namespace whose clients are gone and may come back.
    pub fn away(&self) -> impl Iterator<Item = Away<'_>> {
        self.sockets.recovery.away(&self.namespace)
    }

    /// Runs one statement on the app's own tables, which [`App::schema`](super::App::schema) makes.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then the statement has changed nothing.
    pub fn sql(&self, statement: &str, values: &[Value<'_>]) -> Result<Vec<Row>, IoError> {
        Ok(self.turn.runtime.query(statement, values)?)
    }

    /// The app's values by key.
    pub fn kv(&self) -> Kv<'_> {
        Kv::new(self.turn.runtime, self.services.app)
    }

    /// Stores and sends all that `run` stores and sends, or nothing of it where it fails. Sockets that it moves between
    /// rooms, or whose data it sets, stay as it leaves them.
    ///
    /// # Errors
    /// That of `run`, or [`IoError::Storage`].
    pub fn atomically<T, E: From<IoError>>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let outer = self.sockets.held.replace(Vec::new());
        let runtime = self.turn.runtime;
        let (mut run, mut outcome) = (Some(run), None);
        let kept = runtime.atomically(&mut || {
            outcome = run.take().map(|run| run(self));
            matches!(outcome, Some(Ok(_)))
        });
        let held = std::mem::replace(&mut self.sockets.held, outer).unwrap_or_default();
        if let Err(error) = kept {
            return Err(IoError::from(error).into());
        }
        let value = outcome.unwrap_or_else(|| Err(IoError::Storage("nothing was run".to_owned()).into()))?;
        for Held { to, frames, volatile } in held {
            self.dispatch(to, frames, volatile);
        }
        Ok(value)
    }

    /// Has [`App::scheduled`](super::App::scheduled) called with this name after so long, in place of what was set under
    /// the name. It costs a write, and another one when it is due.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then nothing has changed.
    pub fn schedule(&mut self, name: &str, after: Millis) -> Result<(), IoError> {
        Ok(self.services.schedule.set(self.turn.runtime, &self.namespace, name, self.later(after))?)
    }

    /// The same, but it costs nothing and is forgotten when the object loses its memory: for ticks, which an app starts
    /// again when somebody comes. The room doesn't sleep before it is due.
    pub fn set_timeout(&mut self, name: &str, after: Millis) {
        self.services.schedule.set_timeout(&self.namespace, name, self.later(after));
    }

    /// A timer is never due in the turn that sets it: one that sets itself again at once would keep the turn from its end.
    fn later(&self, after: Millis) -> Millis {
        self.turn.now + after.max(Millis(1))
    }

    /// Forgets the timers of this name.
    ///
    /// # Errors
    /// [`IoError::Storage`]: then one that is stored may come again after a restart.
    pub fn clear_timeout(&mut self, name: &str) -> Result<(), IoError> {
        Ok(self.services.schedule.clear(self.turn.runtime, &self.namespace, name)?)
    }

    /// Puts a socket into a room.
    pub fn join(&mut self, socket: &SocketId, room: &str) {
        self.sockets.enter_room(&self.namespace, socket, room);
    }

    /// Takes a socket out of a room.
    pub fn leave(&mut self, socket: &SocketId, room: &str) {
        self.sockets.leave_room(&self.namespace, socket, room, self.turn.now);
    }

    /// Takes a socket out of the namespace; with `close`, the client's whole connection ends (C11). The app's own
    /// `disconnected` follows when this hook is done.
    pub fn disconnect(&mut self, socket: &SocketId, close: bool) {
        let reason = DisconnectReason::ServerNamespaceDisconnect;
        let namespace = self.namespace.clone();
        let Some(sid) = self.sockets.leave(&namespace, socket, reason, self.turn.now) else {
            return;
        };
        self.say_goodbye(&sid, &namespace);
        if close {
            let others = self.sockets.clients.get(&sid).map(|client| client.joined.clone());
            for (namespace, _) in others.unwrap_or_default() {
                self.say_goodbye(&sid, &namespace);
            }
            self.sockets.remove_client(&sid, reason, self.turn.now);
            self.engine.close(&mut self.turn, &sid);
        }
    }

    fn say_goodbye(&mut self, sid: &Sid, namespace: &str) {
        send(self.engine, &mut self.turn, self.sockets, sid, namespace, &Reply::Disconnect);
    }

    pub(super) fn place(&self) -> Option<&Namespace> {
        self.sockets.namespaces.get(&self.namespace)
    }

    pub(super) fn place_mut(&mut self) -> Option<&mut Namespace> {
        self.sockets.namespaces.get_mut(&self.namespace)
    }

    /// Tells the operator of something that went wrong and that no client can be told of.
    pub fn warn(&self, sentence: &str) {
        self.turn.runtime.warn(sentence);
    }

    /// A socket as it is now.
    pub(super) fn remote(&self, id: SocketId) -> Option<RemoteSocket> {
        let rooms = self.rooms_of(&id).map(str::to_owned).collect();
        let data = self.place()?.sockets.get(&id)?.profile.data.clone();
        let handshake = self.handshake(&id)?.clone();
        Some(RemoteSocket { id, rooms, handshake, data })
    }

    /// Notes a question; gives the id under which it is to be asked.
    pub(super) fn ask(&mut self, asking: Asking<'_>) -> Result<u64, IoError> {
        Ok(self.services.questions.ask(self.turn.runtime, &self.namespace, asking)?)
    }

    /// Notes what is sent, where the app wants to know.
    pub(super) fn note_outgoing(&mut self, event: &str, args: &Args<'_>, to: BTreeSet<SocketId>) {
        if let Some(sent) = &mut self.services.sent {
            sent.push_back(Outgoing {
                namespace: self.namespace.clone(),
                name: event.to_owned(),
                args: args.clone().into_owned(),
                to,
            });
        }
    }

    /// Notes an event for those who may miss it.
    pub(super) fn append(&mut self, logged: &Logged, event: &str, args: &Args<'_>) -> Result<(), IoError> {
        Ok(self.sockets.recovery.log.append(self.turn.runtime, &self.namespace, logged, event, args)?)
    }

    /// A packet to sockets of the namespace: its frames are written once and shared by all receivers.
    pub(super) fn send<'s>(
        &mut self,
        to: impl IntoIterator<Item = &'s SocketId>,
        packet: &Reply<'_>,
        volatile: bool,
    ) -> Result<(), IoError> {
        let frames = self.frames(packet)?;
        self.deliver(to, frames, volatile);
        Ok(())
    }

    pub(super) fn frames(&self, packet: &Reply<'_>) -> Result<Vec<Frame>, IoError> {
        Ok(frames(self.sockets.parser.encode(&self.namespace, packet)?))
    }

    /// Frames to sockets of the namespace, as soon as it is sure that they are to be sent.
    pub(super) fn deliver<'s>(
        &mut self,
        to: impl IntoIterator<Item = &'s SocketId>,
        frames: Vec<Frame>,
        volatile: bool,
    ) {
        let sockets = self.place().map(|place| &place.sockets);
        let carrier = |socket| Some(sockets?.get(socket)?.sid.clone());
        let to: Vec<_> = to.into_iter().filter_map(carrier).collect();
        self.dispatch(to, frames, volatile);
    }

    fn dispatch(&mut self, to: Vec<Sid>, frames: Vec<Frame>, volatile: bool) {
        // Within a larger step that may still fail, it waits for that one's end.
        if let Some(held) = &mut self.sockets.held {
            held.push(Held { to, frames, volatile });
            return;
        }
        for sid in to {
            if volatile {
                self.engine.send_volatile(&mut self.turn, &sid, &frames);
                continue;
            }
            for frame in &frames {
                self.engine.send(&mut self.turn, &sid, frame.clone());
            }
        }
    }
}

/// A packet to one client, whether it has joined the namespace or not.
pub(crate) fn send(
    engine: &mut Engine,
    turn: &mut Turn<'_>,
    sockets: &Sockets,
    sid: &Sid,
    namespace: &str,
    packet: &Reply<'_>,
) {
    // Only what an app made up can be what a parser has no words for: then there is nothing to be told.
    for frame in frames(sockets.parser.encode(namespace, packet).unwrap_or_default()) {
        engine.send(turn, sid, frame);
    }
}

/// Messages as the Engine.IO packets that carry them.
fn frames(messages: Vec<Message>) -> Vec<Frame> {
    let frame = |message| match message {
        Message::Text(text) => engine_io::Packet::Message(text.into()).encode(),
        Message::Binary(bytes) => Frame::Binary(bytes),
    };
    messages.into_iter().map(frame).collect()
}

pub(super) fn parse_data<T: DeserializeOwned>(data: Option<&Rc<str>>) -> Option<T> {
    serde_json::from_str(data?).ok()
}

impl Departed {
    /// What the app had kept with the socket; `None` where it kept nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data.as_ref())
    }
}

impl Away<'_> {
    /// What the app keeps with the socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data)
    }
}
