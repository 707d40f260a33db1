//! The API for backends that are no Socket.IO clients: what they may ask of a room over plain HTTP, and how it is answered.
//!
//! | call | body or query | answer |
//! |---|---|---|
//! | `POST /api/rooms/<room>/emit` | `{event, args, to, except, namespace}` | `{sockets}` |
//! | `GET /api/rooms/<room>` | | `{connections, namespaces}` |
//! | `DELETE /api/rooms/<room>/sockets/<id>` | `?close=true` | `{disconnected}` |
//!
//! The Worker checks the token ([`authorize`]) and reads the [`Call`] before it wakes the room's object. There the body makes
//! it a [`Command`], which the core carries out. What can't be done is a [`Problem`].

mod answer;
mod body;
mod problem;
mod token;

use crate::ids::{RoomName, SocketId};
use crate::outbox::BodyError;
pub use answer::reply;
pub use body::Emit;
pub use problem::Problem;
pub use token::authorize;

/// Where all paths of the API begin.
const ROOT: &str = "/api/rooms";

/// Whether a path is one for the API to answer.
pub fn owns(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a request's first line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The room that it is about.
    pub room: RoomName,
    action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Emit,
    Count,
    Disconnect { socket: SocketId, close: bool },
}

/// What a room is to do.
#[derive(Debug, Clone)]
pub enum Command {
    /// Sends an event.
    Emit(Emit),
    /// Counts who is there.
    Count,
    /// Takes a socket out of its namespace, and whoever is away is no longer waited for.
    Disconnect {
        /// The socket.
        socket: SocketId,
        /// Whether its client's whole connection ends.
        close: bool,
    },
}

impl Call {
    /// Reads a request's method, path and raw query.
    ///
    /// # Errors
    /// A [`Problem`] where there is no such call.
    #[inline(never)] // The runtime compiles a function when it is first called: clients never call this one.
    pub fn parse(method: &str, path: &str, query: &str) -> Result<Self, Problem> {
        let rest = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/')).ok_or(Problem::UnknownPath)?;
        let (room, rest) = rest.split_once('/').map_or((rest, None), |(room, rest)| (room, Some(rest)));
        let socket = rest.and_then(|rest| rest.strip_prefix("sockets/"));
        let (allowed, mut action) = match (rest, socket) {
            (None, _) => ("GET", Action::Count),
            (Some("emit"), _) => ("POST", Action::Emit),
            (_, Some(id)) if !id.is_empty() && !id.contains('/') => {
                ("DELETE", Action::Disconnect { socket: SocketId::from_wire(id), close: false })
            }
            _ => return Err(Problem::UnknownPath),
        };
        if method != allowed {
            return Err(Problem::WrongMethod(allowed));
        }
        let room = RoomName::from_path(room).map_err(Problem::InvalidRoom)?;
        let queries: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        match (queries.as_slice(), &mut action) {
            ([], _) => {}
            ([(name, value)], Action::Disconnect { close, .. }) if name == "close" => match value.as_ref() {
                "true" => *close = true,
                "false" => *close = false,
                _ => return Err(Problem::InvalidQuery),
            },
            _ => return Err(Problem::InvalidQuery),
        }
        Ok(Self { room, action })
    }

    /// Whether the call wants a body.
    pub fn has_body(&self) -> bool {
        self.action == Action::Emit
    }

    /// The whole command; a body that isn't wanted is passed over.
    ///
    /// # Errors
    /// A [`Problem`] where the body isn't what the call wants.
    #[inline(never)] // The runtime compiles a function when it is first called: clients never call this one.
    pub fn command(self, body: Result<&[u8], BodyError>) -> Result<Command, Problem> {
        Ok(match self.action {
            Action::Emit => Command::Emit(Emit::parse(body?)?),
            Action::Count => Command::Count,
            Action::Disconnect { socket, close } => Command::Disconnect { socket, close },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::InvalidRoomName;

    #[test]
    fn what_lies_below_the_root_is_the_apis() {
        let table = [
            ("/api/rooms", true),
            ("/api/rooms/", true),
            ("/api/rooms/tea/nothing/here", true),
            ("/api/roomsandmore", false),
            ("/api/room", false),
            ("/api/socket", false),
            ("/r/api/rooms/tea", false),
            ("", false),
        ];
        for (path, own) in table {
            assert_eq!(owns(path), own, "{path}");
        }
    }

    #[test]
    fn a_first_line_is_a_call_or_a_problem() {
        let call = |action| RoomName::parse("tea").map(|room| Call { room, action }).map_err(Problem::InvalidRoom);
        let kick = |id, close| call(Action::Disconnect { socket: SocketId::from_wire(id), close });
        let no_room = || Err(Problem::InvalidRoom(InvalidRoomName));
        let table = [
            ("GET /api/rooms/tea", call(Action::Count)),
            ("GET /api/rooms/tea?", call(Action::Count)),
            ("POST /api/rooms/tea/emit", call(Action::Emit)),
            ("DELETE /api/rooms/tea/sockets/a-_0", kick("a-_0", false)),
            ("DELETE /api/rooms/tea/sockets/emit?close=false", kick("emit", false)),
            ("DELETE /api/rooms/tea/sockets/é?close=true", kick("é", true)),
            ("DELETE /api/rooms/tea/sockets/a?cl%6Fse=tru%65", kick("a", true)),
            ("GET /api/rooms", Err(Problem::UnknownPath)),
            ("GET /api/rooms/tea/", Err(Problem::UnknownPath)),
            ("GET /api/rooms/tea/rooms", Err(Problem::UnknownPath)),
            ("POST /api/rooms/tea/emit/", Err(Problem::UnknownPath)),
            ("POST /api/rooms/tea/emit/x", Err(Problem::UnknownPath)),
            ("DELETE /api/rooms/tea/sockets", Err(Problem::UnknownPath)),
            ("DELETE /api/rooms/tea/sockets/", Err(Problem::UnknownPath)),
            ("DELETE /api/rooms/tea/sockets/a/b", Err(Problem::UnknownPath)),
            ("DELETE /elsewhere", Err(Problem::UnknownPath)),
            ("POST /api/rooms/tea", Err(Problem::WrongMethod("GET"))),
            ("HEAD /api/rooms/tea", Err(Problem::WrongMethod("GET"))),
            ("GET /api/rooms/tea/emit", Err(Problem::WrongMethod("POST"))),
            ("OPTIONS /api/rooms/tea/sockets/a", Err(Problem::WrongMethod("DELETE"))),
            ("GET /api/rooms/", no_room()),
            ("GET /api/rooms/a.b", no_room()),
            ("POST /api/rooms//emit", no_room()),
            ("DELETE /api/rooms/a%20b/sockets/a", no_room()),
            ("GET /api/rooms/tea?close=true", Err(Problem::InvalidQuery)),
            ("POST /api/rooms/tea/emit?x", Err(Problem::InvalidQuery)),
            ("DELETE /api/rooms/tea/sockets/a?close", Err(Problem::InvalidQuery)),
            ("DELETE /api/rooms/tea/sockets/a?close=1", Err(Problem::InvalidQuery)),
            ("DELETE /api/rooms/tea/sockets/a?closed=true", Err(Problem::InvalidQuery)),
            ("DELETE /api/rooms/tea/sockets/a?close=true&close=true", Err(Problem::InvalidQuery)),
        ];
        for (line, expected) in table {
            let (method, url) = line.split_once(' ').unwrap();
            let (path, query) = url.split_once('?').unwrap_or((url, ""));
            assert_eq!(Call::parse(method, path, query), expected, "{line}");
        }
    }

    #[test]
    fn only_an_emit_looks_at_the_body() {
        for (line, wants) in [("GET tea", false), ("POST tea/emit", true), ("DELETE tea/sockets/a", false)] {
            let (method, path) = line.split_once(' ').unwrap();
            let path = format!("{ROOT}/{path}");
            for (body, problem) in [
                (Ok(&b"{"[..]), Problem::NotJson),
                (Err(BodyError::TooLarge), Problem::TooLarge),
                (Err(BodyError::Aborted), Problem::Incomplete),
            ] {
                let call = Call::parse(method, &path, "").unwrap();
                assert_eq!(call.command(body).err(), wants.then_some(problem), "{line}");
            }
        }
    }
}
