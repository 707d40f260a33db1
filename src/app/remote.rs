//! Sockets as an app sees them from outside.

use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::data::parse_data;
use crate::ids::SocketId;
use crate::socket_io::Handshake;

/// A socket as it was when it was looked at. To do something with it, its id names it.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn players(socket: &mut Socket, game: String) -> Result<Vec<(SocketId, Option<String>)>> {
///     let sockets = socket.io.to(game).fetch_sockets();
///     Ok(sockets.into_iter().map(|player| (player.id.clone(), player.data())).collect())
/// }
/// # let _: Handlers = Handlers::new().on("players", players);
/// ```
#[derive(Debug, Clone)]
pub struct RemoteSocket {
    /// Its id.
    pub id: SocketId,
    /// The rooms that it is in.
    pub rooms: Vec<String>,
    /// What its client's first request said.
    pub handshake: Rc<Handshake>,
    pub(super) data: Option<Rc<str>>,
}

impl RemoteSocket {
    /// What the app keeps with it; `None` where it keeps nothing, or something else.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        parse_data(self.data.as_ref())
    }
}
