//! One track of a viewer: counted by clear header, decrypted only where that tells something.
//!
//! What is decrypted: all video until the first whole keyframe, retransmissions that may fill a gap, and
//! one packet in [`SAMPLE`], which proves the stream authentic and tells how long it was under way.

use std::time::{Duration, Instant};

use super::dtls::Keys;
use super::keyframe::KeyframeWatch;
use super::reception::{Arrival, Reception};
use super::rtp::Header;
use super::sdp::{Kind, Track};

/// One packet of so many is decrypted.
const SAMPLE: u32 = 64;

/// One track of a viewer.
pub(crate) struct Receiving {
    /// What was agreed on.
    pub(crate) track: Track,
    /// Who sends it, once it is known.
    pub(crate) ssrc: Option<u32>,
    /// What has arrived.
    pub(crate) reception: Reception,
    keyframe: Option<KeyframeWatch>,
    until_sample: u32,
    /// Middle bits of the last sender report, and when it came.
    pub(crate) last_sender_report: Option<(u32, Instant)>,
}

/// What a media packet meant.
#[derive(Default)]
pub(crate) struct Event {
    /// The first keyframe is whole.
    pub(crate) has_keyframe: bool,
    /// It was looked into and is not authentic.
    pub(crate) is_forged: bool,
    /// The payload, if it was looked into.
    pub(crate) sample: Option<Vec<u8>>,
}

impl Receiving {
    /// Creates the reception of a track of which nothing has come.
    pub(crate) fn new(track: Track) -> Self {
        let is_video = track.kind == Kind::Video;
        Self {
            reception: Reception::new(if is_video { 90_000 } else { 48_000 }),
            keyframe: is_video.then(KeyframeWatch::default),
            track,
            ssrc: None,
            until_sample: 0,
            last_sender_report: None,
        }
    }

    /// Takes a packet of the media itself.
    pub(crate) fn handle_media(
        &mut self,
        now: Instant,
        arrival: Duration,
        header: Header,
        datagram: &[u8],
        keys: &mut Keys,
    ) -> Event {
        let Header { sequence, timestamp, marker, .. } = header;
        let place = self.reception.handle_packet(sequence, marker, datagram.len(), now);
        if place == Arrival::New {
            self.reception.handle_clock(timestamp, arrival);
        }
        let mut event = Event::default();
        let is_sample = self.until_sample == 0;
        self.until_sample =
            if is_sample { fastrand::u32(0..2 * SAMPLE) } else { self.until_sample - 1 };
        if place == Arrival::Useless || !(is_sample || self.keyframe.is_some()) {
            return event;
        }
        let Some(payload) = open(keys, header, datagram) else {
            event.is_forged = true;
            return event;
        };
        event.has_keyframe = self.watch(sequence, timestamp, marker, &payload);
        event.sample = is_sample.then_some(payload);
        event
    }

    /// Takes a packet of the retransmission stream.
    pub(crate) fn handle_retransmission(
        &mut self,
        now: Instant,
        header: Header,
        datagram: &[u8],
        keys: &mut Keys,
    ) -> Event {
        let mut event = Event::default();
        if !self.reception.has_missing() {
            return event;
        }
        let Some(payload) = open(keys, header, datagram) else {
            event.is_forged = true;
            return event;
        };
        // The original number comes first (RFC 4588 section 4); padding that probes has none.
        if let Some((number, payload)) = payload.split_first_chunk::<2>() {
            let sequence = u16::from_be_bytes(*number);
            self.reception.handle_packet(sequence, header.marker, datagram.len(), now);
            event.has_keyframe = self.watch(sequence, header.timestamp, header.marker, payload);
        }
        event
    }

    fn watch(&mut self, sequence: u16, timestamp: u32, marker: bool, payload: &[u8]) -> bool {
        let watch = self.keyframe.as_mut();
        let is_whole =
            watch.is_some_and(|watch| watch.handle_packet(sequence, timestamp, marker, payload));
        if is_whole {
            self.keyframe = None;
        }
        is_whole
    }
}

/// Decrypts a packet and returns its payload.
fn open(keys: &mut Keys, header: Header, datagram: &[u8]) -> Option<Vec<u8>> {
    let clear = keys.rtp_in.decrypt_rtp(datagram).ok()?;
    let padding = if clear[0] & 0x20 != 0 { usize::from(*clear.last()?) } else { 0 };
    Some(clear.get(header.len..clear.len().checked_sub(padding)?)?.to_vec())
}
