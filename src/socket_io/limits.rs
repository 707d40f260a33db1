//! Limits on what clients and apps make up: names, and how many of them.

use crate::config::Config;

/// The limits of a room. What is beyond one is refused with the sentence that each check gives.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    name_bytes: usize,
    namespaces: usize,
    rooms: usize,
}

impl Limits {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            name_bytes: config.max_name_bytes,
            namespaces: config.max_namespaces,
            rooms: config.max_rooms_per_socket,
        }
    }

    /// Whether a client that has joined so many namespaces may join this one.
    ///
    /// # Errors
    /// The sentence that refuses it.
    pub fn check_namespace(&self, name: &str, joined: usize) -> Result<(), String> {
        self.check_name("A namespace", name)?;
        check_count("namespaces of a connection", joined, self.namespaces)
    }

    /// Whether a client may send an event of this name.
    ///
    /// # Errors
    /// The sentence that refuses it.
    pub fn check_event(&self, name: &str) -> Result<(), String> {
        self.check_name("An event", name)
    }

    /// Whether a socket that is in so many rooms may join this one.
    ///
    /// # Errors
    /// The sentence that refuses it.
    pub fn check_room(&self, name: &str, joined: usize) -> Result<(), String> {
        self.check_name("A room", name)?;
        check_count("rooms of a socket", joined, self.rooms)
    }

    /// How many namespaces a client may have been taken out of that are remembered.
    pub(super) fn dismissed(&self) -> usize {
        self.namespaces
    }

    fn check_name(&self, of: &str, name: &str) -> Result<(), String> {
        let (size, most) = (name.len(), self.name_bytes);
        if size <= most {
            return Ok(());
        }
        Err(format!("{of}'s name has at most {most} bytes, but this one has {size}."))
    }
}

fn check_count(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count < most { Ok(()) } else { Err(format!("There are {most} {what} already, and more are not allowed.")) }
}
