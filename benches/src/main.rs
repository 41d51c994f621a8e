//! Writes `docs/BENCHMARKS.md` from `target/bench/results.json`, so that no figure in it is typed by hand.

#![forbid(unsafe_code)]

mod figures;
mod loss;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use figures::Figure;
use serde_json::{Map, Value};

const RESULTS: &str = "target/bench/results.json";
const PAGE: &str = "docs/BENCHMARKS.md";

fn main() -> Result<()> {
    let text = fs::read_to_string(RESULTS)
        .with_context(|| format!("cannot read {RESULTS}; run `make bench`"))?;
    let results = serde_json::from_str(&text).with_context(|| format!("{RESULTS} is damaged"))?;
    fs::write(PAGE, page(&results)).with_context(|| format!("cannot write {PAGE}"))?;
    Ok(())
}

fn page(results: &Map<String, Value>) -> String {
    let fact = |name: &str| results.get(name).and_then(Value::as_str).unwrap_or("unknown");
    let mut page = String::from(
        "# Benchmarks\n\nMade by `make bench`; never edited by hand. Browser, server, mixer and FFmpeg share the \
         machine's cores, so differences under 30 % between runs are noise.\n\n",
    );
    page.push_str("* command: `make bench`\n");
    writeln!(page, "* machine: {}\n", fact("machine")).expect("a string takes every write");
    page.push_str(
        "| figure | value | bar | what it is | commit and time |\n|---|---|---|---|---|\n",
    );
    for Figure { name, bar, meaning } in figures::all() {
        let value = results.get(*name).map_or_else(|| "-".to_owned(), Value::to_string);
        let measured = measured_at(results, name);
        writeln!(page, "| `{name}` | {value} | {bar} | {meaning} | {measured} |")
            .expect("a string takes every write");
    }
    page.push_str(&loss::table(results));
    page
}

/// Returns the commit and the time that a figure was measured at: parts of the table may be of other runs.
fn measured_at<'a>(results: &'a Map<String, Value>, name: &str) -> &'a str {
    let measured = results.get("measured").and_then(|measured| measured.get(name)?.as_str());
    measured.unwrap_or(if results.contains_key(name) { "not noted" } else { "-" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_a_row_and_an_unmeasured_one_says_so() {
        let mut results = Map::new();
        results.insert("program.g2g_p95_ms".to_owned(), 123.4.into());
        let page = page(&results);
        assert!(page.contains("| `program.g2g_p95_ms` | 123.4 |"));
        assert!(page.contains("| `mixer.restart_ms` | - |"));
    }

    #[test]
    fn every_figure_says_which_commit_it_is_of() {
        let text = r#"{"mixer.restart_ms": 4, "program.black_frames": 0, "measured": {"mixer.restart_ms": "abc, today"}}"#;
        let page = page(&serde_json::from_str(text).expect("valid JSON"));
        let row = |name: &str| page.lines().find(|line| line.contains(name)).expect("it has a row");
        assert!(row("`mixer.restart_ms`").ends_with("| abc, today |"));
        assert!(row("`program.black_frames`").ends_with("| not noted |"));
        assert!(row("`sfu.us_per_packet`").ends_with("| - |"));
    }
}
