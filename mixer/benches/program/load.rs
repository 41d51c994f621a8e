//! Keeps the machine busy to a given share of all its cores, with whatever else runs on it counted
//! in. Threads of this process compute in slices of 10 ms, as much of each as is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const SLICE: Duration = Duration::from_millis(10);
const LOOK: Duration = Duration::from_millis(250);

/// A busy machine; idle again when dropped.
pub(crate) struct Load {
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

struct State {
    /// How much of each slice is computed, in thousandths.
    duty: AtomicU32,
    has_ended: AtomicBool,
}

impl Load {
    /// Starts to keep the machine busy to `share` of its cores.
    pub(crate) fn start(share: f64) -> Self {
        let state = Arc::new(State { duty: AtomicU32::new(0), has_ended: AtomicBool::new(false) });
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut threads: Vec<_> = (0..cores)
            .map(|_| {
                let state = Arc::clone(&state);
                std::thread::spawn(move || compute(&state))
            })
            .collect();
        let theirs = Arc::clone(&state);
        threads.push(std::thread::spawn(move || steer(&theirs, share)));
        Self { state, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.state.has_ended.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// How busy the machine was between two looks.
pub(crate) struct Busyness([f64; 2]);

impl Busyness {
    /// Starts to look.
    pub(crate) fn begin() -> Self {
        Self(machine())
    }

    /// Returns the share of all cores that was used since then.
    pub(crate) fn share(&self) -> f64 {
        let now = machine();
        (now[0] - self.0[0]) / (now[1] - self.0[1]).max(1.0)
    }
}

/// Returns what was busy and what there was in all, in ticks.
fn machine() -> [f64; 2] {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let fields = stat.lines().next().unwrap().split_whitespace().skip(1).take(8);
    let ticks: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
    let all: f64 = ticks.iter().sum();
    [all - ticks[3] - ticks[4], all]
}

fn compute(state: &State) {
    while !state.has_ended.load(Ordering::SeqCst) {
        let began = Instant::now();
        let busy = SLICE * state.duty.load(Ordering::SeqCst) / 1_000;
        while began.elapsed() < busy {
            std::hint::black_box(began);
        }
        std::thread::sleep(SLICE.saturating_sub(began.elapsed()));
    }
}

fn steer(state: &State, share: f64) {
    let mut duty = 0.0;
    while !state.has_ended.load(Ordering::SeqCst) {
        let busyness = Busyness::begin();
        std::thread::sleep(LOOK);
        duty = (duty + (share - busyness.share()) * 0.5_f64).clamp(0.0, 1.0);
        state.duty.store((duty * 1_000.0) as u32, Ordering::SeqCst);
    }
}
