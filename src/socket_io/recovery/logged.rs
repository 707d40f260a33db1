//! Events as the log has them.

use std::rc::Rc;

use crate::ids::Offset;
use crate::socket_io::args::Args;

/// Who an event was for, and its offset in the log.
#[derive(Debug, Clone, Default)]
pub struct Logged {
    /// Its offset.
    pub offset: Offset,
    /// The rooms that it was sent to; empty for everybody.
    pub to: Vec<Rc<str>>,
    /// The rooms that it wasn't sent to.
    pub except: Vec<Rc<str>>,
}

/// An event that is sent again.
#[derive(Debug)]
pub struct Replay {
    /// Whom it was for.
    pub logged: Logged,
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Args<'static>,
    /// The bytes that it takes about.
    pub size: usize,
}
