//! Who is tried first, and who is given a chance to show that he has become better.
//!
//! The leader is the arm with the least expected cost per approval at its *expected* share: no bonus for being unknown.
//! Every other arm is explored in proportion to what it may win over what it is expected to lose, and all together at most
//! one message in twenty. So an arm that is surely worse is hardly ever asked; the longer nobody asked it, the likelier it
//! has changed, and it is asked again; and one that begins to do well is asked more.

use super::belief::Belief;

/// The most that is explored.
const EXPLORED: f64 = 0.05;
/// How much is risked for a chance: an arm that loses as much on average as it may win is always at the most.
const CURIOSITY: f64 = 1.0;
/// An arm that cannot be the best by what is known is still asked this often.
const RETEST: f64 = 0.000_1;

/// Arms closer than this count as so far apart.
const LEAST_LOSS: f64 = 0.002;

/// How an arm stands among the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    /// Expected cost per approval.
    pub(super) cost: f64,
    /// The chance that it is the best.
    pub(super) best: f64,
    /// The share of messages that try it, though it does not lead.
    pub(super) explored: f64,
}

/// What an approval costs if a message costs `price`, a share of them is approved, and each that is not loses `lost`:
/// `(price + (1 - share) * lost) / share`. If some people always leave, and leave all providers alike, every share
/// shrinks by the same factor, and the order stays.
pub(super) fn cost(price: f64, share: f64, lost: f64) -> f64 {
    (price + lost) / share.max(1e-6) - lost
}

/// The leader, and how every arm stands.
pub(super) fn stand(arms: &[(f64, &Belief)], lost: f64) -> (usize, Vec<Standing>) {
    let costs: Vec<f64> = arms.iter().map(|(price, belief)| cost(*price, belief.mean(), lost)).collect();
    let leader = (0..arms.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).unwrap_or(0);
    let best: Vec<f64> = (0..arms.len()).map(|arm| chance_best(arms, arm, lost)).collect();
    let wanted = |arm: usize| {
        if arm == leader { 0.0 } else { worth(arms[arm], costs[leader], lost).clamp(RETEST, EXPLORED) }
    };
    let sum: f64 = (0..arms.len()).map(wanted).sum();
    let scale = (EXPLORED / sum.max(f64::MIN_POSITIVE)).min(1.0);
    let standing = |arm: usize| Standing { cost: costs[arm], best: best[arm], explored: wanted(arm) * scale };
    (leader, (0..arms.len()).map(standing).collect())
}

/// What an arm may win over the leader's expected cost, by what it is expected to lose.
fn worth((price, belief): (f64, &Belief), leader: f64, lost: f64) -> f64 {
    // The share of approvals at which it would cost what the leader costs.
    let even = (price + lost) / (leader + lost).max(f64::MIN_POSITIVE);
    let won: f64 = belief.cells().map(|(share, weight)| weight * (share - even).max(0.0)).sum();
    CURIOSITY * won / (even - belief.mean()).max(LEAST_LOSS)
}

/// The chance that an arm costs less than every other.
fn chance_best(arms: &[(f64, &Belief)], arm: usize, lost: f64) -> f64 {
    let (price, belief) = arms[arm];
    let others = || arms.iter().enumerate().filter(|(other, _)| *other != arm);
    let dearer = |share: f64| {
        others().map(|(_, (other, of))| of.below(share * (other + lost) / (price + lost))).product::<f64>()
    };
    belief.cells().map(|(share, weight)| if weight > 1e-7 { weight * dearer(share) } else { 0.0 }).sum()
}

/// The arm that a seed tries first.
pub(super) fn choose(leader: usize, standings: &[Standing], seed: u64) -> usize {
    let mut place = fraction(seed);
    for (arm, standing) in standings.iter().enumerate() {
        if place < standing.explored {
            return arm;
        }
        place -= standing.explored;
    }
    leader
}

/// A number from 0 to 1 that a seed gives: SplitMix64.
fn fraction(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let fraction = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}
