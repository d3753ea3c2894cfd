//! Amounts of money as vendors write them: `12.05`, `-0.0075`, `1e3`, as text or as number.

/// Millionths of the unit, rounded; `None` if it is no amount.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let amount: f64 = text.trim().parse().ok()?;
    let micros = (amount * 1e6).round();
    // Whole numbers up to here are exact in an f64.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !micros.is_finite() || micros.abs() > EXACT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded and whole")]
    Some(micros as i64)
}

/// A price as it is kept: `0.0333 EUR`; `None` for less than nothing.
pub(crate) fn price(micros: i64, unit: &str) -> Option<String> {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    let text = format!("{whole}.{rest:06}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    (micros >= 0).then(|| format!("{text} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_exact_to_a_millionth_and_what_is_none_is_none() {
        let cases = [
            ("12.05", Some(12_050_000)),
            ("-0.0075", Some(-7_500)),
            (" 3 ", Some(3_000_000)),
            ("0.1", Some(100_000)),
        ];
        for (text, expected) in cases {
            assert_eq!(micros(text), expected, "{text}");
        }
        for text in ["", "NaN", "inf", "1e300", "12,05", "free"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    #[test]
    fn a_price_is_written_without_idle_zeros() {
        for (micros, expected) in
            [(33_300, "0.0333 EUR"), (2_000_000, "2 EUR"), (10_500_000, "10.5 EUR"), (0, "0 EUR")]
        {
            assert_eq!(price(micros, "EUR").as_deref(), Some(expected));
        }
        assert_eq!(price(-1, "EUR"), None);
    }
}
