//! What the parts measured, as JSON and for people.

use serde::Serialize;

use super::burst::{Burst, Sustained};
use super::countdown::Countdowns;
use super::gifts::Gifts;
use super::idle::Idle;
use super::overload::Overload;
use super::storm::Storm;

/// Everything about one run; a part that was not asked for is null.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) countdown: Option<Countdowns>,
    pub(crate) burst: Option<Burst>,
    pub(crate) sustained: Option<Sustained>,
    pub(crate) gifts: Option<Gifts>,
    pub(crate) overload: Option<Overload>,
    pub(crate) idle: Option<Idle>,
    pub(crate) storm: Option<Storm>,
    /// Cores that the server used during each part, by its name.
    pub(crate) server_cores: Vec<(&'static str, f64)>,
}

impl Report {
    /// Returns the report as lines of two columns.
    pub(crate) fn table(&self) -> String {
        let mut rows: Vec<(&str, String)> = Vec::new();
        if let Some(part) = &self.countdown {
            rows.push((
                "countdown",
                format!(
                    "{} shoppers, {} times: on screens within {}, by clock alone {}, late {}",
                    part.shoppers,
                    part.countdowns,
                    ms(part.spread_ms),
                    ms(part.clock_spread_ms),
                    part.late
                ),
            ));
        }
        if let Some(part) = &self.burst {
            rows.push(("burst", format!(
                "{} orders, {} accepted of {}, p99 {}, all in {:.0} ms; early {}, taken {}; oversold {}; out of order {}; refused {:?}",
                part.orders, part.accepted, part.stock, ms(part.decided_ms.map(|spread| spread.p99)), part.all_decided_ms,
                part.early, part.early_accepts, part.oversold, part.out_of_order, part.refused
            )));
        }
        if let Some(part) = &self.sustained {
            rows.push((
                "sustained",
                format!(
                    "{:.0} orders/s accepted of {:.0} offered over {:.1} s, p99 {}, refused {:?}",
                    part.accepted_per_s,
                    part.offered_per_s,
                    part.seconds,
                    ms(part.decided_ms.map(|spread| spread.p99)),
                    part.refused
                ),
            ));
        }
        if let Some(part) = &self.gifts {
            rows.push((
                "gifts",
                format!(
                    "{} given, p99 {} at {} shoppers, {} lost, {:.0} bytes/s each",
                    part.given,
                    ms(part.fanout_ms.map(|spread| spread.p99)),
                    part.shoppers,
                    part.lost,
                    part.bytes_per_s
                ),
            ));
        }
        if let Some(part) = &self.overload {
            rows.push(("overload", format!(
                "{:.0} lines/s sent, {:.1} heard by each; control p99 {}, {} events, {} lost, {} cut",
                part.lines_per_s, part.heard_lines_per_s, ms(part.control_ms.map(|spread| spread.p99)),
                part.control_events, part.control_lost, part.cut
            )));
        }
        if let Some(part) = &self.idle {
            rows.push((
                "idle",
                format!(
                    "{} sockets, {:.1} kB each, {:.1} % of a core",
                    part.sockets, part.kb_per_connection, part.core_percent
                ),
            ));
        }
        if let Some(part) = &self.storm {
            rows.push(("storm", part.line()));
        }
        for (part, cores) in &self.server_cores {
            rows.push(("server", format!("{cores:.2} cores during {part}")));
        }
        rows.iter().map(|(name, value)| format!("{name:<12}{value}\n")).collect()
    }
}

fn ms(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.1} ms"))
}
