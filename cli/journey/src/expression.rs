//! Runtime expressions: `$inputs.sku`, `$steps.order.outputs.id`, `$response.body#/items/0`.
//!
//! Parsed when the document is read, so that a misspelt one is a problem with a place before
//! anything runs; looked up in a [`scope::Scope`] while a play runs.

use std::fmt;

use msvc_system::problem::nearest;

mod lookup;
mod parse;
pub mod scope;

pub use lookup::EvaluateError;

/// Every word that an expression can begin with, as written after the `$`.
pub const ROOTS: [&str; 10] = [
    "url",
    "method",
    "statusCode",
    "request",
    "response",
    "inputs",
    "outputs",
    "steps",
    "workflows",
    "sourceDescriptions",
];

/// A runtime expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    text: String,
    source: Source,
    /// `[0]` and `.name` behind it; only conditions have them.
    access: Vec<Access>,
}

/// Where the value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Url,
    Method,
    StatusCode,
    Request(Part),
    Response(Part),
    Inputs(Name),
    Outputs(Name),
    Step { step: String, output: Name },
    WorkflowInput { workflow: String, input: Name },
    WorkflowOutput { workflow: String, output: Name },
    Described { name: String, field: String },
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Header(String),
    Query(String),
    Path(String),
    Body(Option<Pointer>),
}

/// A name that may hold dots, and a pointer into what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) name: String,
    pub(crate) pointer: Option<Pointer>,
}

/// A JSON pointer (RFC 6901), unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(pub(crate) Vec<String>);

/// A step further into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    Index(usize),
    Property(String),
}

/// A runtime expression that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It begins with a word that nothing is called.
    #[error("`{text}` is no runtime expression: nothing is called `${word}`{}", meant(.word))]
    Unknown {
        /// The expression.
        text: String,
        /// The word after the `$`.
        word: String,
    },
    /// Something is missing behind what is written.
    #[error("`{text}` is not complete: write `{form}`")]
    Incomplete {
        /// The expression.
        text: String,
        /// A whole one.
        form: &'static str,
    },
    /// Something stands behind a complete expression.
    #[error("`{text}` goes on after its end with `{rest}`; for a part of a value write `#/name`")]
    TooLong {
        /// The expression.
        text: String,
        /// What is too much.
        rest: String,
    },
    /// The part behind `#` is no JSON pointer.
    #[error(
        "`{pointer}` in `{text}` is no JSON pointer: it begins with `/`; `~` is written `~0` and `/` in a name `~1`"
    )]
    Pointer {
        /// The expression.
        text: String,
        /// The part behind `#`.
        pointer: String,
    },
    /// The part of a message is none.
    #[error("`{text}` names no part of a {side}: write `{form}`")]
    Part {
        /// The expression.
        text: String,
        /// Request or response.
        side: &'static str,
        /// The parts that there are.
        form: &'static str,
    },
    /// A `{$…}` in a text is never closed.
    #[error("`{{` before `{text}` is never closed: write `{{$inputs.name}}`")]
    Open {
        /// What follows it.
        text: String,
    },
    /// `$components` is only for `reference`.
    #[error("`{text}`: components are only named by `reference`")]
    Component {
        /// The expression.
        text: String,
    },
    /// `$self`, `$message` and others of later versions.
    #[error("`{text}`: msvc does not do `${word}` yet")]
    NotYet {
        /// The expression.
        text: String,
        /// The word after the `$`.
        word: String,
    },
}

fn meant(word: &str) -> String {
    nearest(word, ROOTS).map_or_else(String::new, |near| format!("; did you mean `${near}`?"))
}

impl Expression {
    /// Reads a whole expression, `$` first.
    ///
    /// # Errors
    /// When it is none of the forms that Arazzo 1.0 has.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parse::expression(text, false)
    }

    /// Reads an expression of a condition, where `[0]` and `.name` may follow it.
    ///
    /// # Errors
    /// As [`Expression::parse`].
    pub fn parse_in_condition(text: &str) -> Result<Self, ExpressionError> {
        parse::expression(text, true)
    }

    /// Whether a whole text is meant as an expression: `$word` alone or followed by `.`, where
    /// the word is a root or close to one. `$49.99` and `$USD` are plain text.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        let Some(rest) = text.strip_prefix('$') else {
            return false;
        };
        let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        let after = rest.get(word.len()..).unwrap_or_default();
        let known = ROOTS.contains(&word.as_str()) || word == "components";
        // Short words (`$USD`, `$ref`) are near everything.
        let near = || word.len() >= 4 && nearest(&word, ROOTS).is_some();
        match after.chars().next() {
            None | Some('.') => known || near(),
            Some('#' | '[') => known,
            Some(_) => false,
        }
    }

    /// As written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it could be compared with, where no value that it can have is true or false.
    pub(crate) const fn never_boolean(&self) -> Option<&'static str> {
        match &self.source {
            Source::StatusCode => Some("200"),
            Source::Method => Some("'GET'"),
            Source::Url => Some("'https://…'"),
            _ => None,
        }
    }

    /// The step whose output it reads, if it reads one.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        match &self.source {
            Source::Step { step, .. } => Some(step),
            _ => None,
        }
    }

    /// The workflow whose input or output it reads, if it names one.
    #[must_use]
    pub fn workflow(&self) -> Option<&str> {
        match &self.source {
            Source::WorkflowInput { workflow, .. } | Source::WorkflowOutput { workflow, .. } => {
                Some(workflow)
            }
            _ => None,
        }
    }

    /// The output name it reads (of a step or workflow), if it reads one.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        match &self.source {
            Source::Step { output, .. } | Source::WorkflowOutput { output, .. } => {
                Some(&output.name)
            }
            _ => None,
        }
    }

    /// The output behind `$outputs`, if it reads one.
    #[must_use]
    pub fn own_output(&self) -> Option<&str> {
        match &self.source {
            Source::Outputs(name) => Some(&name.name),
            _ => None,
        }
    }

    /// The input of its own workflow that it reads, if it reads one.
    #[must_use]
    pub fn input(&self) -> Option<&str> {
        match &self.source {
            Source::Inputs(name) => Some(&name.name),
            _ => None,
        }
    }

    /// Whether it reads the request or the answer of a step.
    #[must_use]
    pub const fn reads_exchange(&self) -> bool {
        matches!(
            self.source,
            Source::Url
                | Source::Method
                | Source::StatusCode
                | Source::Request(_)
                | Source::Response(_)
        )
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pointer {
    /// Reads a JSON pointer: empty, or `/name/0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(Vec::new()));
        }
        text.strip_prefix('/')?
            .split('/')
            .map(|token| {
                let mut rest = token;
                let mut plain = String::with_capacity(token.len());
                while let Some((before, after)) = rest.split_once('~') {
                    plain.push_str(before);
                    plain.push(match after.chars().next()? {
                        '0' => '~',
                        '1' => '/',
                        _ => return None,
                    });
                    rest = after.get(1..)?;
                }
                plain.push_str(rest);
                Some(plain)
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests;
