//! Pixels: surfaces to draw on, rasters to draw, letters and marks. Knows nothing of feeds or scenes.
//! Letters, images and marks are made as RGBA, slowly and ahead of time; what is laid on each
//! picture of the program is 4:2:0 already.

mod coverage;
mod lettering;
mod marks;
mod raster;
mod surface;

pub(crate) use coverage::Coverage;
pub(crate) use lettering::{Lettering, Line};
pub(crate) use marks::{label, mute_mark, outlined, placeholder, score_bar};
pub(crate) use raster::Raster;
pub(crate) use surface::{Sheet, Surface};
