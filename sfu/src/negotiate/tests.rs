//! What offers get, and what is never taken in half.

use media_rules::Codec;

use super::*;
use crate::answer::Local;

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0 1 2\r\na=fingerprint:sha-256 AB:CD\r\na=setup:actpass\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 0 111\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n\
    a=rtpmap:0 PCMU/8000\r\na=rtpmap:111 opus/48000/2\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 100 101 102 103\r\na=mid:1\r\na=sendrecv\r\na=rtcp-mux\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtpmap:100 H264/90000\r\na=rtpmap:101 rtx/90000\r\n\
    a=fmtp:100 packetization-mode=1;profile-level-id=42001f\r\na=fmtp:101 apt=100\r\n\
    a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n\
    a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n\
    a=rtcp-fb:102 nack\r\na=rtcp-fb:102 nack pli\r\na=rtcp-fb:102 transport-cc\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n";

/// What Chromium offers, shortened: everything that can be negotiated.
const FULL: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\na=fingerprint:sha-256 AB:CD\r\n\
    a=setup:actpass\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n\
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
    a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack\r\n\
    a=rtcp-fb:111 rrtr\r\n\
    a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=128000\r\n\
    a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 102 103 45 46 35\r\na=mid:1\r\n\
    a=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
    a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n\
    a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
    a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
    a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/\
    #dependency-descriptor-rtp-header-extension\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
    a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=2\r\n\
    a=rtpmap:100 VP9/90000\r\na=fmtp:100 profile-id=0\r\na=rtpmap:101 rtx/90000\r\n\
    a=fmtp:101 apt=100\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n\
    a=rtpmap:102 H264/90000\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n\
    a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n\
    a=rtpmap:45 AV1/90000\r\na=fmtp:45 level-idx=5;profile=0;tier=0\r\n\
    a=rtpmap:46 rtx/90000\r\na=fmtp:46 apt=45\r\na=rtpmap:35 flexfec-03/90000\r\n\
    a=rtcp-fb:* nack\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:* transport-cc\r\n\
    a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;~l\r\n";

fn answer(sdp: &str, direction: Direction) -> Result<String, NegotiateError> {
    answer_with(sdp, direction, &Abilities::of(direction))
}

fn answer_with(
    sdp: &str,
    direction: Direction,
    abilities: &Abilities,
) -> Result<String, NegotiateError> {
    let offer = Offer::parse(sdp)?;
    let agreement = Agreement::new(&offer, direction, abilities)?;
    let local = Local {
        ufrag: "u",
        password: "p",
        fingerprint: "F",
        candidates: &[],
        cname: "c",
        session: 1,
        start_kbps: 1_500,
    };
    Ok(agreement.answer(&offer, direction, &local))
}

fn assert_lines(answer: &str, lines: &[&str]) {
    for line in lines {
        assert!(answer.lines().any(|have| have == *line), "{line} in {answer}");
    }
}

#[test]
fn a_viewer_gets_every_codec_that_both_know_with_all_that_belongs_to_it() {
    let answer = answer_with(FULL, Direction::Play, &Abilities::all()).expect("a good offer");
    assert_lines(
        &answer,
        &[
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
            "a=fmtp:63 111/111",
            "a=rtcp-fb:111 nack",
            "a=rtcp-fb:111 rrtr",
            "a=rtcp-fb:111 transport-cc",
            "m=video 9 UDP/TLS/RTP/SAVPF 102 103 96 97 100 101 45 46",
            "a=rtpmap:96 VP8/90000",
            "a=fmtp:101 apt=100",
            "a=fmtp:100 profile-id=0",
            "a=fmtp:45 profile=0;level-idx=5;tier=0",
            "a=rtcp-fb:45 nack pli",
            "a=extmap-allow-mixed",
            "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        ],
    );
    assert!(answer.contains("a=extmap:12 https://aomediacodec"), "{answer}");
    let groups = answer.lines().filter(|line| line.contains("ssrc-group:")).count();
    assert_eq!((groups, answer.contains("ssrc-group:FID")), (1, true), "{answer}");
    assert!(!answer.contains("flexfec"), "copies are sent instead: {answer}");
    // Nobody sends a viewer several encodings, so none of them is named.
    assert!(!answer.contains("simulcast") && !answer.contains("stream-id"), "{answer}");
}

#[test]
fn a_publisher_is_held_to_the_codec_that_the_mixer_decodes_and_may_send_several_encodings() {
    let answer = answer_with(FULL, Direction::Publish, &Abilities::all()).expect("a good offer");
    assert_lines(
        &answer,
        &[
            // Red in front, or Chromium does not use it.
            "m=audio 9 UDP/TLS/RTP/SAVPF 63 111",
            "m=video 9 UDP/TLS/RTP/SAVPF 102 103",
            "a=rid:h recv",
            "a=rid:l recv",
            "a=simulcast:recv h;l",
            "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
        ],
    );
    let vp8_only = FULL.replace("H264", "H266");
    let answer =
        answer_with(&vp8_only, Direction::Publish, &Abilities::all()).expect("a good offer");
    assert_lines(
        &answer,
        &["m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=fmtp:96 x-google-start-bitrate=1500"],
    );
    let unnamed = FULL.replace("sdes:rtp-stream-id", "unknown");
    let answer =
        answer_with(&unnamed, Direction::Publish, &Abilities::all()).expect("a good offer");
    assert!(!answer.contains("simulcast"), "{answer}");
}

#[test]
fn what_the_code_does_not_honour_is_not_answered() {
    let none = Abilities {
        codecs: &[Codec::Opus, Codec::H264],
        extensions: &[],
        transport_cc: false,
        rrtr: false,
        audio_nack: false,
        red: false,
        simulcast: false,
    };
    for direction in [Direction::Publish, Direction::Play] {
        let answer = answer_with(FULL, direction, &none).expect("a good offer");
        for feature in
            ["transport", "red/", "flexfec", "extmap:", "rid:", "simulcast", "VP8", "fb:111"]
        {
            assert!(!answer.contains(feature), "{feature} in {answer}");
        }
    }
}

#[test]
fn the_wish_for_music_comes_back_and_a_senseless_one_does_not() {
    for direction in [Direction::Publish, Direction::Play] {
        let music = answer(FULL, direction).expect("a good offer");
        let wish = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1";
        assert_lines(&music, &[&format!("a=fmtp:111 {wish};maxaveragebitrate=128000")]);
        let absurd = FULL.replace("=128000", "=99999999");
        let plain = answer(&absurd, direction).expect("a good offer");
        assert_lines(&plain, &[&format!("a=fmtp:111 {wish}")]);
    }
}

#[test]
fn rids_are_tokens_each_once_and_few() {
    let rids = |list: &str| {
        let offer = FULL.replace("send h;~l", list);
        let answer = answer_with(&offer, Direction::Publish, &Abilities::all());
        let answer = answer.expect("a good offer");
        let line = answer.lines().find_map(|line| line.strip_prefix("a=simulcast:recv "));
        line.map(str::to_owned)
    };
    assert_eq!(rids("recv x send a,z;~b;a;c").as_deref(), Some("a;b;c"));
    assert_eq!(rids("send a;b;c;d;e;f").as_deref(), Some("a;b;c;d"));
    assert_eq!(rids("send h<;\u{e9};;,"), None);
}

#[test]
fn opus_and_constrained_baseline_with_its_own_rtx_are_chosen() {
    let answer = answer(OFFER, Direction::Play).expect("a good offer");
    for line in [
        "a=group:BUNDLE 0 1 2",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 102 103 96",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=rtcp-fb:102 nack pli",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=setup:passive",
        "a=sendonly",
    ] {
        assert!(answer.lines().any(|have| have == line), "{line} in {answer}");
    }
    assert!(!answer.contains("transport-cc"));
}

#[test]
fn an_offer_with_only_one_kind_is_accepted_and_one_with_neither_is_not() {
    let audio = &OFFER[..OFFER.find("m=video").expect("there is video")];
    assert!(answer(audio, Direction::Publish).is_ok());
    let vp8 = OFFER.replace("H264", "H266").replace("VP8", "H265").replace("opus", "G722");
    assert!(matches!(answer(&vp8, Direction::Publish), Err(NegotiateError::Unsupported(_))));
    let idle = OFFER.replace("sendrecv", "inactive");
    assert!(matches!(answer(&idle, Direction::Publish), Err(NegotiateError::Unsupported(_))));
}

#[test]
fn a_section_that_has_only_the_bundles_transport_is_taken() {
    let firefox =
        OFFER.replace("m=video 9", "m=video 0").replace("a=mid:1", "a=mid:1\r\na=bundle-only");
    for direction in [Direction::Publish, Direction::Play] {
        let answer = answer(&firefox, direction).expect("a good offer");
        assert_lines(&answer, &["a=group:BUNDLE 0 1 2"]);
        assert!(answer.contains("m=video 9 UDP/TLS/RTP/SAVPF 102 103"), "{answer}");
    }
    let disabled = OFFER.replace("m=video 9", "m=video 0");
    let answer = answer(&disabled, Direction::Publish).expect("a good offer");
    assert_lines(&answer, &["a=group:BUNDLE 0 2", "m=video 0 UDP/TLS/RTP/SAVPF 96"]);
}

#[test]
fn no_broadcast_is_taken_in_half() {
    let video = |direction: &str| OFFER.replacen("a=mid:1\r\na=sendrecv", direction, 1);
    let halves = [
        OFFER.replace("H264", "H266").replace("VP8", "H265"),
        video("a=mid:1\r\na=recvonly"),
        video("a=mid:1\r\na=inactive"),
        OFFER.replace("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "m=text 9 RTP/SAVPF 98"),
    ];
    for half in halves {
        let refused = answer(&half, Direction::Publish);
        assert!(matches!(refused, Err(NegotiateError::Unsupported(_))), "{refused:?}");
    }
    // A viewer who cannot show the picture still hears the sound.
    let deaf = OFFER.replace("H264", "H266").replace("VP8", "H265");
    let answer = answer(&deaf, Direction::Play).expect("a good offer");
    assert_lines(&answer, &["a=group:BUNDLE 0 2", "m=video 0 UDP/TLS/RTP/SAVPF 96"]);
}

#[test]
fn two_tracks_of_a_kind_two_transports_and_no_role_are_refused() {
    let at = OFFER.find("m=video").expect("there is video");
    let end = OFFER.find("m=application").expect("there is data");
    let again = OFFER[at..end].replace("a=mid:1", "a=mid:3");
    let wrong = [
        OFFER.replace("BUNDLE 0 1 2", "BUNDLE 0 1 2 3") + &again,
        OFFER.replace("a=group:BUNDLE 0 1 2\r\n", ""),
        OFFER.replace("BUNDLE 0 1 2", "BUNDLE 0 2"),
        OFFER.replace("a=rtcp-mux\r\n", ""),
        OFFER.replace("setup:actpass", "setup:holdconn"),
    ];
    for direction in [Direction::Publish, Direction::Play] {
        for offer in &wrong {
            let refused = answer(offer, direction);
            assert!(matches!(refused, Err(NegotiateError::Unsupported(_))), "{refused:?}");
        }
    }
}

#[test]
fn each_role_of_the_handshake_is_answered_with_the_other() {
    for (setup, ours) in [("actpass", "passive"), ("active", "passive"), ("passive", "active")] {
        let offer = OFFER.replace("setup:actpass", &format!("setup:{setup}"));
        for direction in [Direction::Publish, Direction::Play] {
            let answer = answer(&offer, direction).expect("a good offer");
            assert_lines(&answer, &[&format!("a=setup:{ours}"), "a=rtcp-mux-only", "a=ice-lite"]);
        }
    }
}

#[test]
fn nonsense_is_malformed_and_never_a_panic() {
    for sdp in ["", "v=0", "hello", "v=0\r\nm=video", "v=0\r\nm=video x y\r\n"] {
        assert!(matches!(answer(sdp, Direction::Play), Err(NegotiateError::Malformed(_))));
    }
    for cut in 0..FULL.len() {
        let _ = answer_with(&FULL[..cut], Direction::Publish, &Abilities::all());
    }
}
