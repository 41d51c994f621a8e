//! What fanning out costs.

use super::Figure;

pub(super) const FIGURES: &[Figure] = &[
    Figure {
        name: "sfu.us_per_packet",
        bar: "-",
        meaning: "CPU of the whole server per forwarded packet, one 720p H.264 + Opus host, 200 viewers, NACK, RTX, TWCC and reports on; server on one core, load on the other",
    },
    Figure {
        name: "sfu.floor_us_per_packet",
        bar: "-",
        meaning: "the floor in the same run, by turns with the server, median of five: the same packets sealed and sent with sendmmsg and GSO, nothing else",
    },
    Figure {
        name: "sfu.ratio_to_floor",
        bar: "<= 1.6",
        meaning: "server over the floor measured right after it, median of five pairs",
    },
    Figure { name: "sfu.ratio_to_floor_min", bar: "-", meaning: "the least of the five" },
    Figure { name: "sfu.ratio_to_floor_max", bar: "-", meaning: "the most of the five" },
    Figure {
        name: "sfu.floor_flat_out_us_per_packet",
        bar: "-",
        meaning: "the floor as fast as it goes, not in the stream's own time",
    },
    Figure {
        name: "sfu.janus_us_per_packet",
        bar: "-",
        meaning: "Janus (Debian) per forwarded packet on the same stream, at the most viewers it sustains",
    },
    Figure {
        name: "sfu.janus_viewers",
        bar: "-",
        meaning: "how many viewers that is: at least 99 % of the packets delivered",
    },
    Figure {
        name: "sfu.ratio_of_janus",
        bar: "<= 0.1",
        meaning: "`sfu.us_per_packet` over that of Janus",
    },
    Figure {
        name: "sfu.ratio_of_janus_same_viewers",
        bar: "-",
        meaning: "the same with no more viewers here than Janus had",
    },
    Figure {
        name: "sfu.packets_per_core_s",
        bar: "-",
        meaning: "packets that one core forwards a second at that cost",
    },
    Figure {
        name: "sfu.kb_per_viewer",
        bar: "<= 60",
        meaning: "resident memory that 200 viewers add, each",
    },
    Figure {
        name: "sfu.forward_p50_ms",
        bar: "-",
        meaning: "from the kernel's receipt of a host's packet until the call that sent it on returned, by the server's own count; 20 rooms that came up at random moments, the server using the share of a core below, before other programs",
    },
    Figure { name: "sfu.forward_p99_ms", bar: "<= 10", meaning: "the same, 99th percentile" },
    Figure {
        name: "sfu.forward_seen_p50_ms",
        bar: "-",
        meaning: "from the publisher's send to the kernel's receipt at the viewer in the worst room, the tester's own lateness included",
    },
    Figure { name: "sfu.forward_seen_p99_ms", bar: "-", meaning: "the same, 99th percentile" },
    Figure {
        name: "sfu.forward_core_percent",
        bar: "about 70",
        meaning: "what the server used of a core meanwhile",
    },
    Figure { name: "sfu.forward_viewers", bar: "-", meaning: "with so many viewers" },
    Figure {
        name: "sfu.forward_delivered_percent",
        bar: "-",
        meaning: "and so much of the media delivered",
    },
    Figure {
        name: "sfu.hot_forward_p99_ms_1_workers",
        bar: "-",
        meaning: "the same p99 for one room of 600 viewers at one media worker, server and testers on both cores",
    },
    Figure {
        name: "sfu.hot_forward_p99_ms_2_workers",
        bar: "-",
        meaning: "its viewers dealt out to two workers",
    },
    Figure {
        name: "sfu.hot_us_per_packet_1_workers",
        bar: "-",
        meaning: "CPU per packet meanwhile, one worker",
    },
    Figure { name: "sfu.hot_us_per_packet_2_workers", bar: "-", meaning: "two workers" },
    Figure {
        name: "sfu.hot_delivered_percent_1_workers",
        bar: "-",
        meaning: "how much of the media arrived, one worker",
    },
    Figure { name: "sfu.hot_delivered_percent_2_workers", bar: "-", meaning: "two workers" },
    Figure {
        name: "sfu.join_p99_ms",
        bar: "<= 2000",
        meaning: "1,000 joins in 5 s: from the request to the first media packet, 99th percentile",
    },
    Figure {
        name: "sfu.join_picture_p99_ms",
        bar: "-",
        meaning: "the same, to the first whole keyframe",
    },
    Figure { name: "sfu.joined", bar: "1000", meaning: "how many of them got a picture" },
    Figure {
        name: "sfu.join_others_silence_ms",
        bar: "<= 1000",
        meaning: "longest gap in the media of 100 viewers who were there before",
    },
    Figure {
        name: "sfu.join_others_lost",
        bar: "-",
        meaning: "packets that those 100 lost for good meanwhile",
    },
    Figure {
        name: "sfu.core_percent_50_viewers",
        bar: "-",
        meaning: "how the server's CPU grows with viewers, in percent of a core: 50",
    },
    Figure { name: "sfu.core_percent_100_viewers", bar: "-", meaning: "100" },
    Figure { name: "sfu.core_percent_200_viewers", bar: "-", meaning: "200" },
    Figure { name: "sfu.core_percent_500_viewers", bar: "-", meaning: "500" },
    Figure { name: "sfu.core_percent_1000_viewers", bar: "-", meaning: "1,000" },
    Figure {
        name: "sfu.linear_worst_ratio",
        bar: "about 1",
        meaning: "the most that a viewer costs among 200, 500 and 1,000, against one of 200",
    },
    Figure {
        name: "sfu.ttff_p50_ms",
        bar: "-",
        meaning: "time to the first picture in Chromium, from before the page's first request to the first frame presented: a host's own feed, 24 viewers that come at any time",
    },
    Figure { name: "sfu.ttff_p95_ms", bar: "<= 800", meaning: "the same, 95th percentile" },
    Figure {
        name: "sfu.ttff_rtt40_p50_ms",
        bar: "-",
        meaning: "the same with 40 ms of round trip on the media's way, not on the page's requests",
    },
    Figure { name: "sfu.ttff_rtt40_p95_ms", bar: "<= 800", meaning: "the same, 95th percentile" },
    Figure {
        name: "sfu.instructions.receive",
        bar: "-",
        meaning: "instructions in user mode to parse, open and keep one packet of a host",
    },
    Figure {
        name: "sfu.instructions.forward",
        bar: "-",
        meaning: "to rewrite, seal and send one packet to one viewer",
    },
    Figure {
        name: "sfu.instructions.turn",
        bar: "-",
        meaning: "a whole turn: a picture of 8 packets to 200 viewers",
    },
    Figure {
        name: "sfu.instructions.report",
        bar: "-",
        meaning: "to open and take a viewer's receiver report",
    },
];
