//! Apps of handlers that write down what a test wants to know.

use std::cell::RefCell;
use std::rc::Rc;

use roomcast::app::Handlers;
use roomcast::config::Config;

use super::Room;

/// What was written. It outlives restarts of the room, since it is the test's.
pub(crate) type Log = Rc<RefCell<Vec<String>>>;

/// A room whose app has such a log for its state; the app is made anew after each restart.
pub(crate) fn logging(config: Config, app: impl Fn(Handlers<Log>) -> Handlers<Log> + 'static) -> (Log, Room) {
    let log = Log::default();
    let own = log.clone();
    (log, Room::new(config, move || app(Handlers::with(own.clone()))))
}

/// Writes a line.
pub(crate) fn note(log: &Log, line: impl Into<String>) {
    log.borrow_mut().push(line.into());
}
