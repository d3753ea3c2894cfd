//! When a notice that could not be handed over is tried again, and when it is given up.
//!
//! Mails are tried for about two and a half hours: a warning that comes the next day helps nobody. Webhooks are tried by the
//! schedule of the Standard Webhooks scheme, about three days, each wait a tenth shorter or longer, so that what failed
//! together does not come back together.

use std::time::Duration;

use super::Target;
use crate::{clock::Timestamp, ports::Random};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// The waits before a mail's second try and the later ones.
const MAIL: [u64; 4] = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR];
/// The same for a webhook.
const WEBHOOK: [u64; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
/// The longest that a receiver's `Retry-After` is obeyed.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * HOUR);

/// When to try again after the try of number `tries`, from 1; `None`: that was the last one. `retry_after` is the receiver's own
/// wish; it makes the wait longer and never shorter.
pub fn next_try(
    target: &Target,
    tries: u32,
    retry_after: Option<Duration>,
    now: Timestamp,
    random: &dyn Random,
) -> Option<Timestamp> {
    let waits: &[u64] = match target {
        Target::Person(_) | Target::Operator(_) => &MAIL,
        Target::Webhook(_) => &WEBHOOK,
    };
    let index = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let millis = waits.get(index)? * 1000;
    let wait = match target {
        Target::Webhook(_) => jittered(millis, random),
        Target::Person(_) | Target::Operator(_) => millis,
    };
    let wished = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
    Some(now + Duration::from_millis(wait).max(wished))
}

/// Between nine and eleven tenths.
fn jittered(millis: u64, random: &dyn Random) -> u64 {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    let share = u64::from(u32::from_le_bytes(bytes)) % (millis / 5 + 1);
    millis - millis / 10 + share
}
