//! Counts things that exist, by their existing: a gauge that a forgotten decrement cannot bend.

/// Keeps a gauge one higher for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(&'static str);

impl Counted {
    /// Counts one more of `gauge`.
    pub(crate) fn new(gauge: &'static str) -> Self {
        metrics::gauge!(gauge).increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!(self.0).decrement(1.0);
    }
}
