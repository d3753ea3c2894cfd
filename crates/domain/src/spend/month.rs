//! A calendar month in UTC: `2026-11`.

use std::{fmt, str::FromStr};

use time::{Date, Month as Name, OffsetDateTime};

use crate::clock::Timestamp;

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    month: u8,
}

/// The text is not a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written as 2026-11")]
pub struct InvalidMonth;

impl Month {
    /// The month of a moment. One that no calendar reaches counts as the first month of 1970.
    pub fn of(at: Timestamp) -> Self {
        let at = OffsetDateTime::from_unix_timestamp(at.as_millis().div_euclid(1000));
        let date = at.unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
        Self { year: date.year(), month: date.month().into() }
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        let name = Name::try_from(self.month).unwrap_or(Name::January);
        let seconds = Date::from_calendar_date(self.year, name, 1)
            .map_or(0, |date| date.midnight().assume_utc().unix_timestamp());
        Timestamp::from_millis(seconds.saturating_mul(1000))
    }

    /// The first moment of the next one.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    const fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;
    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let digits = |text: &str, many| text.len() == many && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(InvalidMonth);
        }
        let year = year.parse().map_err(|_| InvalidMonth)?;
        let month = month.parse().map_err(|_| InvalidMonth)?;
        if (1..=12).contains(&month) { Ok(Self { year, month }) } else { Err(InvalidMonth) }
    }
}
