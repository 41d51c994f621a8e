//! Decides when the encoder has so much to do that a picture is left out. A short burst may queue
//! up, because a gap is worse than a moment's delay; a queue that does not go away is delay for
//! everybody, so after a second of it the encoder is given nothing until it has caught up.

/// Pictures that may wait at most.
const BURST: u64 = 5;

/// What pictures wait when the encoder keeps up is below this.
const STANDING: u64 = 2;

/// Watches the encoder's queue, asked once a picture.
#[derive(Debug, Default)]
pub(crate) struct Shedder {
    pictures_behind: u32,
    is_shedding: bool,
}

impl Shedder {
    /// Returns whether the next picture is to be left out while `waiting` others are queued.
    pub(crate) fn is_too_much(&mut self, waiting: u64, fps: u32) -> bool {
        self.pictures_behind = if waiting >= STANDING { self.pictures_behind + 1 } else { 0 };
        if self.pictures_behind > fps {
            self.is_shedding = true;
        }
        if waiting == 0 {
            self.is_shedding = false;
        }
        self.is_shedding || waiting >= BURST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FPS: u32 = 30;

    #[test]
    fn a_short_burst_is_queued() {
        let mut shedder = Shedder::default();
        assert!((0..5).all(|waiting| !shedder.is_too_much(waiting, FPS)));
        assert!(shedder.is_too_much(5, FPS), "but not without end");
        assert!(!shedder.is_too_much(1, FPS));
    }

    #[test]
    fn a_queue_that_stands_for_a_second_is_drained() {
        let mut shedder = Shedder::default();
        assert!((0..FPS).all(|_| !shedder.is_too_much(3, FPS)));
        assert!(shedder.is_too_much(3, FPS));
        assert!(shedder.is_too_much(1, FPS), "until nothing waits");
        assert!(!shedder.is_too_much(0, FPS));
        assert!(!shedder.is_too_much(3, FPS), "and then a burst is allowed again");
    }
}
