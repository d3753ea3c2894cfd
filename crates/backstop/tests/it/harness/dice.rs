//! Chance that a failing test can have again: the seed is in the test.

use std::time::Duration;

/// A seeded source of numbers (SplitMix64). Good enough to pick moments, for nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Some number below this one.
    pub(crate) fn below(&mut self, number: u64) -> u64 {
        self.next() % number.max(1)
    }

    /// Some span below this one.
    pub(crate) fn within(&mut self, span: Duration) -> Duration {
        let millis = u64::try_from(span.as_millis()).unwrap();
        Duration::from_millis(self.below(millis))
    }
}
