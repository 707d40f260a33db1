//! What an app keeps with sockets, timers and answers, read back.

use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, Result, not_json};
use crate::javascript;
use crate::socket_io::Departed;
use crate::socket_io::recovery::Away;

/// The value that a JSON text is; `None` where it is another one.
pub(super) fn parse_data<T: DeserializeOwned>(data: Option<&Rc<str>>) -> Option<T> {
    javascript::read(data?).ok()
}

/// A value to be kept with a timer or for answers, as JSON.
///
/// # Errors
/// [`Error::NotJson`].
pub(super) fn write_context(value: &(impl Serialize + ?Sized)) -> Result<Option<Rc<str>>> {
    serde_json::to_string(value).map(|json| Some(json.into())).map_err(not_json)
}

/// What was kept with a timer or for answers; where nothing was kept, what JSON's `null` is: `()`, or `None`.
///
/// # Errors
/// [`Error::Internal`] where it is another value.
pub(super) fn parse_context<T: DeserializeOwned>(context: Option<&Rc<str>>) -> Result<T> {
    javascript::read(context.map_or("null", AsRef::as_ref))
        .map_err(|error| Error::Internal(format!("the context is another value: {error}")))
}

impl Departed {
    /// What the app had kept with the socket; `None` where it kept nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data.as_ref())
    }
}

impl Away {
    /// What the app keeps with the socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data.as_ref())
    }
}
