//! The outage switches: the words of each behaviour, and the view of every pretend provider's switch.

use backstop_domain::ports::inbox::{Outage, PretendProvider};
use serde::Serialize;

use super::message::channel_label;

/// The word of a behaviour in forms and JSON.
pub(crate) const fn word(outage: Outage) -> &'static str {
    match outage {
        Outage::Works => "works",
        Outage::Slow => "slow",
        Outage::Hangs => "hangs",
        Outage::Refuses => "refuses",
        Outage::Loses => "loses",
        Outage::OutOfCredit => "out_of_credit",
    }
}

/// The behaviour that a word names.
pub(crate) fn parse(text: &str) -> Option<Outage> {
    Outage::ALL.into_iter().find(|outage| word(*outage) == text)
}

/// Every word, for a refusal that says what would have been right.
pub(crate) fn words() -> String {
    Outage::ALL.map(word).join(", ")
}

const fn label(outage: Outage) -> &'static str {
    match outage {
        Outage::Loses => "accepts and loses",
        Outage::OutOfCredit => "out of credit",
        other => word(other),
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Choice {
    word: &'static str,
    label: &'static str,
    chosen: bool,
    broken: bool,
}

/// One provider's row.
#[derive(Debug, Serialize)]
pub(crate) struct Switch {
    provider: String,
    channels: String,
    choices: Vec<Choice>,
}

/// All rows in the configured order: those for text messages, and the others, which a small screen folds away while
/// they work. A row never moves under the finger that switches it.
#[derive(Debug, Serialize)]
pub(crate) struct Switches {
    shown: Vec<Switch>,
    folded: Vec<Switch>,
    /// "mail, chat and phone work."
    folded_words: String,
    /// Whether one of them is broken, so that the fold stands open.
    open: bool,
}

/// The view of the switches.
pub(crate) fn view(providers: &[PretendProvider]) -> Switches {
    use backstop_domain::channel::Channel;
    let (shown, folded): (Vec<_>, Vec<_>) =
        providers.iter().partition(|provider| provider.channels.contains(&Channel::Sms));
    let open = folded.iter().any(|provider| provider.outage != Outage::Works);
    let names: Vec<&str> = folded.iter().map(|provider| provider.name.as_str()).collect();
    let folded_words = match names.as_slice() {
        [] => String::new(),
        _ if open => "The others".to_owned(),
        [one] => format!("{one} works."),
        [first @ .., last] => format!("{} and {last} work.", first.join(", ")),
    };
    Switches {
        shown: shown.into_iter().map(row).collect(),
        folded: folded.into_iter().map(row).collect(),
        folded_words,
        open,
    }
}

fn row(provider: &PretendProvider) -> Switch {
    let channels: Vec<_> = provider.channels.iter().map(|channel| channel_label(*channel)).collect();
    let choices = Outage::ALL.map(|outage| Choice {
        word: word(outage),
        label: label(outage),
        chosen: outage == provider.outage,
        broken: outage != Outage::Works,
    });
    Switch { provider: provider.name.clone(), channels: channels.join(", "), choices: choices.into() }
}
