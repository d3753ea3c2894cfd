//! How many messages a provider may get in a span, counted for all nodes together.
//!
//! A place is kept as the end of the hundredth of the span that it was taken in, so a book has about a hundred entries
//! whatever the number is, and is read and written with every message. Since a place counts from a little later than it
//! was taken, no span ever holds more than the number; a provider may get up to one hundredth less than it could.

use std::{collections::VecDeque, fmt, str::FromStr, time::Duration};

use crate::clock::Timestamp;

/// Into how many parts a span is cut.
const PARTS: i64 = 100;

/// At most `max` messages in any span of `span`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pace {
    /// How many.
    pub max: u32,
    /// In what span.
    pub span: Duration,
}

/// The places taken in one provider's one span: `1764273000000x3 1764273000600x1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaceBook(VecDeque<(Timestamp, u32)>);

/// The text is not a book of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a list of moments and counts")]
pub struct InvalidPaceBook;

impl PaceBook {
    /// Takes one place.
    ///
    /// # Errors
    /// When the next one is free.
    pub fn take(&mut self, pace: Pace, now: Timestamp) -> Result<(), Timestamp> {
        while self.0.front().is_some_and(|(at, _)| *at + pace.span <= now) {
            self.0.pop_front();
        }
        let taken: u64 = self.0.iter().map(|(_, count)| u64::from(*count)).sum();
        if taken >= u64::from(pace.max) {
            return Err(self.free_at(pace, taken));
        }
        let part = i64::try_from(pace.span.as_millis()).unwrap_or(i64::MAX) / PARTS;
        let end = now.as_millis().div_euclid(part.max(1)).saturating_add(1).saturating_mul(part.max(1));
        let end = Timestamp::from_millis(end);
        match self.0.iter_mut().find(|(at, _)| *at == end) {
            Some((_, count)) => *count += 1,
            None => {
                let place = self.0.partition_point(|(at, _)| *at < end);
                self.0.insert(place, (end, 1));
            }
        }
        Ok(())
    }

    fn free_at(&self, pace: Pace, taken: u64) -> Timestamp {
        let mut left = taken;
        for (at, count) in &self.0 {
            left -= u64::from(*count);
            if left < u64::from(pace.max) {
                return *at + pace.span;
            }
        }
        // A pace of none: there is never a place.
        Timestamp::from_millis(i64::MAX)
    }
}

impl fmt::Display for PaceBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (at, count)) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{}x{count}", at.as_millis())?;
        }
        Ok(())
    }
}

impl FromStr for PaceBook {
    type Err = InvalidPaceBook;

    fn from_str(text: &str) -> Result<Self, InvalidPaceBook> {
        let entry = |entry: &str| {
            let (at, count) = entry.split_once('x')?;
            Some((Timestamp::from_millis(at.parse().ok()?), count.parse().ok()?))
        };
        let entries = text.split_ascii_whitespace().map(entry).collect::<Option<_>>();
        entries.map(Self).ok_or(InvalidPaceBook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_764_273_000_000 + millis)
    }

    #[test]
    fn a_provider_gets_no_more_than_its_pace_and_is_told_when_the_next_place_is_free() {
        let (mut book, pace) = (PaceBook::default(), Pace { max: 3, span: MINUTE });
        for millis in [0, 100, 20_000] {
            assert_eq!(book.take(pace, at(millis)), Ok(()));
        }
        let free = book.take(pace, at(30_000)).unwrap_err();
        assert_eq!(free, at(60_600), "the first place counts from the end of its hundredth");
        assert!(book.take(pace, at(60_599)).is_err());
        assert_eq!(book.take(pace, free), Ok(()));
    }

    #[test]
    fn a_book_survives_its_own_text_and_refuses_another() {
        let (mut book, pace) = (PaceBook::default(), Pace { max: 30, span: MINUTE });
        for millis in 0..20 {
            book.take(pace, at(millis * 500)).unwrap();
        }
        assert_eq!(book.to_string().parse(), Ok(book));
        assert_eq!("".parse(), Ok(PaceBook::default()));
        for bad in ["1", "x", "1x", "x1", "1x-1", "1x1,2x2"] {
            assert_eq!(bad.parse::<PaceBook>(), Err(InvalidPaceBook), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_span_ever_holds_more_than_the_pace(steps in prop::collection::vec(0_i64..4_000, 1..300), max in 1_u32..40) {
            let (mut book, pace, mut now, mut taken) = (PaceBook::default(), Pace { max, span: MINUTE }, 0, Vec::new());
            for step in steps {
                now += step;
                match book.take(pace, at(now)) {
                    Ok(()) => taken.push(now),
                    Err(free) => prop_assert!(free > at(now)),
                }
                prop_assert!(book.0.len() <= 102);
            }
            for from in &taken {
                let within = taken.iter().filter(|t| (*from..from + 60_000).contains(*t)).count();
                prop_assert!(within <= usize::try_from(max).unwrap());
            }
        }
    }
}
