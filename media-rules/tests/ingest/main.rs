//! Goal: a mixer gets whole frames, in order, on one clock, with lips and voices together, whatever
//! the network does; and after a loss nothing broken.
//! Method: a simulated host with its own clocks behind a simulated network, in virtual time. Each
//! frame carries its capture time, so every promise can be checked against the truth.

mod margin;
mod run;
mod simulated_host;
mod two_hosts;

use std::time::Duration;

use bytes::Bytes;
use media_rules::{FeedFrame, Ingest, MediaKind, MediaTime, SenderReport, TapItem, TapPacket};
use run::{Presented, Run};
use simulated_host::{Host, MS, Recorded, START, tap_packet};

#[test]
fn frames_come_out_whole_and_due_a_little_later() {
    let run = Run::of(Host::default().record(3_000));

    assert_eq!(run.video.len(), 90);
    assert_eq!(run.audio.len(), 150);
    for frame in run.video.iter().chain(&run.audio) {
        // The margin, as nothing jitters, give or take a tick of the clocks.
        assert!(frame.frame.at.nanos().abs_diff(frame.out + 30 * MS) <= MS / 40);
    }
    assert!(run.video[0].frame.is_key && !run.video[1].frame.is_key);
    assert!(!run.keyframe_was_wanted);
}

#[test]
fn without_reports_each_track_goes_by_its_own_arrivals() {
    let host = Host { video_delay: 150 * MS, audio_delay: 20 * MS, ..Host::default() };

    let run = Run::of(host.record(2_000));

    assert_eq!(run.lag_at_end(), (180 * MS, 50 * MS));
}

#[test]
fn with_reports_lips_match_voices() {
    for (video_delay, audio_delay) in [(150 * MS, 20 * MS), (20 * MS, 150 * MS)] {
        let host = Host { video_delay, audio_delay, reports_every: 1_000, ..Host::default() };

        let run = Run::of(host.record(5_000));

        let (video, audio) = run.lag_at_end();
        assert!(video.abs_diff(audio) < MS, "video {video} ns and audio {audio} ns behind");
        assert!(video.abs_diff(180 * MS) < MS, "the slower track sets the pace: {video}");
        run.assert_each_track_moves_forward();
    }
}

#[test]
fn reports_of_another_clock_are_not_believed() {
    let host = Host {
        video_delay: 50 * MS,
        audio_delay: 20 * MS,
        reports_every: 1_000,
        audio_report_error: 3_000 * MS,
        ..Host::default()
    };

    let run = Run::of(host.record(3_000));

    assert_eq!(run.lag_at_end(), (80 * MS, 50 * MS));
}

#[test]
fn a_drifting_clock_is_followed_without_a_jump() {
    for drift_ppm in [-200, 200] {
        let host = Host { drift_ppm, ..Host::default() };

        let run = Run::of(host.record(120_000));

        let (video, audio) = run.lag_at_end();
        // 200 ppm over the two seconds of a window; by now the margin is the shortest there is.
        assert!(video.abs_diff(40 * MS) <= MS, "{drift_ppm} ppm: {video}");
        assert!(audio.abs_diff(40 * MS) <= MS, "{drift_ppm} ppm: {audio}");
        for pair in run.audio.windows(2).skip(1) {
            let step = pair[1].frame.at.since(pair[0].frame.at);
            assert!(step.abs_diff(Duration::from_millis(20)) <= Duration::from_millis(1));
        }
    }
}

#[test]
fn a_packet_that_is_retransmitted_in_time_costs_nothing() {
    let mut items = Host::default().record(2_000);
    let lost = items.iter().position(|item| item.is_video_at(1_000)).unwrap();
    items[lost].arrival += 70 * MS;
    items.sort_by_key(|item| item.arrival);

    let run = Run::of(items);

    assert_eq!(run.video.len(), 60);
    assert!(!run.keyframe_was_wanted);
    run.assert_each_track_moves_forward();
}

#[test]
fn after_a_loss_nothing_comes_until_the_next_keyframe() {
    let host = Host { keyframe_every: 30, ..Host::default() };
    let mut items = host.record(3_000);
    let lost = items.iter().position(|item| item.is_video_at(500)).unwrap();
    items.remove(lost);

    let run = Run::of(items);

    let captured: Vec<u64> = run.video.iter().map(|frame| frame.captured).collect();
    assert!(captured.iter().all(|captured| !(500..1_000).contains(captured)), "{captured:?}");
    assert_eq!(captured.len(), 90 - 15);
    assert!(run.keyframe_was_wanted);
    assert!(!run.ingest.poll_keyframe_wanted(), "it came");
    assert_eq!(run.ingest.stats().gaps, 1);
}

#[test]
fn a_gap_at_the_end_of_a_stream_is_given_up_by_time_alone() {
    let mut items = Host::default().record(100);
    let last = items.iter().rposition(|item| item.is_video()).unwrap();
    let before = items[..last].iter().rposition(|item| item.is_video()).unwrap();
    let arrival = items[last].arrival;
    items.remove(before);
    let last = items.iter().rfind(|item| item.is_video()).unwrap().clone();
    let mut ingest = Ingest::default();
    for item in items {
        ingest.handle(item.item, MediaTime::from_nanos(item.arrival));
    }
    let TapItem::Packet(last) = last.item else { panic!("it is a packet") };
    let arrival_of_copy = MediaTime::from_nanos(arrival + 40 * MS);
    let copy = TapItem::Packet(TapPacket { arrival: arrival_of_copy, ..last });
    ingest.handle(copy, arrival_of_copy);
    assert_eq!(ingest.stats().late_packets, 1, "the copy");
    assert_eq!(ingest.poll_timeout(), Some(MediaTime::from_nanos(arrival + 80 * MS)));

    while ingest.poll_frame(MediaTime::from_nanos(arrival + 79 * MS)).is_some() {}
    assert!(!ingest.poll_keyframe_wanted());
    assert_eq!(ingest.poll_frame(MediaTime::from_nanos(arrival + 80 * MS)), None);
    assert!(ingest.poll_keyframe_wanted());
}

#[test]
fn joining_in_the_middle_asks_for_a_keyframe() {
    let host = Host { keyframe_every: 30, ..Host::default() };
    let items = host.record(2_000).into_iter().filter(|item| item.captured >= 500);

    let run = Run::of(items.collect());

    assert!(run.keyframe_was_wanted);
    assert_eq!(run.video[0].captured, 1_000);
    assert_eq!(run.video.len(), 30);
}

#[test]
fn a_new_connection_of_the_publisher_continues_the_timeline() {
    let first = Host { reports_every: 500, ..Host::default() };
    let second = Host { ssrc: 900, started: START + 2_500 * MS, ..Host::other() };
    let mut items = first.record(2_000);
    let stray = items.iter().rposition(Recorded::is_video).unwrap();
    let stray = Recorded { arrival: START + 2_900 * MS, ..items.remove(stray) };
    items.extend(second.record(2_000));
    items.push(stray);
    items.sort_by_key(|item| item.arrival);

    let run = Run::of(items);

    run.assert_each_track_moves_forward();
    assert_eq!(run.video.len(), 59 + 60, "the stray packet of the first is ignored");
    assert_eq!(run.audio.len(), 100 + 100);
    assert_eq!(run.ingest.stats().late_packets, 1);
    assert!(run.video[59].frame.is_key, "the second starts with its keyframe");
    let last = run.video.last().unwrap();
    assert!(last.frame.at.nanos().abs_diff(last.out + 30 * MS) < MS, "and is soon due in time");
}

#[test]
fn a_new_connection_that_starts_without_a_keyframe_shows_nothing_until_it_comes() {
    let mut items = Host::default().record(2_000);
    let second =
        Host { ssrc: 900, started: START + 2_000 * MS, keyframe_every: 30, ..Host::other() };
    // Its numbers and times go on where the first one's stopped, as bad luck may have it.
    items.extend(second.record(2_000).into_iter().filter(|item| item.captured >= 500));

    let run = Run::of(items);

    assert_eq!(run.video.len(), 60 + 30);
    assert!(run.video[60].frame.is_key);
    assert!(run.keyframe_was_wanted);
}

#[test]
fn a_sender_that_counts_anew_is_followed_from_its_next_keyframe() {
    // Once far ahead of where the numbers were, once far behind.
    for sequence in [20_000, 40_000] {
        let mut items = Host::default().record(2_000);
        let again = Host {
            started: START + 2_000 * MS,
            sequence,
            keyframe_every: 30,
            video_timestamp: Host::default().video_timestamp.wrapping_add(180_000),
            audio_timestamp: Host::default().audio_timestamp.wrapping_add(96_000),
            ..Host::default()
        };
        items.extend(again.record(4_000));

        let run = Run::of(items);

        assert_eq!(run.video.last().unwrap().captured, 3_966);
        assert!(run.video[60].frame.is_key, "from {sequence}");
        run.assert_each_track_moves_forward();
    }
}

#[test]
fn a_clock_that_jumps_is_followed() {
    for jump in [3_600 * 90_000_u32, 3_600_u32.wrapping_neg().wrapping_mul(90_000)] {
        let mut items = Host::default().record(2_000);
        let jumped = Host {
            started: START + 2_000 * MS,
            sequence: 0x1000,
            video_timestamp: Host::default().video_timestamp.wrapping_add(jump),
            ..Host::default()
        };
        items.extend(jumped.record(2_000));

        let run = Run::of(items);

        run.assert_each_track_moves_forward();
        let last = run.video.last().unwrap();
        let held = last.frame.at.nanos() - last.out;
        assert!(held.abs_diff(30 * MS) < MS, "by {jump}: {held}");
    }
}

#[test]
fn a_clock_that_runs_ten_times_too_fast_leads_nobody_into_the_future() {
    let mut items = Host { drift_ppm: 9_000_000, ..Host::default() }.record(10_000);
    let well = Host { started: START + 10_000 * MS, ssrc: 300, ..Host::other() };
    items.extend(well.record(5_000));

    let run = Run::of(items);

    run.assert_each_track_moves_forward();
    for frame in run.video.iter().chain(&run.audio) {
        let ahead = frame.frame.at.nanos().saturating_sub(frame.out);
        assert!(ahead < 2_500 * MS, "{ahead} at {}", frame.captured);
    }
    let last = run.video.last().unwrap();
    assert!(last.frame.at.nanos() - last.out < 40 * MS, "a new clock is followed");
}

#[test]
fn jitter_is_absorbed_by_the_margin_and_does_not_add_up() {
    let mut items = Host::default().record(5_000);
    for item in &mut items {
        let delay = [12, 25, 0, 25, 12][(item.captured / 33) as usize % 5];
        item.arrival += delay * MS;
    }
    items.sort_by_key(|item| item.arrival);

    let run = Run::of(items);

    let (video, audio) = run.lag_at_end();
    assert!(video.abs_diff(50 * MS) <= MS && audio.abs_diff(50 * MS) <= MS, "{video}, {audio}");
}

#[test]
fn a_report_of_a_former_connection_does_not_part_lips_and_voices() {
    // One report each, before the first packets.
    let host = Host {
        video_delay: 150 * MS,
        audio_delay: 30 * MS,
        reports_every: 10_000,
        ..Host::default()
    };
    let mut items = host.record(3_000);
    let stray = items.iter().find(|item| matches!(item.item, TapItem::Report(_))).unwrap().clone();
    let TapItem::Report(report) = stray.item else { panic!("it is a report") };
    let rtp_timestamp = report.rtp_timestamp.wrapping_add(20 * report.kind.clock_rate_hz());
    let item = TapItem::Report(SenderReport { rtp_timestamp, ..report });
    items.push(Recorded { arrival: START + 1_500 * MS, item, ..stray });
    items.sort_by_key(|item| item.arrival);

    let run = Run::of(items);

    let (video, audio) = run.lag_at_end();
    assert!(video.abs_diff(audio) <= MS, "video {video} ns and audio {audio} ns behind");
}

#[test]
fn silence_between_talk_spurts_keeps_its_length() {
    let mut items = Host::default().record(3_000);
    items.retain(|item| item.is_video() || !(1_000..2_000).contains(&item.captured));
    let mut sequence = 700_u16;
    for item in &mut items {
        if let TapItem::Packet(packet) = &mut item.item
            && packet.kind() == MediaKind::Audio
        {
            // With discontinuous transmission the numbers go on where they stopped.
            sequence = sequence.wrapping_add(1);
            let mut rtp = packet.rtp.to_vec();
            rtp[2..4].copy_from_slice(&sequence.to_be_bytes());
            packet.rtp = rtp.into();
        }
    }

    let run = Run::of(items);

    assert_eq!(run.audio.len(), 100);
    let silence = run.audio[50].frame.at.since(run.audio[49].frame.at);
    assert_eq!(silence, Duration::from_millis(1_020));
}

#[test]
fn what_nobody_takes_is_bounded() {
    let mut ingest = Ingest::default();
    for item in Host::default().record(60_000) {
        ingest.handle(item.item, MediaTime::from_nanos(item.arrival));
    }

    let left: Vec<FeedFrame> =
        std::iter::from_fn(|| ingest.poll_frame(MediaTime::from_nanos(START + 60_000 * MS)))
            .collect();

    assert!(left.len() <= 64 + 256, "{} frames were kept", left.len());
    assert!(ingest.poll_keyframe_wanted(), "the pictures that were dropped are missed");
    assert!(ingest.stats().dropped_frames > 0);
}

#[test]
fn what_is_no_rtp_is_counted_and_ignored() {
    let mut ingest = Ingest::default();
    let packet = tap_packet(MediaKind::Video, START, Bytes::from_static(b"not RTP"));

    ingest.handle(packet, MediaTime::from_nanos(START));

    assert_eq!(ingest.stats().malformed_packets, 1);
    assert_eq!(ingest.poll_frame(MediaTime::from_nanos(START)), None);
}

#[test]
fn on_any_network_frames_are_whole_in_order_and_soon_in_sync() {
    let (mut gaps, mut retransmitted, mut duplicates, mut in_sync) = (0, 0, 0, 0);
    for seed in 0..150 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let host = Host {
            sequence: rng.u16(..),
            video_timestamp: rng.u32(..),
            audio_timestamp: rng.u32(..),
            video_delay: rng.u64(10..150) * MS,
            audio_delay: rng.u64(10..150) * MS,
            drift_ppm: rng.i64(-100..100),
            reports_every: rng.u64(300..1_500),
            keyframe_every: rng.u64(10..60),
            ..Host::default()
        };
        let mut items = host.record(8_000);
        let mut copies = Vec::new();
        items.retain_mut(|item| {
            if !matches!(item.item, TapItem::Packet(_)) {
                return true;
            }
            item.arrival += rng.u64(0..20) * MS;
            match rng.u32(0..400) {
                0 => return false,
                1..4 => {
                    item.arrival += rng.u64(20..60) * MS;
                    retransmitted += 1;
                }
                4 => {
                    copies.push(Recorded { arrival: item.arrival + 5 * MS, ..item.clone() });
                    duplicates += 1;
                }
                _ => {}
            }
            true
        });
        items.extend(copies);
        items.sort_by_key(|item| item.arrival);

        let run = Run::of(items);

        run.assert_each_track_moves_forward();
        gaps += run.ingest.stats().gaps;
        assert!(run.video.len() > 30, "seed {seed}: {} pictures", run.video.len());
        assert!(run.audio.len() > 380, "seed {seed}: {} packets of audio", run.audio.len());
        let mut previous: Option<u64> = None;
        for frame in &run.video {
            let follows = previous.is_some_and(|previous| frame.number == previous + 1);
            assert!(follows || frame.frame.is_key, "seed {seed}: frame {} hangs", frame.number);
            previous = Some(frame.number);
        }
        let (video, audio) = run.lag_at_end();
        assert!(video.abs_diff(audio) < 25 * MS, "seed {seed}: {video} and {audio} ns behind");
        in_sync += u32::from(video.abs_diff(audio) < 10 * MS);
    }
    assert!(gaps > 100, "{gaps} gaps");
    assert!(retransmitted > 500 && duplicates > 100, "{retransmitted}, {duplicates}");
    assert!(in_sync > 130, "{in_sync} of 150 within 10 ms");
}

#[test]
fn the_margin_grows_with_jitter_at_once_and_shrinks_slowly_after_it() {
    let mut items = Host::default().record(80_000);
    let mut rng = fastrand::Rng::with_seed(7);
    for item in items.iter_mut().filter(|item| (20_000..30_000).contains(&item.captured)) {
        item.arrival += rng.u64(0..90) * MS;
    }
    items.sort_by_key(|item| item.arrival);

    let run = Run::of(items);

    let held = |captured: u64| {
        let frame = run.audio.iter().find(|frame| frame.captured == captured).unwrap();
        (frame.frame.at.nanos() - START - captured * MS - 20 * MS) / MS
    };
    assert_eq!(held(1_000), 30, "before anything is known");
    assert_eq!(held(19_980), 20, "a calm network needs the least");
    assert!((85..=95).contains(&held(27_000)), "{} ms in the storm", held(27_000));
    assert!(held(32_000) > 80, "{} ms right after it", held(32_000));
    let (later, at_last) = (held(50_000), held(79_980));
    assert!((45..75).contains(&later), "{later} ms after some calm");
    assert_eq!(at_last, 20, "and in the end");
    let late = |frame: &&Presented| frame.frame.at.nanos() < frame.out;
    let sound = run.audio.iter().filter(|frame| (22_000..30_000).contains(&frame.captured));
    let late = sound.filter(late).count();
    assert!(late <= 12, "{late} of 400 packets are late in the storm");
}

#[test]
fn a_lost_packet_of_sound_is_told_and_silence_is_none() {
    let mut items = Host::default().record(2_000);
    items.retain(|item| item.is_video() || !(500..560).contains(&item.captured));
    items.retain(|item| item.is_video() || !(1_000..1_400).contains(&item.captured));

    let run = Run::of(items);

    for frame in &run.audio {
        let lost = match frame.captured {
            560 => 60,
            // Nobody can make up so much.
            _ => 0,
        };
        assert_eq!(frame.frame.lost_before, Duration::from_millis(lost), "{}", frame.captured);
    }
}
