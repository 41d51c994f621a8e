//! Finds the moment at which a viewer has its first whole keyframe.

const SLICE_IDR: u8 = 5;
const SEQUENCE_PARAMETERS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Watches the payloads of one H.264 stream.
#[derive(Debug, Default)]
pub(crate) struct KeyframeWatch {
    /// The keyframe under way: its timestamp, and the numbers that have come.
    frame: Option<(u32, Vec<u16>)>,
    starts: Vec<u16>,
    ends: Vec<u16>,
}

impl KeyframeWatch {
    /// Takes a packet; returns whether a keyframe is whole now.
    pub(crate) fn handle_packet(
        &mut self,
        sequence: u16,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) -> bool {
        let begins = begins_keyframe(payload);
        if begins && self.frame.as_ref().is_none_or(|(current, _)| *current != timestamp) {
            self.frame = Some((timestamp, Vec::new()));
            self.starts.clear();
            self.ends.clear();
        }
        let Some((_, numbers)) = self.frame.as_mut().filter(|(current, _)| *current == timestamp)
        else {
            return false;
        };
        numbers.push(sequence);
        if begins {
            self.starts.push(sequence);
        }
        if marker {
            self.ends.push(sequence);
        }
        self.is_whole()
    }

    fn is_whole(&self) -> bool {
        let (Some((_, numbers)), Some(end)) = (&self.frame, self.ends.first()) else {
            return false;
        };
        // The parameters may be in a packet of their own: the earliest start counts.
        let back = |number: &u16| end.wrapping_sub(*number);
        let Some(span) = self.starts.iter().map(back).max() else {
            return false;
        };
        (0..=span).all(|step| numbers.contains(&end.wrapping_sub(step)))
    }
}

/// Whether a payload is the first of a keyframe (RFC 6184 section 5.2).
fn begins_keyframe(payload: &[u8]) -> bool {
    let is_key = |kind: u8| matches!(kind & 0x1f, SLICE_IDR | SEQUENCE_PARAMETERS);
    match payload {
        [first, ..] if is_key(*first) => true,
        [first, _, _, inner, ..] if first & 0x1f == STAP_A => is_key(*inner),
        [first, second, ..] if first & 0x1f == FU_A => second & 0x80 != 0 && is_key(*second),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[u8] = &[0x78, 0, 4, 0x67, 1, 2, 3];
    const FIRST: &[u8] = &[0x7c, 0x85, 1];
    const MORE: &[u8] = &[0x7c, 0x05, 1];

    #[test]
    fn a_keyframe_is_whole_when_its_last_gap_is_filled() {
        let mut watch = KeyframeWatch::default();
        assert!(!watch.handle_packet(65_534, 9, false, PARAMETERS));
        assert!(!watch.handle_packet(65_535, 9, false, FIRST));
        assert!(!watch.handle_packet(1, 9, true, MORE));
        assert!(!watch.handle_packet(2, 10, true, &[0x61, 1]));
        assert!(watch.handle_packet(0, 9, false, MORE));
    }

    #[test]
    fn the_end_of_a_keyframe_without_its_beginning_is_none() {
        let mut watch = KeyframeWatch::default();
        assert!(!watch.handle_packet(1, 9, false, MORE));
        assert!(!watch.handle_packet(2, 9, true, MORE));
        assert!(!watch.handle_packet(3, 10, true, &[0x61, 1]));
    }
}
