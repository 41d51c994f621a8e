//! Goal: a program that never stops, is never black, keeps lips and voices together and outlives
//! its own process, whatever its hosts and its scenes do.
//! Method: the real `lianmai-mixer` with hosts that send real H.264 and Opus in real time; what it
//! makes is decoded and its marks, colours and tones are read. Figures are printed (`--nocapture`).

// Everything here is a test, and it prints figures.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod clip;
mod codecs;
mod films;
mod host;
mod hosts;
mod judging;
mod layouts;
mod lives;
mod overload;
mod process;
mod running;
mod shared_sound;
mod solo;
mod sound;
mod sync;
mod throttle;
mod viewer;
mod wrapping;

use media_rules::Rect;

/// Small enough that two programs have all the time they need on two processors.
const CANVAS: (u32, u32) = (432, 768);
const WHOLE: Rect = Rect { x: 0, y: 0, width: 432, height: 768 };
const LEFT: Rect = Rect { x: 0, y: 96, width: 216, height: 384 };
const RIGHT: Rect = Rect { x: 216, y: 96, width: 216, height: 384 };

/// Colours of the hosts 1 to 4 as Y, U, V.
const COLOURS: [[u8; 3]; 4] = [[90, 100, 220], [150, 60, 50], [100, 200, 90], [130, 160, 170]];

/// The slate's luma is 64; a picture below this is black to a viewer.
const BLACK: u32 = 40;
