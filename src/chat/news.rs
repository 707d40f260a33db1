//! What clients are told: each event's name and payload, in one table.
//!
//! No event is told that isn't in it, but for `error`, which the handlers answer with: so `typescript` can't miss one.

use std::marker::PhantomData;

use serde::Serialize;

use super::wire::{MemberChange, Message, TutorialMessage};
use crate::app::{BroadcastOperator, Io, Result};
use crate::ids::SocketId;

/// The room of those who joined with a nickname.
pub(super) const MEMBERS: &str = "members";

/// The name of an event with such a payload.
pub(super) struct News<P> {
    name: &'static str,
    payload: PhantomData<P>,
}

// Derived, it would be so only for payloads that are.
impl<P> Clone for News<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for News<P> {}

impl<P: Serialize> News<P> {
    /// Sends it.
    pub(super) fn emit(self, to: BroadcastOperator<'_>, payload: &P) -> Result {
        to.emit(self.name, payload)
    }
}

/// Tells those in a room. What can't be stored isn't kept from those who are there: nothing else depends on it.
pub(super) fn tell<P: Serialize>(io: &Io<'_>, room: &str, except: &[SocketId], news: News<P>, payload: &P) {
    let to = except.iter().fold(io.to(room).or_volatile(), BroadcastOperator::except);
    // These values are JSON, and these names aren't reserved.
    let told = news.emit(to, payload);
    debug_assert_eq!(told, Ok(()));
}

/// Reads the table of events.
#[cfg(test)]
pub(super) trait Reader {
    /// An event's name, what it means, and its payload's type.
    fn event<P: ts_rs::TS + 'static>(&mut self, name: &'static str, docs: &'static str);
}

macro_rules! table {
    ($($(#[doc = $doc:literal])+ $news:ident: $payload:ty = $name:literal;)+) => {
        $($(#[doc = $doc])+ pub(super) const $news: News<$payload> = News { name: $name, payload: PhantomData };)+

        /// Tells of each event in the table.
        #[cfg(test)]
        pub(super) fn list(reader: &mut impl Reader) {
            $(reader.event::<$payload>($name, concat!($($doc, "\n"),+));)+
        }
    };
}

table! {
    /// A member spoke; told to all other sockets of members.
    NEW_MESSAGE: Message<'static> = "newMessage";
    /// Somebody spoke by `createdMessage`; told to all others. To those who haven't joined, also what members say.
    NEW_INCOMING_MESSAGE: TutorialMessage<'static> = "newIncomingMessage";
    /// Somebody is new; told to the other members, as all that follows.
    MEMBER_JOINED: MemberChange<'static> = "memberJoined";
    /// Somebody has taken another name, which is in it.
    MEMBER_RENAMED: MemberChange<'static> = "memberRenamed";
    /// Somebody's connection was lost ten seconds ago, and may come back.
    MEMBER_AWAY: MemberChange<'static> = "memberAway";
    /// Somebody who was away is there again.
    MEMBER_BACK: MemberChange<'static> = "memberBack";
    /// Somebody is gone for good.
    MEMBER_LEFT: MemberChange<'static> = "memberLeft";
}
