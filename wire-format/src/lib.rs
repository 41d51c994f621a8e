//! wire-format
