//! What the engine would hand to the store, with defaults that a test changes.

use std::collections::BTreeMap;

use backstop_domain::{
    application::Authority,
    attempt::AttemptState,
    channel::Channel,
    clock::Timestamp,
    code::{Alphabet, Code, CodeForm, SubmittedCode},
    id::{AttemptId, DeliveryId, VerificationId},
    keyring::Sealed,
    ports::store::{
        AttemptResult, CheckTarget, NewAttempt, NewDelivery, NewReceipt, NewVerification, SubmittedCheck,
    },
    purpose::Purpose,
    receipt::{About, AttemptReference, Receipt, ReceiptState},
    verification::{Judge, Personal, Status, Verification},
};

use super::{APP, Database, World, seconds};

impl<D: Database> World<D> {
    /// A start by a secret key for login, with a life of ten minutes and three checks.
    pub(crate) fn new_start(&self, to: &str, now: Timestamp) -> NewVerification {
        self.new_start_with(to, now, |_| {})
    }

    pub(crate) fn new_start_with(
        &self,
        to: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Verification),
    ) -> NewVerification {
        let mut row = Verification {
            id: VerificationId::new(now, &self.random),
            application: APP,
            authority: Authority::Secret,
            created_at: now,
            expires_at: now + seconds(600),
            status: Status::Pending,
            purpose: Purpose::login(),
            ladder: vec![Channel::Sms, Channel::Email],
            recipient: self.recipient(to),
            masked: "+91••••••••10".into(),
            personal: Sealed::from_bytes(vec![]),
            kid: self.ring.code_kid(),
            salt: [7; 16],
            form: CodeForm { length: 6, alphabet: Alphabet::Digits },
            custom_code: None,
            join: None,
            network: None,
            locale: None,
            vendor_check: None,
            checking: None,
            subject: None,
            max_checks: 3,
            checks_used: 0,
            approved_at: None,
            redeemed_at: None,
        };
        change(&mut row);
        self.seal(&mut row, to, None);
        NewVerification {
            rules: self.limits.for_delivery(row.application, row.recipient, row.network),
            delivery: DeliveryId::new(now, &self.random),
            lease: self.lease(now),
            first_attempt: None,
            resend_after: self.limits.resend_after,
            idempotency: None,
            verification: row,
        }
    }

    pub(crate) fn seal(&self, row: &mut Verification, to: &str, custom: Option<&Code>) {
        let personal = Personal {
            to: to.into(),
            fallback_to: BTreeMap::new(),
            transaction: None,
            metadata: None,
            client_ip: None,
            user_agent: None,
        };
        row.seal(&self.ring, &personal, custom, &self.random);
    }

    pub(crate) fn new_resend(&self, verification: VerificationId, to: &str, now: Timestamp) -> NewDelivery {
        NewDelivery {
            application: APP,
            verification,
            delivery: DeliveryId::new(now, &self.random),
            ladder: None,
            lease: self.lease(now),
            rules: self.limits.for_delivery(APP, self.recipient(to), None),
            authority: Authority::Secret,
            network: None,
            resend_after: self.limits.resend_after,
            idempotency: None,
            now,
        }
    }

    pub(crate) fn submitted(&self, id: VerificationId, code: &str, now: Timestamp) -> SubmittedCheck {
        SubmittedCheck {
            application: APP,
            target: CheckTarget::Id(id),
            judge: Judge::new(self.ring.clone(), SubmittedCode::parse(code).unwrap()),
            limits: self.limits.clone(),
            authority: Authority::Secret,
            idempotency: None,
            now,
        }
    }

    pub(crate) fn new_attempt(
        &self,
        verification: VerificationId,
        delivery: DeliveryId,
        provider: &str,
        now: Timestamp,
    ) -> NewAttempt {
        NewAttempt {
            id: AttemptId::new(now, &self.random),
            application: APP,
            verification,
            delivery,
            channel: Channel::Sms,
            provider: provider.into(),
            round: 0,
            pace: Vec::new(),
            reservation: None,
            decision: None,
            lease: self.lease(now),
            now,
        }
    }

    /// A vendor's later word on an attempt, by our own name for it.
    pub(crate) fn told(&self, attempt: &NewAttempt, state: ReceiptState, now: Timestamp) -> NewReceipt {
        let about = About::Reference(AttemptReference {
            application: attempt.application,
            verification: attempt.verification,
            attempt: attempt.id,
        });
        let response = format!("{state:?}");
        NewReceipt {
            provider: attempt.provider.clone(),
            receipt: Receipt { about, state, rejection: None, price: None, response },
            counted: false,
            lease: self.lease(now),
            now,
        }
    }

    /// A vendor's answer to an attempt.
    pub(crate) fn said(
        &self,
        attempt: &NewAttempt,
        state: AttemptState,
        outcome: &str,
        now: Timestamp,
    ) -> AttemptResult {
        AttemptResult {
            id: attempt.id,
            application: attempt.application,
            verification: attempt.verification,
            delivery: attempt.delivery,
            state,
            outcome: outcome.into(),
            rejection: None,
            vendor_id: None,
            vendor_response: None,
            price: None,
            opt_out: false,
            handles: Vec::new(),
            settlement: None,
            silent_at: None,
            goes_on: false,
            delivery_state: None,
            now,
        }
    }
}
