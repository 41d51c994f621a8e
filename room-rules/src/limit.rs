//! What is read back from a journal must be within the same limits as what comes from the wire.

/// A value that its type does not admit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct OutOfLimits(pub(crate) &'static str);
