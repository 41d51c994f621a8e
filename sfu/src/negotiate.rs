//! Decides what an offer gets, and writes the answer.
//!
//! The other side always offers (WHIP and WHEP) and we never renegotiate, so the whole of it is one
//! function from offer to answer. All sections share one transport (BUNDLE); a section that we have
//! no use for is turned down with port 0, which does not spoil the others.

use std::fmt::Write as _;

use media_rules::MediaKind;

use crate::NegotiateError;
use crate::candidate::Candidate;
use crate::dtls::Role;
use crate::offer::{Codec, Offer, Section, Setup};

/// What the other side wants of us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Direction {
    /// It sends (WHIP).
    Publish,
    /// It receives (WHEP).
    Play,
}

/// One track that both sides agreed on.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) kind: MediaKind,
    pub(crate) codec: Codec,
    /// Whether feedback may go without a report in front of it (RFC 5506).
    pub(crate) has_reduced_size: bool,
    /// What we send as; of no meaning when we receive.
    pub(crate) ssrc: u32,
    /// What we send retransmissions as.
    pub(crate) rtx_ssrc: u32,
}

/// The outcome of a negotiation.
#[derive(Debug)]
pub(crate) struct Agreement {
    pub(crate) tracks: Vec<Track>,
    pub(crate) has_data: bool,
    pub(crate) role: Role,
    /// By section: what it became.
    uses: Vec<Use>,
}

/// Our side of the transport, as the answer tells it.
#[derive(Debug)]
pub(crate) struct Local<'a> {
    pub(crate) ufrag: &'a str,
    pub(crate) password: &'a str,
    pub(crate) fingerprint: &'a str,
    pub(crate) candidates: &'a [Candidate],
    pub(crate) cname: &'a str,
    pub(crate) session: u64,
    pub(crate) start_kbps: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Use {
    /// Index into the tracks.
    Track(usize),
    Data,
    Rejected,
}

impl Agreement {
    /// Picks at most one section each for audio, video and data.
    ///
    /// # Errors
    ///
    /// Fails if nothing is left to send or receive, or if a section insists on its own RTCP port.
    pub(crate) fn new(offer: &Offer, direction: Direction) -> Result<Self, NegotiateError> {
        let mut agreement = Self {
            tracks: Vec::new(),
            has_data: false,
            role: match offer.setup {
                Setup::MayBeClient => Role::Server,
                Setup::Passive => Role::Client,
            },
            uses: Vec::new(),
        };
        for section in &offer.sections {
            let chosen = agreement.choose(section, direction)?;
            agreement.uses.push(chosen);
        }
        if agreement.tracks.is_empty() {
            return Err(NegotiateError::Unsupported("neither H.264 nor Opus to agree on"));
        }
        Ok(agreement)
    }

    fn choose(&mut self, section: &Section, direction: Direction) -> Result<Use, NegotiateError> {
        if section.is_data() && !self.has_data {
            self.has_data = true;
            return Ok(Use::Data);
        }
        let may = match direction {
            Direction::Publish => section.can_send,
            Direction::Play => section.can_receive,
        };
        let Some(kind) = section.kind().filter(|_| may) else {
            return Ok(Use::Rejected);
        };
        let Some(codec) = section.codec(kind) else {
            return Ok(Use::Rejected);
        };
        if self.tracks.iter().any(|track| track.kind == kind) {
            return Ok(Use::Rejected);
        }
        if !section.has_rtcp_mux {
            return Err(NegotiateError::Unsupported("RTCP must share the port of RTP"));
        }
        let (ssrc, rtx_ssrc) = (fastrand::u32(1..), fastrand::u32(1..));
        let has_reduced_size = section.has_rtcp_rsize;
        self.tracks.push(Track { kind, codec, has_reduced_size, ssrc, rtx_ssrc });
        Ok(Use::Track(self.tracks.len() - 1))
    }

    /// Writes the SDP answer.
    pub(crate) fn answer(&self, offer: &Offer, direction: Direction, local: &Local<'_>) -> String {
        let mut out = String::with_capacity(2_048);
        let mids: Vec<&str> = offer
            .sections
            .iter()
            .zip(&self.uses)
            .filter(|(_, chosen)| **chosen != Use::Rejected)
            .map(|(section, _)| section.mid.as_str())
            .collect();
        let (session, group) = (local.session, mids.join(" "));
        put(&mut out, format_args!("v=0\r\no=lianmai {session} 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0"));
        put(&mut out, format_args!("a=group:BUNDLE {group}"));
        put(&mut out, format_args!("a=msid-semantic: WMS *\r\na=ice-lite"));
        for (section, chosen) in offer.sections.iter().zip(&self.uses) {
            match *chosen {
                Use::Rejected => put_rejected(&mut out, section),
                Use::Data => {
                    let Section { protocol, .. } = section;
                    put(&mut out, format_args!("m=application 9 {protocol} webrtc-datachannel"));
                    self.put_transport(&mut out, section, local);
                    put(&mut out, format_args!("a=sctp-port:5000\r\na=max-message-size:65536"));
                }
                Use::Track(at) => {
                    self.put_track(&mut out, section, &self.tracks[at], direction, local);
                }
            }
        }
        out
    }

    fn put_track(
        &self,
        out: &mut String,
        section: &Section,
        track: &Track,
        direction: Direction,
        local: &Local<'_>,
    ) {
        let Codec { payload_type: pt, rtx_payload_type, .. } = &track.codec;
        let Section { media, protocol, .. } = section;
        let rtx_format = rtx_payload_type.map(|rtx| format!(" {rtx}")).unwrap_or_default();
        put(out, format_args!("m={media} 9 {protocol} {pt}{rtx_format}"));
        self.put_transport(out, section, local);
        put(out, format_args!("a=rtcp-mux"));
        if section.has_rtcp_rsize {
            put(out, format_args!("a=rtcp-rsize"));
        }
        if let Some(extension) = &section.mid_extension {
            put(out, format_args!("a=extmap:{extension}"));
        }
        match direction {
            Direction::Publish => put(out, format_args!("a=recvonly")),
            Direction::Play => put(out, format_args!("a=sendonly")),
        }
        put_codec(out, track, direction, local.start_kbps);
        if let Some(rtx) = rtx_payload_type {
            put(out, format_args!("a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={pt}"));
        }
        if direction == Direction::Play {
            put_source(out, track, local.cname);
        }
    }

    fn put_transport(&self, out: &mut String, section: &Section, local: &Local<'_>) {
        let setup = match self.role {
            Role::Server => "passive",
            Role::Client => "active",
        };
        let Local { ufrag, password, fingerprint, candidates, .. } = local;
        put(out, format_args!("c=IN IP4 0.0.0.0\r\na=mid:{}", section.mid));
        put(out, format_args!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}"));
        put(out, format_args!("a=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}"));
        for candidate in *candidates {
            put(out, format_args!("a=candidate:{candidate}"));
        }
        put(out, format_args!("a=end-of-candidates"));
    }
}

fn put_codec(out: &mut String, track: &Track, direction: Direction, start_kbps: u32) {
    let pt = track.codec.payload_type;
    match track.kind {
        MediaKind::Audio => {
            put(out, format_args!("a=rtpmap:{pt} opus/48000/2"));
            // What we would like to receive: stereo, and repairable by the next packet.
            put(
                out,
                format_args!("a=fmtp:{pt} minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"),
            );
        }
        MediaKind::Video => {
            let profile = track.codec.profile_level_id.as_deref().unwrap_or("42e01f");
            // Chromium takes the answer's word for where to start its bitrate.
            let start = match direction {
                Direction::Publish => format!(";x-google-start-bitrate={start_kbps}"),
                Direction::Play => String::new(),
            };
            put(out, format_args!("a=rtpmap:{pt} H264/90000"));
            put(
                out,
                format_args!(
                    "a=fmtp:{pt} level-asymmetry-allowed=1;packetization-mode=1;\
                     profile-level-id={profile}{start}"
                ),
            );
        }
    }
    for feedback in &track.codec.feedback {
        put(out, format_args!("a=rtcp-fb:{pt} {feedback}"));
    }
}

/// Tells what we send. One stream id for both tracks makes the receiver keep lips in sync.
fn put_source(out: &mut String, track: &Track, cname: &str) {
    let Track { ssrc, rtx_ssrc, kind, codec, .. } = track;
    let name = match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    };
    put(out, format_args!("a=msid:lianmai {name}"));
    if codec.rtx_payload_type.is_some() {
        put(out, format_args!("a=ssrc-group:FID {ssrc} {rtx_ssrc}"));
    }
    put(out, format_args!("a=ssrc:{ssrc} cname:{cname}\r\na=ssrc:{ssrc} msid:lianmai {name}"));
    if codec.rtx_payload_type.is_some() {
        let rtx = rtx_ssrc;
        put(out, format_args!("a=ssrc:{rtx} cname:{cname}\r\na=ssrc:{rtx} msid:lianmai {name}"));
    }
}

/// Turns a section down (RFC 8843 section 7.3.3); its first format has to be repeated.
fn put_rejected(out: &mut String, section: &Section) {
    let is_plain =
        |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "-/.".contains(c));
    let format = section.formats.first().filter(|format| is_plain(format));
    let format = format.map_or("0", String::as_str);
    let Section { media, protocol, mid, .. } = section;
    if is_plain(media) && is_plain(protocol) {
        put(out, format_args!("m={media} 0 {protocol} {format}\r\nc=IN IP4 0.0.0.0"));
        put(out, format_args!("a=mid:{mid}\r\na=inactive"));
    }
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    out.write_fmt(line).and_then(|()| out.write_str("\r\n")).expect("a String never fails");
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn answer(sdp: &str, direction: Direction) -> Result<String, NegotiateError> {
        let offer = Offer::parse(sdp)?;
        let agreement = Agreement::new(&offer, direction)?;
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

    #[test]
    fn opus_and_constrained_baseline_with_its_own_rtx_are_chosen() {
        let answer = answer(OFFER, Direction::Play).expect("a good offer");
        for line in [
            "a=group:BUNDLE 0 1 2",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "m=video 9 UDP/TLS/RTP/SAVPF 102 103",
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
        let vp8 = OFFER.replace("H264", "VP9").replace("opus", "G722");
        assert!(matches!(answer(&vp8, Direction::Publish), Err(NegotiateError::Unsupported(_))));
        let idle = OFFER.replace("sendrecv", "inactive");
        assert!(matches!(answer(&idle, Direction::Publish), Err(NegotiateError::Unsupported(_))));
    }

    #[test]
    fn nonsense_is_malformed_and_never_a_panic() {
        for sdp in ["", "v=0", "hello", "v=0\r\nm=video", "v=0\r\nm=video x y\r\n"] {
            assert!(matches!(answer(sdp, Direction::Play), Err(NegotiateError::Malformed(_))));
        }
        for cut in 0..OFFER.len() {
            let _ = answer(&OFFER[..cut], Direction::Publish);
        }
    }
}
