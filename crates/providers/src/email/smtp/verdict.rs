//! What a failed dialogue means. The stage counts more than the code: until the final dot nothing was sent.

use std::fmt;

use backstop_domain::outcome::{Outcome, Reason, Scope};

use super::reply::Reply;

/// How far a dialogue had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Making the connection.
    Connect,
    /// Greeting and EHLO.
    Hello,
    /// STARTTLS and the handshake.
    Tls,
    /// Proving who we are.
    Auth,
    /// Naming the sender.
    Mail,
    /// Naming the recipient.
    Rcpt,
    /// Asking to send the message.
    Data,
    /// The message, up to the reply to its final dot.
    Content,
}

/// What ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The server said no.
    Refused(Reply),
    /// The connection was cut, or the server did not speak SMTP.
    Lost(String),
    /// Time ran out.
    TimedOut,
    /// The same two after the final dot was written.
    NoAnswer(String),
    /// The server's certificate is not good.
    Certificate(String),
    /// The server offers no TLS.
    NoTls,
    /// The server offers no way to prove who we are that we know.
    NoMechanism,
    /// All our connections were busy.
    Busy,
    /// The address cannot stand in a mail.
    Unaddressable,
}

/// A dialogue that did not end in a message taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) stage: Stage,
    pub(super) cause: Cause,
}

impl Failure {
    pub(super) fn outcome(&self) -> Outcome {
        match &self.cause {
            Cause::Refused(reply) => refused(self.stage, reply),
            Cause::Lost(_) | Cause::TimedOut | Cause::Busy => Outcome::rejected(Reason::Unavailable),
            Cause::NoAnswer(_) => Outcome::Unknown,
            Cause::Certificate(_) | Cause::NoTls | Cause::NoMechanism => {
                Outcome::rejected(Reason::Misconfigured)
            }
            Cause::Unaddressable => Outcome::rejected(Reason::InvalidRecipient),
        }
    }

    /// Whether a kept connection was dead or dying before anything was said on it.
    pub(super) fn was_stale(&self) -> bool {
        self.stage == Stage::Mail
            && match &self.cause {
                Cause::Lost(_) => true,
                Cause::Refused(reply) => reply.code == 421,
                _ => false,
            }
    }

    /// Whether the connection can carry another message.
    pub(super) fn left_it_usable(&self) -> bool {
        matches!(&self.cause, Cause::Refused(reply) if reply.code != 421)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Connect => "connect",
            Stage::Hello => "EHLO",
            Stage::Tls => "TLS",
            Stage::Auth => "AUTH",
            Stage::Mail => "MAIL",
            Stage::Rcpt => "RCPT",
            Stage::Data => "DATA",
            Stage::Content => "message",
        };
        write!(f, "{stage}: ")?;
        match &self.cause {
            Cause::Refused(reply) => write!(f, "{} {}", reply.code, reply.text),
            Cause::Lost(text) | Cause::Certificate(text) => f.write_str(text),
            Cause::NoAnswer(text) => write!(f, "no answer after the message: {text}"),
            Cause::TimedOut => f.write_str("timed out"),
            Cause::NoTls => f.write_str("the server offers no STARTTLS"),
            Cause::NoMechanism => f.write_str("the server offers neither AUTH PLAIN nor AUTH LOGIN"),
            Cause::Busy => f.write_str("every connection is busy"),
            Cause::Unaddressable => f.write_str("the address cannot stand in a mail"),
        }
    }
}

/// A refusal by its stage, its enhanced code and its code, in this order.
fn refused(stage: Stage, reply: &Reply) -> Outcome {
    use Reason::{InvalidRecipient, Misconfigured, OptedOut, RateLimited, Unavailable};
    let provider = |reason| Outcome::rejected_for(reason, Scope::Provider);
    let route = |reason| Outcome::rejected_for(reason, Scope::Route);
    let recipient = |reason| Outcome::rejected_for(reason, Scope::Recipient);
    // What the server says of one recipient or one message must not switch it off for all.
    let about_the_message = matches!(stage, Stage::Rcpt | Stage::Data | Stage::Content);
    let here = |reason| if about_the_message { route(reason) } else { provider(reason) };
    let temporary = reply.code < 500;

    match stage {
        Stage::Auth if temporary => return provider(Unavailable),
        Stage::Auth => return provider(Misconfigured),
        _ => {}
    }
    match (reply.enhanced(), temporary) {
        (Some((2, 2)), _) if stage == Stage::Rcpt => return recipient(InvalidRecipient),
        (Some((4, 5)), false) => return provider(RateLimited),
        _ => {}
    }
    if reply.speaks_of_a_rate() {
        return if about_the_message && matches!(reply.enhanced(), Some((2, _))) {
            recipient(RateLimited)
        } else {
            provider(RateLimited)
        };
    }
    if temporary {
        let recipients_side =
            about_the_message && matches!(reply.enhanced(), Some((1 | 2 | 4 | 7, _)) | None);
        return if recipients_side && reply.code != 421 {
            recipient(Unavailable)
        } else {
            provider(Unavailable)
        };
    }
    if reply.code == 530 || reply.speaks_of_relaying() {
        return provider(Misconfigured);
    }
    match (reply.enhanced(), stage) {
        (Some((1, 7 | 8)), _) | (Some((7, 60)), _) => provider(Misconfigured),
        (Some((1, _)) | Some((2, 1)) | Some((4, _)), Stage::Rcpt | Stage::Data | Stage::Content) => {
            recipient(InvalidRecipient)
        }
        (Some((7, 13)), _) => recipient(OptedOut),
        (Some((7, _)), _) if about_the_message && reply.speaks_of_a_block_by_the_person() => {
            recipient(OptedOut)
        }
        (Some(_), _) => here(Misconfigured),
        (None, Stage::Rcpt) if matches!(reply.code, 550..=553) => recipient(InvalidRecipient),
        (None, _) => here(Misconfigured),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(stage: Stage, code: u16, text: &str) -> (String, Option<Scope>) {
        let failure = Failure { stage, cause: Cause::Refused(Reply { code, text: text.to_owned() }) };
        let outcome = failure.outcome();
        let scope = match &outcome {
            Outcome::Rejected(rejection) => Some(rejection.scope),
            _ => None,
        };
        (outcome.as_str().to_owned(), scope)
    }

    #[test]
    fn no_reply_about_one_recipient_switches_the_server_off() {
        for code in [450, 451, 452, 550, 551, 552, 553, 554] {
            for text in [
                "",
                "5.1.1 no mailbox",
                "4.7.1 greylisted",
                "5.7.26 DMARC",
                "5.2.2 full",
                "4.2.2 full",
                "5.6.0 bad",
            ] {
                let (word, scope) = outcome(Stage::Rcpt, code, text);
                assert_ne!(scope, Some(Scope::Provider), "{code} {text}: {word}");
            }
        }
    }

    #[test]
    fn the_same_words_mean_other_things_at_other_stages() {
        assert_eq!(outcome(Stage::Rcpt, 550, "5.7.1 spam"), ("misconfigured".into(), Some(Scope::Route)));
        assert_eq!(outcome(Stage::Mail, 550, "5.7.1 no"), ("misconfigured".into(), Some(Scope::Provider)));
        assert_eq!(
            outcome(Stage::Rcpt, 550, "nobody here"),
            ("invalid_recipient".into(), Some(Scope::Recipient))
        );
        assert_eq!(outcome(Stage::Mail, 550, "not you"), ("misconfigured".into(), Some(Scope::Provider)));
        assert_eq!(outcome(Stage::Auth, 454, "4.7.0 later").0, "unavailable");
        assert_eq!(outcome(Stage::Auth, 535, "5.7.8 no").0, "misconfigured");
        assert_eq!(outcome(Stage::Rcpt, 554, "5.7.1 relay access denied").1, Some(Scope::Provider));
    }

    #[test]
    fn silence_after_the_final_dot_is_unknown_and_before_it_a_refusal() {
        let of = |cause| Failure { stage: Stage::Content, cause }.outcome().as_str().to_owned();
        assert_eq!(of(Cause::NoAnswer("cut".into())), "unknown");
        assert_eq!(of(Cause::Lost("cut".into())), "unavailable");
    }
}
