//! Who somebody is: nicknames as they are typed, and public ids that are made of secret keys.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::problem::Problem;
use super::wire::{KEY_CHARS, MAX_NAME_CHARS, PersonId, Shown};
use crate::app::{Departed, Io};
use crate::ids::{Millis, SocketId};

/// How many bytes of a key's hash make the public id: as many as a socket's id has.
const ID_BYTES: usize = 15;

/// The person who has this key; it's the same one on each socket that shows it.
pub(super) fn person_of(key: &str) -> Result<PersonId, Problem> {
    if !is_token(key, &KEY_CHARS) {
        return Err(Problem::InvalidKey);
    }
    let hash = Sha256::digest(key);
    let head: Vec<_> = hash.into_iter().take(ID_BYTES).collect();
    Ok(PersonId(URL_SAFE_NO_PAD.encode(head)))
}

/// What the chat keeps with a socket.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The nickname; `None` before the socket has joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the person took the nickname: of the names on a person's sockets the youngest holds.
    #[serde(default)]
    pub named: Millis,
    /// Who it is; `None` for a socket without a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// What its client said of itself when it connected last: only what is different the next time is new.
    #[serde(default, skip_serializing_if = "Auth::is_empty")]
    pub auth: Auth,
}

impl Kept {
    /// What is kept with a socket that is connected.
    pub(super) fn with(io: &Io<'_>, socket: &SocketId) -> Self {
        io.data(socket).unwrap_or_default()
    }

    /// Who the socket is, member or not.
    pub(super) fn person(&self, socket: &SocketId) -> PersonId {
        self.person.clone().unwrap_or_else(|| socket.into())
    }

    /// The member behind the socket, if it has joined.
    pub(super) fn member(self, socket: &SocketId) -> Option<Member> {
        let id = self.person(socket);
        Some(Member { id, name: self.name?, named: self.named })
    }
}

/// Somebody who has joined.
#[derive(Debug)]
pub(super) struct Member {
    pub id: PersonId,
    pub name: String,
    /// When the person took the nickname.
    pub named: Millis,
}

impl Member {
    /// The member behind a socket that is connected, if it has joined.
    pub(super) fn of(io: &Io<'_>, socket: &SocketId) -> Option<Self> {
        Kept::with(io, socket).member(socket)
    }

    /// The member behind a socket that is gone, if it had joined.
    pub(super) fn departed(departed: &Departed) -> Option<Self> {
        departed.data::<Kept>()?.member(&departed.id)
    }
}

/// What a client says of itself when it connects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Auth {
    /// The nickname with which it joins at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The person whose key it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
}

impl Auth {
    /// What is shown, if it is right. What isn't text is no nickname and no key, and says so as an empty one would.
    pub(super) fn parse(shown: Option<Shown>) -> Result<Self, Problem> {
        let Shown { name, key } = shown.unwrap_or_default();
        let name = name.map(|name| parse_name(name.as_str().unwrap_or_default()).map(str::to_owned));
        let person = key.map(|key| person_of(key.as_str().unwrap_or_default()));
        Ok(Self { name: name.transpose()?, person: person.transpose()? })
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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

/// Whether the text is a name that clients make up: so many characters of `A–Z a–z 0–9 _ -`.
pub(super) fn is_token(text: &str, chars: &RangeInclusive<usize>) -> bool {
    let legal = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    chars.contains(&text.len()) && text.bytes().all(legal)
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

    #[test]
    fn a_key_has_16_to_64_plain_characters() {
        for good in ["0123456789-_azAZ".to_owned(), "k".repeat(64)] {
            assert!(person_of(&good).is_ok(), "{good}");
        }
        let long = ["k".repeat(15), "k".repeat(65), format!("{} ", "k".repeat(20)), "é".repeat(20), String::new()];
        for bad in long {
            assert_eq!(person_of(&bad), Err(Problem::InvalidKey), "{bad:?}");
        }
    }

    #[test]
    fn a_persons_id_is_the_beginning_of_the_keys_sha_256() {
        // printf 0123456789abcdef | openssl sha256 -binary | head -c 15 | base64 | tr +/ -_
        let id = person_of("0123456789abcdef");
        assert_eq!(id.as_ref().map(PersonId::as_str), Ok("n59REfeyengfHx3d5evC"));
    }
}
