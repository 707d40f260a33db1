//! A Socket.IO client over long-polling: one connection for the waiting GET, one for POSTs, as browsers have them.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::sync::Notify;

use crate::http::Http;
use crate::socket_io::{self, Packet, RECORD_SEPARATOR};

/// The sending half: packets wait while a POST is on its way, and go together in the next one.
#[derive(Clone, Default)]
pub(crate) struct Sender {
    outbox: Rc<RefCell<Vec<String>>>,
    news: Rc<Notify>,
}

impl Sender {
    pub(crate) fn send(&self, packet: &str) {
        self.outbox.borrow_mut().push(packet.to_owned());
        self.news.notify_one();
    }

    pub(crate) fn send_binary(&self, attachment: &[u8]) {
        self.send(&format!("b{}", STANDARD.encode(attachment)));
    }
}

pub(crate) struct Polling {
    gets: Http,
    path: String,
    sender: Sender,
}

/// Opens a session, and connects to the default namespace.
pub(crate) async fn open(address: &str, room: &str, auth: &str) -> Result<Polling> {
    let mut gets = Http::connect(address).await?;
    let path = socket_io::path(room, "polling");
    let opened = gets.get(&path).await?;
    let json: Value = serde_json::from_slice(opened.get(1..).unwrap_or_default()).context("no open packet")?;
    let sid = json.get("sid").and_then(Value::as_str).context("an open packet without sid")?;
    let mut polling = Polling { gets, path: format!("{path}&sid={sid}"), sender: Sender::default() };
    let posts = Http::connect(address).await?;
    tokio::task::spawn_local(write(posts, polling.path.clone(), polling.sender.clone()));
    polling.sender.send(&socket_io::connect(auth));
    polling.wait_for(&Packet::Connected).await?;
    Ok(polling)
}

async fn write(mut posts: Http, path: String, sender: Sender) {
    loop {
        sender.news.notified().await;
        let packets = std::mem::take(&mut *sender.outbox.borrow_mut());
        if packets.is_empty() {
            continue;
        }
        let body = packets.join(std::str::from_utf8(&[RECORD_SEPARATOR]).unwrap_or_default());
        if let Err(error) = posts.post(&path, body.as_bytes()).await {
            eprintln!("load: {error:#}");
            return;
        }
    }
}

impl Polling {
    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Polls until this packet is there; those before it are forgotten.
    pub(crate) async fn wait_for(&mut self, wanted: &Packet<'_>) -> Result<()> {
        let mut found = false;
        while !found {
            let payload = self.gets.get(&self.path).await?;
            for packet in payload.split(|&byte| byte == RECORD_SEPARATOR) {
                let packet = socket_io::parse(packet);
                if packet == Packet::Refused {
                    bail!("refused: {}", String::from_utf8_lossy(&payload));
                }
                found |= packet == *wanted;
            }
        }
        Ok(())
    }

    /// Polls once, and hands over events and attachments.
    pub(crate) async fn read(&mut self, mut handle: impl FnMut(&[u8])) -> Result<()> {
        let payload = self.gets.get(&self.path).await?;
        for packet in payload.split(|&byte| byte == RECORD_SEPARATOR) {
            if let [b'b', attachment @ ..] = packet {
                handle(&STANDARD.decode(attachment)?);
                continue;
            }
            match socket_io::parse(packet) {
                Packet::Ping => self.sender.send(socket_io::PONG),
                Packet::Event(event) => handle(event),
                Packet::Refused => bail!("the server ended the session"),
                _ => {}
            }
        }
        Ok(())
    }
}
