//! The mark that is burned into test pictures, so that whoever sees one can tell whose it is and how
//! old it is.
//!
//! Cells of a 24th of the width sit at the top left: a row of 24 bits of time in milliseconds, the
//! same row inverted as a check, and a row of 8 bits host id, the same inverted, and 8 cells that are
//! white while the host flashes. Black and white survive any encoder; scaling only moves the cells.

/// Milliseconds after which a clip repeats; clips start at multiples of it on the wall clock, so the
/// burned time is the wall clock modulo this.
pub(crate) const LOOP_MS: u64 = 20_000;

/// How long the flash and the beep at each whole second last, in milliseconds.
pub(crate) const FLASH_MS: u64 = 100;

/// Cells in a row.
pub(crate) const COLUMNS: usize = 24;

/// Rows of cells.
pub(crate) const ROWS: usize = 3;

/// Returns which cells are white, row by row.
pub(crate) fn cells(time_ms: u64, host: u8) -> [[bool; COLUMNS]; ROWS] {
    let mut rows = [[false; COLUMNS]; ROWS];
    for (column, ((time, inverse), id)) in transpose(&mut rows).enumerate() {
        *time = (time_ms >> (COLUMNS - 1 - column)) & 1 == 1;
        *inverse = !*time;
        *id = match column {
            0..8 => (host >> (7 - column)) & 1 == 1,
            8..16 => (host >> (15 - column)) & 1 == 0,
            _ => is_flashing(time_ms),
        };
    }
    rows
}

/// Returns whether picture and sound flash and beep at `time_ms`.
pub(crate) const fn is_flashing(time_ms: u64) -> bool {
    time_ms % 1_000 < FLASH_MS
}

fn transpose(
    rows: &mut [[bool; COLUMNS]; ROWS],
) -> impl Iterator<Item = ((&mut bool, &mut bool), &mut bool)> {
    let [time, inverse, id] = rows;
    time.iter_mut().zip(inverse.iter_mut()).zip(id.iter_mut())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_row_is_the_first_inverted() {
        let rows = cells(0x00ab_cdef, 101);
        assert!(rows[0].iter().zip(&rows[1]).all(|(bit, inverse)| bit != inverse));
        let time = rows[0].iter().fold(0, |time, bit| time << 1 | u64::from(*bit));
        assert_eq!(time, 0x00ab_cdef);
    }

    #[test]
    fn the_host_is_readable_and_checked() {
        let row = cells(500, 101)[2];
        let read = |cells: &[bool]| cells.iter().fold(0u8, |id, bit| id << 1 | u8::from(*bit));
        assert_eq!(read(&row[..8]), 101);
        assert_eq!(read(&row[8..16]), !101);
        assert!(row[16..].iter().all(|cell| !cell), "half a second past the second is no flash");
    }
}
