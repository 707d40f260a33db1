//! What the operating system says of a process and those below it: processor time and resident memory (Linux's /proc).

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};

/// Ticks of utime and stime a second: Linux has the same on each platform.
const TICKS_A_SECOND: f64 = 100.0;
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

/// proc_pid_stat(5): fields 14 and 15 are utime and stime. The second field is a name in parentheses and may hold anything.
fn cpu_seconds(pid: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    let (_, rest) = stat.rsplit_once(')').context("/proc/<pid>/stat has no name")?;
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Ok(ticks.sum::<u64>() as f64 / TICKS_A_SECOND)
}

/// proc_pid_statm(5): the second field is the resident set, in pages.
fn resident_bytes(pid: u32) -> Result<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: u64 = statm.split_whitespace().nth(1).context("/proc/<pid>/statm is short")?.parse()?;
    Ok(pages * PAGE_BYTES)
}
