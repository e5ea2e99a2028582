//! One thing that was asked, and how it came out.

use msvc_system::problem::Place;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// How a case came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// What was asked is so.
    Held,
    /// It is not so.
    Failed,
    /// It could not be told.
    Inconclusive,
}

impl Verdict {
    /// The word for people and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// What shows that a verdict is right.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was seen, one sentence.
    pub what: String,
    /// The file and line that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<Place>,
    /// Exchanges that show it, as `mesh/edge/connection/exchange`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub exchanges: Vec<String>,
}

impl Evidence {
    /// A sentence without a place.
    pub fn said(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    /// The same with where it stands.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

/// One case of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Stable over runs, for example `journey/checkout` or `contract/orders-payments/a charge…`.
    pub id: String,
    /// What was asked, for people.
    pub title: String,
    /// Services, edges, files that it is about.
    pub subjects: Vec<String>,
    /// How it came out.
    pub verdict: Verdict,
    /// The code this case alone would end with; differs from the verdict's own where msvc could
    /// not (3) or could not undo (6).
    pub exit: Exit,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// The line that repeats it.
    pub repeat: Option<String>,
    /// A finer word than the verdict's, where a command has one: `partly`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub standing: Option<String>,
    /// What to do next, where a command advises.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

impl Case {
    /// Whether it counts against the run: a case whose exit is told to be that of a case that held
    /// is there to be read.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.exit != Exit::Held
    }

    /// A case whose code follows from its verdict.
    pub fn new(id: impl Into<String>, title: impl Into<String>, verdict: Verdict) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            subjects: Vec::new(),
            verdict,
            exit: verdict.into(),
            seconds: 0.0,
            evidence: Vec::new(),
            repeat: None,
            standing: None,
            next: None,
        }
    }

    /// The same with one more piece of evidence.
    #[must_use]
    pub fn because(mut self, what: impl Into<String>) -> Self {
        self.evidence.push(Evidence::said(what));
        self
    }
}
