//! Decodes the sound of one feed, in the thread that mixes it and when it does: whoever takes packets in
//! leaves them with the voice. Whatever a host sends, the worst that happens is that this chain fails and
//! its feed starts another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use gstreamer as gst;
use media_rules::{FeedFrame, MediaTime};
use tracing::debug;

use crate::chain::Chain;
use crate::sound_pass::Packet;
use crate::sound_tick::SharedVoice;
use crate::voice::Stereo;

const CAPS: &str = "audio/x-opus,channel-mapping-family=0,channels=2,rate=48000";
/// The decoder makes what is wanted of whatever is in the packets.
const CHAIN: &str = "opusdec plc=true \
     ! capsfilter caps=audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved";

/// Browsers stamp a packet with its first sample's moment although libopus gives every sample out
/// this much later (RFC 7845 section 4.2 calls it pre-skip; RTP has no word for it).
const OPUS_DELAY_NANOS: u64 = 6_500_000;

/// Returns when what a packet holds is due to a player that plays every sample its decoder makes.
fn due(stamp: MediaTime) -> MediaTime {
    MediaTime::from_nanos(stamp.nanos().saturating_sub(OPUS_DELAY_NANOS))
}

/// One feed's end of a decoder of Opus.
pub(crate) struct SoundDecoder {
    decoder: Arc<OpusDecoder>,
    voice: SharedVoice,
}

impl SoundDecoder {
    /// Starts what decodes into `voice`.
    pub(crate) fn start(voice: SharedVoice) -> anyhow::Result<Self> {
        let decoder = Arc::new(OpusDecoder::start(&voice)?);
        let mut held = voice.lock().unwrap_or_else(PoisonError::into_inner);
        held.set_decoder(Arc::clone(&decoder));
        drop(held);
        Ok(Self { decoder, voice })
    }

    /// Leaves a packet to be decoded. Returns false when this decoder cannot go on and must be replaced.
    pub(crate) fn push(&self, frame: FeedFrame) -> bool {
        if self.decoder.has_trouble.load(Ordering::Acquire) {
            return false;
        }
        let (at, lost_before, data) = (due(frame.at), frame.lost_before, frame.data.clone());
        let mut voice = self.voice.lock().unwrap_or_else(PoisonError::into_inner);
        voice.handle_encoded(Packet { at, lost_before, data }, frame);
        true
    }
}

/// Decodes what was left with a voice.
pub(crate) fn decode_waiting(voice: &SharedVoice) {
    let taken = voice.lock().unwrap_or_else(PoisonError::into_inner).take_undecoded();
    if let Some((decoder, frames)) = taken {
        frames.into_iter().for_each(|frame| decoder.decode(frame));
    }
}

/// A running decoder of Opus.
pub(crate) struct OpusDecoder {
    chain: Chain,
    has_trouble: Arc<AtomicBool>,
}

impl OpusDecoder {
    fn start(voice: &SharedVoice) -> anyhow::Result<Self> {
        let has_trouble = Arc::new(AtomicBool::new(false));
        let noticed = Arc::clone(&has_trouble);
        // The voice holds its decoder.
        let voice = Arc::downgrade(voice);
        let take = move |buffer: gst::Buffer| {
            let (Some(at), Some(voice)) = (buffer.pts(), voice.upgrade()) else { return };
            let at = due(MediaTime::from_nanos(at.nseconds()));
            let Ok(bytes) = buffer.map_readable() else { return };
            let number = |bytes: &[u8]| i16::from_le_bytes([bytes[0], bytes[1]]);
            let packet: Vec<Stereo> = bytes
                .chunks_exact(4)
                .map(|sample| [number(&sample[..2]), number(&sample[2..])])
                .collect();
            voice.lock().unwrap_or_else(PoisonError::into_inner).handle_packet(at, &packet);
        };
        let hear = move |message: &gst::MessageRef| {
            if matches!(message.type_(), gst::MessageType::Error | gst::MessageType::Warning) {
                debug!(?message, "A host's sound cannot be decoded.");
                noticed.store(true, Ordering::Release);
            }
        };
        Ok(Self { chain: Chain::start(CHAIN, CAPS, take, hear)?, has_trouble })
    }

    /// Decodes a packet; what was lost before it is made up from what came before that.
    fn decode(&self, frame: FeedFrame) {
        let at = gst::ClockTime::from_nseconds(frame.at.nanos());
        if !frame.lost_before.is_zero() {
            let lost = gst::ClockTime::from_nseconds(frame.lost_before.as_nanos() as u64);
            self.chain.push_gap(at.saturating_sub(lost), lost);
        }
        let mut buffer = gst::Buffer::from_slice(frame.data);
        buffer.get_mut().expect("a buffer that was just made has one owner").set_pts(at);
        if !self.chain.push(buffer) {
            self.has_trouble.store(true, Ordering::Release);
        }
    }
}
