//! Names under which an app is called later.

use std::fmt;
use std::rc::Rc;

use super::error::{Error, Result};
use crate::sorted::SortedSet;

macro_rules! names {
    ($($(#[$docs:meta])+ $type:ident = $variant:ident;)+) => {
        $(
            $(#[$docs])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
            pub struct $type(pub(super) &'static str);

            impl $type {
                /// The name as it is stored: what was set before a release goes to the handler of this name after it.
                pub const fn new(name: &'static str) -> Self {
                    Self(name)
                }
            }

            impl From<$type> for Name {
                fn from(name: $type) -> Self {
                    Self::$variant(name.0)
                }
            }
        )+

        /// A name that an app has a handler for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Name {
            $(
                #[doc = concat!("A [`", stringify!($type), "`].")]
                $variant(&'static str),
            )+
        }
    };
}

names! {
    /// The name of a timer: the same constant sets it ([`Io::timer`](super::Io::timer)) and names its handler
    /// ([`Handlers::on_timer`](super::Handlers::on_timer)).
    ///
    /// ```
    /// use roomcast::app::prelude::*;
    ///
    /// const BELL: TimerName = TimerName::new("bell");
    ///
    /// fn app() -> impl App {
    ///     Handlers::new()
    ///         .on("ring later", |socket, ()| socket.io.timer(BELL).context(socket.id).schedule(Millis(60_000)))
    ///         .on_timer(BELL, |room, asker: SocketId| room.io.to(asker).emit("ring", &()))
    /// }
    /// # app();
    /// ```
    ///
    /// A text in its place, or a name of another kind, doesn't compile, so a name can't be misspelt:
    ///
    /// ```compile_fail
    /// # use roomcast::app::prelude::*;
    /// fn ring(socket: &mut Socket, (): ()) -> Result {
    ///     socket.io.timer("bel").schedule(Millis(60_000))
    /// }
    /// ```
    TimerName = Timer;
    /// The name of what is done with answers: see [`BroadcastOperator::emit_with_ack`](super::BroadcastOperator::emit_with_ack)
    /// and [`Handlers::on_answers`](super::Handlers::on_answers).
    ///
    /// ```
    /// use roomcast::app::prelude::*;
    ///
    /// const VOTES: AnswersName = AnswersName::new("votes");
    ///
    /// fn app() -> impl App {
    ///     Handlers::new()
    ///         .on("vote", |socket, question: String| {
    ///             socket.broadcast().context(&question).emit_with_ack("vote", &question, VOTES)
    ///         })
    ///         .on_answers(VOTES, |room, answers| {
    ///             let yes = answers.get::<bool>().filter(|(_, yes)| *yes).count();
    ///             room.io.emit("result", &(answers.context::<String>()?, yes))
    ///         })
    /// }
    /// # app();
    /// ```
    AnswersName = Answers;
    /// The name of what is done with the answer of another server: see [`FetchOperator::then`](super::FetchOperator::then) and
    /// [`Handlers::on_fetched`](super::Handlers::on_fetched).
    ///
    /// ```
    /// use roomcast::app::prelude::*;
    ///
    /// const TOLD: FetchName = FetchName::new("told");
    ///
    /// fn app() -> impl App {
    ///     Handlers::new()
    ///         .on("tell", |socket, text: String| {
    ///             let request = FetchRequest::post("https://hooks.example.com/room").json(&text);
    ///             socket.io.fetch(request).context(socket.id).then(TOLD)
    ///         })
    ///         .on_fetched(TOLD, |room, fetched| {
    ///             let asker: SocketId = fetched.context()?;
    ///             room.io.to(asker).emit("told", &fetched.response()?.is_ok())
    ///         })
    /// }
    /// # app();
    /// ```
    FetchName = Fetch;
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timer(name) => write!(f, "the timer {name:?}"),
            Self::Answers(name) => write!(f, "the answers {name:?}"),
            Self::Fetch(name) => write!(f, "the fetch {name:?}"),
        }
    }
}

/// Whether a namespace of this name is meant.
pub(super) type Pattern = Rc<dyn Fn(&str) -> bool>;

/// The names that an app has handlers for, by namespace: the first pattern that matches counts.
#[derive(Clone, Default)]
pub struct Names(pub(super) Vec<(Pattern, SortedSet<Name>)>);

impl Names {
    /// Makes sure that an app is never called under a name that it doesn't know.
    ///
    /// # Errors
    /// [`Error::NoHandler`].
    pub(super) fn check(&self, namespace: &str, name: Name) -> Result {
        let found = self.0.iter().find(|(pattern, _)| pattern(namespace));
        if found.is_some_and(|(_, names)| names.contains(&name)) {
            return Ok(());
        }
        Err(Error::NoHandler(format!("{name} in the namespace {namespace:?}")))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, names)| names)).finish()
    }
}
