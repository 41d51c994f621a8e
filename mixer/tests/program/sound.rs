//! What is heard: concealed losses, mixes without one voice, hosts under a clip, seats' loudness.

use std::time::Duration;

use media_rules::FrameCodec;
use mixer::link::SideMix;
use mixer::{Duty, ProgramEvent};

use crate::clip::{beep_hz, tone_hz};
use crate::host::{Host, Way};
use crate::running::{clip, launch, place, scene, start, until_started};
use crate::viewer::{Recorded, Sound, frames, record, skews_ms, sound};

/// Below this a tone is not heard: a fiftieth of what it is in the program.
const INAUDIBLE: f64 = 0.002;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_packet_of_sound_leaves_no_hole() {
    let _place = place().await;
    // One packet in 20; then as many in a row that nobody could make them up.
    let (single, long, none) = tokio::join!(
        holes("few-losses", Some((1, 20))),
        holes("long-losses", Some((10, 40))),
        holes("no-losses", None),
    );
    println!("silent parts of 5 ms: {single} with single losses, {long} with long ones, {none}");
    // A packet is four such parts, and some ten are lost.
    assert!(single <= none + 4, "{single} silent parts");
    assert!(long > 80, "what cannot be made up is silent: {long}");
}

/// Returns how many parts of 5 ms are silent in a program whose host's packets get lost.
async fn holes(name: &str, losses: Option<(u64, u64)>) -> usize {
    let (program, mut events) = launch(name);
    program.set_duty(Duty::Rest);
    let way = Way { losses, ..Way::default() };
    let alice = Host::start_over(way, "alice", vec![clip(1)], &program);
    program.set_scene(scene(1, &[&alice.feed]));
    until_started(&mut events).await;
    record(&mut events, Duration::from_secs(2)).await;
    let recorded = record(&mut events, Duration::from_secs(4)).await;
    program.stop().await;
    silent_parts(&sound(&recorded, FrameCodec::Opus))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_himself_in_the_mix_that_is_made_for_him() {
    let (_place, program, mut events) = start("side-mixes").await;
    program.set_duty(Duty::Rest);
    // They beep one after another, so that no mix has more for its limiter to do than another.
    let hosts = [1, 2, 3].map(|id| {
        let way = Way { begins: Duration::from_millis(300) * u32::from(id), ..Way::default() };
        Host::start_over(way, &format!("host{id}"), vec![clip(id)], &program)
    });
    let [one, two, three] = &hosts;
    program.set_scene(scene(1, &[&one.feed, &two.feed, &three.feed]));
    let mix = |host: &Host, codec| SideMix { without: host.feed.clone(), codec, kbps: 96 };
    program.set_side_mixes(vec![mix(one, FrameCodec::Opus), mix(two, FrameCodec::Aac)]);
    until_started(&mut events).await;
    record(&mut events, Duration::from_secs(2)).await;
    let recorded = record(&mut events, Duration::from_secs(3)).await;
    program.set_side_mixes(Vec::new());
    record(&mut events, Duration::from_millis(500)).await;
    let later = record(&mut events, Duration::from_secs(1)).await;
    program.stop().await;

    let whole = sound(&recorded, FrameCodec::Opus);
    for (host, codec, id) in [(one, FrameCodec::Opus, 1), (two, FrameCodec::Aac, 2)] {
        let side = side_mix(&recorded, host);
        let heard = sound(&side, codec);
        for other in [1, 2, 3] {
            let level = Sound::level(&heard.samples[4_800..], tone_hz(other));
            let in_all = Sound::level(&whole.samples[4_800..], tone_hz(other));
            println!("without host {id}: tone of host {other} at {level:.4}, of {in_all:.4}");
            assert!(in_all > 0.05, "the program has everybody");
            if other == id {
                assert!(level < INAUDIBLE, "host {id} hears himself at {level}");
            } else {
                assert!((level / in_all - 1.0).abs() < 0.15, "host {other} at {level}");
            }
        }
        // The same moment has the same time in both.
        let apart = skews_ms(&whole.beeps(beep_hz(3)), &heard.beeps(beep_hz(3)));
        assert!(apart.len() >= 2 && apart.iter().all(|apart| apart.abs() < 4.0), "{apart:?}");
        assert!(side_mix(&later, host).is_empty(), "nobody wants it any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_go_down_while_a_clip_sounds_and_the_sum_stays_below_full_scale() {
    let (_place, program, mut events) = start("ducking").await;
    program.set_duty(Duty::Rest);
    let [alice, insert] =
        [1, 2].map(|id| Host::start(&format!("host{id}"), vec![clip(id)], &program));
    let plain = scene(1, &[&alice.feed]);
    let mut over = scene(2, &[&alice.feed, &insert.feed]);
    over.tiles[1].duck_db = 12;
    let mut loud = scene(3, &[&alice.feed, &insert.feed]);
    for tile in &mut loud.tiles {
        tile.gain_percent = 250;
    }
    program.set_scene(plain.clone());
    until_started(&mut events).await;
    let mut levels = Vec::new();
    let mut at_full_scale = Vec::new();
    for scene in [plain.clone(), over, plain, loud] {
        program.set_scene(scene);
        // They are up again 1.1 s after it has stopped.
        record(&mut events, Duration::from_millis(1_600)).await;
        let recorded = record(&mut events, Duration::from_millis(1_200)).await;
        let heard = sound(&recorded, FrameCodec::Opus);
        levels.push(Sound::level(&heard.samples[4_800..], tone_hz(1)));
        let at_the_top = heard.samples.iter().filter(|sample| sample.abs() > 0.95).count();
        at_full_scale.push(at_the_top as f64 / heard.samples.len() as f64);
    }
    program.stop().await;

    println!("levels {levels:.3?}, at full scale {at_full_scale:.4?}");
    let decibels = 20.0 * (levels[1] / levels[0]).log10();
    assert!((decibels + 12.0).abs() < 1.0, "down by {decibels} dB");
    assert!((levels[2] / levels[0] - 1.0).abs() < 0.1, "and up again");
    // Both together would reach 2.5 in every beep, a tenth of the time. What Opus adds to the ceiling
    // of 0.89 where a beep begins is short.
    assert!(at_full_scale[3] < 0.002, "{} of the samples", at_full_scale[3]);
    assert!(levels[3] > levels[0], "and is louder all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loudness_of_every_seat_is_told() {
    let (_place, program, mut events) = start("loudness").await;
    program.set_duty(Duty::Rest);
    let [alice, silent] =
        [1, 2].map(|id| Host::start(&format!("host{id}"), vec![clip(id)], &program));
    silent.set_silent(true);
    program.set_scene(scene(1, &[&alice.feed, &silent.feed]));
    until_started(&mut events).await;
    record(&mut events, Duration::from_secs(1)).await;
    let recorded = record(&mut events, Duration::from_secs(2)).await;
    program.stop().await;

    let told: Vec<_> = recorded
        .iter()
        .filter_map(|(_, event)| {
            let ProgramEvent::Loudness(seats) = event else { return None };
            Some(seats)
        })
        .collect();
    assert!((8..=12).contains(&told.len()), "{} times in two seconds", told.len());
    for seats in told {
        for seat in seats {
            if seat.feed == alice.feed {
                // A tone of -20 dBFS, for a tenth of the time with a beep of -8 dBFS.
                assert!((-220..=-80).contains(&seat.lufs_tenths), "{seat:?}");
                assert!((-210..=-50).contains(&seat.peak_dbfs_tenths), "{seat:?}");
            } else {
                assert_eq!((seat.lufs_tenths, seat.peak_dbfs_tenths), (-700, -700), "{seat:?}");
            }
        }
    }
}

/// Returns the pieces of one host's side mix as if they were the program's.
fn side_mix(recorded: &[Recorded], host: &Host) -> Vec<Recorded> {
    let piece = |(came, event): &Recorded| {
        let ProgramEvent::SideFrame { without, frame } = event else { return None };
        let frame = ProgramEvent::Frame { frame: frame.clone(), revision: 0 };
        (*without == host.feed).then_some((*came, frame))
    };
    recorded.iter().filter_map(piece).collect()
}

/// Returns how many parts of 5 ms hold next to nothing of a tone that never stops.
fn silent_parts(sound: &Sound) -> usize {
    let is_silent = |part: &&[f64]| {
        let power: f64 = part.iter().map(|sample| sample * sample).sum();
        // The tone alone is at 0.07.
        (power / part.len() as f64).sqrt() < 0.01
    };
    sound.samples[4_800..].chunks_exact(240).filter(is_silent).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn aac_rests_while_nobody_takes_it_and_is_there_at_once() {
    let (_place, program, mut events) = start("aac").await;
    until_started(&mut events).await;
    let before = record(&mut events, Duration::from_millis(500)).await;
    program.set_aac(false);
    // What is on its way still comes, and longer than silence is waited for.
    record(&mut events, Duration::from_millis(200)).await;
    let resting = record(&mut events, Duration::from_millis(700)).await;
    let asked = mixer::media_now();
    program.set_aac(true);
    let after = record(&mut events, Duration::from_millis(700)).await;
    program.stop().await;

    assert!(frames(&resting, FrameCodec::Aac).is_empty());
    let newest = frames(&before, FrameCodec::Aac).last().expect("AAC from the beginning").1.at;
    let after = frames(&after, FrameCodec::Aac);
    let (came, first) = &after[0];
    println!("AAC again after {:?}", came.since(asked));
    assert!(came.since(asked) < Duration::from_millis(200));
    assert!(first.at > newest && asked.since(first.at) < Duration::from_millis(100));
    assert!(after.windows(2).all(|pair| pair[1].1.at.since(pair[0].1.at).as_millis() <= 22));
}
