//! Which providers a delivery may use, and by what they are ranked, as the operator's rules say.
//!
//! Two questions, each answered by the first rule that matches and says something about it: the rule that names providers
//! need not be the one that names a ranking. A question that no rule answers has the default: every configured provider
//! in the configured order, ranked by `priority`.
//!
//! There is no rule by carrier: the number library has no carrier data, and since numbers move between carriers a prefix
//! would not tell. A block of numbers is a [`Prefix`].

use std::{fmt, str::FromStr};

use crate::{
    channel::Channel,
    purpose::Purpose,
    ranking::{Candidate, Ranking},
    recipient::{PhoneNumber, Recipient, Region},
};

/// The beginning of numbers in E.164 form, such as `+9198`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// The text is not the beginning of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a prefix is + and 1 to 15 digits, such as \"+9198\"")]
pub struct InvalidPrefix;

impl Prefix {
    /// Whether the number begins so.
    pub fn begins(&self, number: &PhoneNumber) -> bool {
        number.expose().starts_with(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = InvalidPrefix;
    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let digits = text.strip_prefix('+').ok_or(InvalidPrefix)?;
        let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        // No country code begins with 0.
        if fits && !digits.starts_with('0') { Ok(Self(text.into())) } else { Err(InvalidPrefix) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is asked of whom. A matcher that is `None` matches everything; all that are given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The application's name.
    pub application: Option<String>,
    /// The numbering region of the recipient; no e-mail address has one.
    pub country: Option<Region>,
    /// The beginning of the recipient's number.
    pub prefix: Option<Prefix>,
    /// How the code travels.
    pub channel: Option<Channel>,
    /// What the code is for.
    pub purpose: Option<Purpose>,
    /// The providers that may be used, in this order; `None`: this rule does not say.
    pub providers: Option<Vec<String>>,
    /// By what they are ranked; `None`: this rule does not say.
    pub ranking: Option<Ranking>,
}

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The application's name.
    pub application: &'a str,
    /// Who it goes to.
    pub recipient: &'a Recipient,
    /// How the code travels.
    pub channel: Channel,
    /// What the code is for.
    pub purpose: &'a Purpose,
}

impl Rule {
    /// Whether the rule is about such a delivery.
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let number = match facts.recipient {
            Recipient::Phone(number) => Some(number),
            Recipient::Email(_) => None,
        };
        self.application.as_ref().is_none_or(|name| name == facts.application)
            && self.channel.is_none_or(|channel| channel == facts.channel)
            && self.purpose.as_ref().is_none_or(|purpose| purpose == facts.purpose)
            && self.prefix.as_ref().is_none_or(|prefix| number.is_some_and(|number| prefix.begins(number)))
            && self.country.is_none_or(|country| number.and_then(PhoneNumber::region) == Some(country))
    }
}

/// The matchers, for people: `country IN, channel sms`, or `everything`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matchers = [
            self.application.as_ref().map(|name| format!("application {name}")),
            self.country.map(|country| format!("country {country}")),
            self.prefix.as_ref().map(|prefix| format!("prefix {prefix}")),
            self.channel.map(|channel| format!("channel {channel}")),
            self.purpose.as_ref().map(|purpose| format!("purpose {purpose}")),
        ];
        let matchers: Vec<String> = matchers.into_iter().flatten().collect();
        f.write_str(if matchers.is_empty() { "everything" } else { "" })?;
        f.write_str(&matchers.join(", "))
    }
}

/// What the rules say about one delivery on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The providers that may be tried, in order. May be empty: then nothing goes out on this channel.
    pub providers: Vec<String>,
    /// By what they are ranked.
    pub ranking: Ranking,
    /// Which rules said so, for people; `None`: none did.
    pub rule: Option<String>,
    /// Configured providers that the rules leave out, and why.
    pub passed_over: Vec<(String, String)>,
}

impl Ruling {
    /// Those left out as candidates, to be appended to a decision's.
    pub fn left_out(&self) -> impl Iterator<Item = Candidate> {
        self.passed_over.iter().map(|(provider, why)| Candidate::passed_over(provider, why))
    }
}

/// Asks the rules. `configured`: the providers that serve the channel for this application, in order; a rule neither adds
/// one that is not among them nor tries one twice.
pub fn ask<'a>(rules: &[Rule], facts: &Facts<'_>, configured: impl Iterator<Item = &'a str>) -> Ruling {
    let configured: Vec<&str> = configured.collect();
    let matching = || rules.iter().enumerate().filter(|(_, rule)| rule.matches(facts));
    let naming = matching().find_map(|(at, rule)| Some((at, rule, rule.providers.as_ref()?)));
    let ranking = matching().find_map(|(at, rule)| Some((at, rule, rule.ranking?)));
    let (mut providers, mut passed_over): (Vec<String>, _) = (Vec::new(), Vec::new());
    match naming {
        None => providers.extend(configured.iter().map(|name| (*name).to_owned())),
        Some((at, rule, named)) => {
            for name in named {
                if configured.contains(&name.as_str()) && !providers.contains(name) {
                    providers.push(name.clone());
                }
            }
            let left_out = configured.iter().filter(|name| !named.iter().any(|named| named == *name));
            let why = || format!("rule {} ({rule}) does not name it", at + 1);
            passed_over.extend(left_out.map(|name| ((*name).to_owned(), why())));
        }
    }
    let said = |at: usize, rule: &Rule, what: &str| format!("{what} by rule {} ({rule})", at + 1);
    let said = match (naming, ranking) {
        (Some((one, rule, _)), Some((other, ..))) if one == other => {
            Some(said(one, rule, "providers and ranking"))
        }
        (naming, ranking) => {
            let naming = naming.map(|(at, rule, _)| said(at, rule, "providers"));
            let ranking = ranking.map(|(at, rule, _)| said(at, rule, "ranking"));
            let said: Vec<String> = naming.into_iter().chain(ranking).collect();
            (!said.is_empty()).then(|| said.join("; "))
        }
    };
    let ranking = ranking.map(|(.., ranking)| ranking).unwrap_or_default();
    Ruling { providers, ranking, rule: said, passed_over }
}

#[cfg(test)]
mod tests;
