//! What a URL means, without any I/O.

use crate::api;
use crate::ids::{InvalidRoomName, RoomName};

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/`: the start page, where wrangler.toml has it asked of the Worker.
    Start,
    /// `/r/<room>`: the room's page.
    Page,
    /// `/r/<room>/socket.io/…`, `/socket.io/…?room=<room>`, or `/socket.io/…` for the default room: that room's server.
    Room(RoomName),
    /// `/r/<room>/debug`: what the room has counted.
    Debug(RoomName),
    /// `/engine.io/…`: the raw Engine.IO server, which only the conformance app has.
    #[cfg(feature = "conformance")]
    Raw,
    /// A file that the assets have and that the Worker must hand on: the client bundle.
    Asset,
    /// `/healthz`.
    Health,
    /// `/api/rooms/…`: what backends ask for over plain HTTP.
    Api,
    /// `/api/socket`, which the tutorial's client fetches before it connects.
    TutorialSetup,
    /// Anything else.
    Unknown,
}

/// What the reference serves below its path, so that a page can load the client from where it connects to.
const CLIENT_BUNDLE: [&str; 4] =
    ["socket.io.esm.min.js", "socket.io.esm.min.js.map", "socket.io.min.js", "socket.io.min.js.map"];

impl Route {
    /// Reads a URL's path and raw query.
    ///
    /// # Errors
    /// [`InvalidRoomName`] where a room is named, but not as a room may be.
    pub(super) fn parse(path: &str, query: &str) -> Result<Self, InvalidRoomName> {
        if let Some(rest) = path.strip_prefix("/r/") {
            let (room, rest) = rest.split_once('/').map_or((rest, None), |(room, rest)| (room, Some(rest)));
            let room = RoomName::parse(room)?;
            return Ok(match rest {
                None => Self::Page,
                Some("debug") => Self::Debug(room),
                Some(rest) if rest.starts_with("socket.io/") => Self::Room(room),
                Some(_) => Self::Unknown,
            });
        }
        if let Some(rest) = path.strip_prefix("/socket.io/") {
            if CLIENT_BUNDLE.contains(&rest) {
                return Ok(Self::Asset);
            }
            // The path is matched as a prefix (R1).
            let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "room");
            let room = named.as_ref().map_or(RoomName::DEFAULT, |(_, room)| room);
            return RoomName::parse(room).map(Self::Room);
        }
        Ok(match path {
            "/" => Self::Start,
            #[cfg(feature = "conformance")]
            raw if raw.starts_with("/engine.io/") => Self::Raw,
            own if api::owns(own) => Self::Api,
            "/healthz" => Self::Health,
            "/api/socket" => Self::TutorialSetup,
            _ => Self::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_a_url_names_its_room_in_the_path_or_in_the_query() {
        let room = |name| RoomName::parse(name).map(Route::Room);
        let table = [
            ("/r/tea", "", Ok(Route::Page)),
            ("/r/tea/socket.io/", "EIO=4", room("tea")),
            ("/r/tea/socket.io/default/", "", room("tea")),
            ("/r/tea/socket.io", "", Ok(Route::Unknown)),
            ("/r/tea/debug", "", RoomName::parse("tea").map(Route::Debug)),
            ("/r/tea/debug/", "", Ok(Route::Unknown)),
            ("/r/tea/", "", Ok(Route::Unknown)),
            ("/r/tea/x", "", Ok(Route::Unknown)),
            ("/r/", "", Err(InvalidRoomName)),
            ("/r/a b", "", Err(InvalidRoomName)),
            ("/r/%2e/socket.io/", "", Err(InvalidRoomName)),
            ("/socket.io/", "", room("lobby")),
            ("/socket.io/", "EIO=4&room=tea&room=x", room("tea")),
            ("/socket.io/default/", "room=te%61", room("tea")),
            ("/socket.io/", "room=", Err(InvalidRoomName)),
            ("/socket.io/", "room=a/b", Err(InvalidRoomName)),
            ("/socket.io", "", Ok(Route::Unknown)),
            ("/socket.io/socket.io.esm.min.js", "", Ok(Route::Asset)),
            ("/socket.io/socket.io.min.js", "x", Ok(Route::Asset)),
            #[cfg(feature = "conformance")]
            ("/engine.io/", "EIO=4", Ok(Route::Raw)),
            #[cfg(not(feature = "conformance"))]
            ("/engine.io/", "EIO=4", Ok(Route::Unknown)),
            ("/engine.io", "EIO=4", Ok(Route::Unknown)),
            ("/healthz", "", Ok(Route::Health)),
            ("/api/socket", "", Ok(Route::TutorialSetup)),
            ("/api/socket/", "", Ok(Route::Unknown)),
            ("/api/rooms", "", Ok(Route::Api)),
            ("/api/rooms/a.b/nothing", "x", Ok(Route::Api)),
            ("/api/roomsandmore", "", Ok(Route::Unknown)),
            ("/", "", Ok(Route::Start)),
            ("/r", "", Ok(Route::Unknown)),
            ("", "", Ok(Route::Unknown)),
        ];
        for (path, query, route) in table {
            assert_eq!(Route::parse(path, query), route, "{path}?{query}");
        }
    }
}
