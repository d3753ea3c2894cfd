//! What a message costs: `0.0079 USD`, by the numbering region that it goes to.
//!
//! Exact to a millionth of the currency's unit, so that sums of small prices stay right. No conversion between
//! currencies is ever made.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::recipient::Region;

const MICROS: u64 = 1_000_000;

/// An amount of one currency. Prints as it is written, `0.0079 USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Price {
    /// Millionths of the unit: 7,900 for `0.0079 USD`.
    micros: u64,
    /// ISO 4217 letters.
    currency: [u8; 3],
}

impl Price {
    /// An amount of another price's currency.
    #[must_use]
    pub const fn with_micros(self, micros: u64) -> Self {
        Self { micros, currency: self.currency }
    }

    /// Millionths of the unit.
    pub const fn micros(self) -> u64 {
        self.micros
    }

    /// The three letters of the currency.
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).unwrap_or("XXX")
    }

    /// Whether two prices can be compared and added.
    pub fn same_currency(self, other: Self) -> bool {
        self.currency == other.currency
    }
}

/// The text is not a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a price is an amount and a currency, such as \"0.0079 USD\"")]
pub struct InvalidPrice;

impl FromStr for Price {
    type Err = InvalidPrice;
    fn from_str(text: &str) -> Result<Self, InvalidPrice> {
        let (amount, currency) = text.trim().split_once(' ').ok_or(InvalidPrice)?;
        let currency = match *currency.trim().as_bytes() {
            [a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => [a, b, c],
            _ => return Err(InvalidPrice),
        };
        let (whole, part) = amount.split_once('.').unwrap_or((amount, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 6 {
            return Err(InvalidPrice);
        }
        let whole: u64 = whole.parse().map_err(|_| InvalidPrice)?;
        let part: u64 = format!("{part:0<6}").parse().map_err(|_| InvalidPrice)?;
        let micros =
            whole.checked_mul(MICROS).and_then(|micros| micros.checked_add(part)).ok_or(InvalidPrice)?;
        Ok(Self { micros, currency })
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:06}", self.micros % MICROS);
        let part = part.trim_end_matches('0');
        write!(f, "{}.{part:0<2} {}", self.micros / MICROS, self.currency())
    }
}

/// What a provider's messages cost: the same everywhere, or by numbering region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceList {
    /// Where no region says otherwise, and for recipients that have none.
    pub everywhere: Option<Price>,
    /// By numbering region of the recipient.
    pub by_region: BTreeMap<Region, Price>,
}

impl PriceList {
    /// What a message to a recipient of `region` costs; `None`: the list does not say.
    pub fn of(&self, region: Option<Region>) -> Option<Price> {
        region.and_then(|region| self.by_region.get(&region)).or(self.everywhere.as_ref()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn a_price_is_exact_and_prints_as_it_was_written() {
        for text in ["0.0079 USD", "500.00 USD", "0.083 INR", "1.50 EUR", "0.000001 USD"] {
            assert_eq!(price(text).to_string(), text);
        }
        assert_eq!(price("0.0079 USD").micros, 7_900);
        assert_eq!(price("500 USD").to_string(), "500.00 USD");
    }

    #[test]
    fn what_is_not_an_amount_and_a_currency_is_refused() {
        for text in [
            "",
            "5",
            "USD 5",
            "5 usd",
            "-1 USD",
            "0.0000001 USD",
            "1e3 USD",
            "1. USD",
            "99999999999999999 USD",
        ] {
            assert_eq!(text.parse::<Price>(), Err(InvalidPrice), "{text}");
        }
    }

    #[test]
    fn a_region_that_the_list_does_not_name_has_the_price_of_everywhere_or_none() {
        let [us, india] = ["US", "IN"].map(Region::parse);
        let by_region = BTreeMap::from([(us.unwrap(), price("0.0079 USD"))]);
        let regional = PriceList { everywhere: None, by_region };
        assert_eq!(regional.of(us), Some(price("0.0079 USD")));
        assert_eq!((regional.of(india), regional.of(None)), (None, None));
        let both = PriceList { everywhere: Some(price("0.05 USD")), ..regional };
        assert_eq!(both.of(us), Some(price("0.0079 USD")));
        assert_eq!((both.of(india), both.of(None)), (both.everywhere, both.everywhere));
    }
}
