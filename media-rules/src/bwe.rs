//! How much a path carries: estimated from what receivers report, acted on by whoever sends.
//!
//! [`SendEstimator`] follows Google Congestion Control as documented (delay trend, adaptive
//! threshold, increase by multiplication or addition, probes), with one difference that shapes
//! everything: loss by itself is no congestion. Only loss that comes with a queue, or that rises with
//! the rate, counts; a path that loses 40 % at random keeps its estimate. See
//! docs/decisions/0012-bwe.md.
//!
//! <https://datatracker.ietf.org/doc/html/draft-ietf-rmcat-gcc-02>

mod arrival_groups;
mod loss_judge;
mod probes;
mod queue_gauge;
mod rate_control;
mod receive_estimator;
mod report_estimator;
mod send_estimator;
mod sent_ring;
mod throughput;
mod trendline;

pub use probes::{Probe, ProbeId};
pub use queue_gauge::QueueGauge;
pub use receive_estimator::ReceiveEstimator;
pub use send_estimator::{FeedbackKind, SendConfig, SendEstimator};
