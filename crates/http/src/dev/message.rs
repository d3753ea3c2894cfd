//! A message of the development inbox, as JSON for scripts and as the page shows it.

use backstop_domain::{channel::Channel, clock::Timestamp, ports::inbox::InboxMessage};
use serde::Serialize;

use super::{
    fate::{self, Fate, Lamp},
    segment,
};

/// A message as `/dev/inbox.json` has it.
#[derive(Debug, Serialize)]
pub(crate) struct MessageJson<'a> {
    to: &'a str,
    channel: &'static str,
    provider: &'a str,
    subject: &'a str,
    text: &'a str,
    code: &'a str,
    verification_id: Option<String>,
    at: String,
    lost: bool,
}

impl<'a> From<&'a InboxMessage> for MessageJson<'a> {
    fn from(message: &'a InboxMessage) -> Self {
        Self {
            to: &message.to,
            channel: message.channel.as_str(),
            provider: &message.provider,
            subject: &message.subject,
            text: &message.text,
            code: &message.code,
            verification_id: message.verification.map(|id| id.to_string()),
            at: message.at.to_rfc3339(),
            lost: message.lost,
        }
    }
}

/// A channel's name as people read it.
pub(crate) const fn channel_label(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "E-mail",
        Channel::Voice => "Voice",
        Channel::Sms => "SMS",
        Channel::Telegram => "Telegram",
        Channel::Whatsapp => "WhatsApp",
    }
}

/// A piece of a text, the code marked.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Piece<'a> {
    text: &'a str,
    is_code: bool,
}

fn pieces<'a>(text: &'a str, code: &str) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(code).filter(|_| !code.is_empty()) {
        let (before, from) = rest.split_at(at);
        let (found, after) = from.split_at(code.len());
        pieces.push(Piece { text: before, is_code: false });
        pieces.push(Piece { text: found, is_code: true });
        rest = after;
    }
    pieces.push(Piece { text: rest, is_code: false });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// The moment as the page shows it without a module: UTC, to the second.
pub(crate) fn clock_time(at: Timestamp) -> String {
    at.to_rfc3339().get(11..19).unwrap_or_default().to_owned()
}

/// A message as the page shows it.
#[derive(Debug, Serialize)]
pub(crate) struct MessageView<'a> {
    /// The attempt: the key by which the module knows it again.
    key: String,
    channel: &'static str,
    provider: &'a str,
    to: &'a str,
    subject: &'a str,
    pieces: Vec<Piece<'a>>,
    code: &'a str,
    at: String,
    time: String,
    /// `lost`, `done` or nothing.
    mood: &'static str,
    lamp: Lamp,
    story: Option<String>,
    segments: Option<String>,
    verification: Option<String>,
    short: Option<String>,
}

/// The view of a message and its verification's fate.
pub(crate) fn view<'a>(message: &'a InboxMessage, known: Option<&Fate>) -> MessageView<'a> {
    let lamp = match message.verification {
        Some(_) => fate::of_message(message.lost, known),
        None => fate::of_notice(message.lost),
    };
    let verification = message.verification.map(|id| id.to_string());
    let mood = match lamp.lamp {
        "warn" => "lost",
        "probe" => "",
        _ => "done",
    };
    MessageView {
        key: message.attempt.to_string(),
        channel: channel_label(message.channel),
        provider: &message.provider,
        to: &message.to,
        subject: &message.subject,
        pieces: pieces(&message.text, &message.code),
        code: &message.code,
        at: message.at.to_rfc3339(),
        time: clock_time(message.at),
        mood,
        story: known.and_then(fate::story),
        segments: (message.channel == Channel::Sms).then(|| segment::measure(&message.text).to_string()),
        short: verification.as_deref().map(short),
        verification,
        lamp,
    }
}

/// An id's first nine and last four characters.
pub(crate) fn short(id: &str) -> String {
    match (id.get(..9), id.get(id.len().saturating_sub(4)..)) {
        (Some(first), Some(last)) if id.len() > 13 => format!("{first}…{last}"),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_marked_wherever_it_stands_and_the_text_stays_whole() {
        let text = "482913 is your code.\n@localhost #482913";
        let found = pieces(text, "482913");
        assert_eq!(found.iter().filter(|piece| piece.is_code).count(), 2);
        assert_eq!(found.iter().map(|piece| piece.text).collect::<String>(), text);
        assert_eq!(pieces("no code here", "482913").len(), 1);
        assert_eq!(pieces("no code at all", "").len(), 1);
        assert!(pieces("", "1").is_empty());
    }

    #[test]
    fn an_id_is_shown_by_its_ends() {
        assert_eq!(short("ver_06dz3vabcdefgh5nhc"), "ver_06dz3…5nhc");
        assert_eq!(short("ver_1"), "ver_1");
    }
}
