//! How much is made of a room's picture is said as PROTOCOL.md has it.

use wire_format::{
    QualityLimits, QualityView, RenditionSize, RenditionView, encode_quality,
    encode_quality_updated,
};

use super::now;

/// What the fixtures stand for.
pub(super) fn said() -> [(&'static str, String); 2] {
    [
        ("quality.updated", encode_quality_updated(&quality(), now())),
        ("Quality", encode_quality(&quality())),
    ]
}

fn quality() -> QualityView {
    let (name, width, height) = (RenditionSize::Ld, 360, 640);
    QualityView {
        video_kbps: 2500,
        renditions: vec![RenditionView { name, width, height, kbps: 400, active: true }],
        limits: QualityLimits {
            min_kbps: 150,
            max_kbps: 6000,
            renditions: vec![RenditionSize::Ld, RenditionSize::Sd],
        },
    }
}
