//! What Twilio Verify answers, reduced to the fields that are kept.

use backstop_domain::{
    outcome::Outcome,
    ports::provider::{Checkup, Sent, VendorCheck, VendorVerdict},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A verification that was started.
#[derive(Deserialize)]
pub(super) struct Verification {
    #[serde(default)]
    sid: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    channel: Value,
}

impl Verification {
    /// `Unknown` unless it names the verification, which then waits for its code.
    pub(super) fn outcome(&self) -> Sent {
        let waits = matches!(self.status.as_str(), Some("pending"));
        let outcome = match self.sid.as_str().filter(|sid| !sid.is_empty()) {
            Some(sid) if waits => Outcome::Accepted { vendor_id: Some(sid.to_owned()) },
            _ => Outcome::Unknown,
        };
        let told = json!({ "sid": self.sid, "status": self.status, "channel": self.channel });
        Sent::new(outcome, &told.to_string())
    }
}

/// The answer to a check.
#[derive(Deserialize)]
pub(super) struct Checked {
    #[serde(default)]
    to: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    valid: Value,
}

impl Checked {
    /// Right only if all of it says so, and says it of this person.
    pub(super) fn verdict(&self, check: &VendorCheck) -> VendorVerdict {
        let to = self.to.as_str().unwrap_or_default();
        if !to.eq_ignore_ascii_case(check.to.expose()) {
            return VendorVerdict::Unknown("answered about somebody else".to_owned());
        }
        match (self.status.as_str(), self.valid.as_bool()) {
            (Some("approved"), Some(true)) => VendorVerdict::Right,
            (Some("pending"), Some(false)) => VendorVerdict::Wrong,
            (Some("canceled" | "expired" | "deleted" | "max_attempts_reached" | "failed"), Some(false)) => {
                VendorVerdict::Gone
            }
            _ => VendorVerdict::Unknown("answered without a verdict".to_owned()),
        }
    }
}

/// The service, as a check-up sees it.
#[derive(Deserialize)]
pub(super) struct Service {
    sid: String,
    #[serde(default)]
    custom_code_enabled: Option<bool>,
}

impl Service {
    /// Whether it takes our codes, where we are to send them.
    pub(super) fn checkup(&self, custom_code: bool) -> Checkup {
        let well = |finding: &str| Checkup {
            well: true,
            finding: format!("service {} {finding}", self.sid),
            fix: None,
        };
        match (custom_code, self.custom_code_enabled) {
            (true, Some(true)) => well("takes our codes"),
            (true, Some(false)) => Checkup {
                well: false,
                finding: format!("service {} does not take our codes", self.sid),
                fix: Some(
                    "turn on Custom Verification Code for the service, or set custom_code = false".to_owned(),
                ),
            },
            (true, None) => well("is there; whether it takes our codes is not shown"),
            (false, _) => well("makes and checks the codes"),
        }
    }
}
