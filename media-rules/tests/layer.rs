//! Goal: a viewer is shown the best picture that its network carries, leaves one that it does not
//! carry at once, and is not thrown back and forth.
//! Method: virtual time; measured streams and made-up ladders against estimates that jump.

use std::time::Duration;

use media_rules::layer::{
    Demand, EncodingSet, LayerChoice, LayerMeter, Offer, Offers, OnDemand, Pin, Rung, Shown,
};
use media_rules::{FrameInfo, Layers, MediaTime};

const TICK: Duration = Duration::from_millis(50);

fn rung(encoding: u8, kbps: u64) -> Rung {
    Rung { encoding, layers: Layers::ALL, bps: kbps * 1_000 }
}

fn ladder() -> Vec<Rung> {
    let slow = Layers { spatial: u8::MAX, temporal: 0 };
    vec![
        Rung { encoding: 2, layers: slow, bps: 80_000 },
        rung(2, 150),
        rung(1, 500),
        rung(0, 1_500),
    ]
}

/// A choice and its clock.
struct Viewer {
    choice: LayerChoice,
    now: MediaTime,
}

impl Viewer {
    fn new() -> Self {
        Self { choice: LayerChoice::default(), now: MediaTime::from_nanos(1_000_000_000) }
    }

    /// Lets time pass. Returns what is shown at its end, and how often it changed on the way.
    fn run(&mut self, kbps: Option<u64>, time: Duration) -> (Option<Shown>, usize) {
        let (mut shown, mut changes) = (None, 0);
        let end = self.now + time;
        while self.now < end {
            let next =
                self.choice.handle_ladder(&ladder(), kbps.map(|kbps| kbps * 1_000), self.now);
            changes += usize::from(shown.is_some() && next != shown);
            shown = next;
            self.now = self.now + TICK;
        }
        (shown, changes)
    }

    fn encoding_after(&mut self, kbps: u64, time: Duration) -> Option<u8> {
        match self.run(Some(kbps), time).0 {
            Some(Shown::Picture { encoding, .. }) => Some(encoding),
            Some(Shown::Nothing) | None => None,
        }
    }
}

#[test]
fn without_an_estimate_the_best_is_shown() {
    let best = Shown::Picture { encoding: 0, layers: Layers::ALL };
    assert_eq!(Viewer::new().run(None, TICK).0, Some(best));
    assert_eq!(LayerChoice::default().handle_ladder(&[], None, MediaTime::default()), None);
}

#[test]
fn a_network_that_breaks_down_costs_size_at_once_and_a_little_too_much_within_a_second() {
    let mut viewer = Viewer::new();
    assert_eq!(viewer.encoding_after(2_000, TICK), Some(0));
    assert_eq!(viewer.encoding_after(300, TICK), Some(2));
    let mut viewer = Viewer::new();
    assert_eq!(viewer.encoding_after(2_000, TICK), Some(0));
    assert_eq!(viewer.encoding_after(1_400, Duration::from_millis(400)), Some(0));
    assert_eq!(viewer.encoding_after(1_400, Duration::from_millis(400)), Some(1));
}

#[test]
fn size_comes_back_after_a_second_of_ample_room_and_not_on_the_edge() {
    let mut viewer = Viewer::new();
    assert_eq!(viewer.encoding_after(300, TICK), Some(2));
    // It would just fit.
    assert_eq!(viewer.encoding_after(510, Duration::from_secs(20)), Some(2));
    assert_eq!(viewer.choice.wanted_bps(), Some(575_000));
    assert_eq!(viewer.encoding_after(600, Duration::from_millis(900)), Some(2));
    assert_eq!(viewer.encoding_after(600, Duration::from_millis(300)), Some(1));
    // Two steps at once, if there is room for both.
    assert_eq!(viewer.encoding_after(100, TICK), Some(2));
    assert_eq!(viewer.encoding_after(9_000, Duration::from_secs(5)), Some(0));
    assert_eq!(viewer.choice.wanted_bps(), None);
}

#[test]
fn steps_that_go_wrong_are_tried_ever_more_seldom_and_forgiven_in_the_end() {
    let mut viewer = Viewer::new();
    viewer.run(Some(300), TICK);
    // The estimate promises what the network does not hold: each step up ends in a step down.
    let mut steps = 0;
    for _ in 0..600 {
        let is_up = viewer.encoding_after(700, Duration::from_millis(100)) == Some(1);
        if is_up {
            steps += 1;
            viewer.run(Some(300), Duration::from_millis(100));
        }
    }
    assert!((3..=8).contains(&steps), "{steps} steps in a minute");
    viewer.run(Some(700), Duration::from_secs(60));
    viewer.run(Some(300), TICK);
    assert_eq!(viewer.encoding_after(700, Duration::from_millis(1_200)), Some(1));
}

#[test]
fn frame_rate_goes_before_the_picture_and_the_picture_before_the_sound() {
    let mut viewer = Viewer::new();
    viewer.run(Some(300), TICK);
    let slow = Shown::Picture { encoding: 2, layers: Layers { spatial: u8::MAX, temporal: 0 } };
    assert_eq!(viewer.run(Some(100), Duration::from_secs(1)).0, Some(slow));
    assert_eq!(viewer.run(Some(60), Duration::from_secs(20)).0, Some(slow), "a little too much");
    assert_eq!(viewer.run(Some(40), Duration::from_millis(1_900)).0, Some(slow));
    assert_eq!(viewer.run(Some(40), Duration::from_millis(200)).0, Some(Shown::Nothing));
    assert_eq!(viewer.run(Some(85), Duration::from_secs(20)).0, Some(Shown::Nothing));
    assert_eq!(viewer.choice.wanted_bps(), Some(92_000));
    assert_eq!(viewer.run(Some(120), Duration::from_millis(2_200)).0, Some(slow));
}

#[test]
fn a_pin_holds_the_size_whatever_the_network_does() {
    let mut viewer = Viewer::new();
    for (pin, encoding) in [(Pin::Low, 2), (Pin::Medium, 1), (Pin::High, 0)] {
        viewer.choice.set_pin(Some(pin));
        assert_eq!(viewer.encoding_after(9_000, Duration::from_secs(3)), Some(encoding));
    }
    // What does not fit at all is not sent even then.
    assert_eq!(viewer.run(Some(400), Duration::from_secs(3)).0, Some(Shown::Nothing));
    viewer.choice.set_pin(None);
    assert_eq!(viewer.encoding_after(600, TICK), Some(1));
}

#[test]
fn an_encoding_that_the_host_gave_up_is_left_at_once() {
    let mut choice = LayerChoice::default();
    let now = MediaTime::from_nanos(1);
    let shown = |encoding| Some(Shown::Picture { encoding, layers: Layers::ALL });
    assert_eq!(
        choice.handle_ladder(&[rung(2, 150), rung(0, 1_500)], Some(9_000_000), now),
        shown(0)
    );
    assert_eq!(choice.handle_ladder(&[rung(2, 150)], Some(9_000_000), now), shown(2));
    assert_eq!(choice.handle_ladder(&[], Some(9_000_000), now), None);
}

#[test]
fn whatever_the_estimate_does_changes_stay_rare_and_too_much_is_short() {
    let mut most_changes = 0;
    for seed in 1..=200_u64 {
        let mut random = Random(seed);
        let mut viewer = Viewer::new();
        let (mut changes, mut too_much, mut steps) = (0, Duration::ZERO, 0);
        let mut kbps = 1_000;
        while steps < 1_200 {
            // Noise around a level that changes now and then.
            if random.below(100) == 0 {
                kbps = 60 + random.below(3_000) as u64;
            }
            let estimate = kbps * (90 + random.below(20) as u64) / 100;
            let before = viewer.choice.handle_ladder(&ladder(), Some(estimate * 1_000), viewer.now);
            viewer.now = viewer.now + TICK;
            let after = viewer.choice.handle_ladder(&ladder(), Some(estimate * 1_000), viewer.now);
            changes += usize::from(before != after);
            let cost = ladder().into_iter().rev().find(|rung| {
                let (encoding, layers) = (rung.encoding, rung.layers);
                after == Some(Shown::Picture { encoding, layers })
            });
            let is_lowest = cost.is_some_and(|rung| rung.bps == 80_000);
            if cost.is_some_and(|rung| rung.bps > estimate * 1_000) && !is_lowest {
                too_much += TICK;
                assert!(too_much <= Duration::from_millis(600), "seed {seed}");
            } else {
                too_much = Duration::ZERO;
            }
            steps += 1;
        }
        most_changes = most_changes.max(changes);
    }
    // A minute each, with some twelve changes of level.
    assert!((5..60).contains(&most_changes), "{most_changes} changes");
}

#[test]
fn a_meter_measures_layers_and_notices_silence() {
    let mut meter = LayerMeter::default();
    let mut now = MediaTime::from_nanos(1_000_000_000);
    // 30 frames a second of 1000 bytes, every other one of the upper layer.
    for frame in 0..90_u8 {
        let info = FrameInfo { temporal: frame % 2, ..FrameInfo::default() };
        meter.handle_packet(&info, 1_000, now);
        now = now + Duration::from_micros(33_333);
    }
    let mut rungs = Vec::new();
    meter.push_rungs(3, true, &mut rungs);
    let [half, full] = rungs[..] else { panic!("two rungs, not {rungs:?}") };
    assert!((105_000..135_000).contains(&half.bps), "{half:?}");
    assert!((220_000..260_000).contains(&full.bps), "{full:?}");
    assert_eq!((half.layers.temporal, full.layers), (0, Layers::ALL));
    assert!(meter.is_live(now) && !meter.is_live(now + Duration::from_secs(2)));
}

#[test]
fn of_spatial_layers_only_what_is_needed_is_counted() {
    let mut meter = LayerMeter::default();
    let mut now = MediaTime::from_nanos(1_000_000_000);
    for frame in 0..60 {
        // One in ten serves the upper layer; the upper layer is three times as large.
        let serves_higher_layers = frame % 10 == 0;
        let lower = FrameInfo { serves_higher_layers, ..FrameInfo::default() };
        meter.handle_packet(&lower, 1_000, now);
        meter.handle_packet(&FrameInfo { spatial: 1, ..FrameInfo::default() }, 3_000, now);
        now = now + Duration::from_micros(33_333);
    }
    let mut rungs = Vec::new();
    meter.push_rungs(0, true, &mut rungs);
    let [lower, upper] = rungs[..] else { panic!("two rungs, not {rungs:?}") };
    assert_eq!((lower.layers.spatial, upper.layers.spatial), (0, 1));
    assert!((220_000..260_000).contains(&lower.bps), "{lower:?}");
    assert!((690_000..800_000).contains(&upper.bps), "{upper:?}");
}

#[test]
fn an_encoding_that_nobody_takes_rests_and_comes_back_at_once() {
    let set = |encodings: &[u8]| encodings.iter().copied().collect::<EncodingSet>();
    let start = MediaTime::from_nanos(1_000_000_000);
    let mut demand = Demand::new(set(&[0, 1, 2]), 2, start);
    let after = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(demand.handle_taken(set(&[0]), after(1)), None);
    assert_eq!(demand.handle_taken(set(&[0]), after(5)), None);
    // Nobody took 1; nobody takes 2 either, but it is what newcomers are shown.
    assert_eq!(demand.handle_taken(set(&[0]), after(7)), Some(set(&[0, 2])));
    assert_eq!(demand.handle_taken(set(&[0]), after(8)), None);
    assert_eq!(demand.handle_taken(set(&[1]), after(9)), Some(set(&[0, 1, 2])));
    assert_eq!(demand.handle_taken(set(&[]), after(30)), Some(set(&[2])));
    assert_eq!(demand.wanted(), set(&[2]));
}

/// A small generator, so that the test needs no other crate and always does the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

fn offers(numbers: &[u8]) -> Offers {
    let mut offers = Offers::default();
    for &number in numbers {
        // 0 is the whole picture, 1 the smallest rendition.
        let (size, bps) =
            [((720, 1_280), 1_500_000), ((360, 640), 400_000), ((540, 960), 1_000_000)]
                [usize::from(number)];
        offers.insert(number, Offer { size, bps });
    }
    offers
}

#[test]
fn what_is_offered_is_on_the_ladder_before_anybody_takes_it() {
    let mut ladder = Vec::new();
    let measured = |number| (number == 0).then_some(1_300_000);
    offers(&[0, 1, 2]).push_rungs(measured, &mut ladder);
    assert_eq!(ladder, [rung(1, 400), rung(2, 1_000), rung(0, 1_300)]);
    let mut viewer = Viewer::new();
    viewer.choice.handle_ladder(&ladder, None, viewer.now);
    let shown = viewer.choice.handle_ladder(&ladder, Some(500_000), viewer.now);
    assert_eq!(shown, Some(Shown::Picture { encoding: 1, layers: Layers::ALL }), "at once");
}

#[test]
fn a_rendition_that_has_just_begun_is_no_dearer_than_it_was_offered_for() {
    let mut ladder = Vec::new();
    let measured = |number| Some([2_400_000, 3_000_000, 250_000][usize::from(number)]);
    offers(&[0, 1, 2]).push_rungs(measured, &mut ladder);
    assert_eq!(ladder, [rung(1, 400), rung(2, 250), rung(0, 2_400)], "a host is what it is");
}

#[test]
fn whoever_is_shown_what_is_not_offered_any_more_goes_elsewhere_at_once() {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    offers(&[0, 1, 2]).push_rungs(|_| None, &mut before);
    offers(&[0, 1]).push_rungs(|_| None, &mut after);
    assert!(offers(&[0, 1]).is_choice() && !offers(&[0]).is_choice());
    let mut viewer = Viewer::new();
    let choose = |viewer: &mut Viewer, ladder: &[Rung]| match viewer.choice.handle_ladder(
        ladder,
        Some(1_200_000),
        viewer.now,
    ) {
        Some(Shown::Picture { encoding, .. }) => encoding,
        other => panic!("{other:?}"),
    };
    assert_eq!(choose(&mut viewer, &before), 2);
    assert_eq!(choose(&mut viewer, &after), 1);
}

#[test]
fn a_rendition_is_made_from_when_somebody_takes_it_until_a_while_after_the_last() {
    let at = MediaTime::from_millis;
    let taken = |numbers: &[u8]| numbers.iter().copied().collect::<EncodingSet>();
    let mut demand = OnDemand::default();
    assert_eq!(demand.wanted(at(1_000)), taken(&[]), "nobody has come yet");
    demand.handle_taken(taken(&[0, 2]), at(1_000));
    assert_eq!(demand.wanted(at(1_000)), taken(&[0, 2]), "at once");
    demand.handle_taken(taken(&[0]), at(5_000));
    assert_eq!(demand.wanted(at(10_999)), taken(&[0, 2]));
    assert_eq!(demand.wanted(at(11_000)), taken(&[0]));
}
