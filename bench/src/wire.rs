//! A TCP connection that several tasks write to, each without waiting, and that one reads.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;

use anyhow::{Result, bail};
use tokio::net::TcpStream;

/// Bytes that are read at a time.
const READ_BYTES: usize = 65_536;

thread_local! {
    /// One buffer for all connections: thousands of them are connected, and only one is read at a time.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

pub(crate) struct Wire {
    stream: TcpStream,
    pending: RefCell<Vec<u8>>,
    /// A task is writing what is pending.
    flushing: Cell<bool>,
}

impl Wire {
    pub(crate) async fn connect(address: &str) -> Result<Rc<Self>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Rc::new(Self { stream, pending: RefCell::default(), flushing: Cell::new(false) }))
    }

    /// Writes all of it, now or as soon as the peer takes it. A connection that is gone is noticed by its reader.
    pub(crate) fn send(self: &Rc<Self>, bytes: &[u8]) {
        self.pending.borrow_mut().extend_from_slice(bytes);
        if self.flushing.get() || self.flush() {
            return;
        }
        self.flushing.set(true);
        let wire = Rc::clone(self);
        tokio::task::spawn_local(async move {
            while wire.stream.writable().await.is_ok() {
                if wire.flush() {
                    break;
                }
            }
            wire.flushing.set(false);
        });
    }

    /// Writes what the peer takes now; false if more is pending.
    fn flush(&self) -> bool {
        let mut pending = self.pending.borrow_mut();
        while !pending.is_empty() {
            match self.stream.try_write(&pending) {
                Ok(written) => drop(pending.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(_) => pending.clear(),
            }
        }
        true
    }

    /// Waits for bytes and has them handled, behind what was left of those before: `handle` tells how many it has used.
    pub(crate) async fn read(&self, rest: &mut Vec<u8>, mut handle: impl FnMut(&[u8]) -> Result<usize>) -> Result<()> {
        loop {
            self.stream.readable().await?;
            let read = SCRATCH.with_borrow_mut(|scratch| match self.stream.try_read(scratch) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => {
                    let news = scratch.get(..count).unwrap_or_default();
                    if rest.is_empty() {
                        let used = handle(news)?;
                        rest.extend_from_slice(news.get(used..).unwrap_or_default());
                    } else {
                        rest.extend_from_slice(news);
                        let used = handle(rest)?;
                        rest.drain(..used);
                    }
                    Ok(true)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
                Err(error) => Err(error.into()),
            })?;
            if read {
                return Ok(());
            }
        }
    }
}
