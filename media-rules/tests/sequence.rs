//! Goal: extended numbers keep the order in which a sender counted, across any wrap.
//! Method: count up with random reordering from printed seeds and compare with the true count.

use media_rules::{SequenceUnwrapper, TimestampUnwrapper};

#[test]
fn reordering_across_a_wrap_keeps_the_true_distance() {
    let mut wraps = 0;
    for seed in 0..500 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let start = rng.u64(0..0x1_0000);
        let mut unwrapper = SequenceUnwrapper::default();
        let base = unwrapper.unwrap(start as u16);

        let mut newest = 0;
        for _ in 0..200 {
            let count = newest + rng.u64(..1_000);
            let count = count.saturating_sub(rng.u64(..500));
            assert_eq!(unwrapper.unwrap((start + count) as u16), base + count, "seed {seed}");
            newest = newest.max(count);
        }
        assert_eq!(unwrapper.newest(), Some(base + newest), "seed {seed}");
        wraps += u64::from(start + newest > 0xffff);
    }
    assert!(wraps > 100, "only {wraps} runs wrapped");
}

#[test]
fn a_packet_from_before_the_first_is_older() {
    let mut unwrapper = SequenceUnwrapper::default();
    let first = unwrapper.unwrap(0);

    assert_eq!(unwrapper.unwrap(0xffff), first - 1);
}

#[test]
fn timestamps_count_from_the_first_across_the_wrap() {
    let mut unwrapper = TimestampUnwrapper::default();

    assert_eq!(unwrapper.unwrap(u32::MAX - 999), 0);
    assert_eq!(unwrapper.unwrap(2_000), 3_000);
    assert_eq!(unwrapper.unwrap(u32::MAX - 1_999), -1_000);
    assert_eq!(unwrapper.newest(), Some(3_000));
}
