//! Sits between a publisher and its socket: notes when each packet leaves, and hears the server's
//! wishes for a keyframe, which the `webrtc` crate keeps to itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rtc::interceptor::{Attribute, Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::sansio;
use rtc::shared::error::Error;

use super::stamps::Stamps;

/// Nearest to the wire, so that it sees a packet last.
pub(crate) fn slot() -> Slot {
    Slot::from(500)
}

/// What watches one publisher.
pub(crate) struct Observer {
    stamps: Arc<Stamps>,
    wants_keyframe: Arc<AtomicBool>,
    /// Emptied by the same turn that fills them.
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Observer {
    /// Creates an observer that reports to `stamps` and `wants_keyframe`.
    pub(crate) fn new(stamps: Arc<Stamps>, wants_keyframe: Arc<AtomicBool>) -> Self {
        Self { stamps, wants_keyframe, read: VecDeque::new(), write: VecDeque::new() }
    }
}

impl sansio::Protocol<TaggedPacket, TaggedPacket, ()> for Observer {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &packet.message.packet {
            let is_wish = packets.iter().any(|packet| {
                packet.as_any().is::<PictureLossIndication>()
                    || packet.as_any().is::<FullIntraRequest>()
            });
            if is_wish {
                self.wants_keyframe.store(true, Ordering::Relaxed);
            }
        }
        self.read.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.write.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        let packet = self.write.pop_front()?;
        let is_again = packet
            .message
            .attributes
            .iter()
            .any(|attribute| matches!(attribute, Attribute::Retransmission));
        if let (Packet::Rtp(rtp), false) = (&packet.message.packet, is_again) {
            self.stamps.handle_sent(&rtp.payload);
        }
        Some(packet)
    }

    fn handle_timeout(&mut self, _now: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }
}

impl Interceptor for Observer {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
