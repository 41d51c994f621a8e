//! Reads an SDP offer: only the lines that a forwarder acts upon, within limits.
//!
//! The text comes from whoever holds a token, so its size, its number of sections and the
//! characters that will be echoed in the answer are bounded here and nowhere later.

use std::collections::HashMap;

use media_rules::MediaKind;

use crate::NegotiateError;
use crate::dtls::Fingerprint;
use crate::extension::ExtensionIds;
use crate::ice::Remote;

const MAX_SDP_LEN: usize = 64 * 1_024;
const MAX_SECTIONS: usize = 16;
const MAX_ATTRIBUTES: usize = 512;
const MAX_TOKEN_LEN: usize = 32;
/// The most encodings that are taken of one picture; browsers send three.
pub(crate) const MAX_RIDS: usize = 4;

/// What the other side can do.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) sections: Vec<Section>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) ice: Remote,
    pub(crate) setup: Setup,
    /// The sections that share one transport, by mid (RFC 9143).
    pub(crate) bundle: Vec<String>,
}

/// Which side the other one would be in the DTLS handshake (RFC 8842 section 5.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Setup {
    /// Either; also `active`, which leaves us the same choice.
    MayBeClient,
    /// It insists on being the server.
    Passive,
    /// Something that leaves nobody to begin, such as `holdconn`.
    Unusable,
}

/// One `m=` section.
#[derive(Debug, Default)]
pub(crate) struct Section {
    /// The `m=` line without port, to be echoed when the section is turned down.
    pub(crate) media: String,
    pub(crate) protocol: String,
    pub(crate) formats: Vec<String>,
    pub(crate) port: u16,
    /// Port 0 then only says that the section has no transport of its own (RFC 9143 section 6).
    pub(crate) is_bundle_only: bool,
    pub(crate) mid: String,
    pub(crate) can_send: bool,
    pub(crate) can_receive: bool,
    pub(crate) has_rtcp_mux: bool,
    pub(crate) has_rtcp_rsize: bool,
    /// Whether one- and two-byte header extensions may be mixed (RFC 8285 section 6).
    pub(crate) has_mixed_headers: bool,
    pub(crate) extensions: ExtensionIds,
    /// The encodings that it offers to send, in its own order (RFC 8853 section 5.1). At most
    /// [`MAX_RIDS`]; the others are left out and so not sent.
    pub(crate) rids: Vec<String>,
    /// By payload type: `opus/48000/2`.
    codecs: HashMap<u8, String>,
    parameters: HashMap<u8, String>,
    /// Payload type (or `*`) and what follows it.
    feedback: Vec<(String, String)>,
}

impl Offer {
    /// Reads the text.
    ///
    /// # Errors
    ///
    /// Fails if the text is no SDP offer for a bundled, multiplexed, encrypted session.
    pub(crate) fn parse(sdp: &str) -> Result<Self, NegotiateError> {
        if sdp.len() > MAX_SDP_LEN || !sdp.starts_with("v=0") {
            return Err(NegotiateError::Malformed("not an SDP of at most 64 KiB"));
        }
        let mut session = Section::default();
        let mut sections: Vec<Section> = Vec::new();
        let (mut fingerprint, mut setup) = (None, Setup::MayBeClient);
        let (mut ufrag, mut password, mut bundle) = (None, None, None);
        let mut attributes = 0;
        for line in sdp.lines().map(str::trim_end) {
            if let Some(media) = line.strip_prefix("m=") {
                if sections.len() == MAX_SECTIONS {
                    return Err(NegotiateError::Malformed("too many sections"));
                }
                sections.push(Section::begin(media, &session)?);
                attributes = 0;
            }
            let Some(attribute) = line.strip_prefix("a=") else {
                continue;
            };
            attributes += 1;
            if attributes > MAX_ATTRIBUTES {
                return Err(NegotiateError::Malformed("too many attributes"));
            }
            let (key, value) = attribute.split_once(':').unwrap_or((attribute, ""));
            match key {
                "fingerprint" => fingerprint = fingerprint.or_else(|| Fingerprint::parse(value)),
                "setup" => setup = Setup::parse(value),
                "group" => bundle = bundle.or_else(|| value.strip_prefix("BUNDLE ")),
                "ice-ufrag" => ufrag = ufrag.or(Some(value)),
                "ice-pwd" => password = password.or(Some(value)),
                _ => sections.last_mut().unwrap_or(&mut session).take(key, value),
            }
        }
        let ice = ufrag.zip(password).and_then(|(ufrag, password)| Remote::new(ufrag, password));
        let ice = ice.ok_or(NegotiateError::Malformed("no ICE credentials"))?;
        let fingerprint =
            fingerprint.ok_or(NegotiateError::Malformed("no fingerprint of SHA-256 or better"))?;
        for (at, section) in sections.iter_mut().enumerate() {
            if section.mid.is_empty() {
                section.mid = at.to_string();
            }
        }
        let bundle = bundle.unwrap_or_default().split_ascii_whitespace().map(str::to_owned);
        Ok(Self { sections, fingerprint, ice, setup, bundle: bundle.collect() })
    }
}

impl Setup {
    fn parse(value: &str) -> Self {
        match value {
            "actpass" | "active" => Self::MayBeClient,
            "passive" => Self::Passive,
            _ => Self::Unusable,
        }
    }
}

impl Section {
    fn begin(line: &str, session: &Self) -> Result<Self, NegotiateError> {
        let mut words = line.split_ascii_whitespace().map(str::to_owned);
        let (Some(media), Some(port), Some(protocol)) = (words.next(), words.next(), words.next())
        else {
            return Err(NegotiateError::Malformed("a media line is too short"));
        };
        let port = port.split('/').next().and_then(|port| port.parse().ok());
        Ok(Self {
            port: port.ok_or(NegotiateError::Malformed("a media line has no port"))?,
            media,
            protocol,
            formats: words.collect(),
            // Without a direction it is both (RFC 8866 section 6.7).
            can_send: true,
            can_receive: true,
            has_rtcp_mux: session.has_rtcp_mux,
            has_rtcp_rsize: session.has_rtcp_rsize,
            has_mixed_headers: session.has_mixed_headers,
            ..Self::default()
        })
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            "mid" if is_token(value) => value.clone_into(&mut self.mid),
            "sendonly" => self.can_receive = false,
            "recvonly" => self.can_send = false,
            "inactive" => (self.can_send, self.can_receive) = (false, false),
            "bundle-only" => self.is_bundle_only = true,
            "rtcp-mux" => self.has_rtcp_mux = true,
            "rtcp-rsize" => self.has_rtcp_rsize = true,
            "extmap-allow-mixed" => self.has_mixed_headers = true,
            "extmap" => self.extensions.take(value),
            "simulcast" => self.take_simulcast(value),
            "rtpmap" => self.codecs.extend(by_payload_type(value)),
            "fmtp" => self.parameters.extend(by_payload_type(value)),
            "rtcp-fb" => {
                if let Some((payload_type, kind)) = value.split_once(' ') {
                    self.feedback.push((payload_type.to_owned(), kind.to_owned()));
                }
            }
            _ => {}
        }
    }

    /// Reads `send h;m;l recv x`: lists of alternatives, of which the first counts; `~` marks one
    /// that is paused at first.
    fn take_simulcast(&mut self, value: &str) {
        let mut words = value.split_ascii_whitespace().skip_while(|word| *word != "send");
        let Some(list) = words.nth(1) else {
            return;
        };
        self.rids.clear();
        for alternatives in list.split(';').take(MAX_RIDS) {
            let rid = alternatives.split(',').next().unwrap_or_default().trim_start_matches('~');
            if is_token(rid) && !self.rids.iter().any(|other| other == rid) {
                self.rids.push(rid.to_owned());
            }
        }
    }

    /// Whether the offerer means the section at all.
    pub(crate) fn is_in_use(&self) -> bool {
        self.port != 0 || self.is_bundle_only
    }

    /// Returns what the section carries if it is media at all.
    pub(crate) fn kind(&self) -> Option<MediaKind> {
        let is_rtp = self.protocol.ends_with("RTP/SAVPF") && self.is_in_use();
        match self.media.as_str() {
            "audio" if is_rtp => Some(MediaKind::Audio),
            "video" if is_rtp => Some(MediaKind::Video),
            _ => None,
        }
    }

    /// Whether the section is for data channels.
    pub(crate) fn is_data(&self) -> bool {
        self.media == "application" && self.protocol.ends_with("DTLS/SCTP") && self.is_in_use()
    }

    /// Returns the payload types of a codec, given as in `a=rtpmap`, in the offer's order.
    pub(crate) fn payload_types_of(&self, name: &str) -> impl Iterator<Item = u8> {
        self.formats.iter().filter_map(|format| format.parse().ok()).filter(move |pt| {
            self.codecs.get(pt).is_some_and(|codec| codec.eq_ignore_ascii_case(name))
        })
    }

    /// Whether a kind of feedback is offered for a payload type.
    pub(crate) fn has_feedback(&self, payload_type: u8, wanted: &str) -> bool {
        self.feedback
            .iter()
            .any(|(pt, kind)| kind == wanted && (pt == "*" || pt.parse() == Ok(payload_type)))
    }

    /// Returns the format parameters of a payload type as they came: never to be echoed.
    pub(crate) fn fmtp(&self, payload_type: u8) -> Option<&String> {
        self.parameters.get(&payload_type)
    }

    /// Returns one format parameter if it is fit to be echoed.
    pub(crate) fn parameter(&self, payload_type: u8, name: &str) -> Option<String> {
        let value = self.parameters.get(&payload_type)?.split(';').find_map(|parameter| {
            let (key, value) = parameter.trim().split_once('=')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })?;
        // Echoed in the answer, so it must not smuggle in a line of its own.
        value.chars().all(|c| c.is_ascii_alphanumeric()).then(|| value.to_owned())
    }
}

fn by_payload_type(value: &str) -> Option<(u8, String)> {
    let (payload_type, rest) = value.split_once(' ')?;
    let payload_type = payload_type.parse().ok().filter(|pt| *pt < 128)?;
    Some((payload_type, rest.trim().to_owned()))
}

fn is_token(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    (1..=MAX_TOKEN_LEN).contains(&value.len()) && value.chars().all(is_plain)
}
