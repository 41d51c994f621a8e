//! Reads the RTCP that matters to a forwarder, and writes the RTCP that it sends.
//!
//! Every report block and feedback message we understand is a handful of fixed fields, so they are
//! read straight from the bytes; unknown ones are stepped over by their length. Read from
//! authenticated peers, but still with every length checked.
//!
//! <https://www.rfc-editor.org/rfc/rfc3550#section-6> · <https://www.rfc-editor.org/rfc/rfc4585#section-6>

use std::time::Duration;

use media_rules::twcc::Feedback;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const EXTENDED_REPORT: u8 = 207;
const BLOCK_REFERENCE_TIME: u8 = 4;
const BLOCK_LAST_REFERENCE: u8 = 5;
const FORMAT_NACK: u8 = 1;
const FORMAT_PLI: u8 = 1;
const FORMAT_FIR: u8 = 4;
const FORMAT_APPLICATION: u8 = 15;
const BLOCK_LEN: usize = 24;
/// Who asks for more packets than this in one packet asks for a keyframe's worth; the rest is ignored.
const MAX_NACKED: usize = 256;
/// Packets that transport-wide feedback in one packet may speak of; the rest is ignored. A message
/// of 24 bytes can speak of thousands, and many of them fit a packet.
const MAX_TOLD: usize = 8_192;
/// We ask for one answer at a time.
const MAX_ANSWERS: usize = 4;

/// One thing that a peer said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Message {
    /// The sender's clock and its RTP clock at one instant.
    SenderReport { ssrc: u32, ntp: u64, rtp_timestamp: u32 },
    /// How a stream of ours is received.
    Reception(Reception),
    /// Packets of ours that did not arrive.
    Nack { ssrc: u32, lost: Vec<u16> },
    /// The picture is lost (PLI) or was never there (FIR).
    KeyframeRequest { ssrc: u32 },
    /// The most that the other side wants to be sent (REMB), in bits per second.
    MostWanted { bps: u64 },
    /// The other side's clock, for us to answer: the middle 32 bits of its time.
    ReferenceTime { sender: u32, reference: u32 },
    /// An answer to a reference time of ours: its middle 32 bits, and the delay in 1/65536 s.
    LastReference { reference: u32, delay: u32 },
    /// A source stops.
    Bye,
}

/// How a stream of ours is received (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reception {
    pub(crate) ssrc: u32,
    /// Of the packets since the report before, in 256ths.
    pub(crate) fraction_lost: u8,
    /// Packets lost since the beginning; less than none if copies outnumber them.
    pub(crate) cumulative_lost: i32,
    pub(crate) highest_sequence: u32,
    /// In ticks of the stream's clock.
    pub(crate) jitter: u32,
    pub(crate) last_sr: u32,
    pub(crate) delay_since_sr: u32,
}

impl Reception {
    /// Returns the round trip since the sender report that this one answers, if it answers one.
    /// `ntp` is now on the clock of that report.
    pub(crate) fn round_trip(&self, ntp: u64) -> Option<Duration> {
        round_trip(ntp, self.last_sr, self.delay_since_sr)
    }
}

/// Reads a compound packet; stops at the first part that makes no sense.
pub(crate) fn parse(mut rest: &[u8]) -> Vec<Message> {
    let mut out = Vec::new();
    let mut may_ask = MAX_NACKED;
    while let Some((part, after)) = split(rest) {
        rest = after;
        let count = part[0] & 0x1f;
        match part[1] {
            SENDER_REPORT => {
                if let (Some(ssrc), Some(high), Some(low), Some(rtp_timestamp)) =
                    (be32(part, 4), be32(part, 8), be32(part, 12), be32(part, 16))
                {
                    let ntp = u64::from(high) << 32 | u64::from(low);
                    out.push(Message::SenderReport { ssrc, ntp, rtp_timestamp });
                }
                read_blocks(part, 28, count, &mut out);
            }
            RECEIVER_REPORT => read_blocks(part, 8, count, &mut out),
            TRANSPORT_FEEDBACK if count == FORMAT_NACK => {
                if let Some((ssrc, lost)) = read_nack(part, may_ask) {
                    may_ask -= lost.len();
                    out.push(Message::Nack { ssrc, lost });
                }
            }
            PAYLOAD_FEEDBACK if count == FORMAT_PLI => {
                out.extend(be32(part, 8).map(|ssrc| Message::KeyframeRequest { ssrc }));
            }
            PAYLOAD_FEEDBACK if count == FORMAT_FIR => {
                // The media source field is unused; each entry names its own (RFC 5104 4.3.1.1).
                let entries = part.get(12..).unwrap_or_default().chunks_exact(8);
                out.extend(
                    entries
                        .filter_map(|entry| be32(entry, 0))
                        .map(|ssrc| Message::KeyframeRequest { ssrc }),
                );
            }
            PAYLOAD_FEEDBACK if count == FORMAT_APPLICATION => out.extend(read_remb(part)),
            EXTENDED_REPORT => read_extended(part, &mut out),
            GOODBYE => out.push(Message::Bye),
            _ => {}
        }
    }
    out
}

/// Returns the transport-wide feedback in a compound packet, as far as it is to be listened to.
pub(crate) fn transport_feedback(mut rest: &[u8]) -> impl Iterator<Item = Feedback<'_>> {
    let parts = std::iter::from_fn(move || {
        let (part, after) = split(rest)?;
        rest = after;
        Some(part)
    });
    let mut may_tell = MAX_TOLD;
    parts.filter_map(|part| Feedback::parse(part).ok()).map_while(move |feedback| {
        may_tell = may_tell.checked_sub(usize::from(feedback.count))?;
        Some(feedback)
    })
}

/// Returns the time since we said `reference`, the middle bits of an NTP time, less the other side's
/// `delay`; `ntp` is now on the same clock.
pub(crate) fn round_trip(ntp: u64, reference: u32, delay: u32) -> Option<Duration> {
    (reference != 0).then_some(())?;
    let middle = (ntp >> 16 & u64::from(u32::MAX)) as u32;
    let units = middle.wrapping_sub(reference).wrapping_sub(delay);
    // In 1/65536 s. Clocks that run apart make it wrap.
    (units < 10 << 16).then(|| Duration::from_secs(u64::from(units)) / 65_536)
}

fn split(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let words = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
    (rest[0] >> 6 == 2).then_some(())?;
    rest.split_at_checked(4 + 4 * words)
}

fn read_blocks(part: &[u8], start: usize, count: u8, out: &mut Vec<Message>) {
    let blocks = part.get(start..).unwrap_or_default().chunks_exact(BLOCK_LEN);
    for block in blocks.take(usize::from(count)) {
        if let [
            Some(ssrc),
            Some(lost),
            Some(highest_sequence),
            Some(jitter),
            Some(last_sr),
            Some(delay_since_sr),
        ] = [0, 4, 8, 12, 16, 20].map(|at| be32(block, at))
        {
            // A signed number of 24 bits.
            let cumulative_lost = (lost << 8).cast_signed() >> 8;
            out.push(Message::Reception(Reception {
                ssrc,
                fraction_lost: block[4],
                cumulative_lost,
                highest_sequence,
                jitter,
                last_sr,
                delay_since_sr,
            }));
        }
    }
}

fn read_nack(part: &[u8], most: usize) -> Option<(u32, Vec<u16>)> {
    let ssrc = be32(part, 8)?;
    let mut lost = Vec::new();
    for entry in part.get(12..).unwrap_or_default().chunks_exact(4) {
        let first = u16::from_be_bytes([entry[0], entry[1]]);
        let mask = u16::from_be_bytes([entry[2], entry[3]]);
        lost.push(first);
        lost.extend(
            (0..16_u16).filter(|bit| mask >> bit & 1 == 1).map(|bit| first.wrapping_add(bit + 1)),
        );
    }
    lost.truncate(most);
    (!lost.is_empty()).then_some((ssrc, lost))
}

/// Reads a REMB (draft-alvestrand-rmcat-remb-03 section 2.2).
fn read_remb(part: &[u8]) -> Option<Message> {
    (part.get(12..16)? == b"REMB").then_some(())?;
    let rate = be32(part, 16)?;
    let (exponent, mantissa) = (rate >> 18 & 0x3f, u64::from(rate & 0x3_ffff));
    // More than any path has is as good as no limit.
    Some(Message::MostWanted { bps: mantissa << exponent.min(40) })
}

/// Reads reference times and answers to ours (RFC 3611 sections 4.4 and 4.5).
fn read_extended(part: &[u8], out: &mut Vec<Message>) {
    let mut rest = part.get(8..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<4>() {
        let len = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        let Some((body, next)) = after.split_at_checked(len) else {
            return;
        };
        // It is answered with a packet, so once is enough.
        let is_answered = out.iter().any(|said| matches!(said, Message::ReferenceTime { .. }));
        if head[0] == BLOCK_REFERENCE_TIME
            && !is_answered
            && let (Some(sender), Some(high), Some(low)) =
                (be32(part, 4), be32(body, 0), be32(body, 4))
        {
            out.push(Message::ReferenceTime { sender, reference: high << 16 | low >> 16 });
        }
        if head[0] == BLOCK_LAST_REFERENCE {
            let answers = body.chunks_exact(12).take(MAX_ANSWERS);
            out.extend(answers.filter_map(|answer| {
                let (reference, delay) = (be32(answer, 4)?, be32(answer, 8)?);
                Some(Message::LastReference { reference, delay })
            }));
        }
        rest = next;
    }
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// What a sender report says of one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderInfo {
    pub(crate) ssrc: u32,
    pub(crate) ntp: u64,
    pub(crate) rtp_timestamp: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
}

/// What a report block says of one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceptionBlock {
    pub(crate) ssrc: u32,
    pub(crate) fraction_lost: u8,
    pub(crate) cumulative_lost: u32,
    pub(crate) highest_sequence: u32,
    pub(crate) jitter: u32,
    pub(crate) last_sr: u32,
    pub(crate) delay_since_sr: u32,
}

/// Writes a sender report without blocks, followed by the canonical name (RFC 3550 6.4.1, 6.5).
pub(crate) fn push_sender_report(out: &mut Vec<u8>, info: SenderInfo, cname: &str) {
    push_header(out, 0, SENDER_REPORT, 24);
    push_words(out, &[info.ssrc, (info.ntp >> 32) as u32, (info.ntp & 0xffff_ffff) as u32]);
    push_words(out, &[info.rtp_timestamp, info.packets, info.octets]);
    push_description(out, info.ssrc, cname);
}

/// Writes a receiver report; every compound packet that holds feedback starts with one.
pub(crate) fn push_receiver_report(out: &mut Vec<u8>, sender: u32, blocks: &[ReceptionBlock]) {
    let count = u8::try_from(blocks.len().min(31)).expect("at most 31");
    push_header(out, count, RECEIVER_REPORT, 4 + BLOCK_LEN * usize::from(count));
    push_words(out, &[sender]);
    for block in blocks.iter().take(31) {
        let lost = u32::from(block.fraction_lost) << 24 | block.cumulative_lost.min(0x7f_ffff);
        push_words(out, &[block.ssrc, lost, block.highest_sequence, block.jitter]);
        push_words(out, &[block.last_sr, block.delay_since_sr]);
    }
}

/// Answers a reference time that just came (RFC 3611 section 4.5).
pub(crate) fn push_last_reference(out: &mut Vec<u8>, sender: u32, to: u32, reference: u32) {
    push_header(out, 0, EXTENDED_REPORT, 20);
    push_words(out, &[sender, u32::from(BLOCK_LAST_REFERENCE) << 24 | 3, to, reference, 0]);
}

/// Writes our time, to be answered with how long the answer took (RFC 3611 section 4.4).
pub(crate) fn push_reference_time(out: &mut Vec<u8>, sender: u32, ntp: u64) {
    push_header(out, 0, EXTENDED_REPORT, 16);
    push_words(out, &[sender, u32::from(BLOCK_REFERENCE_TIME) << 24 | 2]);
    push_words(out, &[(ntp >> 32) as u32, (ntp & 0xffff_ffff) as u32]);
}

/// Writes a source description with the canonical name.
pub(crate) fn push_description(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let name = &cname.as_bytes()[..cname.len().min(255)];
    // The chunk ends with at least one zero byte and on a word boundary (RFC 3550 section 6.5).
    let padded = (4 + 2 + name.len() + 1).next_multiple_of(4);
    push_header(out, 1, SOURCE_DESCRIPTION, padded);
    push_words(out, &[ssrc]);
    out.extend_from_slice(&[1, u8::try_from(name.len()).expect("cut to 255")]);
    out.extend_from_slice(name);
    out.resize(out.len() + padded - 4 - 2 - name.len(), 0);
}

/// Writes a request for lost packets (RFC 4585 section 6.2.1).
pub(crate) fn push_nack(out: &mut Vec<u8>, sender: u32, ssrc: u32, lost: &[u16]) {
    let mut entries: Vec<(u16, u16)> = Vec::new();
    for &sequence in lost {
        match entries.last_mut() {
            Some((first, mask)) if (1..=16).contains(&sequence.wrapping_sub(*first)) => {
                *mask |= 1 << (sequence.wrapping_sub(*first) - 1);
            }
            _ => entries.push((sequence, 0)),
        }
    }
    push_header(out, FORMAT_NACK, TRANSPORT_FEEDBACK, 8 + 4 * entries.len());
    push_words(out, &[sender, ssrc]);
    for (first, mask) in entries {
        push_words(out, &[u32::from(first) << 16 | u32::from(mask)]);
    }
}

/// Writes a picture loss indication (RFC 4585 section 6.3.1).
pub(crate) fn push_pli(out: &mut Vec<u8>, sender: u32, ssrc: u32) {
    push_header(out, FORMAT_PLI, PAYLOAD_FEEDBACK, 8);
    push_words(out, &[sender, ssrc]);
}

/// Writes the most that the other side should send (draft-alvestrand-rmcat-remb-03 section 2.2).
pub(crate) fn push_remb(out: &mut Vec<u8>, sender: u32, bits_per_second: u32, ssrcs: &[u32]) {
    let count = u32::try_from(ssrcs.len().min(255)).expect("cut to 255");
    let exponent = (u32::BITS - bits_per_second.leading_zeros()).saturating_sub(18);
    push_header(out, FORMAT_APPLICATION, PAYLOAD_FEEDBACK, 16 + 4 * ssrcs.len().min(255));
    push_words(out, &[sender, 0, u32::from_be_bytes(*b"REMB")]);
    push_words(out, &[count << 24 | exponent << 18 | bits_per_second >> exponent]);
    push_words(out, &ssrcs[..ssrcs.len().min(255)]);
}

fn push_header(out: &mut Vec<u8>, count: u8, kind: u8, body_len: usize) {
    let words = u16::try_from(body_len / 4).expect("what we write is short");
    out.extend_from_slice(&[0x80 | count, kind]);
    out.extend_from_slice(&words.to_be_bytes());
}

fn push_words(out: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Vec::new();
        let info =
            SenderInfo { ssrc: 7, ntp: 3 << 32 | 4, rtp_timestamp: 5, packets: 6, octets: 8 };
        push_sender_report(&mut out, info, "lianmai");
        push_receiver_report(&mut out, 1, &[]);
        push_nack(&mut out, 1, 9, &[65_535, 0, 15, 16, 300]);
        push_pli(&mut out, 1, 9);
        push_remb(&mut out, 1, 2_500_000, &[9, 10]);
        let messages = parse(&out);
        assert_eq!(
            messages,
            [
                Message::SenderReport { ssrc: 7, ntp: 3 << 32 | 4, rtp_timestamp: 5 },
                Message::Nack { ssrc: 9, lost: vec![65_535, 0, 15, 16, 300] },
                Message::KeyframeRequest { ssrc: 9 },
                // Three of its low bits fell victim to the encoding.
                Message::MostWanted { bps: 2_500_000 & !0xf },
            ]
        );
    }

    #[test]
    fn another_implementation_reads_what_we_write() {
        let mut out = Vec::new();
        let info = SenderInfo { ssrc: 7, ntp: 1, rtp_timestamp: 5, packets: 6, octets: 8 };
        let block = ReceptionBlock {
            ssrc: 3,
            fraction_lost: 9,
            cumulative_lost: 2,
            highest_sequence: 70_000,
            jitter: 4,
            last_sr: 1,
            delay_since_sr: 2,
        };
        push_sender_report(&mut out, info, "abc");
        push_receiver_report(&mut out, 1, &[block]);
        push_remb(&mut out, 1, 2_500_000, &[9]);
        let packets = rtc_rtcp::packet::unmarshal(&mut &out[..]).expect("valid RTCP");
        assert_eq!(packets.len(), 4);
        let remb = packets[3].as_any().downcast_ref::<rtc_rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate>();
        let bitrate = remb.expect("the last one is a REMB").bitrate;
        assert!((bitrate - 2_500_000.0).abs() < 100.0, "{bitrate}");
    }

    #[test]
    fn a_time_that_is_asked_for_is_answered_at_once() {
        let mut asked = Vec::new();
        push_reference_time(&mut asked, 9, 0x0001_0002_0003_0004);
        assert_eq!(parse(&asked), [Message::ReferenceTime { sender: 9, reference: 0x0002_0003 }]);
        let mut answer = Vec::new();
        push_last_reference(&mut answer, 1, 9, 0x0002_0003);
        assert_eq!(parse(&answer), [Message::LastReference { reference: 0x0002_0003, delay: 0 }]);
    }

    #[test]
    fn an_answer_to_our_time_tells_the_round_trip() {
        let mut asked = Vec::new();
        push_reference_time(&mut asked, 1, 0x0001_0002_0003_0004);
        assert_eq!(asked, [0x80, 207, 0, 4, 0, 0, 0, 1, 4, 0, 0, 2, 0, 1, 0, 2, 0, 3, 0, 4]);
        let mut answer = vec![0x80, 207, 0, 5, 0, 0, 0, 9, 5, 0, 0, 3, 0, 0, 0, 1];
        answer.extend_from_slice(&[0, 2, 0, 3, 0, 0, 0x40, 0]);
        let [Message::LastReference { reference, delay }] = parse(&answer)[..] else {
            panic!("{:?}", parse(&answer));
        };
        assert_eq!((reference, delay), (0x0002_0003, 0x4000));
        // Half a second after we asked, a quarter of which was the other side's.
        let rtt = round_trip(0x0001_0002_8003_0004, reference, delay);
        assert_eq!(rtt, Some(Duration::from_millis(250)));
        assert_eq!(round_trip(0, reference, delay), None);
    }

    #[test]
    fn one_packet_makes_only_so_much_work() {
        let mut nacks = Vec::new();
        let mut questions = Vec::new();
        for _ in 0..75 {
            push_nack(&mut nacks, 1, 9, &(1..18).collect::<Vec<u16>>());
            push_reference_time(&mut questions, 1, 0x0001_0002_0003_0004);
        }
        let nacked = |message: &Message| {
            if let Message::Nack { lost, .. } = message { lost.len() } else { 0 }
        };
        assert_eq!(parse(&nacks).iter().map(nacked).sum::<usize>(), MAX_NACKED);
        assert_eq!(parse(&questions).len(), 1);

        // 24 bytes that speak of 8,191 packets, of which none arrived.
        let feedback = [
            0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 9, 0, 1, 0x1f, 0xff, 0, 0, 0, 0, 0x1f, 0xff, 0, 0,
        ];
        let told = |packet: &[u8]| -> usize {
            transport_feedback(packet).map(|feedback| feedback.statuses().count()).sum()
        };
        assert_eq!(told(&feedback), 8_191);
        assert_eq!(told(&feedback.repeat(50)), 8_191);
    }

    #[test]
    fn no_cut_packet_panics() {
        let mut out = Vec::new();
        push_receiver_report(&mut out, 1, &[]);
        push_nack(&mut out, 1, 9, &[1, 2, 3, 400]);
        for len in 0..out.len() {
            parse(&out[..len]);
        }
        for byte in 0..=255 {
            parse(&[byte; 64]);
        }
    }
}
