//! Scripts of calls for vendors that read XML. TwiML and Plivo's XML differ in the names of their verbs alone.
//!
//! The code is told to whoever pressed a key and to nobody else: a voicemail box presses none, so it records none.
//! Whatever is said is escaped, and characters that no XML can hold are left out.

use std::collections::BTreeMap;

use backstop_domain::{ports::provider::Reply, template::Spoken};
use quick_xml::escape::escape;

/// The words of one vendor.
pub(crate) struct Dialect {
    /// The verb that says a text.
    pub(crate) say: &'static str,
    /// Its attributes in a language: `hi-IN`.
    pub(crate) voice: fn(language: &'static str) -> Vec<(&'static str, &'static str)>,
    /// The verb that waits.
    pub(crate) pause: &'static str,
    /// The verb that takes a key, and holds what is said meanwhile.
    pub(crate) gather: &'static str,
    /// Its attributes beside `action`.
    pub(crate) one_key: &'static [(&'static str, &'static str)],
}

impl Dialect {
    /// The answer to a vendor that asks what to say; both post the pressed key as `Digits`.
    pub(crate) fn reply(&self, form: &BTreeMap<String, String>, script: &Spoken, again: &str) -> Reply {
        let is_pressed = form.get("Digits").is_some_and(|digits| !digits.is_empty());
        let verbs = if is_pressed { self.told(script) } else { self.asked(script, again) };
        let hang_up = element("Hangup", &[], "");
        let body = element("Response", &[], &format!("{verbs}{hang_up}"));
        Reply {
            status: 200,
            content_type: "text/xml",
            body: format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}"),
        }
    }

    /// Who calls, and that a key must be pressed.
    fn asked(&self, script: &Spoken, again: &str) -> String {
        let mut attributes = vec![("action", again)];
        attributes.extend(self.one_key);
        let greeting = self.said(script, &script.greeting);
        // Whoever answers needs a moment until the telephone is at the ear.
        self.paused() + &element(self.gather, &attributes, &greeting)
    }

    /// The code, twice and slowly.
    fn told(&self, script: &Spoken) -> String {
        let code: String = script
            .code
            .iter()
            .map(|character| self.said(script, character.expose()) + &self.paused())
            .collect();
        let (lead, again) = (self.said(script, &script.lead), self.said(script, &script.again));
        lead + &code + &again + &code + &self.said(script, &script.goodbye)
    }

    fn said(&self, script: &Spoken, text: &str) -> String {
        element(self.say, &(self.voice)(language(script.locale)), &escaped(text))
    }

    fn paused(&self) -> String {
        element(self.pause, &[("length", "1")], "")
    }
}

/// An element; `content` is XML already.
fn element(name: &str, attributes: &[(&str, &str)], content: &str) -> String {
    let attributes: String =
        attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value))).collect();
    if content.is_empty() {
        format!("<{name}{attributes}/>")
    } else {
        format!("<{name}{attributes}>{content}</{name}>")
    }
}

fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|character| !character.is_control()).collect();
    escape(plain).into_owned()
}

/// The tag of a language that we have texts in.
fn language(locale: &str) -> &'static str {
    match locale {
        "hi" => "hi-IN",
        "es" => "es-ES",
        "fr" => "fr-FR",
        "de" => "de-DE",
        _ => "en-US",
    }
}

#[cfg(test)]
mod tests {
    use backstop_domain::secret::SecretString;
    use quick_xml::{Reader, events::Event};

    use super::*;

    const DIALECT: Dialect = Dialect {
        say: "Say",
        voice: |language| vec![("language", language)],
        pause: "Pause",
        gather: "Gather",
        one_key: &[("numDigits", "1")],
    };

    fn reply(brand: &str, digits: Option<&str>) -> String {
        let script = Spoken {
            greeting: format!("{brand} calls"),
            lead: "It is".to_owned(),
            code: ["4", "<", "9"].map(SecretString::new).to_vec(),
            again: "Again".to_owned(),
            goodbye: "Bye".to_owned(),
            locale: "hi",
        };
        let form = digits.map(|digits| ("Digits".to_owned(), digits.to_owned())).into_iter().collect();
        DIALECT.reply(&form, &script, "https://x.example/?a=1&b=\"><Say>").body
    }

    #[test]
    fn nobody_hears_the_code_who_pressed_no_key() {
        for digits in [None, Some("")] {
            let body = reply("Acme", digits);
            assert!(!body.contains(">4<") && body.contains("<Gather action="), "{body}");
        }
        let told = reply("Acme", Some("7"));
        assert_eq!(told.matches("<Say language=\"hi-IN\">4</Say><Pause length=\"1\"/>").count(), 2, "{told}");
        assert!(!told.contains("Gather"), "{told}");
    }

    #[test]
    fn a_name_cannot_write_verbs_into_a_call() {
        for digits in [None, Some("1")] {
            let body = reply("</Say><Dial>1900</Dial>\u{0}\u{1b}&", digits);
            let mut reader = Reader::from_str(&body);
            let mut open = Vec::new();
            loop {
                match reader.read_event().unwrap() {
                    Event::Start(tag) => open.push(tag.name().as_ref().to_owned()),
                    Event::End(_) => assert!(open.pop().is_some_and(|name| name != "Dial")),
                    Event::Eof => break,
                    _ => {}
                }
            }
            assert!(open.is_empty() && !body.contains("<Dial") && !body.contains('\u{1b}'), "{body}");
        }
    }
}
