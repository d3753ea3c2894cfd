//! The words that stand in columns, alike in both databases.

use backstop_domain::{application::Authority, channel::Channel, code::Alphabet, verification::Verdict};

/// The word for an authority.
pub(crate) const fn authority(authority: Authority) -> &'static str {
    match authority {
        Authority::Secret => "secret",
        Authority::Public => "public",
    }
}

/// Reads the word for an authority.
pub(crate) fn authority_of(word: &str) -> Result<Authority, &'static str> {
    match word {
        "secret" => Ok(Authority::Secret),
        "public" => Ok(Authority::Public),
        _ => Err("neither secret nor public"),
    }
}

/// The word for an alphabet.
pub(crate) const fn alphabet(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Digits => "digits",
        Alphabet::Alphanumeric => "alphanumeric",
    }
}

/// Reads the word for an alphabet.
pub(crate) fn alphabet_of(word: &str) -> Result<Alphabet, &'static str> {
    match word {
        "digits" => Ok(Alphabet::Digits),
        "alphanumeric" => Ok(Alphabet::Alphanumeric),
        _ => Err("neither digits nor alphanumeric"),
    }
}

/// The word for what a compared code was.
pub(crate) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Right => "right",
        Verdict::Wrong | Verdict::WrongForm => "wrong",
    }
}

/// A ladder as `sms,whatsapp,email`.
pub(crate) fn ladder(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(",")
}

/// Reads a ladder.
pub(crate) fn ladder_of(text: &str) -> Result<Vec<Channel>, String> {
    let names = text.split(',').filter(|name| !name.is_empty());
    names.map(|name| name.parse().map_err(|problem| format!("{problem}"))).collect()
}
