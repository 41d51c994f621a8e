//! Narrow doors for the fuzzer: bytes as a stranger sends them, into the code that reads them first.
//!
//! Compiled for tests and with the feature `fuzzing`, never into the product. What a door promises
//! is that it returns: a panic, an endless loop or memory without bound is the finding. Where the
//! bytes would be stopped by a checksum or a key long before the interesting code, the door plays
//! the other side honestly up to there. Our tests send the kept corpus through every door.

mod data;
mod handshake;
mod media;

use std::net::SocketAddr;

use media_rules::RtpHeader;
use rtc_srtp::config::SessionKeys;
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::abilities::Abilities;
use crate::answer::Local;
use crate::client_hello::ClientHello;
use crate::demux::Class;
use crate::fragment::Fragment;
use crate::negotiate::{Agreement, Direction};
use crate::offer::Offer;
use crate::record_guard::RecordGuard;
use crate::srtp::Srtp;
use crate::stun::{self, BindingRequest, BindingSuccess};
use crate::tcp::frames::Frames;
use crate::{rtcp, tcp, ufrag};

pub use data::data_channels;
pub use handshake::{dtls, dtls_handshake};
pub use media::rtp;

/// Takes what the fuzzer made.
pub type Door = fn(&[u8]);

/// Every door, by the name of its corpus.
pub const DOORS: &[(&str, Door)] = &[
    ("stun", stun),
    ("demux", demux),
    ("tcp", tcp),
    ("rtp", rtp),
    ("rtcp", rtcp),
    ("sdp", sdp),
    ("fragment", fragment),
    ("dtls", dtls),
    ("dtls_handshake", dtls_handshake),
    ("data_channels", data_channels),
];

/// A stream of bytes on the TCP port, in pieces as the first byte says.
pub fn tcp(data: &[u8]) {
    let Some((&piece, stream)) = data.split_first() else {
        return;
    };
    let mut frames = Frames::default();
    for part in stream.chunks(usize::from(piece) + 1) {
        if frames.push(part, tcp::MAX_FRAME_LEN, demux).is_err() {
            return;
        }
    }
}

/// A datagram from nobody knows where, up to where its sender has to be known.
pub fn demux(data: &[u8]) {
    match Class::of(data) {
        Class::Stun => stun(data),
        Class::Dtls => {
            RecordGuard::new().admits(data);
            ClientHello::default().handle_datagram(data);
        }
        Class::Rtp => {
            if let Ok(RtpHeader { header_len, ssrc, sequence, .. }) = RtpHeader::parse_sealed(data)
            {
                for mut srtp in keys() {
                    let opened = srtp.open_rtp(&mut data.to_vec(), header_len, ssrc, sequence);
                    assert_eq!(opened, None, "nobody knows the keys");
                }
            }
        }
        Class::Rtcp => {
            for mut srtp in keys() {
                assert!(srtp.open_rtcp(&mut data.to_vec()).is_none(), "nobody knows the keys");
            }
        }
        Class::Garbage => {}
    }
}

/// Makes the keys of a connection for each way to seal.
fn keys() -> impl Iterator<Item = Srtp> {
    let provider = rtc_crypto::default_provider().expect("ring is compiled in");
    [ProtectionProfile::AeadAes128Gcm, ProtectionProfile::Aes128CmHmacSha1_80].into_iter().map(
        move |profile| {
            let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
            let keys = SessionKeys {
                local_master_key: key.clone(),
                local_master_salt: salt.clone(),
                remote_master_key: key,
                remote_master_salt: salt,
            };
            Srtp::new(profile, &keys, provider.crypto()).expect("the keys fit")
        },
    )
}

/// A connectivity check, up to the answer; or the answer to one of ours.
pub fn stun(data: &[u8]) {
    let key = stun::integrity_key("VOkJxbRl1RmTxUk/WvJxBt");
    if let Some(answer) = BindingSuccess::parse(data) {
        let _ = (answer.id(), answer.is_authentic(&key));
    }
    let Some(request) = BindingRequest::parse(data) else {
        return;
    };
    let _ = ufrag::peer(request.local_ufrag());
    let _ = request.is_authentic(&key);
    for from in [SocketAddr::from(([127, 0, 0, 1], 9)), SocketAddr::from(([7_u16; 8], 9))] {
        let answer = request.success(from, &key);
        assert!(BindingSuccess::parse(&answer).is_some_and(|answer| answer.is_authentic(&key)));
    }
}

/// A compound RTCP packet in the clear.
pub fn rtcp(data: &[u8]) {
    let messages = rtcp::parse(data);
    assert!(messages.len() <= data.len(), "a message takes at least a few bytes");
}

/// An SDP offer, answered both ways.
pub fn sdp(data: &[u8]) {
    let Ok(offer) =
        std::str::from_utf8(data).map_err(drop).and_then(|sdp| Offer::parse(sdp).map_err(drop))
    else {
        return;
    };
    let local = Local {
        ufrag: "u",
        password: "p",
        fingerprint: "F",
        candidates: &[],
        cname: "c",
        session: 1,
        start_kbps: 1_500,
    };
    for direction in [Direction::Publish, Direction::Play] {
        let Ok(agreement) = Agreement::new(&offer, direction, &Abilities::all()) else {
            continue;
        };
        let answer = agreement.answer(&offer, direction, &local);
        // Whatever is echoed from the offer must not smuggle in lines of its own.
        let is_sound = |line: &str| line.as_bytes().get(1) == Some(&b'=') && !line.contains('\r');
        assert!(answer.ends_with("\r\n"), "{answer}");
        assert!(answer.split_terminator("\r\n").all(is_sound), "{answer}");
        let sections = answer.split("\r\n").filter(|line| line.starts_with("m=")).count();
        assert!(sections <= offer.sections.len(), "{answer}");
    }
}

/// The SDP fragment of a PATCH, answered as a restart.
pub fn fragment(data: &[u8]) {
    let Some(fragment) = std::str::from_utf8(data).ok().and_then(Fragment::parse) else {
        return;
    };
    let local = ufrag::Credentials { fragment: "u".to_owned(), password: "p".to_owned() };
    let answer = fragment.answer(&local, &[]);
    let is_sound = |line: &str| line.as_bytes().get(1) == Some(&b'=') && !line.contains('\r');
    assert!(answer.split_terminator("\r\n").all(is_sound), "{answer}");
    // Beside what it echoes, it has a few short lines of its own; no small question has a large answer.
    assert!(answer.len() <= data.len() + 128, "{answer}");
}

/// Cuts what the fuzzer made into datagrams: two bytes of length, then the bytes.
fn pieces(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let len = usize::from(u16::from_be_bytes(*len)).min(after.len());
        let piece;
        (piece, rest) = after.split_at(len);
        Some(piece)
    })
}

/// What stands in front of the DTLS library, for one connection.
fn guard_datagrams(data: &[u8]) {
    let (mut guard, mut hello) = (RecordGuard::new(), ClientHello::default());
    for datagram in pieces(data) {
        if guard.admits(datagram) {
            let _ = hello.handle_datagram(datagram);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_the_fuzzer_ever_kept_is_survived() {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        for (name, door) in DOORS {
            let folder = corpus.join(name);
            let files = std::fs::read_dir(&folder).expect("every door has a corpus");
            let mut count = 0;
            for file in files {
                door(&std::fs::read(file.expect("readable").path()).expect("readable"));
                count += 1;
            }
            assert!(count > 0, "{} is empty", folder.display());
        }
    }
}
