//! The figures that this project keeps, with the bar that each is held to.

/// One measured number.
pub(crate) struct Figure {
    /// Its key in `results.json`.
    pub(crate) name: &'static str,
    /// What it is held to.
    pub(crate) bar: &'static str,
    /// What was measured, and how.
    pub(crate) meaning: &'static str,
}

/// All of them, in reading order.
pub(crate) const FIGURES: &[Figure] = &[
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
        name: "mixer.restart_ms",
        bar: "<= 2000",
        meaning: "how long a viewer has no new picture after `kill -9` of the mixer",
    },
    Figure {
        name: "mixer.cores_2x720",
        bar: "-",
        meaning: "cores that `lianmai-mixer` uses for two 720p hosts side by side in 1280x720 at 30 pictures a second of 2.5 Mbit/s, sound included; median of three turns of 10 s, alternating with the yardstick",
    },
    Figure {
        name: "mixer.cores_decode",
        bar: "-",
        meaning: "of that: decoding pictures and sound",
    },
    Figure { name: "mixer.cores_compose", bar: "-", meaning: "composing" },
    Figure { name: "mixer.cores_encode", bar: "-", meaning: "x264, superfast" },
    Figure { name: "mixer.cores_sound", bar: "-", meaning: "mixing, Opus and AAC" },
    Figure {
        name: "mixer.yardstick_cores_2x720",
        bar: "-",
        meaning: "the same program by one plain GStreamer pipeline: compositor, audiomixer, the same decoders and encoder settings, fed the same packets",
    },
    Figure {
        name: "mixer.ratio_to_gstreamer",
        bar: "<= 1.1",
        meaning: "`mixer.cores_2x720` over it",
    },
    Figure {
        name: "mixer.idle_ratio",
        bar: "about 1",
        meaning: "cores with four more seats on the picture from which nothing comes, over cores without",
    },
    Figure {
        name: "mixer.fps_4x720",
        bar: "30",
        meaning: "pictures a second with four hosts at 720p",
    },
    Figure { name: "mixer.cores_4x720", bar: "-", meaning: "cores meanwhile" },
    Figure {
        name: "mixer.fps_9x360",
        bar: "30",
        meaning: "pictures a second with nine hosts at 360p",
    },
    Figure { name: "mixer.cores_9x360", bar: "-", meaning: "cores meanwhile" },
    Figure {
        name: "mixer.added_p50_ms",
        bar: "<= 40",
        meaning: "from the last RTP packet of a host's picture to the program's RTP packets that first show it, every phase between camera and program, two 720p hosts, the machine kept busy to the share below",
    },
    Figure { name: "mixer.added_p95_ms", bar: "<= 70", meaning: "the same, 95th percentile" },
    Figure {
        name: "mixer.added_busy_percent",
        bar: "about 80",
        meaning: "how busy all cores were meanwhile",
    },
    Figure {
        name: "mixer.added_free_p50_ms",
        bar: "-",
        meaning: "the same on a machine that does nothing else",
    },
    Figure { name: "mixer.added_free_p95_ms", bar: "-", meaning: "the same, 95th percentile" },
    Figure {
        name: "rtmp.av_skew_ms",
        bar: "within 60",
        meaning: "beep after flash in the RTMP push and pull, the worse of both medians",
    },
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
        name: "program.ttff_p50_ms",
        bar: "-",
        meaning: "time to the first picture of a program that runs already",
    },
    Figure { name: "program.ttff_p95_ms", bar: "<= 800", meaning: "the same, 95th percentile" },
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
    Figure {
        name: "sale.spread_ms",
        bar: "<= 100",
        meaning: "\"3, 2, 1, link!\": from when 1 % to when 99 % of 1,000 screens show the end of a countdown, behind fibre, wifi, mobile and weak networks, timers and 60 pictures a second included",
    },
    Figure {
        name: "sale.clock_spread_ms",
        bar: "<= 50",
        meaning: "the same by each shopper's estimate of the server's clock alone",
    },
    Figure {
        name: "sale.late_countdowns",
        bar: "0",
        meaning: "screens on which a countdown came after its end, or whose end was not shown",
    },
    Figure {
        name: "sale.orders_per_s",
        bar: ">= 12000",
        meaning: "orders a second that were accepted, each durable before its answer, by 3,000 shoppers on WebSockets; server and shoppers share the cores",
    },
    Figure {
        name: "sale.orders_p99_ms",
        bar: "-",
        meaning: "from sending such an order to its answer, 99th percentile",
    },
    Figure {
        name: "sale.orders_server_cores",
        bar: "-",
        meaning: "cores of the server meanwhile, joining included",
    },
    Figure {
        name: "sale.burst_orders",
        bar: "10000",
        meaning: "orders that 1,000 shoppers send at the moment a sale opens",
    },
    Figure { name: "sale.burst_p50_ms", bar: "-", meaning: "from sending to the decision, median" },
    Figure { name: "sale.burst_p99_ms", bar: "<= 250", meaning: "the same, 99th percentile" },
    Figure {
        name: "sale.burst_all_ms",
        bar: "-",
        meaning: "from the opening to the last decision",
    },
    Figure { name: "sale.early_orders", bar: "-", meaning: "orders sent before the opening" },
    Figure {
        name: "sale.early_accepts",
        bar: "0",
        meaning: "those of them that were accepted by a time before it",
    },
    Figure { name: "sale.oversold", bar: "0", meaning: "units sold above the stock" },
    Figure {
        name: "sale.out_of_order",
        bar: "0",
        meaning: "orders of one shopper taken in another order than sent, and numbers missing or given twice",
    },
    Figure { name: "sale.unanswered", bar: "0", meaning: "orders without an answer" },
    Figure {
        name: "gift.fanout_p50_ms",
        bar: "-",
        meaning: "from the server's taking a gift to each of 1,000 shoppers' hearing of it, 20 gifts a second",
    },
    Figure { name: "gift.fanout_p99_ms", bar: "<= 200", meaning: "the same, 99th percentile" },
    Figure { name: "gift.lost", bar: "0", meaning: "gifts that a shopper did not hear of" },
    Figure {
        name: "chat.overload_lines_per_s",
        bar: "-",
        meaning: "lines of chat a second that 1,000 shoppers say, ten times what each is shown",
    },
    Figure {
        name: "chat.overload_heard_per_s",
        bar: "<= 20",
        meaning: "lines a second that each was shown",
    },
    Figure {
        name: "chat.overload_control_p99_ms",
        bar: "<= 500",
        meaning: "from the server's saying something on the control lane to each shopper's hearing it meanwhile, 99th percentile",
    },
    Figure {
        name: "chat.overload_control_lost",
        bar: "0",
        meaning: "events of that lane that a shopper missed",
    },
    Figure { name: "ws.idle_connections", bar: "5000", meaning: "WebSockets that say nothing" },
    Figure { name: "ws.kb_per_connection", bar: "<= 40", meaning: "memory of the server for each" },
    Figure {
        name: "ws.idle_core_percent",
        bar: "-",
        meaning: "what they cost in percent of a core",
    },
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
