//! What a feed has to choose from, which of it the taps get, and what its host is asked to send.

use media_rules::codec::picture_size;
use media_rules::layer::{Demand, EncodingSet, LayerMeter, Offers, Rung};
use media_rules::{MediaKind, MediaTime};

use crate::feed::Feed;
use crate::packet::{Packet, Slot};

/// What one encoding shows and costs.
#[derive(Debug, Default)]
pub(crate) struct Quality {
    meter: LayerMeter,
    /// Width and height of the newest keyframe that told.
    size: (u16, u16),
}

impl Quality {
    /// Takes note of a packet.
    pub(crate) fn handle_packet(&mut self, packet: &Packet, now: MediaTime) {
        self.meter.handle_packet(&packet.frame, packet.rtp.len(), now);
        if packet.frame.is_entry
            && let Some((width, height)) = picture_size(packet.codec, packet.payload())
        {
            self.size = (width, height);
        }
    }
}

impl Feed {
    /// Measures anew what there is to choose from. What the host rests because we asked for it is
    /// there, too: it comes back when somebody wants it.
    pub(crate) fn refresh_ladder(&mut self, now: MediaTime) {
        if let Some(offers) = self.offers {
            return self.refresh_offered(&offers, now);
        }
        let mut encodings: Vec<Encoding> = Vec::new();
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
                encodings.push(Encoding { size: quality.size, bps: full.bps, number });
            }
        }
        encodings.sort_unstable_by_key(Encoding::rank);
        let mut ladder: Vec<Rung> = std::mem::take(&mut self.ladder);
        ladder.clear();
        for (at, Encoding { number, .. }) in encodings.iter().enumerate() {
            let slot = Slot::encoding(usize::from(*number));
            if let Some(stream) = self.stream(slot) {
                stream.quality.meter.push_rungs(*number, at == 0, &mut ladder);
            }
        }
        self.ladder = ladder;
        let asked = self.taps.iter().map(|tap| tap.size());
        let larger = |one: (u16, u16), other: (u16, u16)| (one.0.max(other.0), one.1.max(other.1));
        // The first tap begins with the best.
        let size = asked.reduce(larger).unwrap_or((u16::MAX, u16::MAX));
        let is_live = |encoding: &&Encoding| !self.resting.contains(encoding.number);
        self.wanted = fitting(encodings.iter(), size);
        let best = fitting(encodings.iter().filter(is_live), size);
        self.best = best.map_or(self.best, |number| Slot::encoding(usize::from(number)));
    }

    fn refresh_offered(&mut self, offers: &Offers, now: MediaTime) {
        let mut ladder = std::mem::take(&mut self.ladder);
        ladder.clear();
        let measured = |number: u8| {
            let stream = self.stream(Slot::encoding(usize::from(number)))?;
            let meter = &stream.quality.meter;
            let mut rungs = Vec::new();
            meter.push_rungs(number, false, &mut rungs);
            rungs.last().filter(|_| meter.is_live(now)).map(|full| full.bps)
        };
        offers.push_rungs(measured, &mut ladder);
        self.ladder = ladder;
    }

    /// At the home of a source that makes encodings on demand: returns what is taken, if that is news.
    pub(crate) fn poll_taken(&mut self, is_repeat: bool) -> Option<EncodingSet> {
        self.offers?;
        let taken = self.taken.iter().fold(EncodingSet::default(), |all, one| all.union(*one));
        let before = std::mem::replace(&mut self.told, taken);
        (before != taken || is_repeat && taken != EncodingSet::default()).then_some(taken)
    }

    /// Whether a packet is one for the taps, which get one encoding. They go over to the one that they
    /// want with its next keyframe.
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
            taken.extend(self.wanted.into_iter().chain(self.tapped.encoding_number()));
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

/// One of the encodings that a host sends or could send.
#[derive(Clone, Copy, Debug)]
struct Encoding {
    /// Width and height; zero as long as no keyframe told.
    size: (u16, u16),
    bps: u64,
    number: u8,
}

impl Encoding {
    fn rank(&self) -> (u32, u64, u8) {
        (u32::from(self.size.0) * u32::from(self.size.1), self.bps, self.number)
    }

    /// Whether it fills a place without being made more than an eighth larger, which nobody sees.
    fn fills(&self, (width, height): (u16, u16)) -> bool {
        let is_enough = |has: u16, asked: u16| u32::from(has) * 9 >= u32::from(asked) * 8;
        self.size != (0, 0) && is_enough(self.size.0, width) && is_enough(self.size.1, height)
    }
}

/// Returns the smallest encoding that fills a place, or the best if none does. They come smallest first.
fn fitting<'a>(
    encodings: impl DoubleEndedIterator<Item = &'a Encoding> + Clone,
    size: (u16, u16),
) -> Option<u8> {
    let best = encodings.clone().next_back();
    let found = encodings.into_iter().find(|encoding| encoding.fills(size)).or(best);
    found.map(|encoding| encoding.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_encoding_that_fills_the_place_is_taken() {
        let encoding = |number, width, height| Encoding { size: (width, height), bps: 1, number };
        let all = [encoding(0, 180, 320), encoding(1, 360, 640), encoding(2, 720, 1280)];
        let of = |width, height| fitting(all.iter(), (width, height));
        assert_eq!(of(360, 640), Some(1));
        assert_eq!(of(400, 700), Some(1), "a little larger than it is");
        assert_eq!(of(410, 640), Some(2), "its width would not do");
        assert_eq!(of(0, 0), Some(0), "nobody sees it");
        assert_eq!(of(u16::MAX, u16::MAX), Some(2), "none is enough");
        let unknown = [encoding(0, 0, 0), encoding(1, 0, 0)];
        assert_eq!(fitting(unknown.iter(), (90, 160)), Some(1), "of which nothing is known");
        assert_eq!(fitting([].iter(), (90, 160)), None);
    }
}
