//! Which provider is tried first, and why: kept on the attempt's row, and printed for people.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Ranking;

/// Why a candidate stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// First by the ranking.
    Chosen,
    /// First by the seed, to learn how it is now.
    Explored,
    /// Waits for those before it to fail.
    Next,
    /// Comes last, because its receipts say delivered and nobody signs in.
    Suspect,
    /// Not tried.
    PassedOver,
}

impl Verdict {
    /// The words for people.
    const fn words(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::Explored => "explored",
            Self::Next => "next",
            Self::Suspect => "suspect",
            Self::PassedOver => "passed over",
        }
    }
}

/// One provider in a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its configured name.
    pub provider: String,
    /// Where it stands.
    pub verdict: Verdict,
    /// Why, where the verdict does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it was ranked by, in the currency's unit: cost per accepted message or per approved verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// What a message costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The expected share of approvals or, by cost, of accepted messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// How many answers that rests on; a pending attempt is a part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// The chance that it is the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<f64>,
}

impl Candidate {
    /// A candidate that is not tried.
    pub fn passed_over(provider: impl Into<String>, why: impl Into<String>) -> Self {
        let why = Some(why.into());
        Self { why, ..Self::of(provider.into(), Verdict::PassedOver) }
    }

    pub(super) const fn of(provider: String, verdict: Verdict) -> Self {
        Self { provider, verdict, why: None, cost: None, price: None, share: None, weight: None, best: None }
    }
}

/// The order of the providers of one channel for one delivery, with all that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// By what.
    pub ranking: Ranking,
    /// The rules that had a say, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The chance that went in.
    pub seed: u64,
    /// In the order of trying; those passed over come last.
    pub candidates: Vec<Candidate>,
}

impl Decision {
    /// The decision where there was no choice.
    pub fn of_one(provider: Option<&String>) -> Self {
        let candidates =
            provider.map(|name| Candidate::of(name.clone(), Verdict::Chosen)).into_iter().collect();
        Self { ranking: Ranking::Priority, rule: None, seed: 0, candidates }
    }

    /// The providers to try, in order.
    pub fn order(&self) -> impl Iterator<Item = &str> {
        let tried = self.candidates.iter().filter(|candidate| candidate.verdict != Verdict::PassedOver);
        tried.map(|candidate| candidate.provider.as_str())
    }

    /// Takes a provider out of the order, or names one that never was in it.
    pub fn pass_over(&mut self, provider: &str, why: impl Into<String>) {
        let place = self.candidates.iter().position(|candidate| candidate.provider == provider);
        let known = place.map(|place| self.candidates.remove(place));
        let known = known.unwrap_or_else(|| Candidate::of(provider.into(), Verdict::PassedOver));
        self.candidates.push(Candidate { verdict: Verdict::PassedOver, why: Some(why.into()), ..known });
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.verdict.words())?;
        if let Some(why) = &self.why {
            write!(f, " ({why})")?;
        }
        if let Some(cost) = self.cost {
            write!(f, ", cost {cost:.4}")?;
        }
        match &self.price {
            Some(price) => write!(f, ", {price} a message")?,
            None if self.verdict == Verdict::PassedOver => {}
            None => f.write_str(", price not known")?,
        }
        if let (Some(share), Some(weight)) = (self.share, self.weight) {
            write!(f, ", {:.1} % of {weight:.0} got through", share * 100.0)?;
        }
        if let Some(best) = self.best {
            write!(f, ", {:.1} % sure to be the best", best * 100.0)?;
        }
        Ok(())
    }
}
