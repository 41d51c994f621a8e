//! What a feed has to choose from, which of it the taps get, and what its host is asked to send.

use media_rules::codec::picture_size;
use media_rules::layer::{Demand, EncodingSet, LayerMeter, Rung};
use media_rules::{MediaKind, MediaTime};

use crate::feed::Feed;
use crate::packet::{Packet, Slot};

/// What one encoding shows and costs.
#[derive(Debug, Default)]
pub(crate) struct Quality {
    meter: LayerMeter,
    /// Of the newest keyframe that told.
    pixels: u32,
}

impl Quality {
    /// Takes note of a packet.
    pub(crate) fn handle_packet(&mut self, packet: &Packet, now: MediaTime) {
        self.meter.handle_packet(&packet.frame, packet.rtp.len(), now);
        if packet.frame.is_entry
            && let Some((width, height)) = picture_size(packet.codec, packet.payload())
        {
            self.pixels = u32::from(width) * u32::from(height);
        }
    }
}

impl Feed {
    /// Measures anew what there is to choose from. What the host rests because we asked for it is
    /// there, too: it comes back when somebody wants it.
    pub(crate) fn refresh_ladder(&mut self, now: MediaTime) {
        let mut encodings: Vec<(u32, u64, u8)> = Vec::new();
        let mut rungs = Vec::new();
        for (slot, quality) in self.qualities() {
            let Some(number) = slot.encoding_number() else {
                continue;
            };
            if !quality.meter.is_live(now) && !self.resting.contains(number) {
                continue;
            }
            rungs.clear();
            quality.meter.push_rungs(number, false, &mut rungs);
            if let Some(full) = rungs.last() {
                encodings.push((quality.pixels, full.bps, number));
            }
        }
        encodings.sort_unstable();
        let mut ladder: Vec<Rung> = std::mem::take(&mut self.ladder);
        ladder.clear();
        for (at, (_, _, number)) in encodings.iter().enumerate() {
            let slot = Slot::encoding(usize::from(*number));
            if let Some(stream) = self.stream(slot) {
                stream.quality.meter.push_rungs(*number, at == 0, &mut ladder);
            }
        }
        self.ladder = ladder;
        let live = |number: &&(u32, u64, u8)| !self.resting.contains(number.2);
        let best = encodings.iter().rev().find(live).map(|(_, _, number)| *number);
        self.best = best.map_or(self.best, |number| Slot::encoding(usize::from(number)));
    }

    /// Whether a packet is one for the taps, which get one encoding. They go over to a better one
    /// with its next keyframe.
    pub(crate) fn is_for_taps(&mut self, packet: &Packet) -> bool {
        let slot = packet.stream.slot;
        if slot.kind() == MediaKind::Audio {
            return true;
        }
        if slot == self.best && packet.frame.is_entry {
            self.tapped = slot;
        }
        slot == self.tapped
    }

    /// Returns the encodings that somebody here takes.
    pub(crate) fn taken_here(&self, viewers: impl Iterator<Item = Slot>) -> EncodingSet {
        let mut taken: EncodingSet = viewers.filter_map(Slot::encoding_number).collect();
        if !self.taps.is_empty() {
            // The program is made of the best.
            let best = self.ladder.last().map(|rung| rung.encoding);
            taken.extend(best.into_iter().chain(self.tapped.encoding_number()));
        }
        taken
    }

    /// Whether there are several encodings, so that it matters who takes which.
    pub(crate) fn has_choice(&self) -> bool {
        self.ladder.iter().any(|rung| rung.encoding != self.ladder[0].encoding)
    }

    /// Decides which encodings the host need not send, by what every worker takes.
    pub(crate) fn poll_resting(&mut self, all: EncodingSet, now: MediaTime) -> EncodingSet {
        let base = self.ladder.first().map_or(0, |rung| rung.encoding);
        let demand = self.demand.get_or_insert_with(|| Demand::new(all, base, now));
        demand.set_base(base);
        let taken = self.taken.iter().fold(EncodingSet::default(), |all, one| all.union(*one));
        demand.handle_taken(taken, now);
        let wanted = demand.wanted();
        self.resting = all.iter().filter(|number| !wanted.contains(*number)).collect();
        self.resting
    }

    fn qualities(&self) -> impl Iterator<Item = (Slot, &Quality)> {
        self.streams().map(|stream| (stream.id.slot, &stream.quality))
    }
}
