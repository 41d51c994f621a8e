//! What a process costs, from `/proc`.

use std::time::Duration;

use anyhow::{Context, Result};

/// Linux counts in hundredths of a second wherever this runs (`getconf CLK_TCK`).
const TICK: Duration = Duration::from_millis(10);

/// A process at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// User and system time since its start.
    pub(crate) cpu: Duration,
    /// Resident memory in bytes.
    pub(crate) resident: u64,
    /// Threads.
    pub(crate) threads: u64,
}

impl Usage {
    /// Reads process `pid`.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        Self::parse(&read("stat")?, &read("status")?).context("/proc has another format")
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The name in parentheses may hold anything, also spaces.
        let (_, fields) = stat.rsplit_once(')')?;
        let field = |at: usize| fields.split_whitespace().nth(at)?.parse::<u32>().ok();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = resident.split_whitespace().next()?.parse().ok()?;
        Some(Self {
            cpu: TICK * (field(11)? + field(12)?),
            resident: kilobytes * 1_024,
            threads: u64::from(field(17)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_an_odd_name_is_read() {
        let stat = "7 (a) b (c) S 1 1 1 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 5 0 1 2 3";
        let usage = Usage::parse(stat, "Name:\tx\nVmRSS:\t  2048 kB\n").expect("the format");
        assert_eq!((usage.cpu, usage.threads), (Duration::from_secs(2), 5));
        assert_eq!(usage.resident, 2 << 20);
    }
}
