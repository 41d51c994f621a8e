//! Packets that left together are looked at together: what counts is how much later a group arrived
//! than it should have, compared with the group before it.
//!
//! <https://datatracker.ietf.org/doc/html/draft-ietf-rmcat-gcc-02#section-5.2>

/// Packets that left within this belong together ...
const SEND_SPAN: i64 = 5_000;
/// ... and so do those that arrived within this of one another although they left later,
const BURST_GAP: i64 = 5_000;
/// but a group never spans more.
const BURST_SPAN: i64 = 100_000;
/// A step of the receiver's clock, not of the path.
const CLOCK_STEP: i64 = 3_000_000;
/// So many groups in a row that go back in time are a new path or clock.
const MAX_BACKWARD: u8 = 3;

/// Sorts packets into groups and compares each with the one before. All times in microseconds.
#[derive(Debug, Default)]
pub(super) struct ArrivalGroups {
    current: Option<Group>,
    previous: Option<Group>,
    backward: u8,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: i64,
    last_sent: i64,
    first_arrival: i64,
    last_arrival: i64,
}

/// How two groups in a row relate, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GroupDelta {
    pub(super) sent: i64,
    pub(super) arrived: i64,
    /// When the later group had arrived, on the receiver's clock.
    pub(super) at: i64,
}

impl ArrivalGroups {
    /// A packet that left at `sent` arrived at `arrival`. Returns a comparison whenever a group is
    /// complete.
    pub(super) fn handle_packet(&mut self, sent: i64, arrival: i64) -> Option<GroupDelta> {
        let Some(group) = &mut self.current else {
            self.current = Some(Group::new(sent, arrival));
            return None;
        };
        if sent < group.first_sent {
            // Overtaken by a whole group.
            return None;
        }
        if group.holds(sent, arrival) {
            group.last_sent = group.last_sent.max(sent);
            group.last_arrival = group.last_arrival.max(arrival);
            return None;
        }
        let complete = std::mem::replace(group, Group::new(sent, arrival));
        let before = self.previous.replace(complete)?;
        let delta = GroupDelta {
            sent: complete.last_sent - before.last_sent,
            arrived: complete.last_arrival - before.last_arrival,
            at: complete.last_arrival,
        };
        if delta.arrived < 0 {
            self.backward += 1;
            if self.backward >= MAX_BACKWARD {
                *self = Self::default();
            }
            return None;
        }
        self.backward = 0;
        if (delta.arrived - delta.sent).abs() >= CLOCK_STEP {
            *self = Self::default();
            return None;
        }
        Some(delta)
    }
}

impl Group {
    const fn new(sent: i64, arrival: i64) -> Self {
        Self { first_sent: sent, last_sent: sent, first_arrival: arrival, last_arrival: arrival }
    }

    const fn holds(&self, sent: i64, arrival: i64) -> bool {
        if sent - self.first_sent <= SEND_SPAN {
            return true;
        }
        // Something on the path held packets back and let them go at once.
        let gap = arrival - self.last_arrival;
        gap <= BURST_GAP && gap < sent - self.last_sent && arrival - self.first_arrival < BURST_SPAN
    }
}
