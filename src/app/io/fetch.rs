//! Requests to other servers.

use std::rc::Rc;

use serde::Serialize;

use super::Io;
use crate::app::data::write_context;
use crate::app::error::{Error, Result};
use crate::app::fetches::Then;
use crate::app::names::FetchName;
use crate::fetch::FetchRequest;

/// A request to another server that is to be sent.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// const QUOTE: FetchName = FetchName::new("quote");
///
/// fn quote(socket: &mut Socket, (): ()) -> Result<NoAnswer> {
///     let request = FetchRequest::get("https://quotes.example.com/today").timeout(Millis(3_000));
///     socket.io.fetch(request).context(&socket.take_ack()).then(QUOTE)?;
///     Ok(NoAnswer)
/// }
///
/// fn quoted(room: &mut Room, fetched: &Fetched) -> Result {
///     let text = match &fetched.outcome {
///         Ok(response) if response.is_ok() => response.text()?,
///         _ => "No quote today.",
///     };
///     match fetched.context::<Option<Ack>>()? {
///         Some(ack) => room.io.answer(ack, text),
///         None => Ok(()),
///     }
/// }
///
/// fn app() -> impl App {
///     Handlers::new().on("quote", quote).on_fetched(QUOTE, quoted)
/// }
/// # app();
/// ```
#[must_use = "nothing happens before it is said what follows"]
pub struct FetchOperator<'a> {
    io: Io<'a>,
    request: FetchRequest,
    context: Result<Option<Rc<str>>>,
}

impl<'a> Io<'a> {
    /// A request to another server, which leaves when the turn is kept. Six are on their way at once; more of them wait.
    pub fn fetch(&self, request: FetchRequest) -> FetchOperator<'a> {
        FetchOperator { io: self.clone(), request, context: Ok(None) }
    }
}

impl FetchOperator<'_> {
    /// Keeps a value for when the answer is there: see [`Fetched::context`](crate::app::Fetched::context).
    pub fn context(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        self.context = write_context(value);
        self
    }

    /// Sends the request. The answer, or why there is none, is handed to
    /// [`Handlers::on_fetched`](crate::app::Handlers::on_fetched) of this name, in a later turn and once. It costs two rows
    /// written, and keeps the room awake.
    ///
    /// # Errors
    /// [`Error::NoHandler`], [`Error::NotJson`], [`Error::Storage`], or [`Error::Internal`] where
    /// [`max_fetches`](crate::config::Config::max_fetches) wait already: then nothing is sent.
    pub fn then(self, then: FetchName) -> Result {
        let (namespace, context) = (self.io.name().clone(), self.context?);
        let room = &mut *self.io.room();
        room.check_name(&namespace, then)?;
        if let Some(why) = self.request.invalid {
            return Err(Error::NotJson(why));
        }
        let then = Then { namespace, name: then.0.into(), context };
        let id = room.fetches.ask(room.host.as_ref(), room.now, then)?;
        room.fetch(id, self.request);
        Ok(())
    }
}
