//! RED: for each kind of request, how many there were, how they were answered, how long they took.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::text::Text;

/// Upper ends of the buckets of a duration, in seconds: those of the other services.
const SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// What a request asks for, as labels. Only words that are known beforehand, or anybody could make
/// figures without end.
pub(super) type Kind = Vec<(&'static str, &'static str)>;

/// The requests of one protocol. Clones are the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    names: Names,
    counts: Arc<Mutex<Counts>>,
}

/// What the figures of one protocol are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    pub(super) requests: &'static str,
    pub(super) durations: &'static str,
    pub(super) in_flight: &'static str,
    /// The label that says how a request was answered.
    pub(super) how: &'static str,
    /// What one without an answer was answered with.
    pub(super) gone: &'static str,
}

#[derive(Debug, Default)]
struct Counts {
    in_flight: u64,
    answered: BTreeMap<(Kind, String), u64>,
    durations: BTreeMap<Kind, Durations>,
}

/// Durations, each counted in the first bucket that it fits into.
#[derive(Clone, Debug, Default)]
struct Durations {
    buckets: [u64; SECONDS.len()],
    count: u64,
    sum: f64,
}

/// A request that has no answer yet; dropped without one, it counts as such.
#[derive(Debug)]
pub(crate) struct InFlight {
    all: Answered,
    kind: Kind,
    begun: Instant,
    how: Option<String>,
}

impl Answered {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            counts: Arc::default(),
        }
    }

    /// A request came in.
    pub(super) fn began(&self, kind: Kind) -> InFlight {
        self.lock().in_flight += 1;
        InFlight {
            all: self.clone(),
            kind,
            begun: Instant::now(),
            how: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Nothing panics while it is held.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self, text: &mut Text) {
        let names = self.names;
        let (in_flight, answered, durations) = {
            let counts = self.lock();
            let (answered, durations) = (counts.answered.clone(), counts.durations.clone());
            (counts.in_flight, answered, durations)
        };
        text.counter(names.requests, "Requests that were answered");
        for ((kind, how), count) in &answered {
            let labels = [&kind[..], &[(names.how, how)]].concat();
            text.counted(&labels, count);
        }
        text.histogram(
            names.durations,
            "From a request's last byte to its answer, with whatever it waited for",
        );
        for (kind, durations) in &durations {
            durations.write(text, kind);
        }
        text.gauge(
            names.in_flight,
            "Requests that came in and have no answer yet",
        );
        text.shown(&[], in_flight);
    }
}

impl InFlight {
    /// It was answered so.
    pub(crate) fn answered(mut self, how: impl ToString) {
        self.how = Some(how.to_string());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let kind = std::mem::take(&mut self.kind);
        let how = self.how.take();
        let how = how.unwrap_or_else(|| self.all.names.gone.to_owned());
        let mut counts = self.all.lock();
        counts.in_flight -= 1;
        let durations = counts.durations.entry(kind.clone()).or_default();
        durations.observe(seconds);
        *counts.answered.entry((kind, how)).or_default() += 1;
    }
}

impl Durations {
    fn observe(&mut self, seconds: f64) {
        self.count += 1;
        self.sum += seconds;
        let mut buckets = SECONDS.iter().zip(&mut self.buckets);
        if let Some((_, bucket)) = buckets.find(|(end, _)| seconds <= **end) {
            *bucket += 1;
        }
    }

    fn write(&self, text: &mut Text, kind: &Kind) {
        let mut below = 0;
        let ends = SECONDS.iter().map(|end| format!("{end:?}"));
        for (end, bucket) in ends.zip(self.buckets) {
            below += bucket;
            let labels = [&kind[..], &[("le", &end)]].concat();
            text.figure("_bucket", &labels, below);
        }
        let labels = [&kind[..], &[("le", "+Inf")]].concat();
        text.figure("_bucket", &labels, self.count);
        text.figure("_sum", kind, self.sum);
        text.figure("_count", kind, self.count);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_is_counted_once_by_how_it_was_answered_and_timed() {
        let all = Answered::new(Names {
            requests: "requests",
            durations: "request_duration_seconds",
            in_flight: "requests_in_flight",
            how: "code",
            gone: "unanswered",
        });
        let fetch = || all.began(vec![("api", "Fetch")]);
        let told = || {
            let mut text = Text::default();
            all.write(&mut text);
            text.end()
        };
        let (first, second) = (fetch(), fetch());
        assert!(told().contains("requests_in_flight 2\n"), "{}", told());
        tokio::time::advance(Duration::from_millis(30)).await;
        first.answered(0);
        drop(second);
        tokio::time::advance(Duration::from_secs(60)).await;
        let third = fetch();
        tokio::time::advance(Duration::from_secs(11)).await;
        third.answered(0);
        let told = told();
        for line in [
            "requests_total{api=\"Fetch\",code=\"0\"} 2\n",
            "requests_total{api=\"Fetch\",code=\"unanswered\"} 1\n",
            "request_duration_seconds_bucket{api=\"Fetch\",le=\"0.02\"} 0\n",
            "request_duration_seconds_bucket{api=\"Fetch\",le=\"0.035\"} 2\n",
            "request_duration_seconds_bucket{api=\"Fetch\",le=\"10.0\"} 2\n",
            "request_duration_seconds_bucket{api=\"Fetch\",le=\"+Inf\"} 3\n",
            "request_duration_seconds_count{api=\"Fetch\"} 3\n",
            "requests_in_flight 0\n",
        ] {
            assert!(told.contains(line), "no {line} in {told}");
        }
    }
}
