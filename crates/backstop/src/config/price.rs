//! Prices as configuration writes them: `"0.0079 USD"`, or `{ US = "0.0079 USD", IN = "0.083 USD" }`.

use std::fmt;

use backstop_domain::{
    price::{Price, PriceList},
    recipient::Region,
};
use serde::{Deserialize, Deserializer, de};

/// Reads one price for everywhere, or a table of them by numbering region.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PriceList, D::Error> {
    deserializer.deserialize_map(Either)
}

/// Reads one price.
pub(crate) fn read_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Price>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(de::Error::custom)
}

struct Either;

impl<'de> de::Visitor<'de> for Either {
    type Value = PriceList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a price such as \"0.0079 USD\", or { US = \"0.0079 USD\", IN = \"0.083 USD\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PriceList, E> {
        let price = text.parse().map_err(|_| E::invalid_value(de::Unexpected::Other("text"), &self))?;
        Ok(PriceList { everywhere: Some(price), ..PriceList::default() })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<PriceList, A::Error> {
        let mut prices = PriceList::default();
        while let Some((region, price)) = map.next_entry::<String, String>()? {
            let region = Region::parse(&region).filter(|region| region.has_numbers());
            let region =
                region.ok_or_else(|| de::Error::custom("a price is by numbering region, such as US"))?;
            prices.by_region.insert(region, price.parse::<Price>().map_err(de::Error::custom)?);
        }
        Ok(prices)
    }
}
