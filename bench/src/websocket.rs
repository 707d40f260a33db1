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
                let before = inflate.total_in();
                inflate.decompress_vec(part, &mut self.inflated, FlushDecompress::Sync)?;
                part = part.get((inflate.total_in() - before) as usize..).unwrap_or_default();
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
