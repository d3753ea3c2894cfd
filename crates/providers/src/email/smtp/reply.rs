//! A negative reply, and the words in it that decide.

/// A reply's code and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: String,
}

impl Reply {
    /// Subject and detail of the enhanced code that the text begins with, if its class agrees with the code.
    pub(super) fn enhanced(&self) -> Option<(u16, u16)> {
        let mut parts = self.text.split_whitespace().next()?.splitn(3, '.');
        let mut number = || -> Option<u16> {
            let part = parts.next()?;
            let digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
            if digits { part.parse().ok() } else { None }
        };
        let (class, subject, detail) = (number()?, number()?, number()?);
        (class == self.code / 100).then_some((subject, detail))
    }

    /// Too much mail from us, rather than anything about this one.
    pub(super) fn speaks_of_a_rate(&self) -> bool {
        const WORDS: [&str; 8] = [
            "rate limit",
            "rate-limit",
            "ratelimit",
            "throttl",
            "too many messages",
            "too many connections",
            "sending limit",
            "at a rate that",
        ];
        self.has(&WORDS)
    }

    /// The server does not take our mail for others: we are not who may send there.
    pub(super) fn speaks_of_relaying(&self) -> bool {
        const WORDS: [&str; 4] =
            ["relaying denied", "relay access denied", "unable to relay", "not owned by"];
        self.has(&WORDS)
    }

    /// The person, not a filter, wants no mail from us.
    pub(super) fn speaks_of_a_block_by_the_person(&self) -> bool {
        const WORDS: [&str; 3] = ["user has blocked", "recipient has blocked", "blocked by the recipient"];
        self.has(&WORDS)
    }

    fn has(&self, words: &[&str]) -> bool {
        let text = self.text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_code_counts_only_if_it_agrees_with_the_reply() {
        let enhanced = |code, text: &str| Reply { code, text: text.to_owned() }.enhanced();
        assert_eq!(enhanced(550, "5.1.1 <x>: no"), Some((1, 1)));
        assert_eq!(enhanced(550, "5.7.26"), Some((7, 26)));
        assert_eq!(enhanced(450, "5.1.1 no"), None);
        assert_eq!(enhanced(550, "No such user"), None);
        assert_eq!(enhanced(550, "5.1"), None);
        assert_eq!(enhanced(550, "5.1.1111 no"), None);
        assert_eq!(enhanced(550, ""), None);
    }
}
