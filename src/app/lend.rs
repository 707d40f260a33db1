//! How an app's hook gets at the room.
//!
//! Every method of [`Io`](super::Io) borrows the room for itself, and gives it back before it returns: none of them runs a
//! hook or a closure of the app meanwhile. So a hook may hold as many of them as it likes.

use std::cell::{RefCell, RefMut};

use super::state::RoomState;

/// Lends the room for the time of a hook.
///
/// A trait, since a reference to the cell itself would tie the lifetime of what a handler is given to that of the turn: handlers
/// would need two lifetimes in their signatures.
pub(super) trait Lend {
    /// The room, until the guard is dropped.
    fn lend(&self) -> RefMut<'_, RoomState>;
}

impl Lend for RefCell<&mut RoomState> {
    fn lend(&self) -> RefMut<'_, RoomState> {
        // Never borrowed twice: see above.
        RefMut::map(self.borrow_mut(), |room| &mut **room)
    }
}
