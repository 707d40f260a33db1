//! What an app keeps with sockets, read back.

use std::rc::Rc;

use serde::de::DeserializeOwned;

use crate::socket_io::Departed;
use crate::socket_io::recovery::Away;

/// The value that a JSON text is; `None` where it is another one.
pub(super) fn parse_data<T: DeserializeOwned>(data: Option<&Rc<str>>) -> Option<T> {
    serde_json::from_str(data?).ok()
}

impl Departed {
    /// What the app had kept with the socket; `None` where it kept nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data.as_ref())
    }
}

impl Away<'_> {
    /// What the app keeps with the socket; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data)
    }
}
