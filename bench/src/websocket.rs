//! WebSocket (RFC 6455) from a client's side, with `permessage-deflate` (RFC 7692) where the server agrees to it.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::http::Head;
use crate::wire::Wire;

/// What each compressed message ends with, and the sender leaves out (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Bytes that the buffer for what is compressed or inflated grows by.
const GROWTH: usize = 4_096;
/// The mask of each frame: it must be there, and nothing that is measured depends on it.
const MASK: [u8; 4] = [0x5a, 0x13, 0xc4, 0x27];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

/// The sending half, which any task may use.
#[derive(Clone)]
pub(crate) struct Sender {
    wire: Rc<Wire>,
    deflate: Option<Rc<RefCell<Compress>>>,
    /// The server resets its window after each message, and so must the client.
    reset: bool,
}

impl Sender {
    pub(crate) fn send(&self, kind: Kind, payload: &[u8]) {
        let opcode = if kind == Kind::Text { 1 } else { 2 };
        match &self.deflate {
            None => self.frame(opcode, payload),
            Some(deflate) => self.frame(opcode | 0x40, &compressed(&mut deflate.borrow_mut(), payload, self.reset)),
        }
    }

    fn frame(&self, opcode: u8, payload: &[u8]) {
        let mut frame = Vec::with_capacity(payload.len() + 14);
        frame.push(0x80 | opcode);
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            length @ 126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.wire.send(&frame);
    }
}

fn compressed(deflate: &mut Compress, payload: &[u8], reset: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() / 2 + GROWTH);
    let start = deflate.total_in();
    loop {
        let used = (deflate.total_in() - start) as usize;
        // A vector with room can only be refused for what it holds, which is never wrong here.
        let _ = deflate.compress_vec(payload.get(used..).unwrap_or_default(), &mut out, FlushCompress::Sync);
        if out.len() < out.capacity() {
            break;
        }
        out.reserve(GROWTH);
    }
    if out.ends_with(&TAIL) {
        out.truncate(out.len() - TAIL.len());
    }
    if reset {
        deflate.reset();
    }
    out
}

/// The receiving half.
pub(crate) struct Receiver {
    sender: Sender,
    rest: Vec<u8>,
    frames: Frames,
}

/// What frames become.
#[derive(Default)]
struct Frames {
    inflate: Option<Decompress>,
    /// The beginning of a message that comes in several frames.
    begun: Option<(Kind, bool, Vec<u8>)>,
    inflated: Vec<u8>,
}

/// Opens a WebSocket at this path.
pub(crate) async fn open(address: &str, path: &str, deflate: bool) -> Result<Receiver> {
    let wire = Wire::connect(address).await?;
    let extensions =
        if deflate { "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" } else { "" };
    wire.send(
        format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
        )
        .as_bytes(),
    );
    let (mut rest, mut answer) = (Vec::new(), None);
    while answer.is_none() {
        wire.read(&mut rest, |bytes| {
            answer = Head::parse(bytes)?;
            Ok(answer.as_ref().map_or(0, |(_, length)| *length))
        })
        .await?;
    }
    let (head, _) = answer.context("no answer")?;
    if head.status != 101 {
        bail!("{path}: the WebSocket was answered {}", head.status);
    }
    let agreed = head.header("sec-websocket-extensions").filter(|value| value.contains("permessage-deflate"));
    let sender = Sender {
        wire,
        deflate: agreed.map(|_| Rc::new(RefCell::new(Compress::new(Compression::new(6), false)))),
        reset: agreed.is_some_and(|value| value.contains("client_no_context_takeover")),
    };
    let frames = Frames { inflate: agreed.map(|_| Decompress::new(false)), ..Frames::default() };
    Ok(Receiver { sender, rest, frames })
}

impl Receiver {
    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Whether messages are compressed.
    pub(crate) fn is_compressed(&self) -> bool {
        self.frames.inflate.is_some()
    }

    /// Waits for bytes, and hands over the messages that are whole then.
    pub(crate) async fn read(&mut self, mut handle: impl FnMut(Kind, &[u8]) -> Result<()>) -> Result<()> {
        let (frames, sender) = (&mut self.frames, &self.sender);
        let mut all = |bytes: &[u8]| {
            let mut used = 0;
            while let Some(length) = frames.take(bytes.get(used..).unwrap_or_default(), sender, &mut handle)? {
                used += length;
            }
            Ok(used)
        };
        if !self.rest.is_empty() {
            // What came right behind the answer to the handshake.
            let used = all(&self.rest)?;
            self.rest.drain(..used);
            if used > 0 {
                return Ok(());
            }
        }
        sender.wire.read(&mut self.rest, all).await
    }
}

impl Frames {
    /// Takes one frame from the beginning of `bytes`, and tells its length; `None` if it isn't whole yet.
    fn take(
        &mut self,
        bytes: &[u8],
        sender: &Sender,
        handle: &mut impl FnMut(Kind, &[u8]) -> Result<()>,
    ) -> Result<Option<usize>> {
        let Some((first, start, end)) = bounds(bytes)? else { return Ok(None) };
        let Some(payload) = bytes.get(start..end) else { return Ok(None) };
        let (last, compressed) = (first & 0x80 != 0, first & 0x40 != 0);
        match first & 0x0f {
            opcode @ (1 | 2) => {
                let kind = if opcode == 1 { Kind::Text } else { Kind::Binary };
                if last {
                    self.message(kind, compressed, payload, handle)?;
                } else {
                    self.begun = Some((kind, compressed, payload.to_vec()));
                }
            }
            0 => {
                let (kind, compressed, mut begun) = self.begun.take().context("a frame that continues nothing")?;
                begun.extend_from_slice(payload);
                if last {
                    self.message(kind, compressed, &begun, handle)?;
                } else {
                    self.begun = Some((kind, compressed, begun));
                }
            }
            8 => bail!("the server closed the WebSocket: {}", String::from_utf8_lossy(payload)),
            9 => sender.frame(10, payload),
            _ => {}
        }
        Ok(Some(end))
    }

    fn message(
        &mut self,
        kind: Kind,
        compressed: bool,
        payload: &[u8],
        handle: &mut impl FnMut(Kind, &[u8]) -> Result<()>,
    ) -> Result<()> {
        if !compressed {
            return handle(kind, payload);
        }
        let inflate = self.inflate.as_mut().context("a compressed message, which was not agreed on")?;
        self.inflated.clear();
        for mut part in [payload, TAIL.as_slice()] {
            while !part.is_empty() || self.inflated.len() == self.inflated.capacity() {
                self.inflated.reserve(GROWTH);
                let (read, written) = (inflate.total_in(), self.inflated.len());
                inflate.decompress_vec(part, &mut self.inflated, FlushDecompress::Sync)?;
                let used = (inflate.total_in() - read) as usize;
                if used == 0 && self.inflated.len() == written && !part.is_empty() {
                    bail!("a compressed message that goes on behind its end");
                }
                part = part.get(used..).unwrap_or_default();
            }
        }
        handle(kind, &self.inflated)
    }
}

/// A frame's first byte, and where its payload begins and ends; servers don't mask (RFC 6455, 5.2).
fn bounds(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>> {
    let (Some(&first), Some(&second)) = (bytes.first(), bytes.get(1)) else { return Ok(None) };
    let extended = match second {
        0..126 => return Ok(Some((first, 2, 2 + usize::from(second)))),
        126 => bytes.get(2..4),
        127 => bytes.get(2..10),
        _ => bail!("a masked frame"),
    };
    Ok(extended.map(|length| {
        let start = 2 + length.len();
        let length = length.iter().fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
        (first, start, start + length)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message as a server sends it, in frames of at most so many bytes.
    fn frames(first: u8, payload: &[u8], most: usize) -> Vec<u8> {
        let parts: Vec<&[u8]> = payload.chunks(most).collect();
        let head = |n: usize| if n == 0 { first } else { 0 } | if n + 1 == parts.len() { 0x80 } else { 0 };
        let frame = |(n, part): (usize, &&[u8])| match part.len() {
            short @ 0..126 => [&[head(n), short as u8], *part].concat(),
            length @ 126..65_536 => [&[head(n), 126], &(length as u16).to_be_bytes()[..], *part].concat(),
            length => [&[head(n), 127], &(length as u64).to_be_bytes()[..], *part].concat(),
        };
        parts.iter().enumerate().flat_map(frame).collect()
    }

    /// What comes out where so many bytes arrive at a time.
    async fn received(bytes: &[u8], at_a_time: usize, inflate: bool) -> Vec<Vec<u8>> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Wire::connect(&listener.local_addr().unwrap().to_string()).await.unwrap();
        let sender = Sender { wire, deflate: None, reset: false };
        let mut frames = Frames { inflate: inflate.then(|| Decompress::new(false)), ..Frames::default() };
        let (mut rest, mut messages) = (Vec::new(), Vec::new());
        for news in bytes.chunks(at_a_time) {
            rest.extend_from_slice(news);
            let mut handle = |_, message: &[u8]| {
                messages.push(message.to_vec());
                Ok(())
            };
            while let Some(used) = frames.take(&rest, &sender, &mut handle).unwrap() {
                rest.drain(..used);
            }
        }
        messages
    }

    #[tokio::test]
    async fn messages_are_read_whole_in_parts_and_in_several_frames() {
        for length in [1, 125, 126, 70_000] {
            let payload = vec![7; length];
            for most in [length, length.div_ceil(3)] {
                let bytes = frames(2, &payload, most);
                for at_a_time in [bytes.len(), 1_000, 1] {
                    assert_eq!(received(&bytes, at_a_time, false).await, [payload.as_slice()], "{length} {most}");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_is_compressed_is_inflated_with_the_window_of_the_messages_before() {
        let mut deflate = Compress::new(Compression::new(6), false);
        let messages: Vec<Vec<u8>> =
            [5, 4_096, 200_000].map(|length| (0..length).map(|n| (n % 251) as u8).collect()).into();
        let bytes: Vec<u8> =
            messages.iter().flat_map(|each| frames(0x42, &compressed(&mut deflate, each, false), 1_000)).collect();
        assert_eq!(received(&bytes, 777, true).await, messages);
    }
}
