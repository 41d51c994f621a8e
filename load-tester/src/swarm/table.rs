//! Prints a report for people.

use super::report::{Percentiles, Report};

/// Returns the report as lines of two columns.
pub(crate) fn table(report: &Report) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let joins = &report.joins;
    rows.push(("target", report.target.to_owned()));
    rows.push((
        "viewers",
        format!("{} asked, {} in, {} watching", joins.asked, joins.answered, joins.watching),
    ));
    if joins.refused + joins.busy_answers > 0 {
        let text = format!("{} for good, {} for a moment", joins.refused, joins.busy_answers);
        rows.push(("turned down", text));
    }
    rows.push(("join: answer", milliseconds(joins.answer_ms)));
    rows.push(("join: first packet", milliseconds(joins.first_packet_ms)));
    rows.push(("join: first keyframe", milliseconds(joins.first_keyframe_ms)));
    if let Some(settled) = &report.settled {
        let text = format!("{} lost, silence {}", settled.lost, milliseconds(settled.silence_ms));
        rows.push(("settled meanwhile", text));
    }
    let steady = &report.steady;
    rows.push((
        "received",
        format!(
            "{:.0} packets/s, {:.1} a viewer, {:.1} Mbit/s, {:.2} fps over {:.1} s",
            steady.packets as f64 / steady.seconds,
            steady.packets_per_viewer_s,
            steady.mbit_s,
            steady.fps,
            steady.seconds
        ),
    ));
    if let Some(ratio) = steady.delivered_ratio {
        rows.push(("delivered", format!("{:.2} %", ratio * 100.0)));
    }
    rows.push((
        "loss",
        format!(
            "{} lost, {} dropped here, {} asked for, {} recovered, {} RTX",
            steady.lost, steady.dropped_by_tester, steady.nacked, steady.recovered, steady.rtx
        ),
    ));
    rows.push(("silence", milliseconds(steady.silence_ms)));
    rows.push(("forward latency", milliseconds(report.latency_ms)));
    if let Some(cost) = &report.server {
        let per_packet = cost.us_per_packet.map_or("-".to_owned(), |us| format!("{us:.2}"));
        let per_viewer = cost.kb_per_viewer.map_or("-".to_owned(), |kb| format!("{kb:.0}"));
        rows.push(("server CPU", format!("{:.2} cores, {per_packet} us a packet", cost.cores)));
        let text = format!(
            "{:.0} MB, {per_viewer} kB a viewer, {} threads",
            cost.resident_mb, cost.threads
        );
        rows.push(("server memory", text));
    }
    rows.push(("tester CPU", format!("{:.2} cores", report.tester.cores)));
    rows.iter().map(|(name, value)| format!("{name:<22}{value}\n")).collect()
}

fn milliseconds(values: Option<Percentiles>) -> String {
    values.map_or("-".to_owned(), |values| {
        let Percentiles { p50, p99, max, count } = values;
        format!("p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms ({count})")
    })
}
