//! Connecting clients: how they are brought in for all parts, and the part that measures it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::client::Client;
use crate::job::{Connecting, Job, milliseconds};
use crate::process::Usage;

/// Clients that connect at the same time, as many as a page's reload in a crowd may bring at once.
const AT_A_TIME: usize = 16;

/// Names of rooms that no other job has had.
pub(crate) fn room(n: usize) -> String {
    format!("bench-{}-{n}", std::process::id())
}

/// The clients of so many rooms, room by room. All of them are connected.
pub(crate) async fn clients(job: &Rc<Job>, rooms: usize, people: usize) -> Result<Vec<Client>> {
    let total = rooms * people;
    let (next, all) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let connect = || {
        let (job, next, all) = (Rc::clone(job), Rc::clone(&next), Rc::clone(&all));
        spawn_local(async move {
            while next.get() < total {
                let n = next.replace(next.get() + 1);
                let (room, n_there) = (room(n / people), n % people);
                let client = Client::connect(&job, &room, n_there).await;
                let client = client.with_context(|| format!("client {n} of {total}"))?;
                all.borrow_mut().push((n, client));
            }
            anyhow::Ok(())
        })
    };
    let connecting: Vec<_> = (0..AT_A_TIME).map(|_| connect()).collect();
    for task in connecting {
        task.await??;
    }
    let mut all = all.take();
    all.sort_by_key(|(n, _)| *n);
    Ok(all.into_iter().map(|(_, client)| client).collect())
}

/// Each client is read from now on; what comes is dropped.
fn keep(clients: Vec<Client>) {
    for mut client in clients {
        spawn_local(async move { while client.read(|_| {}).await.is_ok() {} });
    }
}

pub(crate) async fn connect(job: &Rc<Job>, connecting: Connecting) -> Result<Value> {
    // The room is there, and the server has seen a client.
    let first = clients(job, 1, 1).await?;
    keep(first);
    let before = Usage::of(job.server.pid)?;
    let crowd = clients(job, 1, connecting.people).await?;
    let connected = Instant::now();
    keep(crowd);
    sleep(milliseconds(connecting.settle_ms)).await;
    let after = Usage::of(job.server.pid)?;
    let people = connecting.people as f64;
    Ok(json!({
        "connected": connecting.people,
        "seconds": (connected - before.at).as_secs_f64(),
        "cpuMsPerConnection": (after.cpu - before.cpu) * 1e3 / people,
        "residentKbPerConnection": (after.resident as f64 - before.resident as f64) / 1e3 / people,
    }))
}
