//! Message texts by channel and locale, with placeholders checked.
//!
//! Logic-free: a placeholder is replaced once by its value, and a value is never read for placeholders again. A locale
//! is a key to look up, never a path.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{channel::Channel, code::Code, secret::SecretString};

mod page;

/// Room for a text of one segment.
const TEXT_USUAL: usize = 160;

/// What a person approves: amount and payee stand in the message, and their digest is bound into the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// As the person reads it, with its currency: `INR 48,200.00`.
    pub amount: String,
    /// Who is paid.
    pub payee: String,
}

/// A text that cannot be a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// Nowhere says `{code}`.
    #[error("a template must hold {{code}} exactly once")]
    NoCode,
    /// A placeholder that does not exist.
    #[error("unknown placeholder {{{0}}}; there are code, brand, minutes, amount, payee")]
    UnknownPlaceholder(String),
    /// An opening brace without its end.
    #[error("a {{ without its }}")]
    Unclosed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Code,
    Brand,
    Minutes,
    Amount,
    Payee,
}

impl Piece {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "code" => Self::Code,
            "brand" => Self::Brand,
            "minutes" => Self::Minutes,
            "amount" => Self::Amount,
            "payee" => Self::Payee,
            _ => return None,
        })
    }

    fn say(&self, text: &mut String, values: &Values<'_>, code: &str) {
        match self {
            Self::Text(fixed) => text.push_str(fixed),
            Self::Code => text.push_str(code),
            Self::Brand => text.push_str(values.brand),
            Self::Minutes => text.push_str(&minutes(values.ttl).to_string()),
            Self::Amount => text.push_str(values.transaction.map_or("", |t| &t.amount)),
            Self::Payee => text.push_str(values.transaction.map_or("", |t| &t.payee)),
        }
    }
}

/// A checked message text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Reads a text such as `{code} is your {brand} code.`
    ///
    /// # Errors
    /// Says which placeholder is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}').ok_or(InvalidTemplate::Unclosed)?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let piece = Piece::named(name);
            pieces.push(piece.ok_or_else(|| InvalidTemplate::UnknownPlaceholder(name.to_owned()))?);
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if pieces.iter().filter(|piece| **piece == Piece::Code).count() != 1 {
            return Err(InvalidTemplate::NoCode);
        }
        Ok(Self(pieces))
    }

    fn render(&self, values: &Values<'_>, code: &str) -> String {
        let mut text = String::with_capacity(TEXT_USUAL);
        for piece in &self.0 {
            piece.say(&mut text, values, code);
        }
        text
    }
}

/// Whole minutes, rounded down but never to nothing: a promise that the code keeps, give or take the few seconds that a
/// fresh message is on its way.
fn minutes(ttl: Duration) -> u64 {
    ((ttl.as_secs() + 5) / 60).max(1)
}

/// What goes into a message.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// The application's name for people.
    pub brand: &'a str,
    /// How long the code lives.
    pub ttl: Duration,
    /// What is approved, where it is a transaction.
    pub transaction: Option<&'a Transaction>,
    /// The language asked for, as BCP 47: `hi-IN`.
    pub locale: Option<&'a str>,
}

/// A message as a person will read it.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The subject line, where the channel has one. Without the code: subjects show on locked screens.
    pub subject: String,
    /// The text; a script to read out for voice.
    pub text: SecretString,
    /// The same as a page, for mail.
    pub html: Option<SecretString>,
    /// The language it came out in.
    pub locale: &'static str,
}

/// What a call says. Each piece is said by itself, so that a vendor's language can put pauses between them.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// Who calls, and that a key must be pressed: a voicemail box presses none.
    pub greeting: String,
    /// What comes before the code.
    pub lead: String,
    /// The code, one character an entry, to be said slowly.
    pub code: Vec<SecretString>,
    /// What comes before the code is said a second time.
    pub again: String,
    /// The last words.
    pub goodbye: String,
    /// The language: `hi`.
    pub locale: &'static str,
}

struct Texts {
    locale: &'static str,
    subject: &'static str,
    plain: &'static str,
    transaction: &'static str,
    voice: &'static str,
    call: Call,
    mail: Mail,
}

/// The pieces of a call.
struct Call {
    greeting: &'static str,
    lead: &'static str,
    again: &'static str,
    goodbye: &'static str,
}

/// What the page of a mail says beside subject and code.
struct Mail {
    valid: &'static str,
    amount: &'static str,
    payee: &'static str,
    caution: &'static str,
}

/// The built-in languages; the first is for everyone else.
const BUILT_IN: [Texts; 5] = [
    Texts {
        locale: "en",
        subject: "Your {brand} code",
        plain: "{code} is your {brand} code, valid for {minutes} minutes. Keep it secure: never share it. Not you? Contact support.",
        transaction: "{code} approves {amount} to {payee} at {brand}, valid for {minutes} minutes. Not you? Never share it.",
        voice: "Hello. Your {brand} code is: {code}. Again: {code}. Goodbye.",
        call: Call {
            greeting: "Hello. This is a call from {brand}. To hear your code, press any key.",
            lead: "Your {brand} code is:",
            again: "Again, your code is:",
            goodbye: "Never share it. Goodbye.",
        },
        mail: Mail {
            valid: "Valid for {minutes} minutes.",
            amount: "Amount",
            payee: "To",
            caution: "Never share this code. If you did not ask for it, contact support.",
        },
    },
    Texts {
        locale: "hi",
        subject: "आपका {brand} कोड",
        plain: "{code} आपका {brand} कोड है, {minutes} मिनट तक मान्य। इसे किसी को न बताएँ।",
        transaction: "{code} से {brand} पर {payee} को {amount} का भुगतान स्वीकृत होगा, {minutes} मिनट तक मान्य। इसे किसी को न बताएँ।",
        voice: "नमस्ते। आपका {brand} कोड है: {code}। फिर से: {code}। धन्यवाद।",
        call: Call {
            greeting: "नमस्ते। यह {brand} की ओर से कॉल है। अपना कोड सुनने के लिए कोई भी बटन दबाएँ।",
            lead: "आपका {brand} कोड है:",
            again: "फिर से, आपका कोड है:",
            goodbye: "इसे किसी को न बताएँ। धन्यवाद।",
        },
        mail: Mail {
            valid: "{minutes} मिनट तक मान्य।",
            amount: "राशि",
            payee: "प्राप्तकर्ता",
            caution: "यह कोड किसी को न बताएँ। अगर आपने इसे नहीं माँगा, तो सहायता से संपर्क करें।",
        },
    },
    Texts {
        locale: "es",
        subject: "Tu código de {brand}",
        plain: "{code} es tu código de {brand}, válido {minutes} minutos. No lo compartas con nadie.",
        transaction: "{code} aprueba {amount} a {payee} en {brand}, válido {minutes} minutos. No lo compartas.",
        voice: "Hola. Tu código de {brand} es: {code}. Otra vez: {code}. Adiós.",
        call: Call {
            greeting: "Hola. Le llama {brand}. Para oír su código, pulse cualquier tecla.",
            lead: "Su código de {brand} es:",
            again: "Otra vez, su código es:",
            goodbye: "No lo comparta con nadie. Adiós.",
        },
        mail: Mail {
            valid: "Válido durante {minutes} minutos.",
            amount: "Importe",
            payee: "Para",
            caution: "No compartas este código con nadie. Si no lo pediste, contacta con soporte.",
        },
    },
    Texts {
        locale: "fr",
        subject: "Votre code {brand}",
        plain: "{code} est votre code {brand}, valable {minutes} minutes. Ne le partagez avec personne.",
        transaction: "{code} approuve {amount} pour {payee} chez {brand}, valable {minutes} minutes. Ne le partagez pas.",
        voice: "Bonjour. Votre code {brand} est : {code}. Encore une fois : {code}. Au revoir.",
        call: Call {
            greeting: "Bonjour. Ici {brand}. Pour entendre votre code, appuyez sur une touche.",
            lead: "Votre code {brand} est :",
            again: "Encore une fois, votre code est :",
            goodbye: "Ne le partagez avec personne. Au revoir.",
        },
        mail: Mail {
            valid: "Valable {minutes} minutes.",
            amount: "Montant",
            payee: "À",
            caution: "Ne partagez ce code avec personne. Si vous ne l’avez pas demandé, contactez l’assistance.",
        },
    },
    Texts {
        locale: "de",
        subject: "Ihr Code für {brand}",
        plain: "{code} ist Ihr Code für {brand}, gültig für {minutes} Minuten. Geben Sie ihn niemandem.",
        transaction: "{code} bestätigt {amount} an {payee} bei {brand}, gültig für {minutes} Minuten. Geben Sie ihn niemandem.",
        voice: "Guten Tag. Ihr Code für {brand} ist: {code}. Noch einmal: {code}. Auf Wiederhören.",
        call: Call {
            greeting: "Guten Tag. Hier ist {brand}. Um Ihren Code zu hören, drücken Sie eine Taste.",
            lead: "Ihr Code für {brand} ist:",
            again: "Noch einmal, Ihr Code ist:",
            goodbye: "Geben Sie ihn niemandem. Auf Wiederhören.",
        },
        mail: Mail {
            valid: "{minutes} Minuten gültig.",
            amount: "Betrag",
            payee: "An",
            caution: "Geben Sie diesen Code niemandem. Wenn Sie ihn nicht angefordert haben, wenden Sie sich an den Support.",
        },
    },
];

/// An application's texts: its own where it has some, else the built-in ones.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    own: BTreeMap<Channel, Template>,
}

impl Templates {
    /// Texts of the application's own, by channel, for every language.
    pub fn new(own: BTreeMap<Channel, Template>) -> Self {
        Self { own }
    }

    /// Renders the message that carries `code` over `channel`.
    pub fn render(&self, channel: Channel, code: &Code, values: &Values<'_>) -> Rendered {
        let texts = texts_for(values.locale);
        let subject = texts.subject.replace("{brand}", values.brand);
        let mut said =
            if channel == Channel::Voice { spoken(code.expose()) } else { code.expose().to_owned() };
        let (own, is_mail) = (self.own.get(&channel), channel == Channel::Email);
        let text = match own {
            Some(own) => own.render(values, &said),
            None => built_in(texts, channel, values, &said),
        };
        let html = is_mail.then(|| match own {
            Some(own) => page::own(own, texts.locale, &subject, values, &said),
            None => page::built_in(texts, &subject, values, &said),
        });
        said.zeroize();
        Rendered {
            subject,
            text: SecretString::new(text),
            html: html.map(SecretString::new),
            locale: texts.locale,
        }
    }
}

/// What a call that carries `code` says.
pub fn spoken_call(code: &Code, values: &Values<'_>) -> Spoken {
    let texts = texts_for(values.locale);
    let said = |piece: &str| piece.replace("{brand}", values.brand);
    Spoken {
        greeting: said(texts.call.greeting),
        lead: said(texts.call.lead),
        code: code.expose().chars().map(|character| SecretString::new(character.to_string())).collect(),
        again: said(texts.call.again),
        goodbye: said(texts.call.goodbye),
        locale: texts.locale,
    }
}

fn built_in(texts: &Texts, channel: Channel, values: &Values<'_>, code: &str) -> String {
    let source = match (channel, values.transaction) {
        (Channel::Voice, _) => texts.voice,
        (_, Some(_)) => texts.transaction,
        (_, None) => texts.plain,
    };
    // Said as it is read: the voice script names the code twice, which [`Template::parse`] would refuse.
    let mut text = String::with_capacity(TEXT_USUAL);
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        if let Some(piece) = Piece::named(name) {
            piece.say(&mut text, values, code);
        }
        rest = tail;
    }
    text.push_str(rest);
    text
}

/// The languages that messages come out in: `en`, `hi`.
pub fn languages() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|texts| texts.locale)
}

fn texts_for(locale: Option<&str>) -> &'static Texts {
    let language = locale.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or("en");
    BUILT_IN.iter().find(|texts| texts.locale.eq_ignore_ascii_case(language)).unwrap_or(&BUILT_IN[0])
}

/// `4, 8, 2, 9`: said one by one, with a pause between.
fn spoken(code: &str) -> String {
    let characters: Vec<String> = code.chars().map(String::from).collect();
    characters.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Values<'static> =
        Values { brand: "Acme", ttl: Duration::from_secs(594), transaction: None, locale: None };

    fn render(templates: &Templates, channel: Channel, values: &Values<'_>) -> String {
        templates.render(channel, &Code::custom("482913").unwrap(), values).text.expose().to_owned()
    }

    #[test]
    fn the_text_says_brand_code_and_no_more_minutes_than_the_code_lives() {
        let text = render(&Templates::default(), Channel::Sms, &PLAIN);
        assert_eq!(
            text,
            "482913 is your Acme code, valid for 9 minutes. Keep it secure: never share it. Not you? Contact support."
        );
        assert!(text.len() <= 160, "one segment");
    }

    #[test]
    fn every_language_says_code_and_brand_and_the_payment_where_there_is_one() {
        let transaction = Transaction { amount: "INR 48,200.00".into(), payee: "Ferrycart".into() };
        for texts in &BUILT_IN {
            for channel in Channel::ALL {
                let values = Values { locale: Some(texts.locale), transaction: Some(&transaction), ..PLAIN };
                let text = render(&Templates::default(), channel, &values);
                assert!(text.contains("Acme") && !text.contains('{'), "{text}");
                if channel == Channel::Voice {
                    assert_eq!(text.matches("4, 8, 2, 9, 1, 3").count(), 2, "{text}");
                } else {
                    assert_eq!(text.matches("482913").count(), 1, "{text}");
                    assert!(text.contains("48,200.00") && text.contains("Ferrycart"), "{text}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_locale_or_a_path_gets_the_default_language() {
        for locale in ["xx", "", "../../etc/passwd", "EN-gb"] {
            let values = Values { locale: Some(locale), ..PLAIN };
            assert!(render(&Templates::default(), Channel::Sms, &values).contains("is your Acme code"));
        }
    }

    #[test]
    fn a_value_is_never_read_for_placeholders_again() {
        let transaction = Transaction { amount: "{code}{brand}{{x}}".into(), payee: "%s {minutes}".into() };
        let own = Template::parse("{payee} {amount} {code}").unwrap();
        let templates = Templates::new(BTreeMap::from([(Channel::Sms, own)]));
        let values = Values { transaction: Some(&transaction), ..PLAIN };
        assert_eq!(render(&templates, Channel::Sms, &values), "%s {minutes} {code}{brand}{{x}} 482913");
    }

    #[test]
    fn a_template_without_its_code_or_with_an_unknown_placeholder_is_refused() {
        assert_eq!(Template::parse("hello"), Err(InvalidTemplate::NoCode));
        assert_eq!(Template::parse("{code} {code}"), Err(InvalidTemplate::NoCode));
        assert_eq!(Template::parse("{code} {name}"), Err(InvalidTemplate::UnknownPlaceholder("name".into())));
        assert_eq!(Template::parse("{code} {"), Err(InvalidTemplate::Unclosed));
    }
}
