//! Gives a process only a share of the machine's time, in slices short enough to look like a slow
//! machine. A limit of the kernel's (a control group) would need rights that tests do not have. On a
//! busy machine a slice may last longer than meant; by how much is noted, since no process could help it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use media_rules::MediaTime;
use mixer::media_now;
use rustix::process::{Pid, Signal, kill_process};

const SLICE: Duration = Duration::from_millis(30);
const ALL: u32 = 1_000;

/// A process that is held up; free again when this is dropped.
pub(crate) struct Throttle {
    /// Thousandths of the time; 0 ends the thread.
    share: Arc<AtomicU32>,
    excesses: Arc<Mutex<Vec<Excess>>>,
    thread: Option<JoinHandle<()>>,
}

impl Throttle {
    /// Starts without holding anything up.
    pub(crate) fn start(process: u32) -> Self {
        let share = Arc::new(AtomicU32::new(ALL));
        let theirs = Arc::clone(&share);
        let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
        let excesses = Arc::<Mutex<Vec<Excess>>>::default();
        let noted = Arc::clone(&excesses);
        let thread = Some(std::thread::spawn(move || hold_up(process, &theirs, &noted)));
        Self { share, excesses, thread }
    }

    /// Changes how much of the time the process may run.
    pub(crate) fn set_share(&self, share: f64) {
        self.share.store(((share * f64::from(ALL)) as u32).max(1), Ordering::SeqCst);
    }

    /// Returns how much longer than meant the process was held up between two moments.
    pub(crate) fn excess(&self, from: MediaTime, to: MediaTime) -> Duration {
        let excesses = self.excesses.lock().unwrap();
        let between =
            excesses.iter().filter(|it| it.ended > from && it.ended.since(to) < it.length);
        between.map(|it| it.length).sum()
    }

    /// Lets the process run freely.
    pub(crate) fn end(&mut self) {
        self.share.store(0, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.end();
    }
}

/// A part of a slice that should not have been.
struct Excess {
    length: Duration,
    ended: MediaTime,
}

fn hold_up(process: Pid, share: &AtomicU32, excesses: &Mutex<Vec<Excess>>) {
    loop {
        let share = share.load(Ordering::SeqCst);
        if share == 0 {
            return;
        }
        let run = SLICE * share / ALL;
        std::thread::sleep(run);
        if share < ALL {
            let (held, stopped) = (SLICE - run, media_now());
            let _ = kill_process(process, Signal::STOP);
            std::thread::sleep(held);
            let _ = kill_process(process, Signal::CONT);
            let ended = media_now();
            let length = ended.since(stopped).saturating_sub(held);
            excesses.lock().unwrap().push(Excess { length, ended });
        }
    }
}
