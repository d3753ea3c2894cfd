//! Texts to India: the ids that an operator's ledger (DLT, TRAI's TCCCPR 2018) holds them against, and what its scrubbing
//! says of a text that does not fit.

use backstop_domain::{
    outcome::{Reason, Rejection, Scope},
    recipient::Recipient,
};

use crate::registry::Dlt;

/// The registration of a text: principal entity, sender and text.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    pub(crate) entity: &'a str,
    pub(crate) header: &'a str,
    pub(crate) template: &'a str,
}

/// The ids that go along with a text to this recipient: to India alone, and only where the configuration holds them.
pub(crate) fn ids<'a>(dlt: Option<&'a Dlt>, to: &Recipient) -> Option<Ids<'a>> {
    let indian = to.region().is_some_and(|region| region.as_str() == "IN");
    match dlt.filter(|_| indian)? {
        Dlt::AtVendor => None,
        Dlt::Ids { entity, header, template } => Some(Ids { entity, header, template }),
    }
}

/// A refusal of the operators' scrubbing, by its code: 195 an id is missing, 600 to 619 an id is wrong or does not fit.
pub(crate) fn scrubbed(code: &str) -> Option<Rejection> {
    let code = code.trim().parse::<u16>().ok()?;
    (code == 195 || (600..620).contains(&code)).then_some(UNREGISTERED)
}

/// Every text with the same ids fares alike; other countries do not.
pub(crate) const UNREGISTERED: Rejection =
    Rejection { reason: Reason::Misconfigured, scope: Scope::Route, retry_after: None };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_go_to_india_alone() {
        let dlt = Dlt::Ids { entity: "1101".into(), header: "ACMEIN".into(), template: "1107".into() };
        let to = |number: &str| Recipient::parse(number, None).unwrap();
        assert!(ids(Some(&dlt), &to("+919876543210")).is_some());
        assert!(ids(Some(&dlt), &to("+14155550123")).is_none());
        assert!(ids(Some(&Dlt::AtVendor), &to("+919876543210")).is_none());
    }

    #[test]
    fn scrubbing_closes_a_route_and_no_provider() {
        for code in ["195", "600", "614", " 619 "] {
            assert_eq!(scrubbed(code), Some(UNREGISTERED), "{code}");
        }
        for code in ["", "0", "194", "599", "620", "x"] {
            assert_eq!(scrubbed(code), None, "{code}");
        }
    }
}
