//! Writes the RTCP of a browser that watches: receiver reports, NACK, PLI, transport-wide feedback.

use std::time::Duration;

use super::reception::Report;

const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const SENDER_REPORT: u8 = 200;
/// Ticks of a transport-wide delta.
const DELTA: Duration = Duration::from_micros(250);
/// Milliseconds of a transport-wide reference time.
const REFERENCE_MS: u128 = 64;
/// Symbols in one status vector chunk with two bits each.
const VECTOR: usize = 7;

/// A report block with whom it is about and when that one last reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// The stream.
    pub(crate) ssrc: u32,
    /// What was received of it.
    pub(crate) report: Report,
    /// Middle bits of the last sender report's time, and how long ago that was.
    pub(crate) last_sender_report: Option<(u32, Duration)>,
}

/// Appends a receiver report and the description that a compound packet needs.
pub(crate) fn push_receiver_report(out: &mut Vec<u8>, sender: u32, blocks: &[Block]) {
    let count = u8::try_from(blocks.len()).expect("a viewer has two tracks");
    let at = begin(out, count, RECEIVER_REPORT);
    out.extend_from_slice(&sender.to_be_bytes());
    for Block { ssrc, report, last_sender_report } in blocks {
        let (last, since) = last_sender_report.unwrap_or_default();
        let delay = u32::try_from(since.as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX);
        out.extend_from_slice(&ssrc.to_be_bytes());
        let lost = u32::from(report.fraction_lost) << 24 | report.cumulative_lost & 0xff_ffff;
        for word in [lost, report.highest, report.jitter, last, delay] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
    finish(out, at);
    let at = begin(out, 1, SOURCE_DESCRIPTION);
    out.extend_from_slice(&sender.to_be_bytes());
    // One CNAME item of four letters; a zero byte ends the list.
    out.extend_from_slice(&[1, 4, b'l', b'o', b'a', b'd', 0]);
    finish(out, at);
}

/// Appends a request for `lost`, which is sorted, of `media`.
pub(crate) fn push_nack(out: &mut Vec<u8>, sender: u32, media: u32, lost: &[u16]) {
    let at = begin(out, 1, TRANSPORT_FEEDBACK);
    out.extend_from_slice(&sender.to_be_bytes());
    out.extend_from_slice(&media.to_be_bytes());
    let mut rest = lost;
    while let Some((first, more)) = rest.split_first() {
        let mut mask = 0u16;
        let after = more.iter().take_while(|number| number.wrapping_sub(*first) <= 16);
        let mut taken = 0;
        for number in after {
            mask |= 1 << (number.wrapping_sub(*first) - 1);
            taken += 1;
        }
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&mask.to_be_bytes());
        rest = &more[taken..];
    }
    finish(out, at);
}

/// Appends a request for a keyframe of `media`.
pub(crate) fn push_pli(out: &mut Vec<u8>, sender: u32, media: u32) {
    let at = begin(out, 1, PAYLOAD_FEEDBACK);
    out.extend_from_slice(&sender.to_be_bytes());
    out.extend_from_slice(&media.to_be_bytes());
    finish(out, at);
}

/// Returns the middle bits of the time of the first sender report in `packet`, and its stream.
pub(crate) fn sender_report(packet: &[u8]) -> Option<(u32, u32)> {
    let mut rest = packet;
    while let Some(header) = rest.first_chunk::<16>() {
        let len = (usize::from(u16::from_be_bytes([header[2], header[3]])) + 1) * 4;
        if header[1] == SENDER_REPORT {
            let ssrc = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
            let middle = u32::from_be_bytes([header[10], header[11], header[12], header[13]]);
            return Some((ssrc, middle));
        }
        rest = rest.get(len..)?;
    }
    None
}

/// Collects arrivals by transport-wide number until they are reported.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// In order of number; extended so that the wrap does not matter.
    seen: Vec<(u64, Duration)>,
    /// First number that has not been reported.
    next: Option<u64>,
    count: u8,
}

impl Arrivals {
    /// Notes that packet `number` came at `at`, by the clock of all arrivals.
    pub(crate) fn push(&mut self, number: u16, at: Duration) {
        let newest = self.seen.last().map(|(number, _)| *number).or(self.next);
        let newest = newest.unwrap_or(1 << 16 | u64::from(number));
        let step = i64::from(number.wrapping_sub((newest & 0xffff) as u16) as i16);
        let extended = newest.saturating_add_signed(step);
        if self.next.is_some_and(|next| extended < next) {
            return;
        }
        match self.seen.last() {
            Some((last, _)) if extended <= *last => {
                if let Err(place) = self.seen.binary_search_by_key(&extended, |(n, _)| *n) {
                    self.seen.insert(place, (extended, at));
                }
            }
            _ => self.seen.push((extended, at)),
        }
    }

    /// Whether there is anything to report.
    pub(crate) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Appends the feedback about everything since the last one
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
    pub(crate) fn push_feedback(&mut self, out: &mut Vec<u8>, sender: u32, media: u32) {
        let (Some(first), Some(last)) = (self.seen.first().copied(), self.seen.last().copied())
        else {
            return;
        };
        let base = self.next.unwrap_or(first.0);
        // One feedback covers what a burst and its gaps can be; older gaps are forgotten.
        let base = base.max((last.0 + 1).saturating_sub(2_000));
        let seen: Vec<(u64, Duration)> =
            self.seen.drain(..).filter(|(number, _)| *number >= base).collect();
        self.next = Some(last.0 + 1);

        let reference = first.1.as_millis() / REFERENCE_MS;
        let mut clock = reference * REFERENCE_MS * 4;
        let mut symbols = vec![0u8; (last.0 + 1 - base) as usize];
        let mut deltas = Vec::with_capacity(seen.len() + 8);
        for (number, at) in seen {
            let tick = at.as_nanos() / DELTA.as_nanos();
            let delta = tick as i128 - clock as i128;
            // A pause too long for a delta is reported as short; nobody measures across it.
            let delta = delta.clamp(i128::from(i16::MIN), i128::from(i16::MAX)) as i16;
            clock = tick;
            let symbol = &mut symbols[(number - base) as usize];
            if let Ok(small) = u8::try_from(delta) {
                *symbol = 1;
                deltas.push(small);
            } else {
                *symbol = 2;
                deltas.extend_from_slice(&delta.to_be_bytes());
            }
        }
        let at = begin(out, 15, TRANSPORT_FEEDBACK);
        out.extend_from_slice(&sender.to_be_bytes());
        out.extend_from_slice(&media.to_be_bytes());
        out.extend_from_slice(&((base & 0xffff) as u16).to_be_bytes());
        out.extend_from_slice(&(symbols.len() as u16).to_be_bytes());
        out.extend_from_slice(&(reference as u32).to_be_bytes()[1..]);
        out.push(self.count);
        self.count = self.count.wrapping_add(1);
        push_chunks(out, &symbols);
        out.extend_from_slice(&deltas);
        finish(out, at);
    }
}

/// Runs of one symbol as run length, everything else as vectors of seven.
fn push_chunks(out: &mut Vec<u8>, symbols: &[u8]) {
    let mut rest = symbols;
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|symbol| *symbol == first).count();
        let taken = if run > VECTOR || run == rest.len() {
            let chunk = u16::from(*first) << 13 | run as u16;
            out.extend_from_slice(&chunk.to_be_bytes());
            run
        } else {
            let taken = rest.len().min(VECTOR);
            let vector =
                rest[..taken].iter().enumerate().fold(0b11 << 14, |chunk, (at, symbol)| {
                    chunk | u16::from(*symbol) << (12 - 2 * at)
                });
            out.extend_from_slice(&vector.to_be_bytes());
            taken
        };
        rest = &rest[taken..];
    }
}

fn begin(out: &mut Vec<u8>, count: u8, kind: u8) -> usize {
    out.extend_from_slice(&[0x80 | count, kind, 0, 0]);
    out.len() - 4
}

/// Pads to whole words and writes the length into the packet that begins at `at`.
fn finish(out: &mut Vec<u8>, at: usize) {
    out.resize(at + (out.len() - at).next_multiple_of(4), 0);
    let words = u16::try_from((out.len() - at) / 4 - 1).expect("a packet of one datagram");
    out[at + 2..at + 4].copy_from_slice(&words.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::rtcp;
    use rtc::rtcp::transport_feedbacks::transport_layer_cc::{
        PacketStatusChunk, SymbolTypeTcc, TransportLayerCc,
    };
    use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;

    fn read(packet: &[u8]) -> Vec<Box<dyn rtcp::Packet>> {
        rtcp::packet::unmarshal(&mut &packet[..]).expect("valid RTCP")
    }

    #[test]
    fn a_report_a_request_and_a_wish_are_read_back() {
        let report = Report { fraction_lost: 9, cumulative_lost: 2, highest: 70_000, jitter: 4 };
        let block = Block {
            ssrc: 3,
            report,
            last_sender_report: Some((0x0102_0304, Duration::from_millis(500))),
        };
        let mut out = Vec::new();
        push_receiver_report(&mut out, 1, &[block]);
        push_nack(&mut out, 1, 3, &[10, 11, 26, 27, 65_535]);
        push_pli(&mut out, 1, 3);

        let packets = read(&out);

        assert_eq!(packets.len(), 4);
        let report = packets[0].as_any().downcast_ref::<rtcp::receiver_report::ReceiverReport>();
        let back = report.expect("a report first").reports[0].clone();
        assert_eq!((back.fraction_lost, back.total_lost, back.jitter), (9, 2, 4));
        assert_eq!((back.last_sender_report, back.delay), (0x0102_0304, 32_768));
        let nack = packets[2].as_any().downcast_ref::<TransportLayerNack>().expect("a NACK");
        let asked: Vec<u16> = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
        assert_eq!(asked, [10, 11, 26, 27, 65_535]);
    }

    #[test]
    fn transport_wide_feedback_tells_every_arrival_and_every_gap_once() {
        let mut arrivals = Arrivals::default();
        let ms = |ms| Duration::from_millis(1_000_000) + Duration::from_millis(ms);
        for (number, at) in
            [(65_534, ms(0)), (65_535, ms(1)), (2, ms(200)), (1, ms(201)), (4, ms(202))]
        {
            arrivals.push(number, at);
        }
        let mut out = Vec::new();
        arrivals.push_feedback(&mut out, 1, 3);
        let packets = read(&out);
        let feedback = packets[0].as_any().downcast_ref::<TransportLayerCc>().expect("feedback");

        assert_eq!((feedback.base_sequence_number, feedback.packet_status_count), (65_534, 7));
        let PacketStatusChunk::StatusVectorChunk(vector) = &feedback.packet_chunks[0] else {
            panic!("a vector");
        };
        let received: Vec<bool> = vector
            .symbol_list
            .iter()
            .map(|symbol| *symbol != SymbolTypeTcc::PacketNotReceived)
            .collect();
        assert_eq!(received, [true, true, false, true, true, false, true]);
        let sum: i64 = feedback.recv_deltas.iter().map(|delta| delta.delta).sum();
        let reference = i64::from(feedback.reference_time) * 64_000;
        assert_eq!(reference + sum, 1_000_202_000, "the last arrival, in us");
        assert!(arrivals.is_empty());
        arrivals.push(3, ms(300));
        assert!(arrivals.is_empty(), "reported as missing already");
    }

    #[test]
    fn a_long_run_is_one_chunk() {
        let mut arrivals = Arrivals::default();
        for number in 0..100 {
            arrivals.push(number, Duration::from_millis(u64::from(number)));
        }
        let mut out = Vec::new();
        arrivals.push_feedback(&mut out, 1, 3);
        let packets = read(&out);
        let feedback = packets[0].as_any().downcast_ref::<TransportLayerCc>().expect("feedback");
        assert_eq!(feedback.packet_chunks.len(), 1);
        assert_eq!(feedback.recv_deltas.len(), 100);
    }
}
