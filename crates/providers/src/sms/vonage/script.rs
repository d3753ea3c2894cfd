//! What a call says, as an NCCO. <https://developer.vonage.com/en/voice/voice-api/ncco-reference>, read 2026-11.
//!
//! The code is told to whoever presses a key, so a mailbox never records it. The request that starts the call holds no
//! code; the script is fetched from an address that only Vonage was told.

use std::sync::Arc;

use backstop_domain::{
    clock::Clock,
    ports::provider::{Callback, CallbackRefused, Reply, Speaker},
    template::Spoken,
};
use quick_xml::escape::escape;
use serde_json::{Value, json};

use super::{answer::text, receipts::Keys};

/// How long a person has to press a key, in seconds.
const KEY_WITHIN: u32 = 10;
/// Between two characters of the code.
const PAUSE: &str = "<break time='700ms'/>";

/// Tells codes to people who press a key.
pub(super) struct Calls {
    pub(super) keys: Keys,
    pub(super) clock: Arc<dyn Clock>,
}

impl Speaker for Calls {
    fn speak(&self, callback: &Callback, script: &Spoken, again: &str) -> Result<Reply, CallbackRefused> {
        self.keys.verify_call(callback, self.clock.now())?;
        let ncco = match key_in(&callback.body) {
            Key::NotAsked => ask(script, again),
            Key::Pressed => tell(script),
            // An empty script ends the call.
            Key::None => json!([]),
        };
        Ok(Reply { status: 200, content_type: "application/json", body: ncco.to_string() })
    }
}

enum Key {
    NotAsked,
    None,
    Pressed,
}

/// Whether this is the answer to `input`, and what was pressed. `dtmf` is an object, or in older accounts a text.
fn key_in(body: &[u8]) -> Key {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let digits = match body.get("dtmf") {
        None => return Key::NotAsked,
        Some(Value::Object(dtmf)) => dtmf.get("digits").map(text).unwrap_or_default(),
        Some(digits) => text(digits),
    };
    if digits.is_empty() { Key::None } else { Key::Pressed }
}

fn ask(script: &Spoken, again: &str) -> Value {
    json!([
        talk(&script.greeting, script.locale, true),
        {
            "action": "input", "type": ["dtmf"], "dtmf": { "maxDigits": 1, "timeOut": KEY_WITHIN },
            "eventUrl": [again], "eventMethod": "POST",
        },
    ])
}

fn tell(script: &Spoken) -> Value {
    let code: Vec<String> =
        script.code.iter().map(|character| escape(character.expose()).into_owned()).collect();
    let code = format!("<speak>{}</speak>", code.join(PAUSE));
    let say = |text: &str| talk(text, script.locale, false);
    json!([say(&script.lead), say(&code), say(&script.again), say(&code), say(&script.goodbye)])
}

/// With `until_key`, a pressed key ends the sentence.
fn talk(text: &str, locale: &str, until_key: bool) -> Value {
    let language = match locale {
        "hi" => "hi-IN",
        "es" => "es-ES",
        "fr" => "fr-FR",
        "de" => "de-DE",
        _ => "en-US",
    };
    // Only what begins with `<speak>` is read as markup; everything else is said as it stands.
    json!({ "action": "talk", "text": text, "language": language, "bargeIn": until_key })
}
