//! Figures: what a phase took, and what several rounds say together.

use std::time::Duration;

/// What one phase of one round measured.
#[derive(Debug, Default, Clone)]
pub(crate) struct Phase {
    /// Answers that were as expected.
    pub(crate) answers: usize,
    /// From the first call to the last answer.
    pub(crate) took: Duration,
    /// Processor time that the server used, all of its threads together.
    pub(crate) processor: Duration,
    /// Processor time that the PostgreSQL beside it used.
    pub(crate) database: Duration,
    /// Of each answer.
    pub(crate) latencies: Latencies,
}

impl Phase {
    /// Answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }

    /// Processor time of the server for one answer, in microseconds. It hardly drifts when the machine is busy.
    pub(crate) fn processor_each(&self) -> f64 {
        self.processor.as_secs_f64() * 1e6 / self.answers.max(1) as f64
    }

    /// The same of the PostgreSQL beside it.
    pub(crate) fn database_each(&self) -> f64 {
        self.database.as_secs_f64() * 1e6 / self.answers.max(1) as f64
    }
}

/// How long each thing took.
#[derive(Debug, Default, Clone)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn push(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The latency, in milliseconds, that this part of all stays within.
    pub(crate) fn milliseconds(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        let index = ((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1).min(last);
        sorted.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
    }
}

/// Least, middle and most of several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
        let last = sorted.len().saturating_sub(1);
        Self { min: at(0), median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), max: at(last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_hundredth_is_told() {
        let mut latencies = Latencies::default();
        (1..=1000).rev().for_each(|n| latencies.push(Duration::from_millis(n)));
        assert_eq!(latencies.milliseconds(0.5), 500.0);
        assert_eq!(latencies.milliseconds(0.99), 990.0);
        assert_eq!(latencies.milliseconds(1.0), 1000.0);
        assert_eq!(Latencies::default().milliseconds(0.5), 0.0);
    }

    #[test]
    fn the_middle_of_an_even_number_of_rounds_lies_between_two() {
        assert_eq!(Spread::of([4.0, 1.0, 3.0, 2.0]), Spread { min: 1.0, median: 2.5, max: 4.0 });
        assert_eq!(Spread::of([5.0, 1.0, 3.0]), Spread { min: 1.0, median: 3.0, max: 5.0 });
    }
}
