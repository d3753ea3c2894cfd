//! Whether a text fits the alphabet of text messages, GSM 03.38: vendors that do not look by themselves spoil what does not.

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Whether every character has a place in GSM 03.38 or its extension.
pub(crate) fn fits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || BASIC.contains(c) || EXTENDED.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_languages_of_europe_fit_and_hindi_and_a_backtick_do_not() {
        for text in ["482913 is your Acme code.\n", "Gültig für 9 Minuten: 5 €", "¡Hola, señor!", ""] {
            assert!(fits(text), "{text}");
        }
        for text in ["आपका कोड 482913", "`482913`", "code ✓", "código"] {
            assert!(!fits(text), "{text}");
        }
    }
}
