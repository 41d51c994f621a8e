//! How well a host's picture gets here.

use wire_format::Uplink;

pub(crate) fn good() -> Uplink<'static> {
    Uplink {
        user: "alice",
        score: 100,
        trouble: None,
        loss: 0.0,
        rtt_ms: Some(40),
        jitter_ms: 3,
        fps: 30,
        kbps: 1_500,
    }
}

pub(crate) fn fair() -> Uplink<'static> {
    Uplink { score: 97, loss: 0.005, rtt_ms: None, kbps: 1_480, ..good() }
}

pub(crate) fn bad() -> Uplink<'static> {
    let trouble = Some("loss");
    Uplink { score: 40, trouble, loss: 0.12, jitter_ms: 9, fps: 22, kbps: 900, ..good() }
}
