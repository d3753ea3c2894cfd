//! Money as configuration writes it: `"0.0079 USD"`.
//!
//! Exact to a millionth of the currency's unit, so that sums of small prices stay right. No conversion between
//! currencies is ever made.

use std::{collections::BTreeMap, fmt, str::FromStr};

use backstop_domain::recipient::Region;
use serde::{Deserialize, Deserializer, de};

const MICROS: u64 = 1_000_000;

/// An amount of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Price {
    /// Millionths of the unit: 7,900 for `0.0079 USD`.
    pub micros: u64,
    /// ISO 4217 letters.
    currency: [u8; 3],
}

/// The text is not a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a price is an amount and a currency, such as \"0.0079 USD\"")]
pub struct InvalidPrice;

impl Price {
    /// ISO 4217 letters: `USD`.
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).unwrap_or("XXX")
    }
}

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
        let digits = if part.len() < 2 { format!("{part:0<2}") } else { part.to_owned() };
        write!(f, "{}.{digits} {}", self.micros / MICROS, self.currency())
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What a message costs: the same everywhere, or by numbering region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices {
    /// Where no region says otherwise.
    pub everywhere: Option<Price>,
    /// By numbering region of the recipient.
    pub by_region: BTreeMap<Region, Price>,
}

impl<'de> Deserialize<'de> for Prices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Prices;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a price such as \"0.0079 USD\", or { US = \"0.0079 USD\", IN = \"0.083 USD\" }")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Prices, E> {
                let price =
                    text.parse().map_err(|_| E::invalid_value(de::Unexpected::Other("text"), &self))?;
                Ok(Prices { everywhere: Some(price), by_region: BTreeMap::new() })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Prices, A::Error> {
                let mut prices = Prices::default();
                while let Some((region, price)) = map.next_entry::<String, Price>()? {
                    let region = Region::parse(&region).filter(|region| region.has_numbers());
                    let region = region
                        .ok_or_else(|| de::Error::custom("a price is by numbering region, such as US"))?;
                    prices.by_region.insert(region, price);
                }
                Ok(prices)
            }
        }
        deserializer.deserialize_map(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_exact_and_prints_as_it_was_written() {
        for text in ["0.0079 USD", "500.00 USD", "0.083 INR", "1.50 EUR", "0.000001 USD"] {
            assert_eq!(text.parse::<Price>().map(|price| price.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("0.0079 USD".parse::<Price>().map(|price| price.micros), Ok(7_900));
        assert_eq!("500 USD".parse::<Price>().map(|price| price.to_string()).as_deref(), Ok("500.00 USD"));
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
}
