//! The table of loss: what a viewer of ours has of it, and beside it stock Chromium through the same wire.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::former::Former;

/// The runs of `e2e/bench/loss.mjs`, and what each does to both directions.
const RUNS: [(&str, &str); 8] = [
    ("even0", "nothing lost"),
    ("even10", "10 %"),
    ("even20", "20 %"),
    ("video40", "40 %"),
    ("audio80", "80 %"),
    ("burst10", "10 % in bursts of 5"),
    ("narrow", "10 %, and 2 Mbit/s at most"),
    ("tight", "10 %, and 700 kbit/s at most"),
];

/// The loss is on the way to the viewer, except with `uplink`, where it is on the way from the host.
const WHO: [(&str, &str); 3] =
    [("loss", "ours"), ("loss.uplink", "ours, host's uplink"), ("chromium.loss", "stock Chromium")];

const COLUMNS: [(&str, &str); 8] = [
    ("fps", "fps of 25"),
    ("freeze_max_s", "longest freeze, s"),
    ("g2g_p50_ms", "glass to glass p50, ms"),
    ("g2g_p95_ms", "p95, ms"),
    ("concealed_ratio", "sound concealed"),
    ("delivered_ratio", "sound delivered"),
    ("recovery_s", "whole again after, s"),
    ("video_kbps", "video, kbit/s"),
];

/// Writes the table; nothing if none of it was ever measured.
pub(crate) fn table(results: &Map<String, Value>, former: &Former) -> String {
    let rows = rows(results, former);
    let mut out = String::new();
    if rows.is_empty() {
        return out;
    }
    out.push_str(
        "\n## Loss\n\nRound trip 40 ms. Video, sound and RTCP lose the same share in both directions; STUN and DTLS pass. \
         Ours: Chromium host, server, wire, Chromium viewer. Stock: Chromium, wire, Chromium. The same 25 pictures a second \
         of at most 900 kbit/s H.264, Opus of 48 kbit/s.\n\n| lost | who |",
    );
    for (_, title) in COLUMNS {
        write!(out, " {title} |").expect("a string takes every write");
    }
    out.push_str(" commit, time, machine |\n|---|---|");
    out.push_str(&"---|".repeat(COLUMNS.len() + 1));
    out + "\n" + &rows
}

fn rows(results: &Map<String, Value>, former: &Former) -> String {
    let mut out = String::new();
    for (run, title) in RUNS {
        for (prefix, who) in WHO {
            let mark = format!("{prefix}.{run}.fps");
            if !results.contains_key(&mark) {
                if let Some(row) = former.loss(title, who) {
                    writeln!(out, "{row}").expect("a string takes every write");
                }
                continue;
            }
            write!(out, "| {title} | {who} |").expect("a string takes every write");
            for (figure, _) in COLUMNS {
                let value = results.get(&format!("{prefix}.{run}.{figure}"));
                let value = value.map_or_else(|| "-".to_owned(), Value::to_string);
                write!(out, " {value} |").expect("a string takes every write");
            }
            writeln!(out, " {} |", super::measured_at(results, &mark))
                .expect("a string takes every write");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_run_are_in_the_table_and_without_runs_there_is_none() {
        let mut results = Map::new();
        assert_eq!(table(&results, &Former::default()), "");
        results.insert("loss.video40.fps".to_owned(), 24.5.into());
        results.insert("chromium.loss.video40.fps".to_owned(), 2.3.into());
        let table = table(&results, &Former::default());
        assert!(table.contains("| 40 % | ours | 24.5 |"), "{table}");
        assert!(table.contains("| 40 % | stock Chromium | 2.3 |"), "{table}");
    }
}
