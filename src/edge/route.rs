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
    /// Another way to write the URL of a room's page; what stands here leads from it to the page's own.
    Moved(String),
    /// `/r/<room>/socket.io/…`, `/socket.io/…?room=<room>`, or `/socket.io/…` for the default room: that room's server.
    Room(RoomName),
    /// `/r/<room>/debug`: what the room has counted.
    Debug(RoomName),
    /// `/engine.io/…`: the raw Engine.IO server, which only the conformance app has.
    #[cfg(feature = "conformance")]
    Raw,
    /// A file of the stock client, by its path below `/socket.io/`: it is served below each room's path too, as the reference
    /// serves it below whatever its path is.
    Client(String),
    /// `/healthz`.
    Health,
    /// `/api/rooms/…`: what backends ask for over plain HTTP.
    Api,
    /// `/api/socket`, which the tutorial's client fetches before it connects.
    TutorialSetup,
    /// Anything else.
    Unknown,
}

/// The forms of the stock client that the reference serves, each with its source map.
const CLIENT_FORMS: [&str; 4] =
    ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

/// Whether this path below `/socket.io/` is a file of the client, on its own or below its version: `4.8.4/socket.io.min.js`.
fn is_client(path: &str) -> bool {
    let (version, file) = path.split_once('/').unwrap_or(("", path));
    let versioned = version.bytes().all(|c| c.is_ascii_alphanumeric() || b".-".contains(&c));
    versioned && CLIENT_FORMS.contains(&file.strip_suffix(".map").unwrap_or(file))
}

impl Route {
    /// Reads a URL's path and raw query.
    ///
    /// # Errors
    /// [`InvalidRoomName`] where a room is named, but not as a room may be.
    pub(super) fn parse(path: &str, query: &str) -> Result<Self, InvalidRoomName> {
        if let Some(rest) = path.strip_prefix("/r/") {
            let (written, rest) = rest.split_once('/').map_or((rest, None), |(room, rest)| (room, Some(rest)));
            let room = RoomName::from_path(written)?;
            return Ok(match rest {
                None if written == room.as_str() => Self::Page,
                // Relative, so that it is right below the path of a proxy too.
                None => Self::Moved(room.as_str().to_owned()),
                Some("") => Self::Moved(format!("../{}", room.as_str())),
                Some("debug") => Self::Debug(room),
                Some(rest) => match rest.strip_prefix("socket.io/") {
                    Some(file) if is_client(file) => Self::Client(file.to_owned()),
                    Some(_) => Self::Room(room),
                    None => Self::Unknown,
                },
            });
        }
        if let Some(rest) = path.strip_prefix("/socket.io/") {
            if is_client(rest) {
                return Ok(Self::Client(rest.to_owned()));
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
        let moved = |to: &str| Ok(Route::Moved(to.to_owned()));
        let client = |file: &str| Ok(Route::Client(file.to_owned()));
        let table = [
            ("/r/tea", "", Ok(Route::Page)),
            ("/r/tea/socket.io/", "EIO=4", room("tea")),
            ("/r/tea/socket.io/default/", "", room("tea")),
            ("/r/tea/socket.io", "", Ok(Route::Unknown)),
            ("/r/tea/debug", "", RoomName::parse("tea").map(Route::Debug)),
            ("/r/tea/debug/", "", Ok(Route::Unknown)),
            ("/r/tea/", "", moved("../tea")),
            ("/r/te%61", "", moved("tea")),
            ("/r/te%61/", "x=1", moved("../tea")),
            ("/r/te%61/socket.io/", "", room("tea")),
            ("/r/%74ea/debug", "", RoomName::parse("tea").map(Route::Debug)),
            ("/r/tea//", "", Ok(Route::Unknown)),
            ("/r/tea/x", "", Ok(Route::Unknown)),
            ("/r/", "", Err(InvalidRoomName)),
            ("/r/a b", "", Err(InvalidRoomName)),
            ("/r/%2e/socket.io/", "", Err(InvalidRoomName)),
            ("/r/a%20b", "", Err(InvalidRoomName)),
            ("/r/%ff", "", Err(InvalidRoomName)),
            ("/r/te%2561", "", Err(InvalidRoomName)),
            ("/socket.io/", "", room("lobby")),
            ("/socket.io/", "EIO=4&room=tea&room=x", room("tea")),
            ("/socket.io/default/", "room=te%61", room("tea")),
            ("/socket.io/", "room=", Err(InvalidRoomName)),
            ("/socket.io/", "room=a/b", Err(InvalidRoomName)),
            ("/socket.io", "", Ok(Route::Unknown)),
            ("/socket.io/socket.io.esm.min.js", "", client("socket.io.esm.min.js")),
            ("/socket.io/socket.io.js", "x", client("socket.io.js")),
            ("/socket.io/4.8.4/socket.io.min.js.map", "", client("4.8.4/socket.io.min.js.map")),
            ("/r/tea/socket.io/socket.io.msgpack.min.js", "", client("socket.io.msgpack.min.js")),
            ("/r/tea/socket.io/4.8.4/socket.io.js", "", client("4.8.4/socket.io.js")),
            ("/r/tea/socket.io/x/y/socket.io.js", "", room("tea")),
            ("/r/tea/socket.io/socket.io.map", "", room("tea")),
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
