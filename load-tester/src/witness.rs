//! A witness of what the machine itself takes away: threads that want to wake every few milliseconds,
//! one for each core, and say how much later one of them did.
//!
//! A virtual machine's cores stand still now and then for a tenth of a second, because its host gives
//! them to others. Nobody in it can do anything then, so who holds a program to a gap in time asks the
//! witness how much of that gap was the machine's. Its threads are not bound to cores: one that is busy
//! is no reason to wait where another is free, for a program's threads neither.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

const NAP: Duration = Duration::from_millis(3);

/// Microseconds of the longest time that a thread was kept waiting.
static LONGEST_US: AtomicU64 = AtomicU64::new(0);

/// Watches until standard input ends, then prints the longest standstill in milliseconds.
#[expect(clippy::print_stdout, reason = "the answer is this program's output")]
pub(crate) fn run() -> Result<()> {
    for _ in 0..thread::available_parallelism()?.get() {
        thread::spawn(attend);
    }
    io::copy(&mut io::stdin(), &mut io::sink())?;
    println!("{:.1}", LONGEST_US.load(Ordering::Relaxed) as f64 / 1_000.0);
    Ok(())
}

fn attend() {
    let mut before = Instant::now();
    loop {
        thread::sleep(NAP);
        let now = Instant::now();
        let late = (now - before).saturating_sub(NAP);
        LONGEST_US.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
        before = now;
    }
}
