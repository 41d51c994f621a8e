//! What a mixer costs, and how late and how well it is.

use super::Figure;

pub(super) const FIGURES: &[Figure] = &[
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
        name: "mixer.bypass_cores",
        bar: "-",
        meaning: "cores that server and mixer use for a solo H.264 host who is passed on, with one viewer by WebRTC and one player by RTMP",
    },
    Figure {
        name: "mixer.solo_cores",
        bar: "-",
        meaning: "cores for the same host when he is composed and encoded",
    },
    Figure { name: "mixer.bypass_cpu_ratio", bar: "<= 0.15", meaning: "the one over the other" },
    Figure {
        name: "mixer.battle_one_room_cores",
        bar: "-",
        meaning: "cores of the server and its mixers while only one of two battling rooms is watched, by WebRTC and RTMP",
    },
    Figure {
        name: "mixer.battle_cores",
        bar: "-",
        meaning: "cores while both are watched and show the same layout",
    },
    Figure { name: "mixer.battle_cost_ratio", bar: "<= 1.25", meaning: "the one over the other" },
    Figure {
        name: "mixer.host_skew_ms",
        bar: "<= 80",
        meaning: "flashes of two hosts apart in the program, one of them with 150 ms more of network",
    },
    Figure {
        name: "mixer.lipsync_ms",
        bar: "<= 60",
        meaning: "beep after flash in the program meanwhile, in Opus and AAC, the worst mean",
    },
];
