//! Copy, number, seal, send.

use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};
use nix::sys::time::TimeValLike;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::{Value, json};

use super::mix::Burst;

/// With the transport-wide number, which every viewer's packets carry (RFC 8285 section 4.2).
const HEADER_LEN: usize = 20;
const TAG_LEN: usize = 16;
/// What the kernel takes in one message.
const MAX_RUN: usize = 32;
/// Messages of one call.
const BATCH: usize = 64;
/// One message with its packets.
const SLOT: usize = MAX_RUN * 1_232;

/// In whose time packets are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pace {
    /// The clip's own.
    RealTime,
    /// As fast as it goes.
    FlatOut,
}

/// What was sent and what it cost.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    packets: u64,
    messages: u64,
    bytes: u64,
    refused: u64,
    user: Duration,
    system: Duration,
    wall: Duration,
}

impl Sent {
    /// Returns everything as one object.
    pub(crate) fn to_json(&self, received: u64) -> Value {
        let per_packet = |time: Duration| time.as_secs_f64() * 1e6 / self.packets.max(1) as f64;
        json!({
            "packets": self.packets,
            "messages": self.messages,
            "bytes": self.bytes,
            "refused": self.refused,
            "received": received,
            "seconds": self.wall.as_secs_f64(),
            "us_per_packet": per_packet(self.user + self.system),
            "user_us_per_packet": per_packet(self.user),
            "system_us_per_packet": per_packet(self.system),
        })
    }
}

/// One destination.
struct Viewer {
    key: LessSafeKey,
    address: Option<SockaddrIn>,
    ssrc: u32,
}

/// Sends `bursts` round after round for `duration`.
pub(crate) fn run(bursts: &[Burst], ports: &[u16], pace: Pace, duration: Duration) -> Result<Sent> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let viewers: Vec<Viewer> = ports.iter().zip(1..).map(viewer).collect();
    let payload = vec![0x5a; 1_500];
    let mut arena = vec![0; BATCH * SLOT];
    let mut plain = MultiHeaders::preallocate(BATCH, None);
    let mut cut = MultiHeaders::preallocate(BATCH, Some(nix::cmsg_space!(u16)));
    let mut sent = Sent::default();
    let mut index = 0_u64;
    let length = bursts.last().map_or(Duration::ZERO, |last| last.due + Duration::from_millis(20));
    let (begun, before) = (Instant::now(), usage()?);
    let rounds = (0_u32..).flat_map(|round| bursts.iter().map(move |burst| (round, burst)));
    for (round, burst) in rounds {
        let due = length * round + burst.due;
        if pace == Pace::RealTime {
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        if begun.elapsed() >= duration {
            break;
        }
        for run in runs(&burst.payloads) {
            let segment = HEADER_LEN + run[0] + TAG_LEN;
            for group in viewers.chunks(BATCH) {
                let len = fill(&mut arena, group, run, &payload, index);
                let slices: Vec<[IoSlice<'_>; 1]> = (0..group.len())
                    .map(|at| [IoSlice::new(&arena[at * SLOT..at * SLOT + len])])
                    .collect();
                let addresses: Vec<Option<SockaddrIn>> =
                    group.iter().map(|viewer| viewer.address).collect();
                let size = u16::try_from(segment)?;
                let segments = [ControlMessage::UdpGsoSegments(&size)];
                let (headers, control) =
                    if run.len() > 1 { (&mut cut, &segments[..]) } else { (&mut plain, &[][..]) };
                let flags = MsgFlags::MSG_DONTWAIT;
                let fd = socket.as_raw_fd();
                let taken = match sendmmsg(fd, headers, &slices, &addresses, control, flags) {
                    Ok(results) => results.count(),
                    Err(Errno::EAGAIN) => 0,
                    Err(error) => return Err(error.into()),
                };
                sent.messages += taken as u64;
                sent.packets += (taken * run.len()) as u64;
                sent.bytes += (taken * len) as u64;
                sent.refused += (group.len() - taken) as u64;
            }
            index += run.len() as u64;
        }
    }
    let after = usage()?;
    sent.wall = begun.elapsed();
    (sent.user, sent.system) = (after.0 - before.0, after.1 - before.1);
    Ok(sent)
}

fn viewer((port, ssrc): (&u16, u32)) -> Viewer {
    let mut key = [0x11; 16];
    key[..4].copy_from_slice(&ssrc.to_be_bytes());
    let key = UnboundKey::new(&AES_128_GCM, &key).expect("the key is 16 bytes long");
    let address = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, *port));
    Viewer { key: LessSafeKey::new(key), address: Some(address), ssrc }
}

/// Splits a picture into messages: equal sizes, the last of which may be shorter.
fn runs(payloads: &[usize]) -> Vec<&[usize]> {
    let mut runs = Vec::new();
    let mut rest = payloads;
    while let Some(first) = rest.first() {
        let equal = rest.iter().take(MAX_RUN).take_while(|len| *len == first).count();
        let shorter = rest.get(equal).is_some_and(|len| len < first && equal < MAX_RUN);
        let (run, after) = rest.split_at(equal + usize::from(shorter));
        runs.push(run);
        rest = after;
    }
    runs
}

/// Writes one run for each viewer of a group; returns its length.
fn fill(arena: &mut [u8], group: &[Viewer], run: &[usize], payload: &[u8], index: u64) -> usize {
    let mut end = 0;
    for (viewer, slot) in group.iter().zip(arena.chunks_exact_mut(SLOT)) {
        end = 0;
        for (len, index) in run.iter().zip(index..) {
            let packet = &mut slot[end..end + HEADER_LEN + len + TAG_LEN];
            let [.., high, low] = index.to_be_bytes();
            packet[..4].copy_from_slice(&[0x90, 96, high, low]);
            packet[4..8].copy_from_slice(&(index as u32).to_be_bytes());
            packet[8..12].copy_from_slice(&viewer.ssrc.to_be_bytes());
            packet[12..HEADER_LEN].copy_from_slice(&[0xbe, 0xde, 0, 1, 0x11, high, low, 0]);
            packet[HEADER_LEN..HEADER_LEN + len].copy_from_slice(&payload[..*len]);
            let (header, rest) = packet.split_at_mut(HEADER_LEN);
            let (body, tag) = rest.split_at_mut(*len);
            let mut nonce = [0; 12];
            nonce[4..].copy_from_slice(&index.to_be_bytes());
            let nonce = Nonce::assume_unique_for_key(nonce);
            let sealed = viewer
                .key
                .seal_in_place_separate_tag(nonce, Aad::from(&*header), body)
                .expect("a packet is short enough");
            tag.copy_from_slice(sealed.as_ref());
            end += packet.len();
        }
    }
    end
}

/// Returns this process's time in user mode and in the kernel.
fn usage() -> Result<(Duration, Duration)> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let duration = |micros: i64| Duration::from_micros(micros.unsigned_abs());
    Ok((
        duration(usage.user_time().num_microseconds()),
        duration(usage.system_time().num_microseconds()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_cut_where_the_kernel_would_not_join() {
        let lengths = [40, 90, 90, 90, 20, 90, 91];
        let runs: Vec<Vec<usize>> = runs(&lengths).into_iter().map(<[usize]>::to_vec).collect();
        assert_eq!(runs, [vec![40], vec![90, 90, 90, 20], vec![90], vec![91]]);
    }

    #[test]
    fn a_long_picture_takes_several_messages() {
        let lengths = vec![90; 70];
        let counts: Vec<usize> = runs(&lengths).into_iter().map(<[usize]>::len).collect();
        assert_eq!(counts, [32, 32, 6]);
    }
}
