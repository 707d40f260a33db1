//! Who is there: nicknames, the roster, who comes and goes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::Problem;
use super::{MEMBERS, reply};
use crate::app::{Departed, Io, IoError};
use crate::ids::SocketId;

/// The longest nickname, in Unicode characters.
pub(super) const MAX_NAME_CHARS: usize = 32;

/// `join`.
#[derive(Deserialize)]
pub(super) struct Join {
    name: String,
}

/// What the chat keeps with a socket that has joined.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
}

/// Somebody who has joined.
#[derive(Debug, Serialize)]
pub(super) struct Member {
    /// The socket's id.
    pub id: String,
    /// The nickname.
    pub name: String,
}

impl Member {
    /// The member behind a socket, if it has joined.
    pub(super) fn of(io: &Io<'_>, socket: &SocketId) -> Option<Self> {
        let Kept { name } = io.data(socket)?;
        Some(Self { id: socket.to_string(), name })
    }
}

/// The answer to `join`.
#[derive(Serialize)]
struct Joined<'a> {
    id: &'a str,
    name: &'a str,
    members: Vec<Member>,
}

/// `memberJoined`, `memberRenamed` and `memberLeft`.
#[derive(Serialize)]
struct Change<'a> {
    id: &'a str,
    name: &'a str,
    time: u64,
}

/// A socket joins with a nickname, or takes another one.
pub(super) fn join(io: &mut Io<'_>, socket: &SocketId, join: &Join) -> Result<Value, Problem> {
    let name = parse_name(&join.name)?;
    let before = Member::of(io, socket);
    io.set_data(socket, &Kept { name: name.to_owned() })?;
    let event = match before {
        None => {
            io.join(socket, MEMBERS);
            Some("memberJoined")
        }
        Some(before) => (before.name != name).then_some("memberRenamed"),
    };
    if let Some(event) = event {
        let change = Change { id: socket.as_str(), name, time: io.now().0 };
        io.to(MEMBERS).except(socket).emit(event, &change)?;
    }
    let members = io.sockets().filter_map(|socket| Member::of(io, socket)).collect();
    reply(&Joined { id: socket.as_str(), name, members })
}

/// A socket is gone; the members learn of it if it had joined.
pub(super) fn left(io: &mut Io<'_>, departed: &Departed) -> Result<(), IoError> {
    let Some(Kept { name }) = departed.data() else {
        return Ok(());
    };
    let change = Change { id: departed.id.as_str(), name: &name, time: io.now().0 };
    io.to(MEMBERS).emit("memberLeft", &change)
}

/// The nickname in what a person typed.
pub(super) fn parse_name(text: &str) -> Result<&str, Problem> {
    let name = text.trim();
    // Counting stops where the answer is clear.
    if name.is_empty() || name.chars().nth(MAX_NAME_CHARS).is_some() {
        return Err(Problem::InvalidName);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_has_1_to_32_characters_after_trimming() {
        let longest = "😀".repeat(32);
        let padded = format!("  {longest}\n");
        assert_eq!(parse_name(&padded), Ok(longest.as_str()));
        assert_eq!(parse_name(&"x".repeat(33)), Err(Problem::InvalidName));
        assert_eq!(parse_name(" \t "), Err(Problem::InvalidName));
    }
}
