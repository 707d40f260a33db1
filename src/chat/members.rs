//! Those who join: the handlers of `join` and `members`, and of connections.

use super::budget::Budget;
use super::history::{self, Range};
use super::identity::{Auth, Member, parse_name, person_of};
use super::problem::Problem;
use super::state::Chat;
use super::wire::{ANSWER_BYTES, JOINED_PAGE_BYTES, Join, Joined, MembersPage, ReadMembers};
use crate::app::handlers::{Room, Socket};
use crate::app::{Joining, Refusal};

/// A client wants to connect.
pub(super) fn may_connect(room: &mut Room<'_, '_, Chat>, joining: &Joining<'_>) -> Result<(), Refusal> {
    // Asked here, it still knows since when a client was gone that recovers.
    room.app.presence(room.io);
    Ok(Auth::parse(joining.auth()).map(drop)?)
}

/// A client has connected, and joins at once if it has shown a nickname. One that is back may show another than before.
pub(super) fn connected(socket: &mut Socket<'_, '_, Chat>) -> Result<(), Problem> {
    let (auth, recovered) = (Auth::parse(socket.auth())?, socket.recovered);
    let presence = socket.app.presence(socket.io);
    if recovered {
        presence.recovered(socket.io, socket.id, auth)
    } else {
        presence.connected(socket.io, socket.id, auth)
    }
}

/// Somebody joins, or wants to know what a member may know.
pub(super) fn join(socket: &mut Socket<'_, '_, Chat>, Join { name, key, after }: Join) -> Result<Joined, Problem> {
    let name = parse_name(&name)?;
    let person = key.as_deref().map(person_of).transpose()?;
    let mut budget = Budget::new(JOINED_PAGE_BYTES);
    // First what may fail: who isn't answered hasn't joined.
    let page = history::page(socket.io, Range::parse(None, after)?, &mut budget)?;
    let presence = socket.app.presence(socket.io);
    let id = presence.join(socket.io, socket.id, name, person)?;
    let left = ANSWER_BYTES - JOINED_PAGE_BYTES + budget.left();
    let MembersPage { members, more: more_members } = presence.roster(None, Budget::new(left));
    Ok(Joined { id, name: name.to_owned(), members, more_members, page })
}

/// A member reads on who is there, where the answer to `join` had no room for all.
#[allow(clippy::needless_pass_by_value, reason = "handlers are given their payload")]
pub(super) fn members(
    socket: &mut Socket<'_, '_, Chat>,
    ReadMembers { after }: ReadMembers,
) -> Result<MembersPage, Problem> {
    Member::of(socket.io, socket.id).ok_or(Problem::NotJoined)?;
    let presence = socket.app.presence(socket.io);
    Ok(presence.roster(after.as_ref(), Budget::new(ANSWER_BYTES)))
}
