//! What an app keeps with a socket in memory alone.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// Values by type, for as long as the object keeps its memory and the socket isn't gone for good: what is cheap to make again,
/// such as a parsed profile or the time of the last message. They are never written anywhere, and a step that fails doesn't
/// take them back.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// #[derive(Clone, Copy)]
/// struct LastSeen(Millis);
///
/// fn message(socket: &mut Socket, text: String) -> Result {
///     let (now, extensions) = (socket.io.now(), socket.extensions());
///     if extensions.get::<LastSeen>().is_some_and(|last| now.since(last.0) < Millis(1_000)) {
///         return Err(Error::new("too_fast", "One message a second."));
///     }
///     extensions.insert(LastSeen(now));
///     socket.broadcast().emit("message", &text)
/// }
/// # let _: Handlers = Handlers::new().on("message", message);
/// ```
#[derive(Default)]
pub struct Extensions(RefCell<BTreeMap<TypeId, Rc<dyn Any>>>);

impl Extensions {
    /// Keeps a value, in place of another one of its type.
    pub fn insert<T: 'static>(&self, value: T) {
        let before = self.0.borrow_mut().insert(TypeId::of::<T>(), Rc::new(value));
        drop(before);
    }

    /// The value of this type. What is large, or changes in place, is best kept as an `Rc`.
    pub fn get<T: Clone + 'static>(&self) -> Option<T> {
        let value = self.0.borrow().get(&TypeId::of::<T>())?.clone();
        value.downcast_ref::<T>().cloned()
    }

    /// Forgets the value of this type.
    pub fn remove<T: 'static>(&self) {
        let before = self.0.borrow_mut().remove(&TypeId::of::<T>());
        drop(before);
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({} values)", self.0.borrow().len())
    }
}
