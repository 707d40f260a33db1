//! Why requests are refused, and the answers that say so (1.2).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::outbox::{Frame, HttpResponse};

/// Why a request is refused. Number, sentence and status of each stand in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The transport is missing, unknown or switched off.
    TransportUnknown,
    /// There is no such session, or no longer.
    SessionUnknown,
    /// A session starts with a GET.
    BadMethod,
    /// The request contradicts itself or the session, or can't be read.
    BadRequest(Fault),
    /// The app, or the room, takes no further session; with the sentence to say so (R6).
    Forbidden(Cow<'static, str>),
    /// Neither revision 4 of the protocol, nor 3 where that is allowed.
    UnsupportedProtocol,
}

impl Refusal {
    /// `(HTTP status, code, message)`, as the reference has them.
    pub fn row(&self) -> (u16, u8, &str) {
        match self {
            Self::TransportUnknown => (400, 0, "Transport unknown"),
            Self::SessionUnknown => (400, 1, "Session ID unknown"),
            Self::BadMethod => (400, 2, "Bad handshake method"),
            Self::BadRequest(fault) => (fault.row().0, 3, "Bad request"),
            Self::Forbidden(message) => (403, 4, message),
            Self::UnsupportedProtocol => (400, 5, "Unsupported protocol version"),
        }
    }

    /// What is wrong with the request, where the message doesn't say it.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::TransportUnknown => Some("The parameter transport names none that this server offers."),
            Self::BadRequest(fault) => Some(fault.row().1),
            _ => None,
        }
    }

    /// The answer: JSON with a numeric code, or text where a WebSocket was asked for, and then always 400.
    pub fn reply(&self, upgrade: bool) -> HttpResponse {
        #[derive(Serialize)]
        struct Body<'a> {
            code: u8,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            reason: Option<&'a str>,
        }
        let (status, code, message) = self.row();
        let reason = self.reason();
        let reply = |status, content_type, body: &str| HttpResponse {
            content_type: Some(content_type),
            body: Frame::Text(body.into()),
            ..HttpResponse::empty(status)
        };
        if upgrade {
            let text = reason.map_or(Cow::Borrowed(message), |reason| format!("{message}. {reason}").into());
            return reply(400, "text/html", &text);
        }
        // Plain fields always serialize.
        let body = serde_json::to_string(&Body { code, message, reason }).unwrap_or_default();
        let allow = (status == 405).then(|| ("allow".to_owned(), "GET, POST".to_owned()));
        HttpResponse { headers: allow.into_iter().collect(), ..reply(status, "application/json", &body) }
    }
}

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The `Origin` header has characters that no header may have.
    Origin,
    /// JSONP, which runs scripts from answers.
    Jsonp,
    /// The session is on the other transport.
    Transport,
    /// The session speaks another revision.
    Revision,
    /// `transport=websocket` without `Upgrade: websocket`.
    NoUpgrade,
    /// `transport=polling` with `Upgrade: websocket`.
    PollingUpgrade,
    /// The session has a WebSocket, or tries one out, or ends (U4, W6).
    SecondUpgrade,
    /// A method that no session has.
    Method,
    /// A GET while another one waits (P4).
    SecondGet,
    /// A POST while another one is read (P5).
    SecondPost,
    /// Bytes, which a POST in revision 4 can't have.
    Bytes,
    /// The body has more than [`Config::max_payload`](crate::config::Config::max_payload) bytes (P12).
    TooLarge,
    /// The body didn't arrive, or not in time.
    NoBody,
    /// A packet that can't be read (P8).
    Packet,
    /// A packet that only the other side sends (P9).
    Direction,
    /// The session ended before the request was handled.
    Ended,
}

impl Fault {
    /// The HTTP status, and the sentence.
    pub(super) fn row(self) -> (u16, &'static str) {
        match self {
            Self::Origin => (400, "The Origin header has characters that no header may have."),
            Self::Jsonp => (400, "JSONP is not offered: leave out the parameter j, and use XMLHttpRequest with CORS."),
            Self::Transport => (400, "The session is on another transport than the request."),
            Self::Revision => (400, "The session began with another EIO than the request has."),
            Self::NoUpgrade => {
                (400, "transport=websocket needs a WebSocket handshake: Upgrade: websocket has not arrived.")
            }
            Self::PollingUpgrade => (400, "transport=polling can't be a WebSocket: ask for transport=websocket."),
            Self::SecondUpgrade => (400, "The session has a WebSocket already, or ends."),
            Self::Method => (405, "A session takes GET and POST only."),
            Self::SecondGet => (400, "Another GET of this session was waiting, so the session is closed."),
            Self::SecondPost => (400, "Another POST of this session was being read, so the session is closed."),
            Self::Bytes => {
                (400, "A POST in revision 4 is text, not application/octet-stream, so the session is closed.")
            }
            Self::TooLarge => (413, "The body has more bytes than the maxPayload of the handshake."),
            Self::NoBody => (400, "The body has not arrived, so the session is closed."),
            Self::Packet => (400, "The body has a packet that can't be read, so the session is closed."),
            Self::Direction => {
                (400, "The body has a ping or pong that only the server sends, so the session is closed.")
            }
            Self::Ended => (400, "The session ended before this request was handled."),
        }
    }

    /// The answer over HTTP.
    pub(super) fn reply(self) -> HttpResponse {
        Refusal::BadRequest(self).reply(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_json_with_a_numeric_code_or_plain_text_for_a_websocket() {
        let reply = Refusal::SessionUnknown.reply(false);
        assert_eq!((reply.status, reply.content_type), (400, Some("application/json")));
        assert_eq!(reply.text(), r#"{"code":1,"message":"Session ID unknown"}"#);
        let reply = Refusal::Forbidden("no".into()).reply(false);
        assert_eq!((reply.status, reply.text()), (403, r#"{"code":4,"message":"no"}"#));
        let reply = Refusal::BadRequest(Fault::Transport).reply(false);
        let reason = "The session is on another transport than the request.";
        let body = format!(r#"{{"code":3,"message":"Bad request","reason":"{reason}"}}"#);
        assert_eq!((reply.status, reply.text()), (400, body.as_str()));
        let reply = Refusal::BadRequest(Fault::Revision).reply(true);
        assert_eq!(reply.text(), "Bad request. The session began with another EIO than the request has.");
        let reply = Refusal::BadRequest(Fault::Method).reply(false);
        assert_eq!((reply.status, reply.headers), (405, vec![("allow".to_owned(), "GET, POST".to_owned())]));
        let reply = Refusal::Forbidden("no".into()).reply(true);
        assert_eq!((reply.status, reply.content_type, reply.text()), (400, Some("text/html"), "no"));
    }
}
