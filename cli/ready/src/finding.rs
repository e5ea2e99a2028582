//! What a check says: a standing, the evidence for it, and the next step.

use msvc_report::case::{Case, Evidence, Verdict};
use msvc_report::exit::Exit;
use msvc_system::problem::Place;
use serde::Serialize;
use serde_json::{Map, Value};

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The evidence shows it.
    Ready,
    /// Some of it is there.
    Partly,
    /// The evidence speaks against it, or what should be there is missing.
    NotReady,
    /// Nothing can be told from this repository.
    Inconclusive,
}

impl Standing {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Partly => "partly",
            Self::NotReady => "not ready",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// The lesser of two standings: a check is as good as its weakest part.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max_by_weakness(other)
    }

    const fn weakness(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::Partly => 1,
            Self::Inconclusive => 2,
            Self::NotReady => 3,
        }
    }

    const fn max_by_weakness(self, other: Self) -> Self {
        if self.weakness() >= other.weakness() {
            self
        } else {
            other
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The check's name, as on the command line: `bounded-contexts`.
    pub check: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// Figures by name.
    pub figures: Map<String, Value>,
    /// What to do next; what keeps it so, when it is ready.
    pub next: String,
}

impl Finding {
    /// A finding of nothing yet.
    #[must_use]
    pub fn new(check: &'static str, question: &'static str) -> Self {
        Self {
            check,
            question,
            standing: Standing::Inconclusive,
            evidence: Vec::new(),
            figures: Map::new(),
            next: String::new(),
        }
    }

    /// One more piece of evidence, without a place.
    pub fn saw(&mut self, what: impl Into<String>) {
        self.evidence.push(Evidence::said(what));
    }

    /// One more piece of evidence that stands somewhere.
    pub fn saw_at(&mut self, place: Place, what: impl Into<String>) {
        self.evidence.push(Evidence::said(what).at(place));
    }

    /// A figure.
    pub fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// How it stands, and what comes next.
    #[must_use]
    pub fn stands(mut self, standing: Standing, next: impl Into<String>) -> Self {
        self.standing = standing;
        self.next = next.into();
        self
    }

    /// As a case of a report. What is partly there neither fails nor holds a build back.
    #[must_use]
    pub fn case(&self) -> Case {
        let verdict = match self.standing {
            Standing::Ready | Standing::Partly => Verdict::Held,
            Standing::NotReady => Verdict::Failed,
            Standing::Inconclusive => Verdict::Inconclusive,
        };
        let mut case = Case::new(format!("ready/{}", self.check), self.question, verdict);
        case.exit = Exit::from(verdict);
        case.standing = Some(self.standing.word().to_owned());
        case.evidence.clone_from(&self.evidence);
        case.next = Some(self.next.clone());
        case
    }
}
