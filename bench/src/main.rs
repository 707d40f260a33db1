//! The benchmark's load generator: connects clients to one server, gives it work, and prints what came of it as one line of
//! JSON. `bench/run.mjs` starts it; its only argument is a job (`job::Job`) as JSON.
//!
//! One thread does it all, so that the server has a core of its own on a machine of two.

mod client;
mod connect;
mod counts;
mod exchange;
mod http;
mod job;
mod load;
mod polling;
mod process;
mod socket_io;
mod websocket;
mod wire;

use std::process::ExitCode;

use anyhow::{Context, Result};
use job::{Job, Task};
use serde_json::Value;

fn main() -> ExitCode {
    match work() {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<Value> {
    let text = std::env::args().nth(1).context("the only argument is a job as JSON; `npm run bench` makes it")?;
    let job: Job = serde_json::from_str(&text).context("the job can't be read")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, run(job))
}

async fn run(job: Job) -> Result<Value> {
    let job = std::rc::Rc::new(job);
    match job.task {
        Task::Fanout(fanout) => load::fanout(&job, fanout).await,
        Task::Connect(connecting) => connect::connect(&job, connecting).await,
        Task::Wake(wake) => load::wake(&job, wake).await,
        Task::Exchange { times } => exchange::exchange(&job, times).await,
        Task::Requests { ref paths, times } => exchange::requests(&job, paths, times).await,
    }
}
