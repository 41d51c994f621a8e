//! Splits a red packet.
//!
//! All shares are made when the packet is, so a claim only takes the next one. Each but the last is
//! drawn evenly from one unit to twice what is left on average for those to come (double mean); then
//! all are shuffled. The drawing alone would spread late shares wider than early ones; after the
//! shuffle every place has the same chances.
//!
//! The numbers come from HMAC-SHA256 of a counter under the packet's seed, so that whoever has the
//! seed can split it again: `rank("packet", "0")`, `rank("packet", "1")`, .. give four numbers of 64
//! bits each, big endian.

use crate::{PacketSplit, PacketSum, Seed};

pub(super) fn split(sum: PacketSum, seed: &Seed) -> Vec<u64> {
    let (total, count) = (sum.total(), sum.shares());
    let shares = match sum.split() {
        PacketSplit::Fixed => vec![total / u64::from(count); count as usize],
        PacketSplit::Lucky => {
            let mut numbers = Numbers::new(seed);
            let mut shares = double_mean(total, count, &mut numbers);
            shuffle(&mut shares, &mut numbers);
            shares
        }
    };
    assert_eq!(shares.iter().sum::<u64>(), total, "nothing is lost or made");
    assert!(shares.iter().all(|share| *share >= 1), "nobody gets nothing");
    shares
}

fn double_mean(total: u64, count: u32, numbers: &mut Numbers<'_>) -> Vec<u64> {
    let mut rest = total;
    let mut shares = Vec::with_capacity(count as usize);
    for to_come in (1..=u64::from(count)).rev() {
        let share = if to_come == 1 {
            rest
        } else {
            // At least one unit must be left for everybody to come.
            let most = (2 * rest / to_come).saturating_sub(1).min(rest - (to_come - 1)).max(1);
            1 + numbers.below(most)
        };
        rest -= share;
        shares.push(share);
    }
    shares
}

/// Fisher and Yates.
fn shuffle(shares: &mut [u64], numbers: &mut Numbers<'_>) {
    for last in (1..shares.len()).rev() {
        let other = usize::try_from(numbers.below(last as u64 + 1)).expect("it is an index");
        shares.swap(last, other);
    }
}

/// Even numbers from a seed.
struct Numbers<'a> {
    seed: &'a Seed,
    blocks: u64,
    /// What is left of the last block.
    drawn: Vec<u64>,
}

impl<'a> Numbers<'a> {
    const fn new(seed: &'a Seed) -> Self {
        Self { seed, blocks: 0, drawn: Vec::new() }
    }

    /// Draws a number below `bound`, all of them equally likely.
    fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there must be something to choose from");
        // Numbers above the last whole multiple would make the small ones more likely.
        let excess = (u64::MAX % bound + 1) % bound;
        loop {
            let number = self.next();
            if number <= u64::MAX - excess {
                return number % bound;
            }
        }
    }

    fn next(&mut self) -> u64 {
        if self.drawn.is_empty() {
            let block = self.seed.rank("packet", &self.blocks.to_string());
            self.blocks += 1;
            let number = |eight: &[u8]| {
                u64::from_be_bytes(eight.try_into().expect("a chunk of eight is eight bytes"))
            };
            self.drawn = block.bytes().chunks(8).rev().map(number).collect();
        }
        self.drawn.pop().expect("a block holds four numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_is_whole_and_leaves_nobody_out() {
        let mut lucky = 0;
        for round in 0..2_000_u32 {
            let count = 1 + round % 50;
            let total = u64::from(count) + u64::from(round % 7) * u64::from(round);
            let sum = PacketSum::new(total, count, PacketSplit::Lucky).expect("it is enough");
            let shares = split(sum, &seed(round));
            assert_eq!((shares.len(), shares.iter().sum::<u64>()), (count as usize, total));
            assert!(shares.iter().all(|share| *share >= 1));
            lucky += u32::from(shares.iter().any(|share| *share != shares[0]));
        }
        assert!(lucky > 1_000, "shares must differ: {lucky}");
    }

    /// Over many packets each place gets the same on average, and the same spread: the sum over
    /// places of (mean - expected)^2 / variance is chi-square with as many degrees as there are
    /// places, less one.
    #[test]
    fn what_one_gets_does_not_depend_on_when_one_comes() {
        const PLACES: u32 = 10;
        const ROUNDS: u32 = 20_000;
        let sum = PacketSum::new(1_000, PLACES, PacketSplit::Lucky).expect("it is enough");
        let (mut sums, mut squares) = ([0.0; PLACES as usize], [0.0; PLACES as usize]);
        for round in 0..ROUNDS {
            for (place, share) in split(sum, &seed(round)).into_iter().enumerate() {
                let share = f64::from(u32::try_from(share).expect("it is small"));
                sums[place] += share;
                squares[place] += share * share;
            }
        }
        let rounds = f64::from(ROUNDS);
        let variance = squares.iter().sum::<f64>() / (rounds * f64::from(PLACES)) - 100.0 * 100.0;
        let chi: f64 =
            sums.iter().map(|sum| (sum / rounds - 100.0).powi(2) * rounds / variance).sum();
        // 9 degrees of freedom: 27.9 is passed by one in a thousand. The seeds are always the same.
        assert!(chi < 27.9, "chi-square {chi}");
        let spreads = squares.map(|square| (square / rounds - 10_000.0) / variance);
        assert!(spreads.iter().all(|spread| (0.9..1.1).contains(spread)), "{spreads:?}");
        assert!(variance > 1_000.0, "it is no luck if everybody gets the same: {variance}");
    }

    fn seed(round: u32) -> Seed {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&round.to_be_bytes());
        Seed::new(bytes)
    }
}
