//! From a request to what it asks for: the query, and the checks in the reference's order (R4).

use serde::Serialize;

use super::packet::Packet;
use super::protocol::{Kind, Revision};
use super::refusal::{Fault, Refusal};
use crate::config::{Config, Transports};
use crate::ids::{ConnId, Sid};
use crate::outbox::{Frame, HttpResponse, Request};

/// What the query says (R2). What stands there twice counts the last time, as in the reference.
#[derive(Debug, Default)]
pub struct Query {
    /// `EIO`, the protocol's revision, where it is one that there is; without any it is 3 (R3).
    pub revision: Option<Revision>,
    /// `transport`.
    pub transport: Option<String>,
    /// `sid`.
    pub sid: Option<Sid>,
    /// `b64`: the client takes text only (P13).
    pub base64: bool,
    /// `j`: the client wants scripts for answers (P14).
    pub jsonp: bool,
}

impl Query {
    /// Reads a raw query; unknown names are the app's and are left alone.
    pub fn parse(raw: &str) -> Self {
        let mut query = Self { revision: Some(Revision::V3), ..Self::default() };
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            match name.as_ref() {
                "EIO" => query.revision = Revision::parse(&value),
                "transport" => query.transport = Some(value.into_owned()),
                // An empty one counts as none, as in the reference.
                "sid" => query.sid = (!value.is_empty()).then(|| Sid::from_wire(&value)),
                "b64" => query.base64 = !value.is_empty(),
                "j" => query.jsonp = true,
                _ => {}
            }
        }
        query
    }
}

/// What a request that passed the checks wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new session.
    Open {
        /// The transport that it starts on.
        kind: Kind,
        /// The revision that it wants to speak; whether it may is not checked yet.
        revision: Option<Revision>,
        /// Whether the client takes text only.
        base64: bool,
    },
    /// Something of an existing session, over HTTP.
    Poll(Sid),
    /// To carry an existing session on over this WebSocket.
    Upgrade {
        /// The session.
        sid: Sid,
        /// Whether the client takes text only on this WebSocket.
        base64: bool,
    },
}

/// A request that waits for the layer above to let it in.
#[derive(Debug)]
pub(super) struct Opening {
    pub conn: ConnId,
    pub kind: Kind,
    /// `None` where the protocol has no such revision.
    pub revision: Option<Revision>,
    pub base64: bool,
    pub upgrade: bool,
}

/// The answer to a request that is refused whatever sessions a room has, so that no room is woken for it; `None` where the room
/// must be asked. A `HEAD` of a session is refused too, because it would read nothing.
pub fn refuse_unasked(request: &Request<'_>, query: &Query, offered: Transports) -> Option<HttpResponse> {
    if query.sid.is_some() {
        return (request.method == "HEAD").then(|| Fault::Method.reply());
    }
    verify(request, query, offered, |_| None).err().map(|refusal| refusal.reply(request.upgrade))
}

/// Checks a request with this query in the order of the reference (R4). `offered` are the server's transports; `current` tells transport and
/// revision of a session by its id.
///
/// # Errors
/// The [`Refusal`] of the first check that fails.
pub(super) fn verify(
    request: &Request<'_>,
    query: &Query,
    offered: Transports,
    current: impl Fn(&Sid) -> Option<(Kind, Revision)>,
) -> Result<Purpose, Refusal> {
    let base64 = query.base64;
    let named = query.transport.as_deref().unwrap_or_default();
    let kind = Kind::parse(named, offered).ok_or(Refusal::TransportUnknown)?;
    let wrong = |fault| Err(Refusal::BadRequest(fault));
    if request.origin.is_some_and(|origin| !is_header_text(origin)) {
        return wrong(Fault::Origin);
    }
    if query.jsonp && kind == Kind::Polling {
        return wrong(Fault::Jsonp);
    }
    if let Some(sid) = query.sid.clone() {
        let (current, revision) = current(&sid).ok_or(Refusal::SessionUnknown)?;
        // Anything but 4 counts as 3 here (R3); mixing revisions is a mismatch like that of transports (U10).
        let asked = query.revision.unwrap_or(Revision::V3);
        return match (request.upgrade, kind) {
            (false, Kind::WebSocket) => wrong(Fault::NoUpgrade),
            (false, kind) if current != kind => wrong(Fault::Transport),
            _ if asked != revision => wrong(Fault::Revision),
            (true, Kind::Polling) => wrong(Fault::PollingUpgrade),
            (true, Kind::WebSocket) => Ok(Purpose::Upgrade { sid, base64 }),
            (false, Kind::Polling) => Ok(Purpose::Poll(sid)),
        };
    }
    if request.method != "GET" {
        return Err(Refusal::BadMethod);
    }
    match (request.upgrade, kind) {
        (false, Kind::WebSocket) => return wrong(Fault::NoUpgrade),
        // The reference accepts that WebSocket and closes it. Here the runtime would keep the connection of a client that
        // doesn't answer the close, and nobody would count it.
        (true, Kind::Polling) => return wrong(Fault::PollingUpgrade),
        _ => {}
    }
    Ok(Purpose::Open { kind, revision: query.revision, base64 })
}

/// Whether a header has only characters that a header may have.
fn is_header_text(value: &str) -> bool {
    value.chars().all(|c| matches!(c, '\t' | ' '..='~' | '\u{80}'..='\u{ff}'))
}

/// The data of the `open` packet: exactly these five keys (H1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Open<'a> {
    sid: &'a str,
    upgrades: &'a [&'a str],
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: usize,
}

/// The `open` packet of a session (H1, H2).
pub(super) fn open_packet(sid: &Sid, kind: Kind, config: &Config) -> Frame {
    let data = Open {
        sid: sid.as_str(),
        upgrades: match kind {
            Kind::Polling if config.transports.websocket => &["websocket"],
            _ => &[],
        },
        ping_interval: config.ping_interval.0,
        ping_timeout: config.ping_timeout.0,
        max_payload: config.max_payload,
    };
    // Strings and numbers always serialize.
    let data = serde_json::to_string(&data).unwrap_or_default();
    Packet::Open(data.into()).encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, query: &str, upgrade: bool) -> Result<Purpose, Refusal> {
        let request = Request { method, query, upgrade, ..Request::default() };
        verify(&request, &Query::parse(query), Transports::default(), |sid| match sid.as_str() {
            "polling" => Some((Kind::Polling, Revision::V4)),
            "websocket" => Some((Kind::WebSocket, Revision::V4)),
            "old" => Some((Kind::Polling, Revision::V3)),
            _ => None,
        })
    }

    fn open(kind: Kind, revision: Option<Revision>, base64: bool) -> Result<Purpose, Refusal> {
        Ok(Purpose::Open { kind, revision, base64 })
    }

    #[test]
    fn r4_r5_requests_are_judged_in_the_references_order() {
        use Fault::{Jsonp, NoUpgrade, PollingUpgrade, Revision as Eio, Transport};
        use Refusal::*;
        let v4 = Some(Revision::V4);
        let sid = |text| Sid::from_wire(text);
        let table = [
            ("GET", "EIO=4&transport=polling", false, open(Kind::Polling, v4, false)),
            ("GET", "t=x&EIO=4&transport=websocket&b64=1", true, open(Kind::WebSocket, v4, true)),
            ("GET", "EIO=4&transport=polling&sid=polling", false, Ok(Purpose::Poll(sid("polling")))),
            ("PUT", "EIO=4&transport=polling&sid=polling", false, Ok(Purpose::Poll(sid("polling")))),
            (
                "GET",
                "EIO=4&transport=websocket&sid=polling",
                true,
                Ok(Purpose::Upgrade { sid: sid("polling"), base64: false }),
            ),
            ("GET", "EIO=4", false, Err(TransportUnknown)),
            ("POST", "EIO=3&transport=webtransport&sid=nobody", false, Err(TransportUnknown)),
            ("GET", "EIO=4&transport=__proto__", false, Err(TransportUnknown)),
            ("GET", "EIO=4&transport=constructor", true, Err(TransportUnknown)),
            ("GET", "EIO=4&transport=polling&sid=nobody", false, Err(SessionUnknown)),
            ("GET", "EIO=4&transport=polling&sid=__proto__", false, Err(SessionUnknown)),
            ("GET", "EIO=4&transport=polling&sid=", false, open(Kind::Polling, v4, false)),
            ("GET", "EIO=4&transport=polling", true, Err(BadRequest(PollingUpgrade))),
            ("GET", "EIO=4&transport=polling&sid=polling", true, Err(BadRequest(PollingUpgrade))),
            ("GET", "EIO=4&transport=polling&sid=nobody", true, Err(SessionUnknown)),
            ("GET", "EIO=3&transport=polling&sid=old", true, Err(BadRequest(PollingUpgrade))),
            ("GET", "EIO=4&transport=polling&sid=websocket", false, Err(BadRequest(Transport))),
            ("GET", "EIO=4&transport=websocket&sid=polling", false, Err(BadRequest(NoUpgrade))),
            ("GET", "EIO=3&transport=polling&sid=polling", false, Err(BadRequest(Eio))),
            ("POST", "EIO=4&transport=polling", false, Err(BadMethod)),
            ("OPTIONS", "EIO=4&transport=polling", false, Err(BadMethod)),
            ("GET", "EIO=4&transport=websocket", false, Err(BadRequest(NoUpgrade))),
            ("GET", "EIO=3&transport=polling&sid=old", false, Ok(Purpose::Poll(sid("old")))),
            ("GET", "transport=polling&sid=old", false, Ok(Purpose::Poll(sid("old")))),
            ("GET", "EIO=4&transport=polling&sid=old", false, Err(BadRequest(Eio))),
            ("GET", "EIO=4&transport=websocket&sid=old", true, Err(BadRequest(Eio))),
            ("GET", "EIO=3&transport=polling", false, open(Kind::Polling, Some(Revision::V3), false)),
            ("GET", "EIO=abc&transport=polling&b64=", false, open(Kind::Polling, None, false)),
            (
                "GET",
                "EIO=3&EIO=4&transport=websocket&transport=polling&b64=1&b64=",
                false,
                open(Kind::Polling, v4, false),
            ),
            ("GET", "EIO=4&transport=polling&sid=nobody&sid=polling", false, Ok(Purpose::Poll(sid("polling")))),
            ("GET", "transport=polling", false, open(Kind::Polling, Some(Revision::V3), false)),
            ("GET", "EIO=&transport=polling", false, open(Kind::Polling, None, false)),
            ("GET", "EIO=4&EIO=x&transport=polling", false, open(Kind::Polling, None, false)),
            ("GET", "EIO=3&transport=polling&t=x&j=0", false, Err(BadRequest(Jsonp))),
            ("GET", "EIO=4&transport=polling&j=", false, Err(BadRequest(Jsonp))),
            ("POST", "EIO=4&transport=polling&sid=polling&j=1", false, Err(BadRequest(Jsonp))),
            ("GET", "EIO=4&transport=websocket&j=1", true, open(Kind::WebSocket, v4, false)),
            ("GET", "EIO=4&transport=polling&J=1&jj=1", false, open(Kind::Polling, v4, false)),
        ];
        for (method, query, upgrade, expected) in table {
            assert_eq!(check(method, query, upgrade), expected, "{method} {query}");
        }
    }

    #[test]
    fn r4_an_origin_has_only_header_characters() {
        for (origin, fine) in [("https://example.com", true), ("null", true), ("a\u{1}b", false), ("ł", false)] {
            let query = "EIO=4&transport=polling";
            let request = Request { method: "GET", query, origin: Some(origin), ..Request::default() };
            assert_eq!(
                verify(&request, &Query::parse(query), Transports::default(), |_| None).is_ok(),
                fine,
                "{origin:?}"
            );
        }
    }

    #[test]
    fn h1_h2_the_open_packet_has_exactly_five_keys() {
        let sid = Sid::from_wire("S");
        let config = Config::default();
        let polling = open_packet(&sid, Kind::Polling, &config);
        let expected =
            r#"0{"sid":"S","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":60000,"maxPayload":1000000}"#;
        assert_eq!(polling, Frame::Text(expected.into()));
        let websocket = open_packet(&sid, Kind::WebSocket, &config);
        let expected = expected.replace(r#"["websocket"]"#, "[]");
        let offered = Transports { polling: true, websocket: false };
        let alone = open_packet(&sid, Kind::Polling, &Config { transports: offered, ..config });
        assert_eq!(alone, Frame::Text(expected.as_str().into()));
        assert_eq!(websocket, Frame::Text(expected.into()));
    }
}
