//! What a handler returns: the answer to its event.

use serde::Serialize;

use crate::app::error::{Result, not_json};
use crate::app::{Args, Error, Refusal};

/// What a handler may answer: any value with serde. A tuple is several arguments, `()` none, and anything else one, be it
/// `null`. [`NoAnswer`] answers nothing.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// #[derive(Serialize)]
/// struct Point { x: f64, y: f64 }
///
/// fn app() -> impl App {
///     Handlers::new()
///         .on("where", |_, ()| Ok(Point { x: 1.0, y: 2.0 })) // acknowledged with {x: 1, y: 2}
///         .on("both", |_, ()| Ok(("a", 1)))                  // with two arguments
///         .on("next", |_, ()| Ok(None::<Point>))             // with null
/// }
/// # app();
/// ```
pub trait Answer {
    /// The arguments of the answer; `None` where there is no answer.
    ///
    /// # Errors
    /// [`Error::NotJson`].
    fn into_args(self) -> Result<Option<Args<'static>>>;
}

impl<T: Serialize> Answer for T {
    fn into_args(self) -> Result<Option<Args<'static>>> {
        Args::of(&self).map(Some).map_err(not_json)
    }
}

/// What a handler may return: a [`Result`](crate::app::Result) with its [`Answer`], or the [`Error`] by itself, or nothing.
///
/// Nothing is an answer without arguments, as `Ok(())` is.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new()
///         .on("join", |socket, room: String| socket.join(&room))
///         .on("message", |socket, text: String| socket.broadcast().emit("message", &text))
///         .on("half", |_, text: String| Ok(text.parse::<f64>()? / 2.0))
///         .on("fire", |_, ()| Error::new("no_powder", "There is no powder."))
/// }
/// # app();
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler can't return `{Self}`",
    label = "it returns nothing, an `Error`, or `roomcast::app::Result` with its answer",
    note = "`?` converts any other error, where `roomcast::app::Error` is `From` it or it is a `std::error::Error`"
)]
pub trait Outcome {
    /// The arguments of the answer; `None` where there is no answer.
    ///
    /// # Errors
    /// The error to be answered in their stead.
    fn into_answer(self) -> Result<Option<Args<'static>>>;
}

// The only `Result`, so that the compiler knows what `?` in a closure converts into.
impl<T: Answer> Outcome for Result<T> {
    fn into_answer(self) -> Result<Option<Args<'static>>> {
        self?.into_args()
    }
}

impl Outcome for Error {
    fn into_answer(self) -> Result<Option<Args<'static>>> {
        Err(self)
    }
}

impl Outcome for () {
    fn into_answer(self) -> Result<Option<Args<'static>>> {
        Ok(Some(Args::new()))
    }
}

/// No answer at all, though the client may wait for one: as a handler of the reference that never calls its callback.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     // A client that asks for an acknowledgement of "silence" runs into its own timeout.
///     Handlers::new().on("silence", |_, ()| NoAnswer)
/// }
/// # app();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer;

impl Answer for NoAnswer {
    fn into_args(self) -> Result<Option<Args<'static>>> {
        Ok(None)
    }
}

impl Outcome for NoAnswer {
    fn into_answer(self) -> Result<Option<Args<'static>>> {
        Ok(None)
    }
}

/// A client that isn't let in gets the sentence as its error's message, and as data what an answer would have told.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let failure = error.failure();
        let data = serde_json::json!({ "code": failure.code, "message": failure.message });
        Self::new(failure.message).with_data(data)
    }
}
