//! Transport-wide congestion control feedback: which packets of a whole connection arrived, and when.
//!
//! Every packet of a connection, of whatever stream, carries one running 16-bit number; the receiver
//! tells in batches which numbers came and at what time. What surprises: the message says nothing of
//! streams, so who sends has to remember what each number was.
//!
//! <https://datatracker.ietf.org/doc/html/draft-holmer-rmcat-transport-wide-cc-extensions-01>

mod feedback;
mod leniency;
mod recorder;

pub use feedback::{Feedback, FeedbackError, FeedbackHead, Status, Statuses, write};
pub use recorder::Recorder;

/// Times in feedback are counted in units of 250 microseconds.
pub(crate) const TICK_MICROS: u64 = 250;
/// The reference time of a message is counted in units of 64 milliseconds.
pub(crate) const TICKS_PER_REFERENCE: u64 = 256;
