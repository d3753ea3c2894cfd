//! What Twilio says of the account, without sending: whether it is open, paid for, and has the number that is to send.

use backstop_domain::ports::provider::Checkup;

use super::answer::{Account, Credit, Numbers};
use crate::{exchange::HttpResponse, twilio_account::Failure};

/// Reads the answers about the account, its balance and its number, in this order.
pub(super) fn read(answers: &[HttpResponse]) -> Checkup {
    let ill = |finding: String, fix: &str| Checkup { well: false, finding, fix: Some(fix.to_owned()) };
    let Some(account) = answers.first() else {
        return ill("not asked".to_owned(), "report this");
    };
    if !account.is_success() {
        let finding =
            account.json::<Failure>().map_or_else(|| account.raw(), |failure| failure.told(account.status));
        return ill(finding, "check account_sid and auth_token (or api_key and api_secret)");
    }
    let Some(account) = account.json::<Account>() else {
        return ill(account.raw(), "check base_url: this does not look like Twilio");
    };
    if account.status != "active" {
        return ill(format!("the account is {}", account.status), "see Twilio's console");
    }
    if account.kind.eq_ignore_ascii_case("trial") {
        let finding = "a trial account: it reaches verified numbers alone".to_owned();
        return ill(finding, "upgrade the account in Twilio's console");
    }
    // Sub-accounts may not ask for the balance; that says nothing about sending.
    let balance = match answers.get(1).and_then(HttpResponse::json::<Credit>) {
        Some(balance) if balance.is_used_up() => {
            return ill(format!("active, balance {balance}"), "top the account up");
        }
        Some(balance) => balance.to_string(),
        None => "not shown".to_owned(),
    };
    let finding = format!("active, balance {balance}");
    match answers.get(2).and_then(HttpResponse::json::<Numbers>) {
        // A call may also show a number that was only verified, so this stops nothing.
        Some(numbers) if numbers.is_none() => Checkup {
            well: true,
            finding: format!("{finding}, but the number in from is not the account's"),
            fix: Some("texts need a number that the account owns; calls also take a verified one".to_owned()),
        },
        _ => Checkup { well: true, finding, fix: None },
    }
}
