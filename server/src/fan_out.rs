//! How much of what a crowd says reaches each viewer, and in how many frames: at most 20 lines in any
//! second, those of 100 ms together, taken from the speakers in turn, so that whoever shouts most
//! pushes only themselves aside; the room's own people are always shown. The surprise: a line that
//! is not shown was said all the same, and its speaker sees it.

use std::collections::VecDeque;
use std::time::Duration;

use room_rules::{Role, ServerTime, Stream, UserId};
use signaling::Text;

/// Frames of one stream are due at least this far apart.
const TICK: Duration = Duration::from_millis(100);
/// So many lines of chat are shown in any second, all at once if nobody spoke before.
const LINES_A_SECOND: usize = 20;
const SECOND: Duration = Duration::from_secs(1);
/// While lines wait so many are shown at a time, or a second's lines would come in one heap; and at most
/// so many if there were fewer before.
const LINES_A_TICK: usize = 2;
const LINES_AT_ONCE: usize = 3;
/// Lines that wait to be shown: within two seconds, with the tick that the first of them waits for.
/// Full: of whoever has most, the oldest goes.
const LINES_WAITING: usize = 38;
/// A frame that fits into one packet of a data channel.
const FRAME_BYTES: usize = 1_100;

/// An event with its text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    pub(crate) q: u64,
    pub(crate) text: Text,
}

/// Takes turns among speakers.
#[derive(Debug)]
pub(crate) struct ChatFan {
    /// Who has lines waiting, in the order in which they get their turn.
    speakers: VecDeque<(UserId, VecDeque<Line>)>,
    waiting: usize,
    /// Lines of those who are always shown.
    own: Vec<Line>,
    /// When each line of the last second was due, oldest first.
    shown_at: VecDeque<ServerTime>,
    /// How many lines may be shown beside those of the next tick, while lines wait.
    spare: Option<usize>,
    pace: Tick,
}

impl ChatFan {
    pub(crate) const fn new() -> Self {
        Self {
            speakers: VecDeque::new(),
            waiting: 0,
            own: Vec::new(),
            shown_at: VecDeque::new(),
            spare: None,
            pace: Tick { due: None, last: None },
        }
    }

    /// Takes a line; returns one that gives way to it, for its speaker alone.
    pub(crate) fn push(
        &mut self,
        speaker: &UserId,
        role: Role,
        line: Line,
        now: ServerTime,
    ) -> Option<(UserId, Line)> {
        self.pace.arm(now);
        match role {
            Role::Host | Role::Assistant | Role::Moderator | Role::Admin => {
                self.own.push(line);
                return None;
            }
            Role::Guest | Role::Viewer => {}
        }
        match self.speakers.iter_mut().find(|(user, _)| user == speaker) {
            Some((_, lines)) => lines.push_back(line),
            None => self.speakers.push_back((speaker.clone(), VecDeque::from([line]))),
        }
        self.waiting += 1;
        (self.waiting > LINES_WAITING).then(|| self.shed())
    }

    /// Returns what goes out now, oldest first.
    pub(crate) fn handle_timeout(&mut self, now: ServerTime) -> Vec<Line> {
        let Some(due) = self.pace.take(now) else { return Vec::new() };
        let mut shown = std::mem::take(&mut self.own);
        for _ in 0..self.take_allowance(due) {
            let (user, mut lines) = self.speakers.pop_front().expect("somebody waits");
            shown.extend(lines.pop_front());
            self.waiting -= 1;
            if !lines.is_empty() {
                self.speakers.push_back((user, lines));
            }
        }
        if self.waiting == 0 {
            self.spare = None;
        }
        if self.waiting > 0 {
            self.pace.arm(now);
        }
        shown.sort_by_key(|line| line.q);
        shown
    }

    /// Drops lines that are not to be shown any more.
    pub(crate) fn forget(&mut self, gone: &[u64]) {
        self.own.retain(|line| !gone.contains(&line.q));
        for (_, lines) in &mut self.speakers {
            lines.retain(|line| !gone.contains(&line.q));
        }
        self.speakers.retain(|(_, lines)| !lines.is_empty());
        self.waiting = self.speakers.iter().map(|(_, lines)| lines.len()).sum();
    }

    pub(crate) const fn poll_timeout(&self) -> Option<ServerTime> {
        self.pace.due
    }

    /// Returns how many of the lines that wait are shown in the tick that was due at `due`.
    fn take_allowance(&mut self, due: ServerTime) -> usize {
        while self.shown_at.front().is_some_and(|at| due.since(*at) >= SECOND) {
            self.shown_at.pop_front();
        }
        let left = LINES_A_SECOND - self.shown_at.len();
        let paced = self.spare.map(|spare| (spare + LINES_A_TICK).min(LINES_AT_ONCE));
        let count = self.waiting.min(left).min(paced.unwrap_or(left));
        self.spare = Some(paced.map_or(0, |paced| paced - count));
        self.shown_at.extend(std::iter::repeat_n(due, count));
        count
    }

    fn shed(&mut self) -> (UserId, Line) {
        let most = self.speakers.iter().map(|(_, lines)| lines.len()).max();
        let at = self.speakers.iter().position(|(_, lines)| Some(lines.len()) == most);
        let at = at.expect("somebody waits");
        let (user, lines) = &mut self.speakers[at];
        let shed = (user.clone(), lines.pop_front().expect("they have most"));
        if lines.is_empty() {
            self.speakers.remove(at);
        }
        self.waiting -= 1;
        shed
    }
}

/// At once after a silence, then every tick. One that is late does not put off those after it.
#[derive(Debug, Default)]
struct Tick {
    due: Option<ServerTime>,
    last: Option<ServerTime>,
}

impl Tick {
    fn arm(&mut self, now: ServerTime) {
        if self.due.is_none() {
            self.due = Some(self.last.map_or(now, |last| (last + TICK).max(now)));
        }
    }

    /// Returns when the tick was due, if it is; one that was missed is past.
    fn take(&mut self, now: ServerTime) -> Option<ServerTime> {
        let due = self.due.take_if(|due| now >= *due)?;
        let due = if now.since(due) < TICK { due } else { now };
        self.last = Some(due);
        Some(due)
    }
}

/// Packs events into frames: one by itself, several as a `batch`.
pub(crate) fn frames(
    stream: Stream,
    lines: &[Line],
    most_bytes: usize,
    at: ServerTime,
) -> Vec<Text> {
    let mut frames = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take_while(|line| {
            bytes += line.text.len() + 1;
            bytes <= most_bytes
        });
        let (now, later) = rest.split_at(fitting.count().max(1));
        rest = later;
        frames.push(match now {
            [line] => line.text.clone(),
            several => {
                let events = several.iter().map(|line| line.text.as_str());
                let (first, last) = (several[0].q, several[several.len() - 1].q);
                wire_format::encode_batch(stream, [first, last], events, at).into()
            }
        });
    }
    frames
}

/// Packs what everybody is told at one moment.
pub(crate) fn live_frames(stream: Stream, lines: &[Line], at: ServerTime) -> Vec<Text> {
    frames(stream, lines, FRAME_BYTES, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_gone_before_its_turn_is_not_shown() {
        let mut fan = ChatFan::new();
        for (q, name) in [(1, "bob"), (2, "bob"), (3, "cara")] {
            assert_eq!(fan.push(&user(name), Role::Viewer, line(q), at(0)), None);
        }
        fan.push(&user("host"), Role::Host, line(4), at(0));
        fan.forget(&[1, 3, 4]);

        let shown: Vec<u64> = fan.handle_timeout(at(0)).iter().map(|line| line.q).collect();
        assert_eq!(shown, [2]);
        assert_eq!(fan.poll_timeout(), None);
    }

    #[test]
    fn a_single_line_goes_out_at_once_and_the_next_ones_in_one_frame_each_100_ms() {
        let mut fan = ChatFan::new();
        let push = |fan: &mut ChatFan, q, ms| fan.push(&user("bob"), Role::Viewer, line(q), at(ms));
        push(&mut fan, 1, 0);
        assert_eq!(fan.poll_timeout(), Some(at(0)));
        assert_eq!(fan.handle_timeout(at(0)), [line(1)]);
        push(&mut fan, 2, 10);
        push(&mut fan, 3, 90);
        assert_eq!((fan.handle_timeout(at(99)), fan.poll_timeout()), (vec![], Some(at(100))));
        assert_eq!(fan.handle_timeout(at(100)), [line(2), line(3)]);
        assert_eq!(fan.poll_timeout(), None);
    }

    #[test]
    fn ten_times_too_much_chat_shows_twenty_lines_a_second_and_every_speaker_alike() {
        let mut fan = ChatFan::new();
        let mut shown = Vec::new();
        let mut shed = Vec::new();
        let mut q = 0;
        // One shouts nine lines in ten; forty others share the tenth.
        for ms in (0..20_000).step_by(5) {
            q += 1;
            let speaker =
                if q % 10 == 0 { user(&format!("u{}", q / 10 % 40)) } else { user("loud") };
            let line = Line { q, text: speaker.as_str().into() };
            shed.extend(fan.push(&speaker, Role::Viewer, line, at(ms)));
            shown.extend(fan.handle_timeout(at(ms)));
        }
        let loud = shown.iter().filter(|line| line.text.as_str() == "loud").count();
        let others = shown.len() - loud;
        assert_eq!(shown.len(), 400, "20 s at 20 a second");
        assert!(others > 180, "the others' lines are nearly as many as are shown: {others}");
        assert!(shed.iter().filter(|(user, _)| user.as_str() == "loud").count() > 3_000);
        assert_eq!(
            shed.iter().filter(|(user, _)| user.as_str() != "loud").count()
                + others
                + fan
                    .speakers
                    .iter()
                    .filter(|(user, _)| user.as_str() != "loud")
                    .map(|(_, l)| l.len())
                    .sum::<usize>(),
            400
        );
        assert!(fan.waiting <= LINES_WAITING);
    }

    #[test]
    fn no_second_shows_more_than_twenty_lines_and_those_that_wait_come_a_few_at_a_time() {
        const LATE: u64 = 15;
        let mut rng = fastrand::Rng::with_seed(7);
        let mut fan = ChatFan::new();
        // Ten times too much for 20 s, then silence for 10 s, again and again; the shell is late each time.
        for start in (0..20).map(|round| round * 30_000) {
            let (mut shown_at, mut late) = (Vec::new(), 0);
            for ms in start..start + 30_000 {
                if ms < start + 20_000 && ms % 5 == 0 {
                    fan.push(&user("bob"), Role::Viewer, line(ms), at(ms));
                }
                if fan.poll_timeout().is_some_and(|due| at(ms) >= due + Duration::from_millis(late))
                {
                    shown_at.extend(fan.handle_timeout(at(ms)).iter().map(|_| ms - start));
                    late = rng.u64(0..=LATE);
                }
            }
            assert_eq!(shown_at.len(), 20 * LINES_A_SECOND + LINES_WAITING, "20 s, and what waits");
            let at_first = shown_at.iter().filter(|ms| **ms <= 100 + LATE).count();
            assert_eq!(at_first, LINES_A_SECOND, "after a silence nobody waits");
            for lines in shown_at.windows(LINES_A_SECOND + 1) {
                assert!(lines[LINES_A_SECOND] - lines[0] >= 1_000 - LATE, "{lines:?}");
            }
            let later = shown_at.iter().filter(|ms| **ms > 500);
            let later: Vec<u64> = later.map(|ms| ms / 100).collect();
            assert!(later.windows(4).all(|lines| lines[3] > lines[0]), "a heap of lines");
        }
    }

    #[test]
    fn the_rooms_own_people_are_always_shown() {
        let mut fan = ChatFan::new();
        for q in 1..=200 {
            fan.push(&user("loud"), Role::Viewer, line(q), at(0));
        }
        fan.push(&user("alice"), Role::Host, line(201), at(0));
        let shown = fan.handle_timeout(at(0));
        assert_eq!(shown.len(), 21);
        assert_eq!(shown.last(), Some(&line(201)));
    }

    #[test]
    fn a_frame_holds_what_fits_and_a_single_event_is_not_wrapped() {
        let lines: Vec<_> = (1..=5).map(|q| Line { q, text: "x".repeat(400).into() }).collect();
        let frames = live_frames(Stream::Gift, &lines, at(0));
        assert_eq!(frames.len(), 3);
        assert!(frames[0].contains("\"q\":[1,2]") && frames[1].contains("\"q\":[3,4]"));
        assert_eq!(frames[2], lines[4].text);
    }

    fn at(ms: u64) -> ServerTime {
        ServerTime::from_unix_millis(ms)
    }

    fn line(q: u64) -> Line {
        Line { q, text: q.to_string().into() }
    }

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }
}
