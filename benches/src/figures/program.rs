//! What viewers of a program see.

use super::Figure;

pub(super) const FIGURES: &[Figure] = &[
    Figure {
        name: "program.g2g_p50_ms",
        bar: "-",
        meaning: "glass to glass through the mixer, by the clock burned into the host's picture, Chromium to Chromium",
    },
    Figure { name: "program.g2g_p95_ms", bar: "<= 350", meaning: "the same, 95th percentile" },
    Figure { name: "program.g2g_p99_ms", bar: "-", meaning: "the same, 99th percentile" },
    Figure {
        name: "direct.g2g_p50_ms",
        bar: "-",
        meaning: "glass to glass of a host's own track, without the mixer",
    },
    Figure { name: "direct.g2g_p95_ms", bar: "<= 250", meaning: "the same, 95th percentile" },
    Figure { name: "direct.g2g_p99_ms", bar: "-", meaning: "the same, 99th percentile" },
    Figure {
        name: "stage.host_encode_ms",
        bar: "-",
        meaning: "of the program's latency: the host's encoder, mean of getStats",
    },
    Figure {
        name: "stage.host_pacer_ms",
        bar: "-",
        meaning: "the host's send queue, mean of getStats",
    },
    Figure {
        name: "stage.viewer_jitter_ms",
        bar: "-",
        meaning: "the viewer's jitter buffer, mean of getStats",
    },
    Figure {
        name: "stage.viewer_decode_ms",
        bar: "-",
        meaning: "the viewer's decoder, mean of getStats",
    },
    Figure {
        name: "program.switch_gap_max_ms",
        bar: "<= 100",
        meaning: "widest step in the program over solo -> co-host -> PK -> solo, sound or picture, by RTMP or WebRTC",
    },
    Figure {
        name: "program.switch_gap_shown_ms",
        bar: "-",
        meaning: "widest step between frames that Chromium presented over the same switches, on a machine it shares with three more pages",
    },
    Figure {
        name: "program.black_frames",
        bar: "0",
        meaning: "pictures with a mean luma under 20, in the recording and at the viewer",
    },
    Figure {
        name: "rtmp.av_skew_ms",
        bar: "within 60",
        meaning: "beep after flash in the RTMP push and pull, the worse of both medians",
    },
    Figure {
        name: "program.ttff_p50_ms",
        bar: "-",
        meaning: "time to the first picture of a program that runs already",
    },
    Figure { name: "program.ttff_p95_ms", bar: "<= 800", meaning: "the same, 95th percentile" },
];
