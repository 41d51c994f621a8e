//! Goal: H.264 keeps its meaning through Annex B, RTP and length prefixes, and a damaged access
//! unit never comes out as a whole one.
//! Method: parameter sets made by x264, random units from printed seeds, and every packet of an
//! access unit lost in turn.

use bytes::Bytes;
use media_rules::MediaTime;
use media_rules::h264::{
    AccessUnit, AccessUnitAssembler, NalType, Packetizer, ParameterSets, SequenceParameters,
    VideoPacket, decoder_configuration, has_parameter_sets, is_keyframe, nals, push_nal,
    to_length_prefixed,
};

/// What x264 writes for 360x640 baseline.
const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x01, 0x70, 0x51, 0xe5, 0xf0, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01,
    0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48,
];
const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];

#[test]
fn units_come_out_between_start_codes_of_either_length() {
    let stream = [0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 0, 0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0];

    let units: Vec<&[u8]> = nals(&stream).collect();

    assert_eq!(units, [&[9, 0xf0][..], &[0x67, 1], &[0x65, 0, 0, 3, 1]]);
    assert!(is_keyframe(&stream));
    assert_eq!(nals(&[]).count(), 0);
    assert_eq!(nals(&[1, 2, 3]).count(), 0, "no start code, no unit");
}

#[test]
fn an_access_unit_survives_rtp_unchanged() {
    let (mut aggregated, mut fragmented, mut alone) = (0, 0, 0);
    for seed in 0..1_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let packetizer = Packetizer::new(rng.usize(64..1_300));
        let mut assembler = AccessUnitAssembler::new();
        for number in 0..5 {
            let unit = random_access_unit(&mut rng, number == 0);
            let packets = packetize(packetizer, &unit, number * 3_000);
            for packet in &packets {
                match packet.payload[0] & 0x1f {
                    24 => aggregated += 1,
                    28 => fragmented += 1,
                    _ => alone += 1,
                }
                assembler.handle_packet(packet);
            }
            let whole = assembler.poll_access_unit().unwrap();
            assert_eq!(whole.data, unit, "seed {seed}");
            assert_eq!(whole.timestamp, number * 3_000);
            assert_eq!(whole.is_key, is_keyframe(&unit), "seed {seed}");
            assert_eq!(assembler.poll_access_unit(), None);
        }
        assert_eq!(assembler.poll_broken(), 0, "seed {seed}");
    }
    let seen = [aggregated, fragmented, alone];
    assert!(seen.iter().all(|&count| count > 500), "not every kind was reached: {seen:?}");
}

#[test]
fn payloads_fit_and_all_but_the_last_fragment_are_of_one_size() {
    let mut rng = fastrand::Rng::with_seed(1);
    let unit = annex_b(&[&random_nal(&mut rng, 0x65, 10_000)]);
    let mut payloads = Vec::new();

    Packetizer::default().packetize(&unit, &mut payloads);

    let lens: Vec<usize> = payloads.iter().map(Bytes::len).collect();
    let (last, others) = lens.split_last().unwrap();
    assert!(others.iter().all(|&len| len == Packetizer::DEFAULT_MAX_PAYLOAD), "{lens:?}");
    assert!(*last <= Packetizer::DEFAULT_MAX_PAYLOAD);
}

#[test]
fn units_share_a_packet_as_long_as_they_fit() {
    let mut rng = fastrand::Rng::with_seed(4);
    let [first, second] = [random_nal(&mut rng, 0x41, 800), random_nal(&mut rng, 0x41, 800)];
    let unit = annex_b(&[&first, &second, &[6, 1, 0x80], &[6, 2, 0x80]]);
    let mut payloads = Vec::new();

    Packetizer::default().packetize(&unit, &mut payloads);

    assert_eq!(payloads.len(), 2);
    assert_eq!(payloads[0], first);
    assert!(payloads[1].ends_with(&[0, 3, 6, 1, 0x80, 0, 3, 6, 2, 0x80]));
}

#[test]
fn delimiters_and_filler_are_not_sent() {
    let unit = annex_b(&[&[9, 0xf0], SPS, PPS, &[0x65, 0x88], &[12, 0xff, 0x80]]);
    let mut payloads = Vec::new();

    Packetizer::default().packetize(&unit, &mut payloads);

    assert_eq!(payloads.len(), 1);
    let sent = assemble(packetize(Packetizer::default(), &unit, 0));
    assert_eq!(sent[0].data, annex_b(&[SPS, PPS, &[0x65, 0x88]]));
}

#[test]
fn an_access_unit_with_any_packet_lost_is_dropped() {
    let mut rng = fastrand::Rng::with_seed(2);
    let first = annex_b(&[SPS, PPS, &random_nal(&mut rng, 0x65, 900)]);
    let hurt = annex_b(&[&random_nal(&mut rng, 0x41, 40), &random_nal(&mut rng, 0x41, 900)]);
    let next = annex_b(&[&random_nal(&mut rng, 0x41, 900)]);
    let packetizer = Packetizer::new(100);
    let packets: Vec<VideoPacket> = [&first, &hurt, &next]
        .into_iter()
        .zip([0, 3_000, 6_000])
        .flat_map(|(unit, timestamp)| packetize(packetizer, unit, timestamp))
        .collect();
    let of_hurt = |packet: &VideoPacket| packet.timestamp == 3_000;

    for lost in (0..packets.len()).filter(|&index| of_hurt(&packets[index])) {
        let mut assembler = AccessUnitAssembler::new();
        let mut whole = Vec::new();
        for (index, packet) in packets.iter().enumerate() {
            if index == lost {
                assembler.handle_gap();
            } else {
                assembler.handle_packet(packet);
            }
            whole.extend(std::iter::from_fn(|| assembler.poll_access_unit()));
        }

        assert!(whole.iter().all(|unit| unit.timestamp != 3_000), "packet {lost} lost");
        assert!(assembler.poll_broken() >= 1, "packet {lost} lost");
        // With the last packet the boundary is lost too, and the next access unit with it.
        if let Some(unit) = whole.iter().find(|unit| unit.timestamp == 6_000) {
            assert_eq!(unit.data, next, "packet {lost} lost");
            assert!(unit.follows_loss, "packet {lost} lost");
        } else {
            assert!(!of_hurt(&packets[lost + 1]), "packet {lost} lost");
        }
    }
}

#[test]
fn fragments_without_their_start_or_end_break_the_access_unit_without_a_gap() {
    let mut rng = fastrand::Rng::with_seed(3);
    let first_slice = random_nal(&mut rng, 0x65, 90);
    let unit = annex_b(&[SPS, PPS, &first_slice, &random_nal(&mut rng, 0x65, 500)]);
    let packets = packetize(Packetizer::new(100), &unit, 0);
    let start = 2;
    let end = packets.len() - 1;
    assert_eq!(packets[start].payload[1] & 0xc0, 0x80);
    assert_eq!(packets[end].payload[1] & 0xc0, 0x40);

    for lost in [start, end] {
        let mut packets = packets.clone();
        packets.remove(lost);
        packets.last_mut().unwrap().marker = true;
        assert_eq!(assemble(packets), [], "fragment {lost} of {end} left out");
    }
}

#[test]
fn a_keyframe_without_parameter_sets_gets_the_last_ones() {
    let with = annex_b(&[SPS, PPS, &[0x65, 0x88, 1]]);
    let without = annex_b(&[&[0x06, 5, 1, 1, 0x80], &[0x65, 0x88, 2]]);
    let packets = [(&with, 0), (&without, 3_000)]
        .into_iter()
        .flat_map(|(unit, timestamp)| packetize(Packetizer::default(), unit, timestamp));

    let units = assemble(packets.collect());

    let expected = annex_b(&[&[0x06, 5, 1, 1, 0x80], SPS, PPS, &[0x65, 0x88, 2]]);
    assert_eq!(units[1].data, expected);
    assert!(units[1].is_key);
}

#[test]
fn a_keyframe_whose_parameter_sets_nobody_knows_is_dropped() {
    let unit = annex_b(&[&[0x65, 0x88, 1]]);
    let mut packets = packetize(Packetizer::default(), &annex_b(&[&[0x41, 1]]), 0);
    packets.extend(packetize(Packetizer::default(), &unit, 3_000));

    assert!(assemble(packets).iter().all(|unit| !unit.is_key));
}

#[test]
fn an_access_unit_is_never_longer_than_the_limit_whatever_is_put_into_it() {
    const LIMIT: usize = 2 << 20;
    let mut long_pps = PPS.to_vec();
    long_pps.resize(1 << 20, 0xff);
    let nal = |kind: u8, len: usize| random_nal(&mut fastrand::Rng::with_seed(7), kind, len);
    // The sets of the first one are put before the second one.
    let key = annex_b(&[SPS, &long_pps, &nal(0x65, 100)]);
    let (fits, too_long) = (annex_b(&[&nal(0x65, 900_000)]), annex_b(&[&nal(0x65, 1_100_000)]));
    for (next, passes) in [(fits, true), (too_long, false)] {
        let packets = [(&key, 0), (&next, 3_000)];
        let packets = packets.map(|(unit, at)| packetize(Packetizer::new(60_000), unit, at));
        let units = assemble(packets.concat());
        assert_eq!(units.len(), 1 + usize::from(passes));
        assert!(units.iter().all(|unit| unit.data.len() <= LIMIT));
    }
}

#[test]
fn parameter_sets_sent_on_their_own_are_kept_for_the_keyframe() {
    let mut packets = packetize(Packetizer::default(), &annex_b(&[SPS, PPS]), 0);
    packets.extend(packetize(Packetizer::default(), &annex_b(&[&[0x65, 0x88, 1]]), 3_000));

    let units = assemble(packets);

    assert_eq!(units.len(), 1);
    assert_eq!(units[0].data, annex_b(&[SPS, PPS, &[0x65, 0x88, 1]]));
}

#[test]
fn without_a_marker_the_next_timestamp_ends_the_access_unit() {
    let unit = annex_b(&[SPS, PPS, &[0x65, 0x88, 1]]);
    let mut packets = packetize(Packetizer::default(), &unit, 0);
    packets.last_mut().unwrap().marker = false;
    assert_eq!(assemble(packets.clone()), []);

    packets.extend(packetize(Packetizer::default(), &annex_b(&[&[0x41, 1]]), 3_000));

    assert_eq!(assemble(packets).len(), 2);
}

#[test]
fn parameter_sets_are_seen_in_every_kind_of_packet() {
    let stap = [&[0x78, 0, SPS.len() as u8][..], SPS, &[0, PPS.len() as u8], PPS].concat();
    assert!(has_parameter_sets(&stap));
    assert!(has_parameter_sets(SPS));
    assert!(has_parameter_sets(&[0x7c, 0x87, 0x42]), "the first fragment");
    assert!(!has_parameter_sets(&[0x7c, 0x07, 0x42]), "a later fragment");
    assert!(!has_parameter_sets(&[0x7c, 0x85, 0x88]), "the first fragment of a slice");
    for not in [&[][..], &[0x41, 1], &[0x65, 0x88], PPS, &[24], &[24, 0, 9, 0x67], &[28]] {
        assert!(!has_parameter_sets(not), "{not:?}");
    }
}

#[test]
fn a_picture_that_is_nearly_all_cropped_away_is_as_large_as_it_was_coded() {
    let sps = hex("6742c03cda004000201e007f9801fe701100000300010000030002");
    let parameters = SequenceParameters::parse(&sps).unwrap();
    assert_eq!((parameters.width, parameters.height), (16, 16));
    assert_eq!((parameters.coded_width, parameters.coded_height), (4096, 4096));
}

#[test]
fn x264_parameter_sets_are_understood() {
    let plain = |width, height| SequenceParameters {
        width,
        height,
        coded_width: u32::next_multiple_of(width, 16),
        coded_height: u32::next_multiple_of(height, 16),
        chroma_format: 1,
        luma_bits: 8,
        chroma_bits: 8,
        is_progressive: true,
    };
    let high_422 = SequenceParameters { chroma_format: 2, ..plain(722, 406) };
    for (sps, expected) in [
        (SPS.to_vec(), plain(360, 640)),
        // The same with two zeros before the size, and so an emulation prevention byte.
        ([&[0x67, 0x42, 0, 0, 3], &SPS[4..]].concat(), plain(360, 640)),
        (hex("6764001facd9405005bb0110000003001000000303c0f1831960"), plain(1280, 720)),
        (hex("674d4028eca03c0113f2e022000003000200000300781e30632c"), plain(1920, 1080)),
        (hex("677a001ebcd940b835e222f0110000030001000003003c0f162d96"), high_422),
    ] {
        assert_eq!(SequenceParameters::parse(&sps), Some(expected));
        for cut in 0..10 {
            assert_eq!(SequenceParameters::parse(&sps[..cut]), None, "cut after {cut}");
        }
    }
}

#[test]
fn the_decoder_configuration_is_the_one_ffmpeg_writes() {
    let unit = annex_b(&[
        &hex("67f4001f919b280a00b76022000003000200000300781e30632c"),
        &hex("68ebe3c44844"),
        &[0x65, 0x88],
    ]);

    let record = decoder_configuration(&ParameterSets::find(&unit).unwrap());

    let ffmpeg = hex(
        "01f4001fffe1001a67f4001f919b280a00b76022000003000200000300781e30632c01000668ebe3c44844fff8f800",
    );
    assert_eq!(record, ffmpeg[..]);
}

#[test]
fn a_baseline_configuration_ends_with_the_picture_parameter_set() {
    let sets = ParameterSets::find(&annex_b(&[&[9, 0xf0], SPS, PPS, &[0x65]])).unwrap();

    let record = decoder_configuration(&sets);

    assert_eq!(record[..8], [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, SPS.len() as u8]);
    assert_eq!(&record[8..8 + SPS.len()], SPS);
    assert_eq!(record[8 + SPS.len()..], [&[1, 0, PPS.len() as u8], PPS].concat());
    assert_eq!(ParameterSets::find(&annex_b(&[SPS, &[0x65]])), None);
}

#[test]
fn length_prefixes_replace_start_codes_and_leave_out_what_a_container_keeps_elsewhere() {
    let unit = annex_b(&[&[9, 0xf0], SPS, PPS, &[6, 5, 1], &[0x65, 1, 2], &[0x65, 3]]);

    let prefixed = to_length_prefixed(&unit);

    assert_eq!(prefixed[..], [0, 0, 0, 3, 6, 5, 1, 0, 0, 0, 3, 0x65, 1, 2, 0, 0, 0, 2, 0x65, 3]);
}

#[test]
fn random_packets_never_panic() {
    let mut whole = 0;
    for seed in 0..5_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut assembler = AccessUnitAssembler::new();
        for _ in 0..20 {
            let mut payload = vec![0; rng.usize(0..30)];
            rng.fill(&mut payload);
            if let Some(first) = payload.first_mut() {
                *first = *rng.choice(&[0x41, 0x65, 0x67, 0x68, 24, 28, 28, *first]).unwrap();
            }
            let _ = (has_parameter_sets(&payload), SequenceParameters::parse(&payload));
            assembler.handle_packet(&VideoPacket {
                timestamp: rng.u32(0..3),
                marker: rng.bool(),
                arrival: MediaTime::default(),
                payload: payload.into(),
            });
            if rng.u32(0..10) == 0 {
                assembler.handle_gap();
            }
            while let Some(unit) = assembler.poll_access_unit() {
                whole += 1;
                let _ = (to_length_prefixed(&unit.data), ParameterSets::find(&unit.data));
            }
        }
    }
    assert!(whole > 1_000, "{whole} came out whole");
}

fn annex_b(units: &[&[u8]]) -> Bytes {
    let mut stream = Vec::new();
    for unit in units {
        push_nal(&mut stream, unit);
    }
    stream.into()
}

fn packetize(packetizer: Packetizer, unit: &Bytes, timestamp: u32) -> Vec<VideoPacket> {
    let mut payloads = Vec::new();
    packetizer.packetize(unit, &mut payloads);
    let last = payloads.len() - 1;
    let packet = |(index, payload)| VideoPacket {
        timestamp,
        marker: index == last,
        arrival: MediaTime::default(),
        payload,
    };
    payloads.into_iter().enumerate().map(packet).collect()
}

fn assemble(packets: Vec<VideoPacket>) -> Vec<AccessUnit> {
    let mut assembler = AccessUnitAssembler::new();
    let mut units = Vec::new();
    for packet in packets {
        assembler.handle_packet(&packet);
        units.extend(std::iter::from_fn(|| assembler.poll_access_unit()));
    }
    units
}

/// Parameter sets if asked for, sometimes SEI, then one to three slices.
fn random_access_unit(rng: &mut fastrand::Rng, is_key: bool) -> Bytes {
    let mut units = Vec::new();
    if is_key {
        units.extend([SPS.to_vec(), PPS.to_vec()]);
    }
    if rng.bool() {
        let len = rng.usize(2..80);
        units.push(random_nal(rng, 0x06, len));
    }
    for _ in 0..rng.u32(1..4) {
        let len = if rng.bool() { rng.usize(2..200) } else { rng.usize(2..5_000) };
        units.push(random_nal(rng, if is_key { 0x65 } else { 0x41 }, len));
    }
    annex_b(&units.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// A unit without start codes inside and without a zero at its end, as encoders write them.
fn random_nal(rng: &mut fastrand::Rng, header: u8, len: usize) -> Vec<u8> {
    let mut nal = vec![header];
    while nal.len() < len {
        let byte = if rng.u32(0..4) == 0 { rng.u8(0..4) } else { rng.u8(..) };
        if nal.ends_with(&[0, 0]) && byte < 3 {
            nal.push(3);
        }
        nal.push(byte);
    }
    nal.push(0x80);
    assert_ne!(NalType::of(&nal), NalType::Other(0));
    nal
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}
