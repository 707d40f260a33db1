//! What goes over the wire: the payloads of the chat's events, their answers, and their limits.
//!
//! This file uses no other file of the chat, and all others may use it.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::SocketId;

/// The longest nickname, in Unicode characters.
pub(super) const MAX_NAME_CHARS: usize = 32;

/// How long a person's key may be, in characters. Each has 6 bits, so the shortest has 96: nobody guesses it.
pub(super) const KEY_CHARS: RangeInclusive<usize> = 16..=64;

/// The longest message, in Unicode characters.
pub(super) const MAX_MESSAGE_CHARS: usize = 4_000;

/// How long the id may be that a client gives to its message, in characters: a UUID has 36.
pub(super) const CLIENT_ID_CHARS: RangeInclusive<usize> = 1..=64;

/// How many messages a page has at most.
pub(super) const PAGE_MESSAGES: usize = 50;

/// How many bytes of JSON the lists of one answer have at most, messages and members together. What stands around them is
/// less than 1 KB. A list has one entry at least: the longest message has 25 KB, since a control character is six bytes.
pub(super) const ANSWER_BYTES: usize = 65_536;

/// How many of the [`ANSWER_BYTES`] the messages have at most in the answer to `join`; the members get the rest.
pub(super) const JOINED_PAGE_BYTES: usize = ANSWER_BYTES / 4 * 3;

/// What others know a person by: it tells nothing of the person's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
pub(super) struct PersonId(pub String);

impl PersonId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A socket without a key is a person of its own.
impl From<&SocketId> for PersonId {
    fn from(socket: &SocketId) -> Self {
        Self(socket.as_str().to_owned())
    }
}

/// What a client may show when it connects, as `auth`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Auth", optional_fields))]
pub(super) struct Shown {
    /// The nickname with which it joins at once: 1 to 32 characters, not counting blanks around it.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub name: Option<Value>,
    /// The secret that makes all its sockets one person: 16 to 64 characters of `A–Z a–z 0–9 _ -`.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub key: Option<Value>,
}

/// To join the conversation.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub(super) struct Join {
    /// The nickname: 1 to 32 characters, not counting blanks around it.
    pub name: String,
    /// The secret that makes all its sockets one person, if it wasn't shown on connection: 16 to 64 characters of
    /// `A–Z a–z 0–9 _ -`.
    pub key: Option<String>,
    /// The id of the newest message that the client has: then the answer has those after it.
    pub after: Option<u64>,
}

/// The answer to `join`: the conversation as it is.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Joined {
    /// One's own id.
    pub id: PersonId,
    /// One's own nickname, without the blanks around it.
    pub name: String,
    /// Who has joined, oneself too, by id: all, unless `moreMembers` says that there are others.
    pub members: Vec<ListedMember>,
    /// Whether there are more members than the answer has room for: `members` tells who follows the last one.
    #[serde(rename = "moreMembers", skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub more_members: bool,
    /// What was said.
    #[serde(flatten)]
    pub page: Page,
}

/// To go on reading who has joined, where an answer had no room for all.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub(super) struct ReadMembers {
    /// The id of a member: those that follow are wanted.
    pub after: Option<PersonId>,
}

/// Members of the room, as many as fit into an answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct MembersPage {
    /// By id.
    pub members: Vec<ListedMember>,
    /// Whether others follow.
    pub more: bool,
}

/// Somebody who has joined.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct ListedMember {
    /// Who it is.
    pub id: PersonId,
    /// The nickname.
    pub name: String,
    /// Whether all connections were lost, more than ten seconds ago.
    pub away: bool,
}

/// What members hear of a person.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct MemberChange<'a> {
    /// Whom it is about.
    pub id: &'a PersonId,
    /// The nickname, after the change.
    pub name: &'a str,
    /// When it happened, in Unix milliseconds.
    pub time: u64,
}

/// A member's message.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub(super) struct Post {
    /// 1 to 4,000 characters, of which not all are blanks.
    pub text: String,
    /// The client's own id of the message, 1 to 64 characters of `A–Z a–z 0–9 _ -`: what is sent twice is posted once.
    pub id: Option<String>,
}

/// What the server has given a message: the answer to its author.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Posted {
    /// The id that the message has from now on.
    pub id: u64,
    /// When it was stored, in Unix milliseconds.
    pub time: u64,
}

/// To read what was said: the newest messages, or those on one side of a message.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub(super) struct ReadHistory {
    /// The id of a message: those just before it are wanted.
    pub before: Option<u64>,
    /// The id of a message: those just after it are wanted. Not both at once.
    pub after: Option<u64>,
}

/// Messages of the room, 50 at most, and fewer where they are long.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Page {
    /// The oldest first.
    pub messages: Vec<Message<'static>>,
    /// Whether there are more, in the direction that was asked for.
    pub more: bool,
}

/// A message, as `newMessage` and the pages have it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Message<'a> {
    /// Greater than those of all messages of the room before.
    pub id: u64,
    /// When it was stored, in Unix milliseconds.
    pub time: u64,
    /// Who said it.
    pub author: Author<'a>,
    /// What was said.
    pub text: Cow<'a, str>,
}

/// Somebody who said something: a person, or a tutorial's client, which has a name alone.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub(super) struct Author<'a> {
    /// The person's id; none where a tutorial's client spoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(as = "Option<PersonId>"))]
    pub id: Option<Cow<'a, str>>,
    /// The nickname at that time.
    pub name: Cow<'a, str>,
}

/// A message as the tutorial's clients have it, both ways.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct TutorialMessage<'a> {
    /// Whatever name the sender goes by: 1 to 32 characters, not counting blanks around it.
    pub author: Cow<'a, str>,
    /// 1 to 4,000 characters, of which not all are blanks.
    pub message: Cow<'a, str>,
}

/// The answer to `createdMessage`: it was told.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Relayed {}
