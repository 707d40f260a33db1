//! What can't be done, and how it is said: the status, the code and the sentence of each problem.

use std::borrow::Cow;

use serde::Serialize;

use super::answer::reply;
use crate::app;
use crate::ids::InvalidRoomName;
use crate::outbox::{BodyError, HttpResponse, RETRY_AFTER_SECONDS};

/// Why a request isn't done. Those about the request itself are its sender's to mend; the last four are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The deployment has no token.
    Off,
    /// The request shows no token, or another one.
    Unauthorized,
    /// No call has such a path.
    UnknownPath,
    /// The path has another method, which this names.
    WrongMethod(&'static str),
    /// The path names no room.
    InvalidRoom(InvalidRoomName),
    /// The query says what the call doesn't know.
    InvalidQuery,
    /// The body is larger than a payload may be.
    TooLarge,
    /// The body broke off.
    Incomplete,
    /// The body is no JSON.
    NotJson,
    /// The body is other JSON than the call wants.
    InvalidBody,
    /// `to` is a list without anybody.
    ToNobody,
    /// The event's name means something to the clients themselves.
    ReservedName,
    /// The arguments have no form in which the room's packets are written.
    InvalidArgs,
    /// The app has no such namespace.
    UnknownNamespace,
    /// Nobody has such a socket.
    UnknownSocket,
    /// The room speaks Engine.IO alone.
    NoSocketIo,
    /// The room can't store what was to be done; with the reason.
    Storage(String),
    /// The room can't start with its settings; with the reason.
    Broken(String),
    /// The room could not start this time; with the reason.
    Unavailable(String),
}

impl Problem {
    /// The table.
    fn told(&self) -> (u16, &'static str, Cow<'static, str>) {
        let (status, code, sentence) = match self {
            Self::Off => (404, "api_off", "The API is off: the secret API_TOKEN turns it on."),
            Self::Unauthorized => (401, "unauthorized", "This wants the header `Authorization: Bearer <API_TOKEN>`."),
            Self::UnknownPath => (404, "unknown_path", "The API has no such path."),
            Self::WrongMethod(_) => {
                (405, "wrong_method", "This path has another method, which the header `Allow` names.")
            }
            Self::InvalidRoom(error) => return (400, "invalid_room", error.to_string().into()),
            Self::InvalidQuery => {
                (400, "invalid_query", "The only query is `close=true` or `close=false`, of a DELETE.")
            }
            Self::TooLarge => (413, "too_large", "The body has more bytes than the setting MAX_PAYLOAD_BYTES allows."),
            Self::Incomplete => (400, "incomplete", "The body broke off."),
            Self::NotJson => (400, "not_json", "The body is not JSON in UTF-8."),
            Self::InvalidBody => (400, "invalid_body", INVALID_BODY),
            Self::ToNobody => (400, "to_nobody", "`to` is an empty list; it is left out where everybody is meant."),
            Self::ReservedName => (400, "reserved_name", "An event can't have a name that means something to clients."),
            Self::InvalidArgs => (400, "invalid_args", "The arguments can't be written into a packet."),
            Self::UnknownNamespace => (404, "unknown_namespace", "The room has no such namespace."),
            Self::UnknownSocket => (404, "unknown_socket", "The room has no such socket."),
            Self::NoSocketIo => (404, "no_socket_io", "This room has no Socket.IO."),
            Self::Storage(why) => {
                return (507, "storage", format!("The room can't store it, so it isn't done: {why}.").into());
            }
            Self::Broken(why) => return (500, "broken", why.clone().into()),
            Self::Unavailable(why) => {
                return (503, "unavailable", format!("The room can't do it just now, so it isn't done: {why}.").into());
            }
        };
        (status, code, sentence.into())
    }

    /// The answer that says so.
    pub fn reply(&self) -> HttpResponse {
        let (status, code, message) = self.told();
        let header = match self {
            Self::Unauthorized => Some(("WWW-Authenticate", "Bearer")),
            Self::WrongMethod(allowed) => Some(("Allow", *allowed)),
            Self::Unavailable(_) => Some(("Retry-After", RETRY_AFTER_SECONDS)),
            _ => None,
        };
        let headers = header.map(|(name, value)| (name.to_owned(), value.to_owned()));
        HttpResponse {
            headers: headers.into_iter().collect(),
            ..reply(status, &Told { error: Error { code, message: &message } })
        }
    }
}

const INVALID_BODY: &str = "The body must be an object with `event`, a text, and, where wanted, `args`, a list, \
    `to` and `except`, each a text or a list of texts, and `namespace`, a text.";

/// A problem as JSON.
#[derive(Serialize)]
struct Told<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Aborted => Self::Incomplete,
        }
    }
}

impl From<app::Error> for Problem {
    fn from(error: app::Error) -> Self {
        match error {
            app::Error::ReservedName => Self::ReservedName,
            app::Error::Storage(why) => Self::Storage(why),
            // What else there is, is about values.
            _ => Self::InvalidArgs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_is_one_sentence_in_json() {
        let why = || "why".to_owned();
        let all = [
            Problem::Off,
            Problem::Unauthorized,
            Problem::UnknownPath,
            Problem::WrongMethod("GET"),
            Problem::InvalidRoom(InvalidRoomName),
            Problem::InvalidQuery,
            Problem::TooLarge,
            Problem::Incomplete,
            Problem::NotJson,
            Problem::InvalidBody,
            Problem::ToNobody,
            Problem::ReservedName,
            Problem::InvalidArgs,
            Problem::UnknownNamespace,
            Problem::UnknownSocket,
            Problem::NoSocketIo,
            Problem::Storage(why()),
            Problem::Unavailable(why()),
        ];
        let mut codes = std::collections::BTreeSet::new();
        for problem in all {
            let reply = problem.reply();
            let json: serde_json::Value = serde_json::from_str(reply.text()).unwrap();
            let [code, message] = ["code", "message"].map(|name| json["error"][name].as_str().unwrap().to_owned());
            assert!(codes.insert(code), "{problem:?} has the code of another one");
            assert!(message.ends_with('.') && !message.contains('\n'), "{message}");
            assert_eq!(reply.content_type, Some("application/json"));
            assert!((400..600).contains(&reply.status) && reply.no_store);
            let header = match problem {
                Problem::Unauthorized => vec![("WWW-Authenticate".to_owned(), "Bearer".to_owned())],
                Problem::WrongMethod(_) => vec![("Allow".to_owned(), "GET".to_owned())],
                Problem::Unavailable(_) => vec![("Retry-After".to_owned(), "1".to_owned())],
                _ => Vec::new(),
            };
            assert_eq!(reply.headers, header);
        }
    }
}
