//! What Gupshup answers, by its shape: `{"status": "submitted", "messageId"}`, Meta's `{"messages": [..]}` or `{"error": {..}}`, and
//! the gateway's `{"response": {..}}`.

use backstop_domain::{
    clock::Timestamp,
    outcome::{Outcome, Reason, Scope},
    ports::provider::{Balance, Checkup, Sent},
};
use serde_json::{Value, json};

use super::code;
use crate::{
    amount::micros,
    exchange::HttpResponse,
    loose::{first, number, text},
    sms::gupshup::answer::Answer,
    status,
};

/// The outcome of a response of any surface.
pub(super) fn judge(response: &HttpResponse, at: Timestamp) -> Sent {
    let Some(told) = response.json::<Value>().filter(|told| told.get("response").is_none()) else {
        return Answer::judge(response, at, code::of_the_gateway);
    };
    let outcome = match (taken(&told), refused(&told)) {
        (Some(outcome), None) if response.is_success() => outcome,
        (_, Some(refusal)) => refusal.outcome(response, at),
        (_, None) if response.is_success() => Outcome::Unknown,
        (_, None) => status::outcome(response, at),
    };
    let outcome = match status::retry_after(response, at) {
        Some(span) => outcome.with_retry_after(Some(span)),
        None => outcome,
    };
    let kept = json!({
        "http": response.status, "status": told.get("status"), "messageId": told.get("messageId"),
        "id": told.pointer("/messages/0/id"), "message_status": told.pointer("/messages/0/message_status"),
        "code": told.pointer("/error/code").or(told.get("code")),
        "message": told.pointer("/error/message").or(told.get("message")),
        "details": told.pointer("/error/error_data/details"),
    });
    Sent::new(outcome, &kept.to_string())
}

/// What an answer says that took the message.
fn taken(told: &Value) -> Option<Outcome> {
    if first(told, &["status"]).is_some_and(|status| ["submitted", "success"].contains(&status.as_str())) {
        return Some(Outcome::Accepted { vendor_id: first(told, &["messageId"]) });
    }
    let message = told.pointer("/messages/0")?;
    Some(match first(message, &["message_status"]).as_deref() {
        // The template is, for its quality.
        Some("paused") => Outcome::rejected_for(Reason::Misconfigured, Scope::Route),
        _ => Outcome::Accepted { vendor_id: Some(first(message, &["id"])?) },
    })
}

/// What an answer says that refused it.
struct Refusal {
    code: Option<u32>,
    message: String,
}

fn refused(told: &Value) -> Option<Refusal> {
    let error = told.get("error").filter(|error| error.is_object());
    if error.is_none() && first(told, &["status"]).as_deref() != Some("error") {
        return None;
    }
    let said = error.unwrap_or(told);
    // Some errors stand inside the message.
    let message = said.get("message").unwrap_or(&Value::Null);
    let code = said.get("code").or_else(|| message.get("code")).and_then(number);
    let message = text(message).or_else(|| first(message, &["message", "reason"])).unwrap_or_default();
    Some(Refusal { code, message })
}

impl Refusal {
    fn outcome(&self, response: &HttpResponse, at: Timestamp) -> Outcome {
        let known = self.code.and_then(code::refusal).or_else(|| code::by_words(&self.message));
        known.unwrap_or_else(|| match response.status {
            400..=499 => status::outcome(response, at),
            // It formed this answer itself: it says that it failed.
            500..=599 => Outcome::rejected(Reason::Unavailable),
            _ => Outcome::rejected_for(Reason::Unavailable, Scope::Route),
        })
    }
}

/// A partner's money.
pub(super) struct Wallet {
    pub(super) balance: Balance,
    /// How far below nothing it may go, in millionths.
    overdraft: i64,
}

pub(super) fn wallet(answer: &HttpResponse) -> Option<Wallet> {
    let told: Value = answer.json().filter(|_| answer.is_success())?;
    let wallet = told.get("walletResponse")?;
    let unit = first(wallet, &["currency"])?.to_uppercase();
    let overdraft = first(wallet, &["overDraftLimit"]).and_then(|limit| micros(&limit)).unwrap_or(0);
    let balance = Balance { micros: micros(&first(wallet, &["currentBalance"])?)?, unit };
    Some(Wallet { balance, overdraft })
}

/// What a partner's wallet tells of the account.
pub(super) fn wallet_checkup(answers: &[HttpResponse]) -> Checkup {
    let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
    let Some(answer) = answers.first() else { return ill("not asked".to_owned(), "report this") };
    match wallet(answer) {
        Some(Wallet { balance, overdraft }) if balance.micros.saturating_add(overdraft) <= 0 => {
            ill(format!("the token is good, the wallet is empty ({})", balance.unit), "top the wallet up")
        }
        Some(_) => Checkup {
            well: true,
            finding: "the token is good and there is money in the wallet; the template is not asked for"
                .to_owned(),
            fix: None,
        },
        None => ill(answer.raw(), "check app_id and app_token"),
    }
}
