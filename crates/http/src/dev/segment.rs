//! How a text message is billed: its alphabet and how many segments it takes. Pure.
//!
//! GSM 03.38 has 128 characters of seven bits and ten more that cost two; a single other character makes the whole
//! text UCS-2. A long text loses some room in every segment to the header that joins them, and neither an escaped
//! character nor a surrogate pair is cut in two.

/// The alphabet a text needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Seven bits a character: 160 alone, 153 in a longer one.
    Gsm7,
    /// Sixteen bits a unit: 70 alone, 67 in a longer one.
    Ucs2,
}

/// What a text costs to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segments {
    pub(crate) alphabet: Alphabet,
    /// How many are billed.
    pub(crate) count: usize,
    /// The units the text takes: septets or UTF-16 units.
    pub(crate) used: usize,
    /// The units that so many segments hold.
    pub(crate) room: usize,
}

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ\
                     ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Measures a text.
pub(crate) fn measure(text: &str) -> Segments {
    let (alphabet, single, joined, widths): (_, _, _, Vec<usize>) =
        match text.chars().map(septets).collect::<Option<Vec<_>>>() {
            Some(widths) => (Alphabet::Gsm7, 160, 153, widths),
            None => (Alphabet::Ucs2, 70, 67, text.chars().map(char::len_utf16).collect()),
        };
    let used: usize = widths.iter().sum();
    if used <= single {
        return Segments { alphabet, count: 1, used, room: single };
    }
    let (mut count, mut free) = (1, joined);
    for width in widths {
        if width > free {
            count += 1;
            free = joined;
        }
        free -= width;
    }
    Segments { alphabet, count, used, room: count * joined }
}

fn septets(character: char) -> Option<usize> {
    if BASIC.contains(character) {
        Some(1)
    } else if EXTENDED.contains(character) {
        Some(2)
    } else {
        None
    }
}

impl std::fmt::Display for Segments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let alphabet = match self.alphabet {
            Alphabet::Gsm7 => "GSM-7",
            Alphabet::Ucs2 => "UCS-2",
        };
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} segment{plural}, {alphabet}, {} of {}", self.count, self.used, self.room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_its_128_places_but_for_the_escape() {
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENDED.chars().count(), 10);
    }

    #[test]
    fn one_character_over_the_edge_costs_a_second_segment() {
        assert_eq!(measure("").to_string(), "1 segment, GSM-7, 0 of 160");
        assert_eq!(measure(&"a".repeat(160)).to_string(), "1 segment, GSM-7, 160 of 160");
        assert_eq!(measure(&"a".repeat(161)).to_string(), "2 segments, GSM-7, 161 of 306");
        assert_eq!(measure(&"a".repeat(307)).count, 3);
        assert_eq!(measure(&"क".repeat(70)).to_string(), "1 segment, UCS-2, 70 of 70");
        assert_eq!(measure(&"क".repeat(71)).to_string(), "2 segments, UCS-2, 71 of 134");
    }

    #[test]
    fn a_euro_sign_takes_two_places_and_is_never_cut_in_two() {
        assert_eq!(measure("€").used, 2);
        let text = "a".repeat(152) + "€" + &"a".repeat(152);
        assert_eq!(measure(&text), Segments { alphabet: Alphabet::Gsm7, count: 3, used: 306, room: 459 });
    }

    #[test]
    fn a_single_curly_apostrophe_makes_the_whole_text_ucs_2_and_a_pair_is_never_cut() {
        assert_eq!(measure("don’t").alphabet, Alphabet::Ucs2);
        let text = "k".repeat(66) + "🔑" + &"k".repeat(66);
        assert_eq!(measure(&text), Segments { alphabet: Alphabet::Ucs2, count: 3, used: 134, room: 201 });
    }
}
