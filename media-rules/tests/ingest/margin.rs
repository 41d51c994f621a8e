//! How long frames are held behind networks that are late in different ways: as a page starts, once, again and
//! again, always. `cargo test -p media-rules --test ingest margin -- --nocapture` prints what each costs.

use crate::run::{Presented, Run};
use crate::simulated_host::{Host, MS, Recorded, START};

#[test]
fn a_start_is_not_jitter() {
    let mut items = Host::default().record(30_000);
    // As of Chromium, whose page is busy: nothing for a while, then what had waited, and stragglers.
    stall(&mut items, 20, 220);
    stall(&mut items, 900, 60);
    stall(&mut items, 1_700, 90);

    let run = told("a start", items);

    for captured in (500..30_000).step_by(500) {
        assert!(held(&run, captured) <= 30, "{} ms at {captured}", held(&run, captured));
    }
    assert_eq!(held(&run, 10_000), 20, "and less once something is known");
}

#[test]
fn what_is_late_after_the_start_is_held_against_at_once() {
    let mut items = Host::default().record(30_000);
    jitter(&mut items, 0, 60);

    let run = told("jitter from the start on", items);

    assert!(held(&run, 4_500) >= 55, "{} ms", held(&run, 4_500));
    assert!(late_percent(&run.audio, 4_500, 30_000) <= 2.0);
}

#[test]
fn a_source_that_starts_anew_keeps_its_margin_and_its_start_is_not_counted() {
    let mut items = Host::default().record(20_000);
    jitter(&mut items, 0, 60);
    let mut second =
        Host { ssrc: 900, started: START + 20_000 * MS, ..Host::other() }.record(20_000);
    stall(&mut second, 20_020, 140);
    jitter(&mut second, 20_500, 60);
    items.extend(second);
    items.sort_by_key(|item| item.arrival);

    let run = told("a second start", items);

    let second: Vec<_> = run.audio.iter().skip(1_000).collect();
    for frame in second.iter().filter(|frame| frame.captured > 4_000) {
        let held = (frame.frame.at.nanos() - START - (20_000 + frame.captured) * MS) / MS - 20;
        assert!((50..=70).contains(&held), "{held} ms at {}", frame.captured);
    }
}

#[test]
fn what_is_late_once_is_soon_forgotten() {
    let mut items = Host::default().record(60_000);
    stall(&mut items, 20_500, 160);

    let run = told("one stall", items);

    assert!(held(&run, 22_500) >= 50, "{} ms after it", held(&run, 22_500));
    assert!(held(&run, 31_000) <= 30, "{} ms ten seconds later", held(&run, 31_000));
    // Nobody hears a pause in that.
    for pair in run.audio.windows(2) {
        let step = pair[1].frame.at.since(pair[0].frame.at).as_micros();
        assert!((18_900..=21_100).contains(&step), "{step} us at {}", pair[1].captured);
    }
}

#[test]
fn what_is_late_again_and_again_is_remembered() {
    for every in [3_000, 10_000, 15_000, 20_000, 25_000] {
        let mut items = Host::default().record(180_000);
        for from in (5_500..180_000).step_by(every) {
            stall(&mut items, from, 160);
        }

        let run = told(&format!("160 ms every {} s", every / 1_000), items);

        // Twice may be chance.
        for from in (5_500..170_000 - every as u64).step_by(every).skip(2) {
            let late = late_percent(&run.audio, from, from + every as u64);
            assert!(late <= 2.0, "{late} % of the sound from {from} on, every {every} ms");
            let (after, next) = (held(&run, from + 2_000), held(&run, from + every as u64 - 100));
            let slowly = 2 * every as u64 / 1_000;
            assert!(next + slowly + 5 >= after, "{after} to {next} ms, every {every} ms");
            assert!(after >= 50, "{after} ms after {from}, every {every} ms");
        }
    }
}

#[test]
fn retransmissions_on_a_lossy_network_are_waited_for() {
    let mut items = Host::default().record(60_000);
    let mut rng = fastrand::Rng::with_seed(3);
    delay(&mut items, || {
        let again = if rng.u32(0..100) < 5 { rng.u64(40..70) } else { 0 };
        again + rng.u64(0..8)
    });

    let run = told("5 % lost and sent again", items);

    assert!(late_percent(&run.audio, 6_000, 60_000) <= 2.0);
    assert!(late_percent(&run.video, 6_000, 60_000) <= 10.0);
}

/// Nothing arrives for `length` ms from `from` on; what should have comes at its end.
fn stall(items: &mut [Recorded], from: u64, length: u64) {
    let [from, until] = [from, from + length].map(|millis| START + (millis + 20) * MS);
    for item in items.iter_mut().filter(|item| (from..until).contains(&item.arrival)) {
        item.arrival = until;
    }
}

/// Every frame from `from` on needs up to `most` ms longer.
fn jitter(items: &mut [Recorded], from: u64, most: u64) {
    let mut rng = fastrand::Rng::with_seed(most);
    let begin = items.partition_point(|item| item.arrival < START + from * MS);
    delay(&mut items[begin..], || rng.u64(0..most));
}

/// Every frame needs so many milliseconds longer; none overtakes another of its track.
fn delay(items: &mut [Recorded], mut millis: impl FnMut() -> u64) {
    // By track: what was captured last, and when it came.
    let mut last = [(u64::MAX, 0); 2];
    for item in items.iter_mut() {
        let last = &mut last[usize::from(item.is_video())];
        if last.0 != item.captured {
            *last = (item.captured, last.1.max(item.arrival + millis() * MS));
        }
        item.arrival = last.1;
    }
    items.sort_by_key(|item| item.arrival);
}

/// Milliseconds for which sound that was `captured` then is held.
fn held(run: &Run, captured: u64) -> u64 {
    let frame = run.audio.iter().find(|frame| frame.captured >= captured).expect("it came out");
    (frame.frame.at.nanos() - START - frame.captured * MS) / MS - 20
}

fn late_percent(frames: &[Presented], from: u64, to: u64) -> f64 {
    let seen: Vec<_> = frames.iter().filter(|frame| (from..to).contains(&frame.captured)).collect();
    let late = seen.iter().filter(|frame| frame.frame.at.nanos() < frame.out).count();
    100.0 * late as f64 / seen.len() as f64
}

#[allow(clippy::print_stdout, reason = "the figures are what it is run for")]
fn told(name: &str, items: Vec<Recorded>) -> Run {
    let last = items.iter().map(|item| item.captured).max().unwrap_or_default();
    let run = Run::of(items);
    let margins: Vec<String> = [3, 5, 10, 20, 30, 60, 120]
        .into_iter()
        .filter(|second| second * 1_000 <= last)
        .map(|second| format!("{} ms at {second} s", held(&run, second * 1_000)))
        .collect();
    println!(
        "{name}: {:.2} % of the sound and {:.2} % of the pictures late; {}",
        late_percent(&run.audio, 0, last + 1),
        late_percent(&run.video, 0, last + 1),
        margins.join(", ")
    );
    run
}
