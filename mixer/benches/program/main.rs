//! Measures whole programs: `program CASE SECONDS [yardstick] [watch] [load=0.8]` runs one and
//! prints a line of JSON. `make bench ONLY=mixer` asks for what it needs (e2e/bench/mixer.mjs).

// Everything here is measuring: it prints figures, and what fails shall end it.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod case;
mod footage;
mod load;
mod threads;
mod yardstick;

// The hosts and the eyes of the tests.
#[allow(dead_code)]
#[path = "../../tests/program/clip.rs"]
mod clip;
#[allow(dead_code)]
#[path = "../../tests/program/host.rs"]
mod host;
#[allow(dead_code)]
#[path = "../../tests/program/viewer.rs"]
mod viewer;
#[path = "../../tests/program/wrapping.rs"]
mod wrapping;

use std::time::Duration;

use case::{Case, Maker};
use load::Load;
use serde_json::json;

/// The name of a program by which this executable knows that it is to be the yardstick.
const YARDSTICK: &str = "yardstick-process";

#[tokio::main]
async fn main() {
    // Cargo adds a flag of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == YARDSTICK) {
        yardstick::run();
        return;
    }
    let [case, seconds, options @ ..] = &words[..] else {
        println!("program CASE SECONDS [yardstick] [watch] [load=0.8]");
        return;
    };
    let has = |wanted: &str| options.iter().any(|option| option == wanted);
    let maker = if has("yardstick") { Maker::Yardstick } else { Maker::Ours };
    let load = options.iter().find_map(|option| option.strip_prefix("load="));
    let load = load.map(|share| Load::start(share.parse().unwrap()));

    let length = Duration::from_secs_f64(seconds.parse().unwrap());
    let run = case::run(&Case::named(case), maker, length, has("watch")).await;
    drop(load);
    let percentile =
        |share: f64| run.added_ms.get((run.added_ms.len() as f64 * share) as usize).copied();
    println!(
        "{}",
        json!({
            "cores": run.stages.values().sum::<f64>(),
            "stages": run.stages,
            "fps": run.fps,
            "kbps": run.kbps,
            "machine_busy": run.busy,
            "added_p50_ms": percentile(0.5),
            "added_p95_ms": percentile(0.95),
            "seen": run.added_ms.len(),
        })
    );
}
