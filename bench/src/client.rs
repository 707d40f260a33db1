//! One client of a server, whichever way it is connected.

use anyhow::{Result, bail};

use crate::job::{Job, Kind, Transport};
use crate::polling::{self, Polling};
use crate::socket_io::{self, Packet};
use crate::websocket;

/// What a sender sends.
pub(crate) struct Message {
    /// A packet of Engine.IO, or a raw message.
    pub(crate) text: String,
    /// The attachment of a binary event, or a raw binary message in place of the text.
    pub(crate) binary: Option<Vec<u8>>,
}

pub(crate) enum Client {
    Raw(websocket::Receiver),
    SocketIo(websocket::Receiver),
    Polling(Polling),
}

pub(crate) enum Sender {
    Raw(websocket::Sender),
    SocketIo(websocket::Sender),
    Polling(polling::Sender),
}

impl Client {
    /// Connects the `n`-th client of a room.
    pub(crate) async fn connect(job: &Job, room: &str, n: usize) -> Result<Self> {
        let address = &job.server.address;
        let path = job.dialect.path.replace("{room}", room);
        let auth =
            if n < job.dialect.authenticated { job.dialect.auth.replace("{n}", &n.to_string()) } else { String::new() };
        match (job.dialect.kind, job.transport) {
            (Kind::Raw, Transport::Websocket) => Ok(Self::Raw(websocket::open(address, &path, job.deflate).await?)),
            (Kind::Raw, Transport::Polling) => bail!("raw messages have no polling"),
            (Kind::SocketIo, Transport::Polling) => Ok(Self::Polling(polling::open(address, &path, &auth).await?)),
            (Kind::SocketIo, Transport::Websocket) => {
                let path = socket_io::path(&path, "websocket");
                let mut receiver = websocket::open(address, &path, job.deflate).await?;
                handshake(&mut receiver, &auth).await?;
                Ok(Self::SocketIo(receiver))
            }
        }
    }

    pub(crate) fn sender(&self) -> Sender {
        match self {
            Self::Raw(receiver) => Sender::Raw(receiver.sender()),
            Self::SocketIo(receiver) => Sender::SocketIo(receiver.sender()),
            Self::Polling(polling) => Sender::Polling(polling.sender()),
        }
    }

    pub(crate) fn is_compressed(&self) -> bool {
        match self {
            Self::Raw(receiver) | Self::SocketIo(receiver) => receiver.is_compressed(),
            Self::Polling(_) => false,
        }
    }

    /// Waits for the server, and hands over what may be a message. Answers pings.
    pub(crate) async fn read(&mut self, mut handle: impl FnMut(&[u8])) -> Result<()> {
        match self {
            Self::Polling(polling) => polling.read(handle).await,
            Self::Raw(receiver) => {
                let each = |_, message: &[u8]| {
                    handle(message);
                    Ok(())
                };
                receiver.read(each).await
            }
            Self::SocketIo(receiver) => {
                let sender = receiver.sender();
                let each = |kind, packet: &[u8]| {
                    if kind == websocket::Kind::Binary {
                        handle(packet);
                        return Ok(());
                    }
                    match socket_io::parse(packet) {
                        Packet::Ping => sender.send(websocket::Kind::Text, socket_io::PONG.as_bytes()),
                        Packet::Event(event) => handle(event),
                        Packet::Refused => bail!("the server disconnected the client"),
                        _ => {}
                    }
                    Ok(())
                };
                receiver.read(each).await
            }
        }
    }
}

/// Connects to the default namespace. What others already say meanwhile isn't awaited by anybody.
async fn handshake(receiver: &mut websocket::Receiver, auth: &str) -> Result<()> {
    receiver.sender().send(websocket::Kind::Text, socket_io::connect(auth).as_bytes());
    let mut connected = false;
    while !connected {
        let each = |_, packet: &[u8]| {
            match socket_io::parse(packet) {
                Packet::Connected => connected = true,
                Packet::Refused => bail!("refused: {}", String::from_utf8_lossy(packet)),
                _ => {}
            }
            Ok(())
        };
        receiver.read(each).await?;
    }
    Ok(())
}

impl Sender {
    pub(crate) fn send(&self, message: &Message) {
        match (self, &message.binary) {
            (Self::Raw(wire), Some(binary)) => wire.send(websocket::Kind::Binary, binary),
            (Self::Raw(wire) | Self::SocketIo(wire), None) => {
                wire.send(websocket::Kind::Text, message.text.as_bytes());
            }
            (Self::SocketIo(wire), Some(binary)) => {
                wire.send(websocket::Kind::Text, message.text.as_bytes());
                wire.send(websocket::Kind::Binary, binary);
            }
            (Self::Polling(wire), binary) => {
                wire.send(&message.text);
                if let Some(binary) = binary {
                    wire.send_binary(binary);
                }
            }
        }
    }
}
