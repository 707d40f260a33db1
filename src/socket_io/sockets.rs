//! Who is connected: clients, the namespaces, and each client's socket in each namespace that it joined.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use super::decoder::Decoder;
use super::rooms::Rooms;
use crate::config::Parser;
use crate::ids::{Millis, Sid, SocketId};

/// Why a socket is gone; the words are the reference's (1.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The client sent DISCONNECT.
    ClientNamespaceDisconnect,
    /// The app disconnected the socket.
    ServerNamespaceDisconnect,
    /// The connection was closed for a packet that breaks the rules.
    ForcedClose,
    /// The same, of a polling client that hasn't been told yet.
    ForcedServerClose,
    /// The connection ended below; with the reason's own word.
    Transport(&'static str),
}

impl DisconnectReason {
    /// The reference's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
            Self::Transport(reason) => reason,
        }
    }
}

/// One Engine.IO session, as this layer sees it.
#[derive(Debug)]
pub struct Client {
    /// Puts its messages together.
    pub decoder: Decoder,
    /// Its socket in each namespace that it joined.
    pub joined: BTreeMap<Rc<str>, SocketId>,
    /// The namespaces that it was taken out of by the server, and hasn't joined again. What it says to them was on its
    /// way, and is ignored (E12).
    pub dismissed: BTreeSet<Rc<str>>,
    /// When it must have joined a namespace; `None` once it has joined its first (C7).
    pub connect_by: Option<Millis>,
}

/// One client in one namespace.
#[derive(Debug)]
pub struct Socket {
    /// The session that carries it.
    pub sid: Sid,
    /// What the app keeps with it, as JSON.
    pub data: Option<Rc<str>>,
}

/// A socket that is gone, with what the app needs to take leave.
#[derive(Debug)]
pub struct Departed {
    /// Its namespace.
    pub namespace: Rc<str>,
    /// Its id.
    pub id: SocketId,
    /// What the app had kept with it, as JSON.
    pub data: Option<Rc<str>>,
    /// The rooms that it was in.
    pub rooms: Vec<String>,
    /// Why it is gone.
    pub reason: DisconnectReason,
}

/// A namespace that somebody has joined.
#[derive(Debug, Default)]
pub struct Namespace {
    /// The sockets in it.
    pub sockets: BTreeMap<SocketId, Socket>,
    /// The rooms in it.
    pub rooms: Rooms,
    next_ack: u64,
    unanswered: BTreeSet<(SocketId, u64)>,
}

impl Namespace {
    /// A fresh id for an event that wants an answer; one counter a namespace (E3).
    pub fn expect_ack(&mut self, socket: &SocketId) -> u64 {
        let id = self.next_ack;
        self.next_ack = id.wrapping_add(1);
        self.unanswered.insert((socket.clone(), id));
        id
    }

    /// Whether this socket owed that answer; it no longer does.
    pub fn take_ack(&mut self, socket: &SocketId, id: u64) -> bool {
        self.unanswered.remove(&(socket.clone(), id))
    }
}

/// All clients and sockets of a room object.
#[derive(Debug)]
pub struct Sockets {
    /// How their packets are written.
    pub parser: Parser,
    /// The namespaces that somebody has joined.
    pub namespaces: BTreeMap<Rc<str>, Namespace>,
    /// The clients by session.
    pub clients: HashMap<Sid, Client>,
    /// Sessions whose state has changed and isn't kept yet.
    pub changed: BTreeSet<Sid>,
    /// Sockets that are gone and that the app wasn't told about yet.
    pub departed: VecDeque<Departed>,
}

impl Sockets {
    /// Nobody yet.
    pub fn new(parser: Parser) -> Self {
        Self {
            parser,
            namespaces: BTreeMap::new(),
            clients: HashMap::new(),
            changed: BTreeSet::new(),
            departed: VecDeque::new(),
        }
    }

    /// The socket of a client in a namespace.
    pub fn find(&self, sid: &Sid, namespace: &str) -> Option<SocketId> {
        self.clients.get(sid)?.joined.get(namespace).cloned()
    }

    /// Puts a client into a namespace, and into the room of its own id (C8).
    pub fn join(&mut self, sid: &Sid, namespace: &Rc<str>, id: &SocketId) {
        let Some(client) = self.clients.get_mut(sid) else {
            return;
        };
        client.joined.insert(namespace.clone(), id.clone());
        client.dismissed.remove(namespace);
        client.connect_by = None;
        let place = self.namespaces.entry(namespace.clone()).or_default();
        place.rooms.join(id, id.as_str());
        let socket = Socket { sid: sid.clone(), data: None };
        place.sockets.insert(id.clone(), socket);
        self.changed.insert(sid.clone());
    }

    /// Takes a socket out of its namespace; the app is told later. Gives the session that carried it.
    pub fn leave(&mut self, namespace: &Rc<str>, id: &SocketId, reason: DisconnectReason) -> Option<Sid> {
        let place = self.namespaces.get_mut(namespace)?;
        let Socket { sid, data } = place.sockets.remove(id)?;
        let rooms = place.rooms.of(id).map(str::to_owned).collect();
        place.rooms.leave_all(id);
        place.unanswered.retain(|(owing, _)| owing != id);
        if place.sockets.is_empty() {
            self.namespaces.remove(namespace);
        }
        if let Some(client) = self.clients.get_mut(&sid) {
            client.joined.remove(namespace);
            if reason == DisconnectReason::ServerNamespaceDisconnect {
                client.dismissed.insert(namespace.clone());
            }
            self.changed.insert(sid.clone());
        }
        self.departed.push_back(Departed { namespace: namespace.clone(), id: id.clone(), data, rooms, reason });
        Some(sid)
    }

    /// Takes a client out, and so its sockets out of their namespaces.
    pub fn remove_client(&mut self, sid: &Sid, reason: DisconnectReason) {
        if let Some(client) = self.clients.remove(sid) {
            for (namespace, id) in client.joined {
                self.leave(&namespace, &id, reason);
            }
        }
        self.changed.remove(sid);
    }
}
