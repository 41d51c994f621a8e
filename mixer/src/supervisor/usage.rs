//! What a process uses of the machine, read from `/proc`.

use std::time::Duration;

/// Linux counts CPU time in this unit for every program (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Usage {
    /// Memory that is there for it and not swapped out.
    pub(super) resident_bytes: u64,
    /// CPU time since it started.
    pub(super) cpu: Duration,
}

impl Usage {
    /// Reads what `process` uses; `None` if it is gone.
    pub(super) fn of(process: u32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        Some(Self { resident_bytes: resident_bytes(&status)?, cpu: cpu(&stat)? })
    }

    /// Adds what changed since `before` to the figures of all mixers.
    pub(super) fn count_since(&self, before: &Self) {
        let cpu = self.cpu.saturating_sub(before.cpu).as_millis();
        metrics::counter!("mixer_cpu_milliseconds_total")
            .increment(u64::try_from(cpu).unwrap_or(u64::MAX));
        let resident = metrics::gauge!("mixer_resident_bytes");
        resident.increment(self.resident_bytes as f64 - before.resident_bytes as f64);
    }
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// User and system time are the 14th and 15th field (proc(5)); the 2nd may hold anything.
fn cpu(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * (ticks()? + ticks()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_whatever_the_program_is_called() {
        let stat = "7 (a) b 1 2) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 9 1 1";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t   1500 kB\n"), Some(1_536_000));
    }

    #[test]
    fn this_very_process_uses_memory() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_bytes > 100_000, "{usage:?}");
        assert_eq!(Usage::of(u32::MAX), None);
    }
}
