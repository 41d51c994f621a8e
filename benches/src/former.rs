//! What the page said before: rows of its tables, by their first cells.

use std::collections::HashMap;

/// The page that is about to be replaced.
#[derive(Debug, Default)]
pub(crate) struct Former {
    /// Value and "commit, time, machine" of each figure that was measured.
    figures: HashMap<String, (String, String)>,
    /// Rows of the table of loss, whole.
    loss: HashMap<(String, String), String>,
}

impl Former {
    /// Reads a page as `lianmai-bench-report` writes it; of anything else it keeps nothing.
    pub(crate) fn parse(page: &str) -> Self {
        let mut former = Self::default();
        for line in page.lines() {
            let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) else {
                continue;
            };
            let cells: Vec<&str> = row.split(" | ").collect();
            match (cells.first().and_then(|first| first.strip_prefix('`')), &cells[..]) {
                (Some(name), [_, value, .., measured]) if *value != "-" => {
                    let name = name.trim_end_matches('`').to_owned();
                    former.figures.insert(name, ((*value).to_owned(), (*measured).to_owned()));
                }
                (None, [lost, who, ..]) => {
                    let run = ((*lost).to_owned(), (*who).to_owned());
                    former.loss.insert(run, line.to_owned());
                }
                _ => {}
            }
        }
        former
    }

    /// Returns a figure's value, and where and when it was measured.
    pub(crate) fn figure(&self, name: &str) -> Option<(&str, &str)> {
        self.figures.get(name).map(|(value, measured)| (&value[..], &measured[..]))
    }

    /// Returns a row of the table of loss.
    pub(crate) fn loss(&self, lost: &str, who: &str) -> Option<&str> {
        self.loss.get(&(lost.to_owned(), who.to_owned())).map(String::as_str)
    }
}
