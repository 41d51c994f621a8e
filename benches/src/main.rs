//! Writes `docs/BENCHMARKS.md` from `target/bench/results.json`, so that no figure in it is typed by hand. What was
//! not measured anew keeps its row: a part may be measured in a fresh checkout, on another machine.

#![forbid(unsafe_code)]

mod figures;
mod former;
mod loss;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use figures::Figure;
use former::Former;
use serde_json::{Map, Value};

const RESULTS: &str = "target/bench/results.json";
const PAGE: &str = "docs/BENCHMARKS.md";

fn main() -> Result<()> {
    let text = fs::read_to_string(RESULTS)
        .with_context(|| format!("cannot read {RESULTS}; run `make bench`"))?;
    let results = serde_json::from_str(&text).with_context(|| format!("{RESULTS} is damaged"))?;
    let former = Former::parse(&fs::read_to_string(PAGE).unwrap_or_default());
    fs::write(PAGE, page(&results, &former)).with_context(|| format!("cannot write {PAGE}"))?;
    Ok(())
}

fn page(results: &Map<String, Value>, former: &Former) -> String {
    let mut page = String::from(
        "# Benchmarks\n\nMade by `make bench`; never edited by hand. Browser, server, mixer and FFmpeg share the \
         machine's cores, so differences under 30 % between runs are noise.\n\n",
    );
    page.push_str("Command: `make bench`. Compare rows of one machine only.\n\n");
    page.push_str(
        "| figure | value | bar | what it is | commit, time, machine |\n|---|---|---|---|---|\n",
    );
    for Figure { name, bar, meaning } in figures::all() {
        let (value, measured) = match (results.get(*name), former.figure(name)) {
            (Some(value), _) => (value.to_string(), measured_at(results, name)),
            (None, Some((value, measured))) => (value.to_owned(), measured),
            (None, None) => ("-".to_owned(), "-"),
        };
        writeln!(page, "| `{name}` | {value} | {bar} | {meaning} | {measured} |")
            .expect("a string takes every write");
    }
    page.push_str(&loss::table(results, former));
    page
}

/// Returns the commit, the time and the machine that a figure was measured at: parts of the table may be of other runs.
fn measured_at<'a>(results: &'a Map<String, Value>, name: &str) -> &'a str {
    let measured = results.get("measured").and_then(|measured| measured.get(name)?.as_str());
    measured.unwrap_or("not noted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_a_row_and_an_unmeasured_one_says_so() {
        let mut results = Map::new();
        results.insert("program.g2g_p95_ms".to_owned(), 123.4.into());
        let page = page(&results, &Former::default());
        assert!(page.contains("| `program.g2g_p95_ms` | 123.4 |"));
        assert!(page.contains("| `mixer.restart_ms` | - |"));
    }

    #[test]
    fn every_figure_says_which_commit_it_is_of() {
        let text = r#"{"mixer.restart_ms": 4, "program.black_frames": 0, "measured": {"mixer.restart_ms": "abc, today"}}"#;
        let page = page(&serde_json::from_str(text).expect("valid JSON"), &Former::default());
        let row = |name: &str| page.lines().find(|line| line.contains(name)).expect("it has a row");
        assert!(row("`mixer.restart_ms`").ends_with("| abc, today |"));
        assert!(row("`program.black_frames`").ends_with("| not noted |"));
        assert!(row("`sfu.us_per_packet`").ends_with("| - |"));
    }

    #[test]
    fn what_was_not_measured_anew_keeps_its_row() {
        let first = r#"{"mixer.restart_ms": 4, "loss.video40.fps": 24, "program.black_frames": 0,
            "measured": {"mixer.restart_ms": "abc, then", "program.black_frames": "abc, then"}}"#;
        let first = page(&serde_json::from_str(first).expect("valid JSON"), &Former::default());
        let second = r#"{"mixer.restart_ms": 5, "measured": {"mixer.restart_ms": "def, now"}}"#;
        let second = serde_json::from_str(second).expect("valid JSON");
        let both = page(&second, &Former::parse(&first));

        let rows = |name: &str| both.lines().filter(|line| line.contains(name)).collect::<Vec<_>>();
        let [restart] = rows("`mixer.restart_ms`")[..] else { panic!("one row: {both}") };
        assert!(restart.contains("| 5 |") && restart.ends_with("| def, now |"), "{restart}");
        let [black] = rows("`program.black_frames`")[..] else { panic!("one row: {both}") };
        assert!(black.contains("| 0 |") && black.ends_with("| abc, then |"), "{black}");
        assert_eq!(rows("| 40 % | ours | 24 |").len(), 1, "{both}");
        assert_eq!(page(&second, &Former::parse(&both)), both, "written again it is the same");
    }
}
