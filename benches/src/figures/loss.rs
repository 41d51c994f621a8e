//! Bad networks.

use super::Figure;

pub(super) const FIGURES: &[Figure] = &[
    Figure {
        name: "loss.video40.fps",
        bar: ">= 20",
        meaning: "pictures decoded of 25 a second while 40 % of all media and RTCP is lost both ways, round trip 40 ms, onset included",
    },
    Figure {
        name: "loss.video40.freeze_max_s",
        bar: "<= 2",
        meaning: "the longest time without a new picture meanwhile",
    },
    Figure {
        name: "loss.video40.g2g_p95_ms",
        bar: "-",
        meaning: "glass to glass of the pictures shown meanwhile, 95th percentile",
    },
    Figure {
        name: "loss.video40.recovery_s",
        bar: "<= 3",
        meaning: "from the end of the loss to the last gap of more than 200 ms",
    },
    Figure {
        name: "loss.audio80.delivered_ratio",
        bar: ">= 0.9",
        meaning: "sound that came out of the jitter buffer as it was sent, and within 600 ms, while 80 % of everything is lost both ways",
    },
    Figure {
        name: "loss.audio80.concealed_ratio",
        bar: "< 0.15",
        meaning: "sound that the browser made up meanwhile",
    },
    Figure {
        name: "loss.audio80.audio_buffer_p95_ms",
        bar: "<= 580",
        meaning: "how long sound waited in the jitter buffer, or the buffer aimed at, 95th percentile of quarters of a second; the way takes 20 ms more",
    },
    Figure {
        name: "loss.burst10.g2g_p95_ms",
        bar: "<= 400",
        meaning: "glass to glass while 10 % is lost in bursts of 5 packets, 95th percentile",
    },
    Figure {
        name: "loss.uplink.video40.fps",
        bar: ">= 20",
        meaning: "pictures decoded of 25 a second by a viewer without loss while the host's uplink loses 40 % both ways, onset included",
    },
    Figure {
        name: "loss.uplink.video40.freeze_max_s",
        bar: "<= 2",
        meaning: "the longest time without a new picture meanwhile",
    },
    Figure {
        name: "loss.uplink.video40.g2g_p95_ms",
        bar: "-",
        meaning: "glass to glass of the pictures shown meanwhile, 95th percentile",
    },
    Figure {
        name: "loss.uplink.video40.recovery_s",
        bar: "<= 3",
        meaning: "from the end of the loss to the last gap of more than 200 ms",
    },
    Figure {
        name: "loss.uplink.video40.sent_fps",
        bar: "-",
        meaning: "pictures that the host's browser sent a second, by its getStats",
    },
    Figure {
        name: "loss.uplink.video40.sender_estimate_kbps",
        bar: "-",
        meaning: "what the host's browser took its path to carry in the end (availableOutgoingBitrate)",
    },
    Figure {
        name: "loss.audio80.recovery_s",
        bar: "<= 3",
        meaning: "after 80 % loss of everything: from its end to the last gap of more than 200 ms in the picture",
    },
    Figure { name: "chromium.loss.video40.fps", bar: "-", meaning: "stock Chromium, same wire" },
    Figure {
        name: "chromium.loss.video40.freeze_max_s",
        bar: "-",
        meaning: "stock Chromium, same wire",
    },
    Figure {
        name: "chromium.loss.video40.g2g_p95_ms",
        bar: "-",
        meaning: "stock Chromium, same wire",
    },
    Figure {
        name: "chromium.loss.video40.recovery_s",
        bar: "-",
        meaning: "stock Chromium, same wire",
    },
    Figure {
        name: "chromium.loss.audio80.delivered_ratio",
        bar: "-",
        meaning: "stock Chromium, same wire",
    },
    Figure {
        name: "chromium.loss.audio80.concealed_ratio",
        bar: "-",
        meaning: "stock Chromium, same wire",
    },
    Figure {
        name: "chromium.loss.burst10.g2g_p95_ms",
        bar: "-",
        meaning: "stock Chromium, same wire",
    },
];
