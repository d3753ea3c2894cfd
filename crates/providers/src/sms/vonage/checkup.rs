//! What a look at the account and its application tells.

use backstop_domain::ports::provider::Checkup;

use super::{
    answer::{Application, Credit, Failure},
    receipts::Keys,
    voice::Voice,
};
use crate::{amount::price, exchange::HttpResponse};

/// What the answers tell: of the balance, and of the application that calls where there is one.
pub(super) fn checkup(voice: Option<&Voice>, keys: &Keys, answers: &[HttpResponse]) -> Checkup {
    let Some(account) = answers.first() else { return ill("not asked".to_owned(), "report this") };
    if !account.is_success() {
        return ill(told(account), "check api_key and api_secret");
    }
    let credit =
        account.json::<Credit>().and_then(|credit| Some((credit.auto_reload, credit.balance()?.micros)));
    let Some((reloads, micros)) = credit else {
        return ill(account.raw(), "check base_url: this does not look like Vonage");
    };
    let sign = if micros < 0 { "-" } else { "" };
    let left = format!("balance {sign}{}", price(micros.saturating_abs(), "EUR").unwrap_or_default());
    if micros <= 0 && !reloads {
        return ill(left, "top the account up");
    }
    match (voice, answers.get(1)) {
        (Some(voice), Some(answer)) => application(voice, keys, answer, left),
        _ => Checkup { well: true, finding: left, fix: None },
    }
}

fn application(voice: &Voice, keys: &Keys, answer: &HttpResponse, left: String) -> Checkup {
    if !answer.is_success() {
        return ill(format!("{left}; the application: {}", told(answer)), "check application_id");
    }
    let Some(application) = answer.json::<Application>().filter(|found| found.is(&voice.application_id))
    else {
        return ill(answer.raw(), "check voice_base_url: this does not look like Vonage");
    };
    if !application.calls() {
        return ill(
            format!("{left}; the application may not make calls"),
            "switch voice on for the application",
        );
    }
    match application.signs() {
        Some(false) if keys.calls.is_some() => ill(
            format!("{left}; the application does not sign what it says of calls"),
            "switch signed webhooks on for the application, or take out signed_calls",
        ),
        _ => Checkup { well: true, finding: format!("{left}; the application may make calls"), fix: None },
    }
}

fn told(answer: &HttpResponse) -> String {
    match answer.json::<Failure>().filter(Failure::is_vonages) {
        Some(failure) => failure.told(answer.status),
        None => answer.raw(),
    }
}

fn ill(finding: String, fix: &str) -> Checkup {
    Checkup { well: false, finding, fix: Some(fix.to_owned()) }
}
