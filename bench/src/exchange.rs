//! Requests one after the other: what a client over polling does until it has its first answer, and bare ones.

use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::connect::room;
use crate::http::Http;
use crate::job::Job;
use crate::process::Usage;
use crate::socket_io;

/// Opens a session, connects, and gets one ack: five requests on one connection.
async fn connect_and_ask(http: &mut Http, job: &Job) -> Result<()> {
    let base = socket_io::path(&job.dialect.path.replace("{room}", &room(0)), "polling");
    let opened = http.get(&base).await?;
    let json: Value = serde_json::from_slice(opened.get(1..).unwrap_or_default()).context("no open packet")?;
    let sid = json.get("sid").and_then(Value::as_str).context("an open packet without sid")?;
    let path = format!("{base}&sid={sid}");
    http.post(&path, socket_io::connect("").as_bytes()).await?;
    until(http, &path, socket_io::Packet::Connected).await?;
    let event = job.dialect.event.replace("{payload}", "\"Hello\"");
    http.post(&path, format!("420{event}").as_bytes()).await?;
    until(http, &path, socket_io::Packet::Ack).await
}

async fn until(http: &mut Http, path: &str, wanted: socket_io::Packet<'_>) -> Result<()> {
    loop {
        let payload = http.get(path).await?;
        if payload.split(|&byte| byte == socket_io::RECORD_SEPARATOR).any(|packet| socket_io::parse(packet) == wanted) {
            return Ok(());
        }
    }
}

/// Milliseconds that each time took, and the server's processor time.
fn report(times: &[f64], before: Usage, after: Usage) -> Value {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    json!({
        "times": times.len(),
        "ms": times,
        "medianMs": sorted.get(sorted.len() / 2),
        "cpuMs": (after.cpu - before.cpu) * 1e3 / times.len() as f64,
    })
}

pub(crate) async fn exchange(job: &Rc<Job>, times: usize) -> Result<Value> {
    let mut http = Http::connect(&job.server.address).await?;
    connect_and_ask(&mut http, job).await?;
    let before = Usage::of(job.server.pid)?;
    let mut all = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        connect_and_ask(&mut http, job).await?;
        all.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(report(&all, before, Usage::of(job.server.pid)?))
}

pub(crate) async fn requests(job: &Rc<Job>, paths: &[String], times: usize) -> Result<Value> {
    let mut http = Http::connect(&job.server.address).await?;
    let before = Usage::of(job.server.pid)?;
    let mut all = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        for path in paths {
            http.get(path).await?;
        }
        all.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(report(&all, before, Usage::of(job.server.pid)?))
}
