//! What the hosts of a measurement film: somebody who sways before a textured wall, the camera
//! panning, sensor noise on everything. Every pixel changes with every picture, so neither decoder
//! nor encoder can skip anything; the test mark on top says which picture it is.

use crate::clip::{Clip, draw_mark};

/// One side of the wall's texture, a power of two; it repeats.
const WALL: usize = 512;

/// Films a clip.
pub(crate) fn film(width: usize, height: usize, kbps: u32) -> Clip {
    let wall = wall();
    Clip::of(1, width, height, kbps, |number| picture(&wall, number, width, height))
}

fn picture(wall: &[u8], number: usize, width: usize, height: usize) -> Vec<u8> {
    let mut bytes = plain(wall, number, width, height);
    draw_mark(&mut bytes, width, 1, number);
    bytes
}

fn plain(wall: &[u8], number: usize, width: usize, height: usize) -> Vec<u8> {
    let mut random = Random(number as u32 + 1);
    let sway = (number as f64 * std::f64::consts::TAU / 60.0).sin() * width as f64 / 16.0;
    let (middle, chin) = (width as f64 / 2.0 + sway, height as f64 * 0.45);
    let mut bytes = vec![0; width * height * 3 / 2];
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x as f64 - middle, y as f64 - chin);
            let radius = height as f64 / 5.0;
            let is_head = dx * dx + dy * dy * 0.7 < radius * radius;
            let is_body = dy > radius * 0.8 && dx.abs() < radius * 1.5;
            // The wall pans; the person's texture moves with the person.
            let (u, v) = if is_head || is_body {
                ((x as f64 - sway) as usize * 2, y * 2)
            } else {
                (x + number * 2, y + number / 3)
            };
            let texture = wall[v % WALL * WALL + u % WALL];
            let base = if is_head {
                150
            } else if is_body {
                90
            } else {
                60
            };
            bytes[y * width + x] = base + texture / 3 + (random.next() & 7) as u8;
        }
    }
    let luma = width * height;
    for y in 0..height / 2 {
        for x in 0..width / 2 {
            let texture = wall[(y + number / 6) % WALL * WALL + (x + number) % WALL];
            let at = luma + y * (width / 2) + x;
            bytes[at] = 112 + texture / 16;
            bytes[at + luma / 4] = 128 + texture / 12;
        }
    }
    bytes
}

/// Returns a texture with detail at every size, as plaster or foliage has it.
fn wall() -> Vec<u8> {
    let mut random = Random(7);
    let mut sums = vec![0.0_f64; WALL * WALL];
    for octave in 1..=6_u32 {
        let cells = 1 << (octave + 2);
        let size = WALL / cells;
        let grid: Vec<f64> = (0..cells * cells).map(|_| f64::from(random.next() & 255)).collect();
        let corner = |x: usize, y: usize| grid[y % cells * cells + x % cells];
        for y in 0..WALL {
            for x in 0..WALL {
                let (column, row) = (x / size, y / size);
                let (a, b) = ((x % size) as f64 / size as f64, (y % size) as f64 / size as f64);
                let upper = corner(column, row) * (1.0 - a) + corner(column + 1, row) * a;
                let lower = corner(column, row + 1) * (1.0 - a) + corner(column + 1, row + 1) * a;
                sums[y * WALL + x] += (upper * (1.0 - b) + lower * b) / f64::from(1_u32 << octave);
            }
        }
    }
    sums.into_iter().map(|sum| sum.min(255.0) as u8).collect()
}

/// The same sequence every time.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 16
    }
}
