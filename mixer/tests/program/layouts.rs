//! Layouts through the real process: every one of them is in the pictures to two pixels from its first
//! picture on, which says so, and the change costs no picture.

use std::collections::HashMap;
use std::time::Duration;

use media_rules::layout::{Arrangement, Choice, Figures, Performer, Preset};
use media_rules::{FeedId, Fit, FrameCodec, MediaTime, Rect, Scene, Tile, Transition};
use mixer::ProgramEvent;

use crate::host::Host;
use crate::judging::assert_no_gap;
use crate::process::process_of;
use crate::running::{clip, start, until_shown, until_started};
use crate::viewer::{Picture, Recorded, pictures, record};
use crate::{BLACK, CANVAS, COLOURS, LEFT, RIGHT, WHOLE};

/// Edges in decoded pictures are this exact.
const EXACT: u32 = 2;

const PICTURE: Duration = Duration::from_millis(34);

#[tokio::test(flavor = "multi_thread")]
async fn layouts_follow_one_another_without_a_gap_and_are_where_they_should_be() {
    let (_place, program, mut events) = start("layouts").await;
    let alice = Host::start("alice", vec![clip(1)], &program);
    let bob = Host::start("bob", vec![clip(2)], &program);
    let feeds = [&alice.feed, &bob.feed];
    program.set_scene(chosen(1, Preset::PkLeftRight, Transition::Cut, feeds));
    until_started(&mut events).await;
    until_shown(&program, &mut events, vec![LEFT, RIGHT]).await;
    let process = process_of("layouts");

    let millis = Duration::from_millis;
    let changes = [
        (Preset::PkTopBottom, Transition::Cut),
        (Preset::PictureInPicture, Transition::Slide(millis(300))),
        (Preset::Spotlight, Transition::Fade(millis(300))),
        (Preset::Screen, Transition::Cut),
        (Preset::Grid3, Transition::Slide(millis(200))),
        (Preset::Solo, Transition::Cut),
        (Preset::PkLeftRight, Transition::Slide(millis(300))),
    ];
    let mut recorded = record(&mut events, millis(300)).await;
    let mut scenes = vec![chosen(1, Preset::PkLeftRight, Transition::Cut, feeds)];
    for (revision, (preset, transition)) in (2..).zip(changes) {
        let scene = chosen(revision, preset, transition, feeds);
        program.set_scene(scene.clone());
        scenes.push(scene);
        recorded.extend(record(&mut events, millis(600)).await);
    }
    assert_eq!(process_of("layouts"), process, "one process made them all");
    program.stop().await;

    let revisions = revisions(&recorded);
    let pictures = pictures(&recorded);
    let shown: Vec<_> = pictures.iter().map(|picture| revisions[&picture.at]).collect();
    assert!(shown.is_sorted(), "a picture never shows an older layout: {shown:?}");
    for (scene, &revision) in scenes.iter().zip(&[1, 2, 3, 4, 5, 6, 7, 8]) {
        let of_scene = |at: &usize| shown[*at] == revision;
        let first = (0..shown.len()).find(of_scene).expect("every layout is shown");
        let last = (0..shown.len()).rfind(of_scene).expect("every layout is shown");
        if first > 0 {
            let gap = pictures[first].at.since(pictures[first - 1].at);
            assert!(gap <= PICTURE, "layout {revision} costs pictures: {gap:?}");
        }
        let at_rest = if scene.transition == Transition::Cut { first } else { last };
        for at in [at_rest, last] {
            assert_places(&pictures[at], scene);
        }
    }
    assert!(pictures.iter().all(|picture| picture.mean_luma() > BLACK), "no picture is black");
    assert_no_gap(&recorded);
}

fn chosen(revision: u64, preset: Preset, transition: Transition, feeds: [&FeedId; 2]) -> Scene {
    let arrangement = Arrangement::Preset(preset);
    let choice = Choice { arrangement, transition, ..Choice::default() };
    let performer =
        |feed: &FeedId| Performer { feed: feed.clone(), name: String::new(), is_muted: false };
    choice.scene(revision, &feeds.map(performer), false, CANVAS, Figures::default())
}

/// Which layout each picture says that it shows.
fn revisions(recorded: &[Recorded]) -> HashMap<MediaTime, u64> {
    let revision = |(_, event): &Recorded| match event {
        ProgramEvent::Frame { frame, revision } if frame.codec == FrameCodec::H264 => {
            Some((frame.at, *revision))
        }
        ProgramEvent::Frame { .. }
        | ProgramEvent::SideFrame { .. }
        | ProgramEvent::Loudness(_)
        | ProgramEvent::Clip { .. }
        | ProgramEvent::Snapshot(_)
        | ProgramEvent::Rendition { .. }
        | ProgramEvent::KeyframeWanted(_)
        | ProgramEvent::Started { .. }
        | ProgramEvent::Died { .. } => None,
    };
    recorded.iter().filter_map(revision).collect()
}

/// Looks from the middle of each tile to both sides for where its host's colour ends.
fn assert_places(picture: &Picture, scene: &Scene) {
    for (tile, colour) in scene.tiles.iter().zip(COLOURS) {
        // What floats over another or is shown whole has other edges on its way.
        if tile.rect.is_empty() || tile.fit == Fit::Contain || is_covered(tile, scene) {
            continue;
        }
        let Rect { x, y, width, height } = tile.rect;
        // The upper half of a host's picture is of one colour, below its mark.
        let row = y + height * 2 / 5;
        let is_host =
            |x: &u32| picture.colour(*x as usize, row as usize)[0].abs_diff(colour[0]) < 20;
        let middle = x + width / 2;
        let left = (0..=middle).rev().take_while(is_host).last().expect("the middle is theirs");
        let right = (middle..CANVAS.0).take_while(is_host).last().expect("the middle is theirs");
        let is_near = left.abs_diff(x) <= EXACT && (right + 1).abs_diff(x + width) <= EXACT;
        assert!(is_near, "revision {}: {left}..{right} in {:?}", scene.revision, tile.rect);
    }
}

fn is_covered(tile: &Tile, scene: &Scene) -> bool {
    let whole = tile.rect == WHOLE;
    whole && scene.tiles.iter().any(|other| other.z > tile.z && !other.rect.is_empty())
}
