//! Whether programs may be recorded.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Programs in files.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recordings {
    /// The folder of recordings and of what is known of each. Empty: with `--dev` one that ends with
    /// the process, otherwise nothing is recorded.
    pub dir: PathBuf,
    /// The longest recording, in hours.
    pub max_hours: u64,
    /// The largest file, in MiB.
    pub max_mb: u64,
    /// How long a recording is kept after it is over, in days; 0: nothing is ever deleted.
    pub keep_days: u32,
}

impl Default for Recordings {
    fn default() -> Self {
        Self { dir: PathBuf::new(), max_hours: 12, max_mb: 20_480, keep_days: 0 }
    }
}
