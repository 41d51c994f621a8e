//! Two programs of the same hosts, one of which takes the sound of the other for a while: its own process
//! makes none then, and goes on where the other's sound is left.

use std::time::Duration;

use media_rules::{EncodedFrame, FrameCodec, MediaTime, SoundSplice};
use mixer::{Duty, Program, ProgramEvent};

use crate::clip::tone_hz;
use crate::host::Host;
use crate::process::{cpu_seconds, process_of};
use crate::running::{Events, alone, clip, launch, scene, until_started};
use crate::viewer::{Recorded, Sound, frames, record, sound};

const CODECS: [FrameCodec; 2] = [FrameCodec::Opus, FrameCodec::Aac];
const LENGTHS: [Duration; 2] =
    [Duration::from_millis(20), Duration::from_nanos(1024 * 1_000_000_000 / 48_000)];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    Own,
    Shared,
}

/// What the guest's room hears, and the room of the owner.
struct Rooms {
    guest: (Program, Events),
    owner: Events,
    splices: [SoundSplice<Source>; 2],
    heard: Vec<Recorded>,
    owner_program: Program,
    hosts: [Host; 2],
}

impl Rooms {
    /// Both make sound, and the guest's room hears its own.
    async fn open(guest: &str, owner: &str) -> Self {
        let [mut guest, mut owner] = [guest, owner].map(launch);
        let hosts = [1, 2]
            .map(|id| Host::start_for(&[&guest.0, &owner.0], &format!("host{id}"), vec![clip(id)]));
        for (program, _) in [&guest, &owner] {
            program.set_duty(Duty::Rest);
            program.set_scene(scene(1, &[&hosts[0].feed, &hosts[1].feed]));
        }
        let settle = async |events: &mut Events| {
            until_started(events).await;
            record(events, Duration::from_secs(2)).await;
        };
        tokio::join!(settle(&mut guest.1), settle(&mut owner.1));
        let splices = LENGTHS.map(|length| SoundSplice::new(Source::Own, length));
        let (owner_program, owner) = owner;
        Self { guest, owner, splices, heard: Vec::new(), owner_program, hosts }
    }

    /// Listens for `length`, as the server does.
    async fn listen(&mut self, length: Duration) {
        let (own, shared) =
            tokio::join!(record(&mut self.guest.1, length), record(&mut self.owner, length));
        let of = |source, recorded: Vec<Recorded>| {
            recorded.into_iter().map(move |(came, event)| (came, source, event))
        };
        let mut both: Vec<_> = of(Source::Own, own).chain(of(Source::Shared, shared)).collect();
        both.sort_by_key(|(came, ..)| *came);
        for (came, source, event) in both {
            let ProgramEvent::Frame { frame, .. } = event else { continue };
            let Some(index) = CODECS.iter().position(|codec| *codec == frame.codec) else {
                continue;
            };
            for frame in self.splices[index].handle_frame(source, frame) {
                self.heard.push((came, ProgramEvent::Frame { frame, revision: 0 }));
            }
        }
    }

    /// Takes the sound of `source` from now on.
    fn take(&mut self, source: Source) {
        self.splices.iter_mut().for_each(|splice| splice.switch_to(source));
    }

    /// Returns what the guest's room has heard, which is whole.
    async fn close(self) -> Vec<Recorded> {
        drop(self.hosts);
        self.guest.0.stop().await;
        self.owner_program.stop().await;
        assert_steps(&self.heard);
        self.heard
    }

    fn sources(&self) -> [Source; 2] {
        self.splices.each_ref().map(SoundSplice::current)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_sleeps_goes_on_where_the_others_sound_is_left() {
    let _place = alone().await;
    let mut rooms = Rooms::open("asleep", "awake").await;
    let process = process_of("asleep");
    for round in 0..3 {
        rooms.listen(Duration::from_millis(500)).await;
        rooms.take(Source::Shared);
        rooms.listen(Duration::from_millis(500)).await;
        assert_eq!(rooms.sources(), [Source::Shared; 2]);
        rooms.guest.0.set_duty(Duty::Sleep);
        let cpu = cpu_seconds(process);
        // Longer than its hosts' packets are kept.
        rooms.listen(Duration::from_millis(2_000)).await;
        println!("round {round}: asleep at {:.3} cores", (cpu_seconds(process) - cpu) / 2.0);
        rooms.take(Source::Own);
        rooms.guest.0.set_duty(Duty::Rest);
        rooms.listen(Duration::from_millis(500)).await;
        assert_eq!(rooms.sources(), [Source::Own; 2]);
    }
    assert_tones(&rooms.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_in_the_guests_room_is_not_heard_there_and_comes_back() {
    let _place = alone().await;
    let mut rooms = Rooms::open("muting", "hearing").await;
    let both = scene(1, &[&rooms.hosts[0].feed, &rooms.hosts[1].feed]);
    let mut muted = scene(2, &[&rooms.hosts[0].feed, &rooms.hosts[1].feed]);
    muted.tiles[1].gain_percent = 0;
    let share = async |rooms: &mut Rooms| {
        rooms.take(Source::Shared);
        rooms.listen(Duration::from_millis(500)).await;
        assert_eq!(rooms.sources(), [Source::Shared; 2]);
        rooms.guest.0.set_duty(Duty::Sleep);
        rooms.listen(Duration::from_millis(1_000)).await;
    };
    rooms.listen(Duration::from_millis(500)).await;
    share(&mut rooms).await;

    // As the server does when the voices of its scene are not the owner's any more.
    let began = mixer::media_now();
    rooms.guest.0.set_scene(muted);
    rooms.take(Source::Own);
    rooms.guest.0.set_duty(Duty::Rest);
    rooms.listen(Duration::from_millis(1_500)).await;
    let ended = mixer::media_now();
    rooms.guest.0.set_scene(both);
    rooms.listen(Duration::from_millis(500)).await;
    share(&mut rooms).await;

    let heard = rooms.close().await;
    for codec in CODECS {
        let level = |from: MediaTime, until: MediaTime, id| {
            let is_in = |(came, _): &&Recorded| *came > from && *came < until;
            let part: Vec<_> = heard.iter().filter(is_in).cloned().collect();
            // A decoder fades the first of it in.
            Sound::level(&sound(&part, codec).samples[4_800..], tone_hz(id))
        };
        let settled = began + Duration::from_millis(150);
        let [before, after] = [
            level(MediaTime::default(), began, 2),
            level(ended + Duration::from_millis(150), mixer::media_now(), 2),
        ];
        let (meanwhile, other) = (level(settled, ended, 2), level(settled, ended, 1));
        println!("{codec:?}: host 2 at {before:.4}, muted {meanwhile:.4}, then {after:.4}");
        assert!(before > 0.05 && after > 0.05 && other > 0.05, "{codec:?}: host 1 at {other}");
        assert!(meanwhile < 0.002, "{codec:?}: a muted host is heard at {meanwhile}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_who_died_has_left_out_is_made_by_the_process_that_wakes() {
    let _place = alone().await;
    let mut rooms = Rooms::open("widow", "deceased").await;
    rooms.listen(Duration::from_millis(1_500)).await;
    rooms.take(Source::Shared);
    rooms.listen(Duration::from_millis(500)).await;
    rooms.guest.0.set_duty(Duty::Sleep);
    rooms.listen(Duration::from_millis(1_500)).await;

    // Nothing comes of it from now on, and it takes the guest 150 ms to give it up.
    rooms.owner_program.stop().await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    rooms.take(Source::Own);
    rooms.guest.0.set_duty(Duty::Rest);
    rooms.listen(Duration::from_millis(1_000)).await;
    assert_eq!(rooms.sources(), [Source::Own; 2]);
    assert_tones(&rooms.close().await);
}

/// No frame is missing and none is there twice.
fn assert_steps(heard: &[Recorded]) {
    for (codec, length) in CODECS.into_iter().zip(LENGTHS) {
        let frames = frames(heard, codec);
        let off = |pair: &[(MediaTime, EncodedFrame)]| {
            let step = pair[1].1.at.nanos() as i128 - pair[0].1.at.nanos() as i128;
            (step - length.as_nanos() as i128).abs() > 2_000
        };
        let steps: Vec<_> = frames
            .windows(2)
            .filter(|pair| off(pair))
            .map(|pair| (pair[0].1.at, pair[1].1.at))
            .collect();
        assert!(steps.is_empty(), "{codec:?}: {steps:?}");
    }
}

/// Both hosts' tones go on without a hole or a click.
fn assert_tones(heard: &[Recorded]) {
    for codec in CODECS {
        let sound = sound(heard, codec);
        // A decoder fades the first of it in.
        let samples = &sound.samples[9_600..];
        let levels = [1, 2].map(|id| Sound::level(samples, tone_hz(id)));
        assert!(levels.iter().all(|level| *level > 0.05), "{codec:?}: {levels:?}");
        // Two processes hold packets for a little longer or shorter, so the tones' phases may jump.
        let loudness = |part: &[f64]| part.iter().map(|sample| sample * sample).sum::<f64>().sqrt();
        let mut parts: Vec<f64> = samples.chunks_exact(480).map(loudness).collect();
        parts.sort_by(f64::total_cmp);
        let (least, usual) = (parts[0], parts[parts.len() / 2]);
        println!("{codec:?}: parts of 10 ms are at {least:.3} or more, mostly at {usual:.3}");
        assert!(least > 0.3 * usual, "{codec:?}: a hole, {least} of {usual}");
        let bend = |at: &[f64]| (at[2] - 2.0 * at[1] + at[0]).abs();
        let click = samples.windows(3).map(bend).fold(0.0, f64::max);
        println!("{codec:?}: {} s, bent by {click:.4} at most", samples.len() / 48_000);
        // The beeps themselves bend by 0.07; where one is cut, it is many times that.
        assert!(click < 0.2, "{codec:?}: a click of {click}");
    }
}
