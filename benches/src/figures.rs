//! The figures that this project keeps, with the bar that each is held to.

mod loss;
mod mixer;
mod program;
mod sale;
mod sfu;

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
pub(crate) fn all() -> impl Iterator<Item = &'static Figure> {
    [program::FIGURES, mixer::FIGURES, sfu::FIGURES, sale::FIGURES, loss::FIGURES]
        .into_iter()
        .flatten()
}
