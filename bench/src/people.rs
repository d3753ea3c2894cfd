//! Whom the codes go to: as many different people as there are starts, half of them in India and half in the United
//! States, so that no limit of a recipient is ever met.

/// Numbers of one area code.
const PER_AREA: u32 = 8_000_000;
const AREAS: [u32; 8] = [212, 213, 214, 302, 303, 305, 312, 415];

/// The number of a person in E.164.
pub(crate) fn number(person: u32) -> String {
    let within = person / 2;
    if person.is_multiple_of(2) {
        format!("+9198{within:08}")
    } else {
        let area = AREAS[(within / PER_AREA) as usize % AREAS.len()];
        format!("+1{area}{:07}", 2_000_000 + within % PER_AREA)
    }
}

/// The person of a number.
pub(crate) fn person(number: &str) -> Option<u32> {
    if let Some(digits) = number.strip_prefix("+9198") {
        return Some(digits.parse::<u32>().ok()? * 2);
    }
    let digits = number.strip_prefix("+1")?;
    let (area, line) = digits.split_at_checked(3)?;
    let area = area.parse::<u32>().ok()?;
    let area = u32::try_from(AREAS.iter().position(|known| *known == area)?).ok()?;
    Some((area * PER_AREA + line.parse::<u32>().ok()?.checked_sub(2_000_000)?) * 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_told_to_be_its_own_persons() {
        for n in [0, 1, 2, 3, 999_999, 15_999_999, 16_000_001, 40_000_003] {
            assert_eq!(person(&number(n)), Some(n), "{}", number(n));
        }
        assert_eq!(person("+4479460000"), None);
    }
}
