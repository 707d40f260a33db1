//! What clients are told: each event's name and payload, in one table.
//!
//! No event is told that isn't in it, but for `error`, which the handlers answer with: so `typescript` can't miss one.

use std::marker::PhantomData;

use serde::Serialize;

use super::history::Message;
use super::messages::TutorialMessage;
use super::presence::MemberChange;
use crate::app::{BroadcastOperator, IoError};

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
    pub(super) fn emit(self, to: BroadcastOperator<'_, '_>, payload: &P) -> Result<(), IoError> {
        to.emit(self.name, payload)
    }
}

macro_rules! table {
    ($($(#[doc = $doc:literal])+ $news:ident: $payload:ty = $name:literal;)+) => {
        $($(#[doc = $doc])+ pub(super) const $news: News<$payload> = News { name: $name, payload: PhantomData };)+

        /// The table for clients: tells `row` each event's name, what it means, and its payload's type.
        #[cfg(test)]
        pub(super) fn table(types: &mut super::typescript::Types) -> Vec<super::typescript::Row> {
            vec![$(types.told::<$payload>($name, concat!($($doc, "\n"),+))),+]
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
