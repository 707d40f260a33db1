//! Timers: what is to happen later.

use std::rc::Rc;

use serde::Serialize;

use super::Io;
use crate::app::data::write_context;
use crate::app::error::Result;
use crate::app::names::TimerName;
use crate::app::schedule::TimerKey;
use crate::ids::Millis;

/// A timer that is to be set or cleared.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// const ROUND: TimerName = TimerName::new("round");
///
/// fn start(socket: &mut Socket, quiz: String) -> Result {
///     // One timer for each quiz. It outlives a restart.
///     socket.io.timer(ROUND).key(&quiz).context(&quiz).schedule(Millis(20_000))
/// }
///
/// fn stop(socket: &mut Socket, quiz: String) -> Result {
///     socket.io.timer(ROUND).key(&quiz).clear()
/// }
///
/// fn app() -> impl App {
///     Handlers::new()
///         .on("start", start)
///         .on("stop", stop)
///         .on_timer(ROUND, |room, quiz: String| room.io.emit("over", &quiz))
/// }
/// # app();
/// ```
#[must_use = "nothing happens before it is said what"]
pub struct TimerOperator<'a> {
    io: Io<'a>,
    name: TimerName,
    key: Rc<str>,
    context: Result<Option<Rc<str>>>,
}

impl<'a> Io<'a> {
    /// The timer of this name.
    pub fn timer(&self, name: TimerName) -> TimerOperator<'a> {
        TimerOperator { io: self.clone(), name, key: "".into(), context: Ok(None) }
    }

    /// A timer is never due in the turn that sets it: one that sets itself again at once would keep the turn from its end.
    fn later(&self, after: Millis) -> Millis {
        self.now() + after.max(Millis(1))
    }
}

impl TimerOperator<'_> {
    /// Which of the timers of this name: those with different keys are different timers.
    pub fn key(mut self, key: impl AsRef<str>) -> Self {
        self.key = key.as_ref().into();
        self
    }

    /// What its handler is given.
    pub fn context(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        self.context = write_context(value);
        self
    }

    /// Has the handler called after so long, after a restart too; in place of an earlier timer of the same name and key. It
    /// costs a row written, and another one when it is due.
    ///
    /// # Errors
    /// [`Error::NoHandler`](crate::app::Error::NoHandler), [`Error::NotJson`](crate::app::Error::NotJson), [`Error::Storage`](crate::app::Error::Storage): then nothing has changed.
    pub fn schedule(self, after: Millis) -> Result {
        let at = self.io.later(after);
        let (key, context) = (self.checked()?, self.context?);
        let mut room = self.io.room();
        let host = room.host.clone();
        Ok(room.schedule.set(host.as_ref(), key, at, context)?)
    }

    /// The same, but it costs nothing and is forgotten when the object loses its memory: for ticks, which an app starts
    /// again when somebody comes. The room doesn't sleep before it is due.
    ///
    /// # Errors
    /// [`Error::NoHandler`](crate::app::Error::NoHandler), [`Error::NotJson`](crate::app::Error::NotJson): then nothing has changed.
    pub fn set_timeout(self, after: Millis) -> Result {
        let at = self.io.later(after);
        let (key, context) = (self.checked()?, self.context?);
        self.io.room().schedule.set_timeout(key, at, context);
        Ok(())
    }

    /// Forgets the timer of this name and key, of either kind.
    ///
    /// # Errors
    /// [`Error::Storage`](crate::app::Error::Storage): then one that is stored may come again after a restart.
    pub fn clear(self) -> Result {
        let key = self.checked()?;
        let mut room = self.io.room();
        let host = room.host.clone();
        Ok(room.schedule.clear(host.as_ref(), &key)?)
    }

    fn checked(&self) -> Result<TimerKey> {
        let namespace = self.io.name().clone();
        self.io.room().check_name(&namespace, self.name)?;
        Ok(TimerKey { namespace, name: self.name.0.into(), key: self.key.clone() })
    }
}
