//! What a handler returns: the answer to its event, or why there is none.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;

use crate::app::{Args, IoError, Refusal};

/// Why an event isn't carried out, as its sender is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// A word for programs.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: Cow<'static, str>,
}

impl Failure {
    /// The room's storage takes or gives nothing.
    pub const STORAGE: Self = Self {
        code: Cow::Borrowed("storage"),
        message: Cow::Borrowed("The room can't store this now, so nobody got it."),
    };

    /// The fault is the app's own.
    pub const INTERNAL: Self =
        Self { code: Cow::Borrowed("internal"), message: Cow::Borrowed("The room failed to do this.") };

    /// A failure with this word and this sentence.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

/// What the app itself did wrong is nobody else's business.
impl From<IoError> for Failure {
    fn from(error: IoError) -> Self {
        match error {
            IoError::Storage(_) => Self::STORAGE,
            IoError::ReservedName | IoError::NotJson(_) | IoError::DataTooLarge => Self::INTERNAL,
        }
    }
}

/// A client that isn't let in gets the sentence as its error's message, and as data what an answer would have told.
impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let Failure { code, message } = failure;
        let data = json!({ "code": code, "message": message });
        Self::new(message).with_data(data)
    }
}

/// What a handler may return.
///
/// `()` is an answer without arguments. `Ok` is the answer with this one argument, or without any where that is `null`.
/// `Err` is answered with the failure, and so is a [`Failure`] by itself. A closure with `?` in it has to say what its error
/// is, as in `Ok::<_, IoError>(x)`; a function does so by its signature.
pub trait Outcome {
    /// The arguments of the answer.
    ///
    /// # Errors
    /// The [`Failure`] to be answered in their stead.
    fn into_answer(self) -> Result<Args<'static>, Failure>;
}

impl Outcome for () {
    fn into_answer(self) -> Result<Args<'static>, Failure> {
        Ok(Args::new())
    }
}

impl Outcome for Failure {
    fn into_answer(self) -> Result<Args<'static>, Failure> {
        Err(self)
    }
}

impl<T: Serialize, E: Into<Failure>> Outcome for Result<T, E> {
    fn into_answer(self) -> Result<Args<'static>, Failure> {
        let args = Args::of(&self.map_err(Into::into)?).map_err(IoError::from)?;
        let is_null = args.json(0).is_none_or(|value| value.get() == "null");
        Ok(if is_null { Args::new() } else { args })
    }
}
