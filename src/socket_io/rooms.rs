//! Who is in which room of a namespace.

use std::collections::HashMap;
use std::rc::Rc;

use crate::ids::SocketId;
use crate::sorted::{SortedMap, SortedSet};

/// Rooms and their members, from both sides. Each socket is in the room of its own id from the start (C8), and a room
/// exists as long as somebody is in it.
#[derive(Debug, Default)]
pub struct Rooms {
    members: HashMap<Rc<str>, SortedSet<SocketId>>,
    joined: SortedMap<SocketId, SortedSet<Rc<str>>>,
}

impl Rooms {
    /// Puts a socket into a room; `false` where it was in it.
    pub fn join(&mut self, socket: &SocketId, room: &str) -> bool {
        let room: Rc<str> = room.into();
        self.members.entry(room.clone()).or_default().insert(socket.clone());
        self.joined.change(socket.clone(), |rooms| rooms.insert(room))
    }

    /// Takes a socket out of a room; `false` where it wasn't in it.
    pub fn leave(&mut self, socket: &SocketId, room: &str) -> bool {
        let Some(rooms) = self.joined.get_mut(socket) else {
            return false;
        };
        let left = rooms.remove(room);
        if let Some(members) = self.members.get_mut(room) {
            members.remove(socket);
            if members.is_empty() {
                self.members.remove(room);
            }
        }
        left
    }

    /// Forgets a socket that has left all its rooms: without a room it still counts as somebody.
    pub fn forget(&mut self, socket: &SocketId) {
        self.joined.remove(socket);
    }

    /// Whether a socket is in a room.
    pub fn contains(&self, socket: &SocketId, room: &str) -> bool {
        self.joined.get(socket).is_some_and(|rooms| rooms.contains(room))
    }

    /// Whether anybody is in this room.
    pub fn has(&self, room: &str) -> bool {
        self.members.contains_key(room)
    }

    /// All rooms with the number of sockets in them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.members.iter().map(|(room, members)| (room.as_ref(), members.len()))
    }

    /// The rooms of a socket.
    pub fn of<'a>(&'a self, socket: &SocketId) -> impl Iterator<Item = &'a str> + use<'a> {
        self.joined.get(socket).into_iter().flatten().map(AsRef::as_ref)
    }

    /// The sockets in any of `to`, each once and in their order, but for those in any of `except`. An empty `to` means everybody.
    pub fn select(&self, to: &[Rc<str>], except: &[Rc<str>]) -> Vec<&SocketId> {
        let members = |room: &Rc<str>| self.members.get(room);
        let excluded: Vec<_> = except.iter().filter_map(members).collect();
        if excluded.iter().any(|room| room.len() == self.joined.len()) {
            return Vec::new();
        }
        let is_meant = |socket: &&SocketId| !excluded.iter().any(|room| room.contains(*socket));
        match to {
            [] => self.joined.keys().filter(is_meant).collect(),
            [room] => members(room).into_iter().flatten().filter(is_meant).collect(),
            rooms => {
                let union: SortedSet<_> = rooms.iter().filter_map(members).flatten().collect();
                union.into_iter().filter(is_meant).collect()
            }
        }
    }
}

/// What happened to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomEvent {
    /// Its first socket is about to join.
    Created,
    /// A socket joined.
    Joined,
    /// A socket left.
    Left,
    /// Its last socket left.
    Deleted,
}

/// Something that happened to a room, which the reference's adapter tells in the same order.
///
/// ```
/// use roomcast::app::RoomEvent;
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new().on_room(|room, change| match change.event {
///         RoomEvent::Joined => room.io.to(&change.room).emit("joined", &change.socket),
///         _ => Ok(()),
///     })
/// }
/// # app();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomChange {
    /// The namespace of the room.
    pub namespace: Rc<str>,
    /// Its name. Each socket is in a room that has the name of its id.
    pub room: Rc<str>,
    /// Who joined or left.
    pub socket: SocketId,
    /// What happened.
    pub event: RoomEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SocketId {
        SocketId::from_wire(text)
    }

    fn select(rooms: &Rooms, to: &[&str], except: &[&str]) -> Vec<String> {
        let list = |names: &[&str]| names.iter().map(|name| Rc::from(*name)).collect::<Vec<_>>();
        let found = rooms.select(&list(to), &list(except));
        found.iter().map(|socket| socket.as_str().to_owned()).collect()
    }

    #[test]
    fn rooms_dedup_and_except_room() {
        let mut rooms = Rooms::default();
        for (socket, room) in [("a", "x"), ("a", "y"), ("b", "x"), ("c", "z")] {
            rooms.join(&id(socket), socket);
            rooms.join(&id(socket), room);
        }
        assert!(!rooms.join(&id("a"), "x"), "joining twice changes nothing");
        assert_eq!(select(&rooms, &[], &[]), ["a", "b", "c"]);
        assert_eq!(select(&rooms, &["x", "y"], &[]), ["a", "b"]);
        assert_eq!(select(&rooms, &["x"], &["y"]), ["b"]);
        assert_eq!(select(&rooms, &[], &["a", "z"]), ["b"]);
        assert_eq!(select(&rooms, &["nobody is here"], &[]), [""; 0]);
    }

    #[test]
    fn a_room_is_gone_with_its_last_member() {
        let mut rooms = Rooms::default();
        rooms.join(&id("a"), "x");
        assert!(rooms.leave(&id("a"), "x"));
        assert!(!rooms.leave(&id("a"), "x"));
        assert!(!rooms.has("x"));
        rooms.join(&id("a"), "y");
        assert_eq!(rooms.iter().collect::<Vec<_>>(), [("y", 1)]);
        assert!(rooms.leave(&id("a"), "y"));
        assert_eq!(select(&rooms, &[], &[]), ["a"]);
        rooms.forget(&id("a"));
        assert_eq!(rooms.of(&id("a")).count(), 0);
        assert!(rooms.members.is_empty() && rooms.joined.is_empty());
    }
}
