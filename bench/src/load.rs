//! Senders and receivers: messages on their way, and when they arrive.
//!
//! In the closed loop, a sender sends its next message when one of its own has reached everybody. What is measured is then the
//! latency of what was sent, and no rate is promised. In the open loop, messages are due at fixed times, and a message's latency
//! counts from that time even if it was sent later.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::client::Message;
use crate::connect::Crowd;
use crate::job::{Fanout, Job, Kind, Wake, milliseconds};
use crate::process::Usage;

/// Stands on both sides of a message's number in its payload, and nowhere else in what servers send.
const MARK: u8 = b'~';
const NUMBER_DIGITS: usize = 8;
/// How long the first messages may be on their way, and the last ones.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The longest latency that the histogram tells apart, in microseconds.
const LONGEST_US: u64 = 120_000_000;
/// The histogram's resolution, in significant digits.
const DIGITS: u8 = 3;

/// A message on its way.
struct OnItsWay {
    /// When it was sent or, in an open loop, when it was due.
    since: Instant,
    sender: usize,
    /// Receivers that don't have it yet.
    remaining: usize,
}

/// What is counted.
struct Counts {
    /// By number.
    messages: Vec<OnItsWay>,
    done: usize,
    deliveries: u64,
    /// Whoever got a message more than once, or one that nobody sent.
    strays: u64,
    /// Microseconds from each message to each of its receipts.
    latency: Histogram<u64>,
}

impl Counts {
    fn new() -> Result<Self> {
        Ok(Self {
            messages: Vec::new(),
            done: 0,
            deliveries: 0,
            strays: 0,
            latency: Histogram::new_with_bounds(1, LONGEST_US, DIGITS)?,
        })
    }

    /// One receiver has this message; tells the sender if it was the last one.
    fn receipt(&mut self, number: usize) -> Option<usize> {
        let Some(message) = self.messages.get_mut(number).filter(|message| message.remaining > 0) else {
            self.strays += 1;
            return None;
        };
        message.remaining -= 1;
        self.deliveries += 1;
        self.latency.saturating_record(u64::try_from(message.since.elapsed().as_micros()).unwrap_or(u64::MAX));
        if message.remaining > 0 {
            return None;
        }
        self.done += 1;
        Some(message.sender)
    }

    /// Counts from now on; what is on its way stays so.
    fn restart(&mut self) {
        (self.done, self.deliveries) = (0, 0);
        self.latency.reset();
    }

    fn latencies(&self) -> Value {
        let at = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1e3;
        json!({
            "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": self.latency.max() as f64 / 1e3,
        })
    }
}

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

    /// Waits until as many messages are done as there are senders: in many rooms, the first ones wait for a write of each.
    async fn warm(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.counts.borrow().done < self.senders.len() && Instant::now() < until {
            self.check()?;
            sleep(LOOK_EVERY).await;
        }
        Ok(())
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
    let mark = char::from(MARK);
    let head = format!("{mark}{number:0NUMBER_DIGITS$x}{mark}");
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

/// The number of the message that these bytes hold.
fn number_in(bytes: &[u8]) -> Option<usize> {
    let start = memchr::memchr(MARK, bytes)? + 1;
    let digits = bytes.get(start..start + NUMBER_DIGITS)?;
    (bytes.get(start + NUMBER_DIGITS) == Some(&MARK)).then_some(())?;
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
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
    sleep(warmup).await;
    if fanout.rate.is_none() {
        load.warm().await?;
    }
    load.counts.borrow_mut().restart();
    let before = Usage::of(job.server.pid)?;
    sleep(measured).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_wherever_the_payload_stands() {
        assert_eq!(number_in(br#"["message",{"text":"~000000ff~xxx"}]"#), Some(255));
        assert_eq!(number_in(b"~0000002a~"), Some(42));
        for other in [&b"~0000002a"[..], b"~000002a~~", b"nothing", b""] {
            assert_eq!(number_in(other), None);
        }
    }

    #[test]
    fn each_receipt_counts_once() {
        let mut counts = Counts::new().unwrap();
        counts.messages.push(OnItsWay { since: Instant::now(), sender: 7, remaining: 2 });
        assert_eq!(
            [counts.receipt(0), counts.receipt(0), counts.receipt(0), counts.receipt(1)],
            [None, Some(7), None, None]
        );
        assert_eq!((counts.deliveries, counts.done, counts.strays), (2, 1, 2));
    }
}
