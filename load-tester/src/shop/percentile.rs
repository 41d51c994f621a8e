//! Some values and where most of them lie.

use serde::Serialize;

/// Values in order of size, summed up.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    pub(crate) p1: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Sorts `values`; `None` if there are none.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| values[((last as f64 * share).round() as usize).min(last)];
        Some(Self { count: values.len(), p1: at(0.01), p50: at(0.5), p99: at(0.99), max: at(1.0) })
    }

    /// Returns the width of the middle 98 %.
    pub(crate) fn width(&self) -> f64 {
        self.p99 - self.p1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_hundred_and_one_values() {
        let spread =
            Spread::of((0..=100).rev().map(f64::from).collect()).expect("there are values");
        assert_eq!((spread.p1, spread.p50, spread.p99, spread.max), (1.0, 50.0, 99.0, 100.0));
        assert_eq!(spread.width(), 98.0);
        assert!(Spread::of(Vec::new()).is_none());
    }
}
