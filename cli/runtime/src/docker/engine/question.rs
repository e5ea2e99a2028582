//! Questions to an engine. Each has words for people and is known as long as it has no answer, so
//! that whoever waits for one can be told of an engine that is silent. Containers, which the engine
//! calls by ids of 64 digits, are called by their names.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use tokio::time::Instant;

use super::error::{EngineError, asked};
use super::{ANSWER_SECONDS, Engine};
use crate::docker::labels;

/// How many digits the id of a container or an image has.
const DIGITS: usize = 64;

/// How many of them are shown where it has no name, as the docker CLI does.
const SHOWN: usize = 12;

/// What an engine, or several, were asked. Clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Questions(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Those without an answer by number, the oldest first.
    open: BTreeMap<u64, Open>,
    /// How many there were.
    asked: u64,
    /// Containers as people call them, by id.
    names: HashMap<String, String>,
}

#[derive(Debug)]
struct Open {
    what: String,
    at: String,
    /// From when on an answer could be there.
    due: Instant,
}

/// A question that an engine has not answered for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// Its number.
    pub number: u64,
    what: String,
    at: String,
    /// For how long.
    pub silent: Duration,
}

impl Unanswered {
    /// What was asked, for people.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, at, .. } = self;
        let seconds = self.silent.as_secs();
        write!(
            f,
            "the container engine at {at} has not answered for {seconds} s: {what}"
        )
    }
}

impl Questions {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that has had no answer for longest, when that is at least `silent`, beyond the time
    /// that its answer may take by itself.
    #[must_use]
    pub fn unanswered(&self, silent: Duration) -> Option<Unanswered> {
        let now = Instant::now();
        let known = self.known();
        let all = known.open.iter().map(|(number, open)| Unanswered {
            number: *number,
            what: open.what.clone(),
            at: open.at.clone(),
            silent: now.saturating_duration_since(open.due),
        });
        all.filter(|it| it.silent >= silent)
            .max_by_key(|it| it.silent)
    }

    /// From now on a container is called by its name, and by whose it is.
    pub(in crate::docker) fn call(
        &self,
        id: &str,
        name: &str,
        labels: Option<&HashMap<String, String>>,
    ) {
        let whose = labels.and_then(labels::whose);
        let called = called(name, whose.as_deref());
        self.known().names.insert(id.to_owned(), called);
    }

    /// A text with names for ids.
    pub(in crate::docker) fn named(&self, text: &str) -> String {
        let known = self.known();
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|sign: char| sign.is_ascii_hexdigit()) {
            let digits = rest[start..]
                .find(|sign: char| !sign.is_ascii_hexdigit())
                .unwrap_or(rest.len() - start);
            let (before, from) = rest.split_at(start);
            let (id, after) = from.split_at(digits);
            named.push_str(before);
            named.push_str(match known.names.get(id) {
                Some(name) => name,
                None if digits == DIGITS => &id[..SHOWN],
                None => id,
            });
            rest = after;
        }
        named.push_str(rest);
        named
    }

    fn open(&self, what: String, at: String, patience: Duration) -> Asking {
        let mut known = self.known();
        known.asked += 1;
        let number = known.asked;
        let due = Instant::now() + patience;
        known.open.insert(number, Open { what, at, due });
        Asking {
            questions: self.clone(),
            number,
        }
    }
}

/// A container for people: its name, and whose it is.
pub(in crate::docker) fn called(name: &str, whose: Option<&str>) -> String {
    let name = name.trim_start_matches('/');
    match whose {
        Some(whose) => format!("{name} ({whose})"),
        None => name.to_owned(),
    }
}

/// A question that is open for as long as this lives.
#[derive(Debug)]
pub(in crate::docker) struct Asking {
    questions: Questions,
    number: u64,
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.questions.known().open.remove(&self.number);
    }
}

impl Engine {
    /// The same engine, whose questions are known to whoever has `questions` as well.
    #[must_use]
    pub fn known_to(mut self, questions: &Questions) -> Self {
        self.questions = questions.clone();
        self
    }

    /// Asks the engine for `what` and waits for its answer.
    ///
    /// # Errors
    /// When it refuses, is gone or stays silent, with `what`.
    pub(in crate::docker) async fn ask<T>(
        &self,
        what: impl Into<String>,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, EngineError> {
        self.ask_for(Duration::ZERO, what, answer).await
    }

    /// The same where the answer may take so long by itself.
    pub(in crate::docker) async fn ask_for<T>(
        &self,
        patience: Duration,
        what: impl Into<String>,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, EngineError> {
        let what = self.questions.named(&what.into());
        let asking = self.asking(patience, &what);
        let since = Instant::now();
        let answered = answer.await;
        drop(asking);
        answered.map_err(|error| self.why(what, error, since.elapsed()))
    }

    /// Says that the engine is asked for `what`, whose answer may take so long by itself; for as long
    /// as what is returned lives.
    pub(in crate::docker) fn asking(&self, patience: Duration, what: &str) -> Asking {
        let what = self.questions.named(what);
        let at = self.place.to_string();
        self.questions.open(what, at, patience)
    }

    /// An engine's error in the middle of an answer to `what`.
    pub(in crate::docker) fn refused(&self, what: impl Into<String>, error: Error) -> EngineError {
        let what = self.questions.named(&what.into());
        self.why(what, error, Duration::from_secs(ANSWER_SECONDS))
    }

    fn why(&self, what: String, error: Error, waited: Duration) -> EngineError {
        if matches!(error, Error::RequestTimeoutError) {
            return EngineError::Silent {
                what,
                at: self.place.to_string(),
                seconds: waited.as_secs(),
            };
        }
        match asked(what)(error) {
            EngineError::Refused { what, status, why } => EngineError::Refused {
                what,
                status,
                why: self.questions.named(&why),
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5e6eeb9c5e56aa00bb11cc22dd33ee445e6eeb9c5e56aa00bb11cc22dd33ee44";

    #[test]
    fn containers_have_names_for_people_and_ids_without_one_are_short() {
        let questions = Questions::default();
        let text = format!("removing container {ID}");
        assert_eq!(
            questions.named(&text),
            "removing container 5e6eeb9c5e56",
            "as the docker CLI shows it"
        );
        let labels = HashMap::from([("msvc.service".to_owned(), "web".to_owned())]);
        questions.call(ID, "/s-web-1", Some(&labels));
        assert_eq!(questions.named(&text), "removing container s-web-1 (web)");
        let said = format!("{ID}: container {ID} is dead");
        let named = "s-web-1 (web): container s-web-1 (web) is dead";
        assert_eq!(questions.named(&said), named);
        for plain in ["", "a", "sha256:abc", "café 12"] {
            assert_eq!(questions.named(plain), plain);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_question_without_an_answer_is_known_until_nobody_waits_for_it() {
        let questions = Questions::default();
        let open = |what: &str, patience| {
            let at = "unix:///e".to_owned();
            questions.open(what.to_owned(), at, Duration::from_secs(patience))
        };
        let first = open("starting a", 0);
        let _stop = open("stopping b", 60);
        tokio::time::advance(Duration::from_secs(4)).await;
        let _second = open("starting c", 0);
        assert_eq!(questions.unanswered(Duration::from_secs(5)), None);
        tokio::time::advance(Duration::from_secs(2)).await;
        let told = questions.unanswered(Duration::from_secs(5)).unwrap();
        assert_eq!(
            told.to_string(),
            "the container engine at unix:///e has not answered for 6 s: starting a"
        );
        drop(first);
        assert_eq!(questions.unanswered(Duration::from_secs(5)), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        let told = questions.unanswered(Duration::from_secs(5)).unwrap();
        assert!(told.to_string().ends_with("starting c"), "{told}");
    }
}
