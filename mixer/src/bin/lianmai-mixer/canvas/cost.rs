//! What a picture costs, printed: `cargo test --release -p mixer --bin lianmai-mixer cost -- --ignored
//! --nocapture`. Two hosts of 720p side by side, a new picture of each every time.

#![allow(clippy::print_stdout, reason = "it prints figures")]

use std::time::{Duration, Instant};

use media_rules::Transition;
use media_rules::layout::{Arrangement, Choice, Preset};

use super::*;

const PICTURES: u64 = 300;

#[test]
#[ignore = "a measurement"]
fn what_a_picture_costs() {
    let plain =
        Choice { arrangement: Arrangement::Preset(Preset::PkLeftRight), ..Choice::default() };
    let idle = measure(&plain, 0);
    println!("nothing new of two hosts        {idle:.2} ms");
    let bare = measure(&plain, 2);
    println!("two new pictures of 1280x720    {bare:.2} ms");
    let mut names = studio_scene(&plain, 1);
    for tile in &mut names.tiles {
        tile.label = Some("李雷 Alice".into());
        tile.has_mute_mark = true;
    }
    println!("  and names and mute marks      {:.2} ms", measure_scene(names, 2));
    let trimmed = Choice { radius: 24, ..plain.clone() };
    println!("  and rounded corners           {:.2} ms", measure(&trimmed, 2));
    let style = style(None, Align::Middle);
    let text = Motif::Text { text: "3, 2, 1, 上链接! tonight only".into(), style };
    let clock = Motif::Clock { utc_offset_minutes: 0, style };
    for (name, motif) in [("a line of text", text), ("a clock", clock)] {
        let ornaments = vec![ornament([0, 900, 720, 60], 100, motif)];
        let with = Choice { ornaments, ..plain.clone() };
        println!("  and {name:<26}{:.2} ms", measure(&with, 2));
    }
    for (name, transition) in [
        ("while fading", Transition::Fade(Duration::from_secs(1))),
        ("while sliding", Transition::Slide(Duration::from_secs(1))),
    ] {
        println!("  {name:<30}{:.2} ms", measure_change(transition));
    }
}

fn studio_scene(choice: &Choice, revision: u64) -> Scene {
    Studio::new(PORTRAIT, None).scene(choice, revision, 2)
}

fn measure(choice: &Choice, new: usize) -> f64 {
    measure_scene(studio_scene(choice, 1), new)
}

fn measure_scene(scene: Scene, new: usize) -> f64 {
    let mut studio = Studio::new(PORTRAIT, None);
    studio.show(scene);
    let samples = samples();
    let began = Instant::now();
    for number in 0..PICTURES {
        for host in 0..new {
            studio.hosts[host] = samples[number as usize % samples.len()].clone();
        }
        studio.draw_only(at(number * 33));
    }
    began.elapsed().as_secs_f64() * 1e3 / PICTURES as f64
}

fn measure_change(transition: Transition) -> f64 {
    let mut studio = Studio::new(PORTRAIT, None);
    let samples = samples();
    let mut spent = Duration::ZERO;
    for revision in 1..=10 {
        let chosen = if revision % 2 == 0 { Preset::PkTopBottom } else { Preset::PkLeftRight };
        let choice =
            Choice { arrangement: Arrangement::Preset(chosen), transition, ..Choice::default() };
        let scene = studio.scene(&choice, revision, 2);
        studio.show(scene);
        let began = Instant::now();
        for number in 0..29 {
            for host in 0..2 {
                studio.hosts[host] = samples[number % samples.len()].clone();
            }
            studio.draw_only(at(revision * 1_000 + number as u64 * 33));
        }
        spent += if revision > 1 { began.elapsed() } else { Duration::ZERO };
    }
    spent.as_secs_f64() * 1e3 / (9.0 * 29.0)
}

fn samples() -> Vec<gst::Sample> {
    (0..3).map(|n| picture(1280, 720, |x, y| (x ^ y) as u8 / 2 + n + 60)).collect()
}
