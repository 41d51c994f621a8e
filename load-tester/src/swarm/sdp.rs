//! The little SDP that a viewer needs: an offer like a browser's, and what to keep of the other
//! side's description, be it an answer (WHEP) or an offer (Janus).

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Context, Result};

const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Our half of the transport.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    /// ICE user fragment.
    pub(crate) ufrag: String,
    /// ICE password.
    pub(crate) password: String,
    /// SHA-256 fingerprint of the shared certificate.
    pub(crate) fingerprint: String,
}

/// What is received.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Opus.
    Audio,
    /// H.264.
    Video,
}

/// One section that both sides agreed on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Track {
    /// Audio or video.
    pub(crate) kind: Kind,
    /// Payload type of the media.
    pub(crate) payload_type: u8,
    /// Payload type of its retransmissions.
    pub(crate) rtx_payload_type: Option<u8>,
    /// Whether lost packets may be asked for.
    pub(crate) has_nack: bool,
}

/// The other side's half of the transport, and the tracks.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    /// Where checks and everything else go.
    pub(crate) address: SocketAddr,
    /// ICE user fragment.
    pub(crate) ufrag: String,
    /// ICE password.
    pub(crate) password: String,
    /// SHA-256 fingerprint of the certificate.
    pub(crate) fingerprint: String,
    /// What will arrive.
    pub(crate) tracks: Vec<Track>,
    /// Whether feedback may go without a report in front of it.
    pub(crate) has_reduced_size: bool,
    /// Id of the transport-wide sequence number, if feedback about it is wanted.
    pub(crate) transport_cc: Option<u8>,
}

impl Local {
    /// Makes fresh credentials.
    pub(crate) fn new(fingerprint: &str) -> Self {
        let word = |len| -> String { (0..len).map(|_| fastrand::alphanumeric()).collect() };
        Self { ufrag: word(8), password: word(24), fingerprint: fingerprint.to_owned() }
    }

    /// Writes the offer of a viewer that knows what Chromium knows of H.264 and Opus.
    pub(crate) fn offer(&self) -> String {
        let mut out = self.head("0 1");
        out.push_str("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
        self.put_transport(&mut out, "0", "actpass");
        out.push_str("a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n");
        let extensions = [(1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"), (3, TRANSPORT_CC)];
        put_extensions(&mut out, &extensions);
        out.push_str("a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n");
        out.push_str("a=rtcp-fb:111 nack\r\na=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n");

        out.push_str("m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n");
        self.put_transport(&mut out, "1", "actpass");
        out.push_str("a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n");
        let extensions = [
            (3, TRANSPORT_CC),
            (5, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
            (13, "urn:3gpp:video-orientation"),
        ];
        put_extensions(&mut out, &extensions);
        for feedback in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
            put(&mut out, format_args!("a=rtcp-fb:102 {feedback}"));
        }
        out.push_str("a=rtpmap:102 H264/90000\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n");
        out.push_str(
            "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n",
        );
        out
    }

    /// Writes the answer to `offer` that takes every section as it is offered.
    pub(crate) fn answer(&self, offer: &str) -> String {
        let sections = sections(offer);
        let mids: Vec<&str> =
            sections.iter().filter_map(|section| value(section, "a=mid:")).collect();
        let mut out = self.head(&mids.join(" "));
        for section in &sections {
            put(&mut out, format_args!("{}", section[0]));
            self.put_transport(&mut out, value(section, "a=mid:").unwrap_or("0"), "active");
            out.push_str("a=recvonly\r\na=rtcp-mux\r\n");
            for line in &section[1..] {
                let kept = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:", "a=rtcp-rsize"];
                if kept.iter().any(|start| line.starts_with(start)) {
                    put(&mut out, format_args!("{line}"));
                }
            }
        }
        out
    }

    fn head(&self, group: &str) -> String {
        let session = fastrand::u32(..);
        format!(
            "v=0\r\no=- {session} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {group}\r\n\
             a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n"
        )
    }

    fn put_transport(&self, out: &mut String, mid: &str, setup: &str) {
        let Self { ufrag, password, fingerprint } = self;
        put(out, format_args!("c=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=setup:{setup}"));
        put(out, format_args!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}"));
        put(out, format_args!("a=fingerprint:sha-256 {fingerprint}"));
    }
}

impl Remote {
    /// Reads the other side's description.
    pub(crate) fn parse(sdp: &str) -> Result<Self> {
        let lines: Vec<&str> = sdp.lines().map(str::trim_end).collect();
        let find = |start| value(&lines, start).with_context(|| format!("no {start} in the SDP"));
        let fingerprint = find("a=fingerprint:sha-256 ")?;
        let mut transport_cc = None;
        let mut tracks = Vec::new();
        for section in sections(sdp) {
            let Some(track) = parse_track(&section) else { continue };
            let wants = format!("a=rtcp-fb:{} transport-cc", track.payload_type);
            if section.contains(&wants.as_str()) {
                transport_cc = transport_cc.or(extension(&section, TRANSPORT_CC));
            }
            tracks.push(track);
        }
        Ok(Self {
            address: candidate(&lines).context("no UDP candidate in the SDP")?,
            ufrag: find("a=ice-ufrag:")?.to_owned(),
            password: find("a=ice-pwd:")?.to_owned(),
            fingerprint: fingerprint.to_owned(),
            tracks,
            has_reduced_size: lines.contains(&"a=rtcp-rsize"),
            transport_cc,
        })
    }
}

fn parse_track(section: &[&str]) -> Option<Track> {
    let mut words = section[0].split(' ');
    let (kind, encoding) = match words.next()? {
        "m=audio" => (Kind::Audio, "opus/48000/2"),
        "m=video" => (Kind::Video, "H264/90000"),
        _ => return None,
    };
    if words.next()? == "0" {
        return None;
    }
    let payload_type = section.iter().find_map(|line| {
        let (number, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.eq_ignore_ascii_case(encoding).then(|| number.parse().ok())?
    })?;
    let rtx_payload_type = section.iter().find_map(|line| {
        let (number, parameters) = line.strip_prefix("a=fmtp:")?.split_once(' ')?;
        (parameters.trim() == format!("apt={payload_type}")).then(|| number.parse().ok())?
    });
    let has_nack = section.contains(&format!("a=rtcp-fb:{payload_type} nack").as_str());
    Some(Track { kind, payload_type, rtx_payload_type, has_nack })
}

fn candidate(lines: &[&str]) -> Option<SocketAddr> {
    lines.iter().find_map(|line| {
        let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
        if words.get(1) != Some(&"1") || !words.get(2)?.eq_ignore_ascii_case("udp") {
            return None;
        }
        Some(SocketAddr::new(words.get(4)?.parse().ok()?, words.get(5)?.parse().ok()?))
    })
}

fn extension(section: &[&str], uri: &str) -> Option<u8> {
    section.iter().find_map(|line| {
        let (id, rest) = line.strip_prefix("a=extmap:")?.split_once(' ')?;
        (rest.split(' ').next()? == uri).then(|| id.split('/').next()?.parse().ok())?
    })
}

/// Cuts a description into its sections; the lines before the first are left out.
fn sections(sdp: &str) -> Vec<Vec<&str>> {
    let mut sections: Vec<Vec<&str>> = Vec::new();
    for line in sdp.lines().map(str::trim_end) {
        if line.starts_with("m=") {
            sections.push(vec![line]);
        } else if let Some(section) = sections.last_mut() {
            section.push(line);
        }
    }
    sections
}

fn value<'a>(lines: &[&'a str], start: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| line.strip_prefix(start))
}

fn put_extensions(out: &mut String, extensions: &[(u8, &str)]) {
    let mid = (4, "urn:ietf:params:rtp-hdrext:sdes:mid");
    let abs_send_time = (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time");
    for (id, uri) in extensions.iter().chain(&[mid, abs_send_time]) {
        put(out, format_args!("a=extmap:{id} {uri}"));
    }
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    out.write_fmt(line).and_then(|()| out.write_str("\r\n")).expect("a String never fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEIRS: &str = "v=0\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
        a=ice-ufrag:abc\r\na=ice-pwd:secret\r\na=fingerprint:sha-256 AB:CD\r\na=setup:passive\r\n\
        a=candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host\r\na=rtpmap:111 opus/48000/2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\na=mid:1\r\na=rtpmap:102 H264/90000\r\n\
        a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\na=rtcp-fb:102 nack\r\n\
        a=rtcp-fb:102 nack pli\r\na=rtcp-fb:102 transport-cc\r\n\
        a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n";

    #[test]
    fn what_a_viewer_needs_is_read_from_an_answer() {
        let remote = Remote::parse(THEIRS).expect("a good answer");
        assert_eq!(remote.address, SocketAddr::from(([127, 0, 0, 1], 7882)));
        assert_eq!((remote.ufrag.as_str(), remote.password.as_str()), ("abc", "secret"));
        assert_eq!(remote.transport_cc, Some(3));
        let track = |kind, payload_type, rtx_payload_type, has_nack| Track {
            kind,
            payload_type,
            rtx_payload_type,
            has_nack,
        };
        let tracks =
            [track(Kind::Audio, 111, None, false), track(Kind::Video, 102, Some(103), true)];
        assert_eq!(remote.tracks, tracks);
    }

    #[test]
    fn feedback_goes_without_a_report_only_if_both_want_it_so() {
        let local = Local::new("AB:CD");
        let with = THEIRS.replace("a=mid:1", "a=rtcp-rsize\r\na=mid:1");
        for (theirs, is_reduced) in [(THEIRS, false), (with.as_str(), true)] {
            assert_eq!(Remote::parse(theirs).expect("a description").has_reduced_size, is_reduced);
            assert_eq!(local.answer(theirs).contains("a=rtcp-rsize"), is_reduced);
        }
    }

    #[test]
    fn an_extension_without_feedback_is_not_reported_on_and_a_refused_section_is_no_track() {
        let sdp =
            THEIRS.replace("a=rtcp-fb:102 transport-cc\r\n", "").replace("audio 9", "audio 0");
        let remote = Remote::parse(&sdp).expect("a good answer");
        assert_eq!(remote.transport_cc, None);
        assert_eq!(remote.tracks.len(), 1);
    }

    #[test]
    fn an_answer_repeats_the_sections_of_the_offer() {
        let local = Local::new("AB:CD");
        let answer = local.answer(&local.offer());
        let mids: Vec<&str> = answer.lines().filter(|line| line.starts_with("a=mid:")).collect();
        assert_eq!(mids, ["a=mid:0", "a=mid:1"]);
        assert!(answer.contains("a=setup:active") && !answer.contains("actpass"));
        assert!(answer.contains("a=rtcp-fb:102 nack pli"));
    }
}
