//! Figures for people: shares, spans and moments.

/// `97.9 %`; over so few cases as a fraction, `11 of 12`; `-` where there was nothing.
pub(in crate::cli) fn share(part: u64, whole: u64) -> String {
    const FEW: u64 = 30;
    match whole {
        0 => "-".to_owned(),
        whole if whole < FEW => format!("{part} of {whole}"),
        whole => {
            // In hundredths of a percent, rounded down: 99.999 % is not everything.
            let hundredths = part.saturating_mul(10_000) / whole;
            let (percent, rest) = (hundredths / 100, hundredths % 100);
            if percent == 99 && rest >= 90 {
                format!("99.{rest} %")
            } else {
                format!("{percent}.{} %", rest / 10)
            }
        }
    }
}

/// `0.05 s`, `1.6 s`, `12 s`.
pub(in crate::cli) fn seconds(millis: u64) -> String {
    match millis {
        0..1_000 => format!("0.{:02} s", millis / 10),
        1_000..10_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} s", millis / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_few_is_a_fraction_and_nearly_all_is_not_all() {
        let shares = [(0, 0), (11, 12), (29, 29), (30, 30), (979, 1_000), (99_999, 100_000), (1, 3_000)];
        let told = shares.map(|(part, whole)| share(part, whole));
        assert_eq!(told, ["-", "11 of 12", "29 of 29", "100.0 %", "97.9 %", "99.99 %", "0.0 %"]);
    }

    #[test]
    fn a_span_has_the_figures_that_matter() {
        assert_eq!([50, 400, 1_600, 12_800].map(seconds), ["0.05 s", "0.40 s", "1.6 s", "12 s"]);
    }
}
