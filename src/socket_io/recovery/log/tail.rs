//! The end of the log, as it was read last: after a fault of the network many clients come back at once, and have missed about
//! the same.

use std::rc::Rc;

use crate::ids::Offset;
use crate::socket_io::recovery::{Logged, Replay};

/// The events of a namespace that are in the log behind an offset, as far as they have been read.
#[derive(Debug, Default)]
pub(super) struct Tail {
    namespace: Option<Rc<str>>,
    after: Offset,
    upto: Offset,
    events: Vec<Rc<Replay>>,
    size: usize,
}

impl Tail {
    /// The events of a namespace after `offset`, none of which is read yet.
    pub(super) fn new(namespace: &str, offset: Offset) -> Self {
        Self { namespace: Some(namespace.into()), after: offset, upto: offset, ..Self::default() }
    }

    /// Whether all events of a namespace after `offset` are in it or behind it.
    pub(super) fn covers(&self, namespace: &str, offset: Offset) -> bool {
        self.namespace.as_deref() == Some(namespace) && self.after <= offset
    }

    /// All events up to this one are read.
    pub(super) fn upto(&self) -> Offset {
        self.upto
    }

    /// Adds the next event.
    pub(super) fn push(&mut self, event: Rc<Replay>) {
        self.upto = event.logged.offset;
        self.size = self.size.saturating_add(event.size);
        self.events.push(event);
    }

    /// The bytes that its events take about.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The events after `offset`, oldest first.
    pub(super) fn after(&self, offset: Offset) -> impl Iterator<Item = &Rc<Replay>> {
        let skipped = self.events.partition_point(|event| event.logged.offset <= offset);
        self.events.iter().skip(skipped)
    }
}

/// Those events that a client has missed, as long as they aren't too many.
pub(super) struct Missed<F> {
    /// Whether the client would have got an event.
    pub(super) sees: F,
    /// The most bytes.
    pub(super) most_bytes: usize,
    /// The most events.
    pub(super) most_events: usize,
    pub(super) events: Vec<Rc<Replay>>,
    pub(super) bytes: usize,
}

impl<F: Fn(&Logged) -> bool> Missed<F> {
    /// Looks at the next event.
    pub(super) fn look_at(&mut self, event: &Rc<Replay>) {
        if (self.sees)(&event.logged) {
            self.bytes = self.bytes.saturating_add(event.size);
            self.events.push(event.clone());
        }
    }

    /// Whether they are too many.
    pub(super) fn is_too_much(&self) -> bool {
        self.bytes > self.most_bytes || self.events.len() > self.most_events
    }
}
