//! Connecting clients: how they are brought in for all parts, and the part that measures it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::client::{Client, Sender};
use crate::job::{Connecting, Job, milliseconds};
use crate::process::Usage;

/// Clients that connect at the same time, as many as a page's reload in a crowd may bring at once.
const AT_A_TIME: usize = 16;

/// Names of rooms that no other job has had.
pub(crate) fn room(n: usize) -> String {
    format!("bench-{}-{n}", std::process::id())
}

/// Everybody who is connected. Each client is read from the moment on at which it is: one that left its messages unread while the
/// others come would be closed.
pub(crate) struct Crowd {
    /// Room by room.
    pub(crate) senders: Vec<Sender>,
    /// Whether all connections are compressed.
    pub(crate) compressed: bool,
    /// What has ended a client's connection.
    failure: Rc<RefCell<Option<anyhow::Error>>>,
}

impl Crowd {
    /// Connects `people` clients to each of so many rooms. What they hear goes to `handle`.
    pub(crate) async fn gather(
        job: &Rc<Job>,
        rooms: usize,
        people: usize,
        handle: impl Fn(&[u8]) + 'static,
    ) -> Result<Self> {
        let gathering = Rc::new(Gathering {
            job: Rc::clone(job),
            people,
            total: rooms * people,
            next: Cell::new(0),
            connected: RefCell::default(),
            handle,
            failure: Rc::default(),
        });
        let connecting: Vec<_> = (0..AT_A_TIME).map(|_| spawn_local(Rc::clone(&gathering).connect())).collect();
        for task in connecting {
            task.await??;
        }
        let mut connected = gathering.connected.take();
        connected.sort_by_key(|(n, ..)| *n);
        Ok(Self {
            compressed: connected.iter().all(|(_, compressed, _)| *compressed),
            senders: connected.into_iter().map(|(.., sender)| sender).collect(),
            failure: Rc::clone(&gathering.failure),
        })
    }

    /// Fails if a connection has ended.
    pub(crate) fn check(&self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

/// Clients that are being connected.
struct Gathering<F> {
    job: Rc<Job>,
    /// Of a room.
    people: usize,
    /// Of all rooms.
    total: usize,
    /// The client that is connected next.
    next: Cell<usize>,
    /// Number, compression and sending half of each.
    connected: RefCell<Vec<(usize, bool, Sender)>>,
    handle: F,
    failure: Rc<RefCell<Option<anyhow::Error>>>,
}

impl<F: Fn(&[u8]) + 'static> Gathering<F> {
    /// Connects one client after the other.
    async fn connect(self: Rc<Self>) -> Result<()> {
        while self.next.get() < self.total {
            let n = self.next.replace(self.next.get() + 1);
            let client = Client::connect(&self.job, &room(n / self.people), n % self.people).await;
            let client = client.with_context(|| format!("client {n} of {}", self.total))?;
            self.connected.borrow_mut().push((n, client.is_compressed(), client.sender()));
            spawn_local(Rc::clone(&self).read(client));
        }
        Ok(())
    }

    async fn read(self: Rc<Self>, mut client: Client) {
        loop {
            if let Err(error) = client.read(&self.handle).await {
                self.failure.replace(Some(error));
                return;
            }
        }
    }
}

pub(crate) async fn connect(job: &Rc<Job>, connecting: Connecting) -> Result<Value> {
    // The room is there, and the server has seen a client.
    let first = Crowd::gather(job, 1, 1, |_| {}).await?;
    let before = Usage::of(job.server.pid)?;
    let crowd = Crowd::gather(job, 1, connecting.people, |_| {}).await?;
    let connected = Instant::now();
    sleep(milliseconds(connecting.settle_ms)).await;
    let after = Usage::of(job.server.pid)?;
    first.check().and_then(|()| crowd.check())?;
    let people = connecting.people as f64;
    Ok(json!({
        "connected": crowd.senders.len(),
        "seconds": (connected - before.at).as_secs_f64(),
        "cpuMsPerConnection": (after.cpu - before.cpu) * 1e3 / people,
        "residentKbPerConnection": (after.resident as f64 - before.resident as f64) / 1e3 / people,
    }))
}
