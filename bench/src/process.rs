//! What the operating system says of a process and those below it: processor time and resident memory (Linux's /proc).

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};

const PAGE_BYTES: u64 = 4_096;

/// A look at a server at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) at: Instant,
    /// Seconds of processor time so far, in user and system mode.
    pub(crate) cpu: f64,
    /// Bytes of resident memory.
    pub(crate) resident: u64,
    /// Seconds of processor time of the load generator itself.
    pub(crate) own_cpu: f64,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let (cpu, resident) = tree(pid)?;
        Ok(Self { at: Instant::now(), cpu, resident, own_cpu: cpu_seconds("self")? })
    }
}

fn tree(pid: u32) -> Result<(f64, u64)> {
    let (mut cpu, mut resident) = (cpu_seconds(&pid.to_string())?, resident_bytes(pid)?);
    for child in children(pid) {
        let (more, bytes) = tree(child)?;
        cpu += more;
        resident += bytes;
    }
    Ok((cpu, resident))
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

/// The first field of a thread's schedstat is the time that it has run, in nanoseconds: /proc/<pid>/stat has the same in ticks of
/// 10 ms, which is too coarse for the short parts.
fn cpu_seconds(pid: &str) -> Result<f64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("no process {pid}"))?;
    let mut nanoseconds = 0;
    for thread in threads.flatten() {
        // A thread may end in the meantime.
        let Ok(schedstat) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
        let ran =
            schedstat.split_whitespace().next().context("schedstat is empty: this needs Linux's CONFIG_SCHED_INFO")?;
        nanoseconds += ran.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// proc_pid_statm(5): the second field is the resident set, in pages.
fn resident_bytes(pid: u32) -> Result<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: u64 = statm.split_whitespace().nth(1).context("/proc/<pid>/statm is short")?.parse()?;
    Ok(pages * PAGE_BYTES)
}
