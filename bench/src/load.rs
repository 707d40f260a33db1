//! Senders and receivers: messages on their way, and when they arrive.
//!
//! In the closed loop, a sender sends its next message when one of its own has reached everybody. What is measured is then the
//! latency of what was sent, and no rate is promised. In the open loop, messages are due at fixed times, and a message's latency
//! counts from that time even if it was sent later.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::client::Message;
use crate::connect::Crowd;
use crate::counts::{Counts, OnItsWay, mark, number_in};
use crate::job::{Fanout, Job, Kind, Wake, milliseconds};
use crate::process::Usage;

/// How long the first messages may be on their way, and the last ones.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(5);

struct Load {
    job: Rc<Job>,
    /// Set once everybody is connected; nothing is sent before.
    crowd: OnceCell<Crowd>,
    /// Numbers of the clients that send.
    senders: Vec<usize>,
    receivers: usize,
    counts: RefCell<Counts>,
    /// A message that is done is followed by the next one.
    closed: Cell<bool>,
}

impl Load {
    /// Connects everybody; the first `senders` of each room will send.
    async fn prepare(job: &Rc<Job>, rooms: usize, people: usize, senders: usize) -> Result<Rc<Self>> {
        let load = Rc::new(Self {
            job: Rc::clone(job),
            crowd: OnceCell::new(),
            senders: (0..rooms * people).filter(|n| n % people < senders).collect(),
            receivers: people - 1,
            counts: RefCell::new(Counts::new()?),
            closed: Cell::new(false),
        });
        let receiving = Rc::clone(&load);
        let crowd = Crowd::gather(job, rooms, people, move |message| receiving.received(message)).await?;
        load.crowd.get_or_init(|| crowd);
        Ok(load)
    }

    fn send(&self, sender: usize, since: Instant) {
        let number = {
            let mut counts = self.counts.borrow_mut();
            counts.messages.push(OnItsWay { since, sender, remaining: self.receivers });
            counts.messages.len() - 1
        };
        if let Some(wire) = self.crowd.get().and_then(|crowd| crowd.senders.get(sender)) {
            wire.send(&message(&self.job, number));
        }
    }

    fn received(&self, bytes: &[u8]) {
        let Some(number) = number_in(bytes) else { return };
        let done = self.counts.borrow_mut().receipt(number);
        if let Some(sender) = done.filter(|_| self.closed.get()) {
            self.send(sender, Instant::now());
        }
    }

    fn check(&self) -> Result<()> {
        self.crowd.get().map_or(Ok(()), Crowd::check)
    }

    /// Lets so much time pass and, in the closed loop, as many messages be done as there are senders: in many rooms, the first ones
    /// wait for a write of each.
    async fn run(&self, time: Duration) -> Result<()> {
        sleep(time).await;
        let until = Instant::now() + PATIENCE;
        while self.closed.get() && self.counts.borrow().done < self.senders.len() && Instant::now() < until {
            self.check()?;
            sleep(LOOK_EVERY).await;
        }
        self.check()
    }

    /// Waits until everybody has everything; tells how many receipts are missing.
    async fn drain(&self) -> Result<usize> {
        let until = Instant::now() + PATIENCE;
        loop {
            self.check()?;
            let missing: usize = self.counts.borrow().messages.iter().map(|message| message.remaining).sum();
            if missing == 0 || Instant::now() > until {
                return Ok(missing);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// What a sender sends under this number.
fn message(job: &Job, number: usize) -> Message {
    let head = mark(number);
    let payload = format!("{head}{}", "x".repeat(job.payload.bytes.saturating_sub(head.len())));
    let event = job.dialect.event.replace("{id}", &format!("m{number}"));
    match (job.dialect.kind, job.payload.binary) {
        (Kind::Raw, false) => Message { text: event.replace("{payload}", &payload), binary: None },
        (Kind::Raw, true) => Message { text: String::new(), binary: Some(payload.into_bytes()) },
        (Kind::SocketIo, false) => {
            Message { text: format!("42{}", event.replace("{payload}", &format!("\"{payload}\""))), binary: None }
        }
        (Kind::SocketIo, true) => {
            let text = format!("451-{}", event.replace("{payload}", r#"{"_placeholder":true,"num":0}"#));
            Message { text, binary: Some(payload.into_bytes()) }
        }
    }
}

/// Sends at a fixed rate until the loop is closed for good: each message counts from the time at which it was due.
async fn send_at(load: Rc<Load>, rate: f64, until: Instant) {
    let start = Instant::now();
    let due = |number: u64| start + Duration::from_secs_f64(number as f64 / rate);
    let mut number = 0;
    while Instant::now() < until {
        while due(number) <= Instant::now() {
            if let Some(&sender) = load.senders.get(number as usize % load.senders.len()) {
                load.send(sender, due(number));
            }
            number += 1;
        }
        sleep(due(number).saturating_duration_since(Instant::now())).await;
    }
}

pub(crate) async fn fanout(job: &Rc<Job>, fanout: Fanout) -> Result<Value> {
    let load = Load::prepare(job, fanout.rooms, fanout.people, fanout.senders).await?;
    let (warmup, measured) = (milliseconds(fanout.warmup_ms), milliseconds(fanout.measure_ms));
    if let Some(rate) = fanout.rate {
        spawn_local(send_at(Rc::clone(&load), rate, Instant::now() + warmup + measured));
    } else {
        load.closed.set(true);
        for &sender in load.senders.iter().flat_map(|sender| std::iter::repeat_n(sender, fanout.in_flight)) {
            load.send(sender, Instant::now());
        }
    }
    load.run(warmup).await?;
    load.counts.borrow_mut().restart();
    let before = Usage::of(job.server.pid)?;
    load.run(measured).await?;
    let after = Usage::of(job.server.pid)?;
    load.closed.set(false);
    let mut report = report(&load, before, after).context("nothing arrived")?;
    let missing = load.drain().await?;
    let strays = load.counts.borrow().strays;
    let compressed = load.crowd.get().is_some_and(|crowd| crowd.compressed);
    if let Some(report) = report.as_object_mut() {
        report.extend([("missing".into(), missing.into()), ("strays".into(), strays.into())]);
        report.insert("compressed".into(), compressed.into());
    }
    Ok(report)
}

/// What the measured time has come to, or nothing where no message arrived in it.
fn report(load: &Load, before: Usage, after: Usage) -> Option<Value> {
    let counts = load.counts.borrow();
    let (seconds, cpu) = ((after.at - before.at).as_secs_f64(), after.cpu - before.cpu);
    (counts.deliveries > 0).then(|| {
        json!({
            "seconds": seconds,
            "messages": counts.done,
            "deliveries": counts.deliveries,
            "messagesASecond": counts.done as f64 / seconds,
            "deliveriesASecond": counts.deliveries as f64 / seconds,
            "cpuUsPerDelivery": cpu * 1e6 / counts.deliveries as f64,
            "busy": cpu / seconds,
            "clientBusy": (after.own_cpu - before.own_cpu) / seconds,
            "residentMb": after.resident as f64 / 1e6,
            "latencyMs": counts.latencies(),
        })
    })
}

/// Connects everybody, lets the room sleep, and sends one message.
pub(crate) async fn wake(job: &Rc<Job>, wake: Wake) -> Result<Value> {
    let load = Load::prepare(job, 1, wake.people, 1).await?;
    sleep(milliseconds(wake.sleep_ms)).await;
    load.check()?;
    let before = Usage::of(job.server.pid)?;
    load.send(0, Instant::now());
    let missing = load.drain().await?;
    let after = Usage::of(job.server.pid)?;
    if missing > 0 {
        bail!("{missing} of {} receivers didn't get the message", load.receivers);
    }
    let counts = load.counts.borrow();
    Ok(json!({
        "receivers": load.receivers,
        "lastMs": counts.latency.max() as f64 / 1e3,
        "latencyMs": counts.latencies(),
        "cpuMs": (after.cpu - before.cpu) * 1e3,
    }))
}
