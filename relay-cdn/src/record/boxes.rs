//! The boxes of a fragmented MP4 file with one picture and one sound track.
//!
//! ISO/IEC 14496-12 sections 4 and 8, 14496-15 section 5.4 (`avc3`), 14496-14 section 5.6 (`mp4a`).

use bytes::BufMut;
use media_rules::h264::{ParameterSets, SequenceParameters, decoder_configuration};

use crate::flv::AUDIO_SPECIFIC_CONFIG;

/// Units per second of the whole film; of its tracks see [`TrackKind::ticks_per_second`].
pub(super) const MOVIE_TICKS_PER_SECOND: u32 = 1_000;

/// Whether a sample needs others (section 8.8.3.1): a keyframe and sound do not.
const DEPENDS_ON_NONE: u32 = 0x0200_0000;
const DEPENDS_ON_OTHERS: u32 = 0x0101_0000;

const UNITY_MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// What a track holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TrackKind {
    Picture,
    Sound,
}

impl TrackKind {
    const fn id(self) -> u32 {
        match self {
            Self::Picture => 1,
            Self::Sound => 2,
        }
    }

    pub(super) const fn ticks_per_second(self) -> u32 {
        match self {
            Self::Picture => 90_000,
            Self::Sound => 48_000,
        }
    }
}

/// One picture or one packet of sound within a fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) ticks: u32,
    pub(super) bytes: u32,
    pub(super) is_key: bool,
}

/// What a fragment holds of one track.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// When the first sample is shown, in the track's ticks.
    pub(super) start: u64,
    pub(super) samples: Vec<Sample>,
    pub(super) data: Vec<u8>,
}

/// A place where a player may start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// In the picture track's ticks.
    pub(super) at: u64,
    /// Where the fragment begins in the file.
    pub(super) offset: u64,
}

/// Returns what a file begins with, and where in it [`duration`] goes once that is known: until then
/// the place is a `free` box, for a player must not believe in a duration of zero.
pub(super) fn head(sets: &ParameterSets) -> (Vec<u8>, u64) {
    let (width, height) = SequenceParameters::parse(&sets.sps).map_or((0, 0), |sps| {
        let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
        (side(sps.width), side(sps.height))
    });
    let mut out = Vec::with_capacity(1_024);
    nest(&mut out, b"ftyp", |out| {
        out.put_slice(b"iso6");
        out.put_u32(0);
        out.put_slice(b"isomiso6mp41");
    });
    let mut place = 0;
    nest(&mut out, b"moov", |out| {
        movie_header(out);
        track(out, TrackKind::Picture, (width, height), |out| {
            picture_entry(out, sets, width, height)
        });
        track(out, TrackKind::Sound, (0, 0), sound_entry);
        nest(out, b"mvex", |out| {
            place = out.len() as u64;
            nest(out, b"free", |out| out.put_bytes(0, 12));
            for kind in [TrackKind::Picture, TrackKind::Sound] {
                full(out, b"trex", 0, |out| {
                    // The only sample description; no usual duration, size or flags.
                    [kind.id(), 1, 0, 0, 0].into_iter().for_each(|field| out.put_u32(field));
                });
            }
        });
    });
    (out, place)
}

/// Returns the box that says how long the film is, in place of the `free` box of [`head`].
pub(super) fn duration(movie_ticks: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(20);
    full(&mut out, b"mehd", 1 << 24, |out| out.put_u64(movie_ticks));
    out
}

/// Returns the fragment number `sequence`. A track of which nothing came is left out.
pub(super) fn fragment(sequence: u32, runs: &[(TrackKind, &Run)]) -> Vec<u8> {
    let present = || runs.iter().filter(|(_, run)| !run.samples.is_empty());
    let data: usize = present().map(|(_, run)| run.data.len()).sum();
    let mut out = Vec::with_capacity(data + 4_096);
    let mut places = Vec::with_capacity(runs.len());
    nest(&mut out, b"moof", |out| {
        full(out, b"mfhd", 0, |out| out.put_u32(sequence));
        for (kind, run) in present() {
            nest(out, b"traf", |out| places.push(track_run(out, *kind, run)));
        }
    });
    // Offsets count from the start of `moof`, past the header of `mdat`.
    let mut offset = out.len() + 8;
    for ((_, run), place) in present().zip(places) {
        out[place..place + 4].copy_from_slice(&size_of(offset).to_be_bytes());
        offset += run.data.len();
    }
    nest(&mut out, b"mdat", |out| present().for_each(|(_, run)| out.put_slice(&run.data)));
    out
}

/// Returns what a whole file ends with: where its keyframes are.
pub(super) fn index(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + 19 * entries.len());
    nest(&mut out, b"mfra", |out| {
        full(out, b"tfra", 1 << 24, |out| {
            out.put_u32(TrackKind::Picture.id());
            // One byte each for the three numbers at the end of an entry.
            out.put_u32(0);
            out.put_u32(size_of(entries.len()));
            for entry in entries {
                out.put_u64(entry.at);
                out.put_u64(entry.offset);
                out.put_slice(&[1, 1, 1]);
            }
        });
        // The last box says how long the index is, so that it can be found from the end.
        let whole = out.len() + 16;
        full(out, b"mfro", 0, |out| out.put_u32(size_of(whole)));
    });
    // `mfro` counted from the start of `out`, where `mfra` begins.
    out
}

/// Writes one track's part of a fragment; returns where its data offset goes.
fn track_run(out: &mut Vec<u8>, kind: TrackKind, run: &Run) -> usize {
    const FROM_MOOF: u32 = 0x02_0000;
    const OFFSET_DURATION_SIZE_FLAGS: u32 = 0x701;
    full(out, b"tfhd", FROM_MOOF, |out| out.put_u32(kind.id()));
    full(out, b"tfdt", 1 << 24, |out| out.put_u64(run.start));
    let mut place = 0;
    full(out, b"trun", OFFSET_DURATION_SIZE_FLAGS, |out| {
        out.put_u32(size_of(run.samples.len()));
        place = out.len();
        out.put_u32(0);
        for sample in &run.samples {
            out.put_u32(sample.ticks);
            out.put_u32(sample.bytes);
            out.put_u32(if sample.is_key { DEPENDS_ON_NONE } else { DEPENDS_ON_OTHERS });
        }
    });
    place
}

fn movie_header(out: &mut Vec<u8>) {
    full(out, b"mvhd", 0, |out| {
        // No times of day; the duration is that of the fragments.
        [0, 0, MOVIE_TICKS_PER_SECOND, 0].into_iter().for_each(|field| out.put_u32(field));
        // Plays at its own speed and volume.
        out.put_u32(0x1_0000);
        out.put_u16(0x100);
        out.put_bytes(0, 10);
        UNITY_MATRIX.into_iter().for_each(|field| out.put_u32(field));
        out.put_bytes(0, 24);
        out.put_u32(TrackKind::Sound.id() + 1);
    });
}

fn track(
    out: &mut Vec<u8>,
    kind: TrackKind,
    (width, height): (u16, u16),
    entry: impl FnOnce(&mut Vec<u8>),
) {
    let is_sound = kind == TrackKind::Sound;
    nest(out, b"trak", |out| {
        // Enabled and part of the film.
        full(out, b"tkhd", 3, |out| {
            [0, 0, kind.id(), 0, 0, 0, 0].into_iter().for_each(|field| out.put_u32(field));
            out.put_u16(0);
            out.put_u16(0);
            out.put_u16(if is_sound { 0x100 } else { 0 });
            out.put_u16(0);
            UNITY_MATRIX.into_iter().for_each(|field| out.put_u32(field));
            out.put_u32(u32::from(width) << 16);
            out.put_u32(u32::from(height) << 16);
        });
        nest(out, b"mdia", |out| {
            full(out, b"mdhd", 0, |out| {
                let fields = [0, 0, kind.ticks_per_second(), 0];
                fields.into_iter().for_each(|field| out.put_u32(field));
                // The language is not known ("und").
                out.put_u32(0x55c4_0000);
            });
            full(out, b"hdlr", 0, |out| {
                out.put_u32(0);
                out.put_slice(if is_sound { b"soun" } else { b"vide" });
                out.put_bytes(0, 12);
                out.put_slice(b"lianmai\0");
            });
            nest(out, b"minf", |out| {
                if is_sound {
                    full(out, b"smhd", 0, |out| out.put_u32(0));
                } else {
                    full(out, b"vmhd", 1, |out| out.put_bytes(0, 8));
                }
                nest(out, b"dinf", |out| {
                    full(out, b"dref", 0, |out| {
                        out.put_u32(1);
                        // The data is in this file.
                        full(out, b"url ", 1, |_| {});
                    });
                });
                sample_table(out, entry);
            });
        });
    });
}

/// The samples are all in fragments, so the tables are empty.
fn sample_table(out: &mut Vec<u8>, entry: impl FnOnce(&mut Vec<u8>)) {
    nest(out, b"stbl", |out| {
        full(out, b"stsd", 0, |out| {
            out.put_u32(1);
            entry(out);
        });
        for kind in [b"stts", b"stsc", b"stco"] {
            full(out, kind, 0, |out| out.put_u32(0));
        }
        full(out, b"stsz", 0, |out| out.put_u64(0));
    });
}

/// `avc3`: parameter sets are also in the pictures, because they may change.
fn picture_entry(out: &mut Vec<u8>, sets: &ParameterSets, width: u16, height: u16) {
    nest(out, b"avc3", |out| {
        out.put_bytes(0, 6);
        out.put_u16(1);
        out.put_bytes(0, 16);
        out.put_u16(width);
        out.put_u16(height);
        // 72 dpi, which everybody writes; one frame a sample; no name of a compressor; 24 bit colour.
        out.put_u32(0x48_0000);
        out.put_u32(0x48_0000);
        out.put_u32(0);
        out.put_u16(1);
        out.put_bytes(0, 32);
        out.put_u16(24);
        out.put_u16(u16::MAX);
        nest(out, b"avcC", |out| out.put_slice(&decoder_configuration(sets)));
    });
}

fn sound_entry(out: &mut Vec<u8>) {
    nest(out, b"mp4a", |out| {
        out.put_bytes(0, 6);
        out.put_u16(1);
        out.put_u64(0);
        // Stereo, 16 bit.
        out.put_u16(2);
        out.put_u16(16);
        out.put_u32(0);
        out.put_u32(TrackKind::Sound.ticks_per_second() << 16);
        // Descriptors with one-byte lengths (ISO/IEC 14496-1 section 7.2.6): the stream, its decoder
        // (MPEG-4 audio, no bit rates said), what the decoder is told, and the MP4 way of timing.
        full(out, b"esds", 0, |out| {
            out.put_slice(&[0x03, 25, 0, 0, 0]);
            out.put_slice(&[0x04, 17, 0x40, 0x15]);
            out.put_bytes(0, 11);
            out.put_slice(&[0x05, 2]);
            out.put_slice(&AUDIO_SPECIFIC_CONFIG);
            out.put_slice(&[0x06, 1, 2]);
        });
    });
}

/// Writes a box around what `body` writes.
fn nest(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.put_u32(0);
    out.put_slice(kind);
    body(out);
    let size = size_of(out.len() - start);
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

/// Does so for a box that begins with a version (the highest byte) and flags.
fn full(out: &mut Vec<u8>, kind: &[u8; 4], flags: u32, body: impl FnOnce(&mut Vec<u8>)) {
    nest(out, kind, |out| {
        out.put_u32(flags);
        body(out);
    });
}

fn size_of(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a fragment and an index are below 4 GiB")
}
