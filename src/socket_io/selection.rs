//! Who an event is for.

use std::rc::Rc;

/// Everybody in a namespace, or those in some of its rooms, but for those in others.
///
/// It stays a selection until the frames are handed to the sessions: a list of sockets would be out of date in any other
/// object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The namespace.
    pub namespace: Rc<str>,
    /// The rooms; none stands for the whole namespace. A socket's id is a room with just that socket.
    pub to: Vec<Rc<str>>,
    /// The rooms whose sockets are left out.
    pub except: Vec<Rc<str>>,
}

impl Selection {
    /// Everybody in a namespace.
    pub fn all(namespace: Rc<str>) -> Self {
        Self { namespace, to: Vec::new(), except: Vec::new() }
    }

    /// Those in one room.
    pub fn room(namespace: Rc<str>, room: &str) -> Self {
        Self { to: vec![room.into()], ..Self::all(namespace) }
    }
}
