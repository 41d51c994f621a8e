//! Writes the SDP answer to an offer, from what was agreed on.

use std::fmt::Write as _;

use media_rules::MediaKind;

use crate::candidate::Candidate;
use crate::codec::NegotiatedCodec;
use crate::dtls::Role;
use crate::extension::Extension;
use crate::negotiate::{Agreement, Direction, Track, Use};
use crate::offer::{Offer, Section};

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

impl Agreement {
    /// Writes the SDP answer.
    pub(crate) fn answer(&self, offer: &Offer, direction: Direction, local: &Local<'_>) -> String {
        let mut out = String::with_capacity(4_096);
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
        let Section { media, protocol, .. } = section;
        let formats: Vec<String> = formats(track, direction).map(|pt| pt.to_string()).collect();
        put(out, format_args!("m={media} 9 {protocol} {}", formats.join(" ")));
        self.put_transport(out, section, local);
        // RFC 9725 section 4.4.1 wants both, whatever the offer says.
        put(out, format_args!("a=rtcp-mux\r\na=rtcp-mux-only"));
        if track.has_reduced_size {
            put(out, format_args!("a=rtcp-rsize"));
        }
        if track.has_mixed_headers {
            put(out, format_args!("a=extmap-allow-mixed"));
        }
        for extension in Extension::ALL {
            if let Some(id) = track.extensions.id(extension) {
                put(out, format_args!("a=extmap:{id} {}", extension.uri()));
            }
        }
        match direction {
            Direction::Publish => put(out, format_args!("a=recvonly")),
            Direction::Play => put(out, format_args!("a=sendonly")),
        }
        for codec in &track.codecs {
            put_codec(out, codec, direction, local.start_kbps);
        }
        for rid in &track.rids {
            put(out, format_args!("a=rid:{rid} recv"));
        }
        if !track.rids.is_empty() {
            put(out, format_args!("a=simulcast:recv {}", track.rids.join(";")));
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

/// Returns the payload types of a track, each once.
fn formats(track: &Track, direction: Direction) -> impl Iterator<Item = u8> {
    let each = track.codecs.iter().flat_map(move |codec| {
        // Chromium sends RED only if the answer prefers it to plain Opus.
        let (red_first, red_last) = match direction {
            Direction::Publish => (codec.red_payload_type, None),
            Direction::Play => (None, codec.red_payload_type),
        };
        [red_first, Some(codec.payload_type), codec.rtx_payload_type, red_last]
    });
    each.flatten()
}

fn put_codec(out: &mut String, codec: &NegotiatedCodec, direction: Direction, start_kbps: u32) {
    let NegotiatedCodec { payload_type: pt, codec: name, .. } = codec;
    put(out, format_args!("a=rtpmap:{pt} {}", name.rtpmap()));
    // Chromium takes the answer's word for where to start its bitrate.
    let start = match (direction, name.kind()) {
        (Direction::Publish, MediaKind::Video) => {
            Some(format!("x-google-start-bitrate={start_kbps}"))
        }
        (Direction::Publish, MediaKind::Audio) | (Direction::Play, _) => None,
    };
    let fmtp = Some(&codec.fmtp).filter(|fmtp| !fmtp.is_empty());
    let parameters: Vec<&str> = fmtp.into_iter().chain(&start).map(String::as_str).collect();
    if !parameters.is_empty() {
        put(out, format_args!("a=fmtp:{pt} {}", parameters.join(";")));
    }
    for feedback in codec.feedback.names() {
        put(out, format_args!("a=rtcp-fb:{pt} {feedback}"));
    }
    if let Some(red) = codec.red_payload_type {
        put(out, format_args!("a=rtpmap:{red} red/48000/2\r\na=fmtp:{red} {pt}/{pt}"));
    }
    if let Some(rtx) = codec.rtx_payload_type {
        let rate = name.kind().clock_rate_hz();
        put(out, format_args!("a=rtpmap:{rtx} rtx/{rate}\r\na=fmtp:{rtx} apt={pt}"));
    }
}

/// Tells what we send. One stream id for both tracks makes the receiver keep lips in sync.
fn put_source(out: &mut String, track: &Track, cname: &str) {
    let Track { ssrc, rtx_ssrc, kind, .. } = track;
    let name = match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    };
    let rtx_ssrc = track.has_rtx().then_some(rtx_ssrc);
    put(out, format_args!("a=msid:lianmai {name}"));
    if let Some(rtx_ssrc) = rtx_ssrc {
        put(out, format_args!("a=ssrc-group:FID {ssrc} {rtx_ssrc}"));
    }
    for ssrc in std::iter::once(ssrc).chain(rtx_ssrc) {
        put(out, format_args!("a=ssrc:{ssrc} cname:{cname}\r\na=ssrc:{ssrc} msid:lianmai {name}"));
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
