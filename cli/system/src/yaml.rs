//! Positioned YAML: a tree whose every node knows the file, line and column it was written at.
//!
//! What comes in: the bytes of a file and the name to show for it. What leaves: a [`Node`], or
//! the problems that kept it from being one, each with its place. What must not enter: any
//! knowledge of what a document means; file access.
//!
//! Acceptance and values are those of `serde_yaml`, scalars of Compose files those of Docker Compose's reader; positions, duplicate keys, several documents
//! and the bounds come from a pass over the parser's events before it, so that
//! nothing is expanded that has not been measured. Merge keys (`<<`) are resolved here,
//! nested ones and lists of them too. JSON documents are YAML and read the same.

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize as _;
use serde::de::DeserializeSeed as _;

use crate::problem::{Place, Problem, Problems};
use crate::utf16;

pub(crate) use ask::shorten;
use guided::Guided;
use join::Told;
pub(crate) use line::in_line;
use marks::Marks;
pub(crate) use scalar::is_text;
pub(crate) use slips::{no_break, no_break_in};
use value::Value;
pub(crate) use wanted::keys_there;

mod across;
mod anchors;
mod ask;
mod binary;
mod cost;
mod date;
mod directives;
mod guided;
mod join;
mod line;
mod line_slips;
mod marks;
mod mended;
mod merge_key;

mod scalar;
mod slips;
mod tabs;
mod tags;
mod value;
mod walk;
mod wanted;

/// Documents that a Compose file may have: each is laid over all before it, which costs the square of
/// their number. Nobody writes ten.
const MAX_DOCUMENTS: usize = 1_000;

/// Nodes that a document may have once its aliases are expanded. The largest public Compose
/// file measured has below 5,000, the largest OpenAPI description of a gateway some 50,000.
pub const MAX_NODES: usize = 250_000;
/// Levels of nesting that a document may have once its aliases are expanded; `serde_yaml` itself
/// stops at 128.
pub const MAX_DEPTH: usize = 100;
/// Bytes that one scalar may have.
pub const MAX_SCALAR: usize = 1_000_000;
/// Bytes that all scalars together may have once aliases are expanded: twice the largest file.
pub const MAX_TEXT: usize = 20_000_000;

/// One node of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands; for the target of an alias or a merge key, where that was written.
    pub place: Place,
    /// What it is.
    pub value: NodeValue,
    /// Its tag when it is none of YAML's own, with the `!`.
    pub tag: Option<Box<str>>,
    /// Whether it is a scalar written without quotes and not as a block.
    pub plain: bool,
    /// Whether it was made long from a short form that Docker Compose keeps: a mapping from a list, a list
    /// from a text, a port or number from a text. Nothing that is read is.
    pub short: bool,
    /// What was written where a variable was replaced in it, if that is short; a person is shown it again.
    pub replaced: Option<Box<str>>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeValue {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above what [`NodeValue::Int`] holds.
    Large(u64),
    /// Any other number.
    Float(f64),
    /// A moment, in a Compose file: as Docker Compose prints it.
    Date(String),
    /// Text.
    String(String),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping, as text; a number or boolean used as key is its spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// Reads the one document of a file.
///
/// # Errors
/// When the file is too large, neither UTF-8 nor UTF-16, not YAML, empty, several documents, has a key twice, or
/// exceeds one of this module's bounds. Each problem carries the place.
pub fn parse(file: &Path, bytes: &[u8]) -> Result<Node, Problems> {
    let start = start_of(file);
    let text = text_of(&start, bytes)?;
    let text = text.as_ref();
    let marks = marks::read(&start, text)?;
    if let Some(second) = marks.get(1) {
        return Err(Problem::error("a second document begins here")
            .at(second.start.clone())
            .hint("one document per file is read: move it to a file of its own")
            .into());
    }
    let mut documents = alone(join_all(&start, text, &marks)?)?;
    documents.pop().ok_or_else(|| {
        Problem::error("the file is empty")
            .at(start)
            .hint("fill it, or name another file")
            .into()
    })
}

/// Reads every document of a Compose file, whose scalars are what Docker Compose takes them for, and whose
/// keys are all text: a number, switch or nothing as a key is an error. A file without any has none.
///
/// # Errors
/// As [`parse`], but for the number of documents, which are a thousand at most; the other bounds hold for
/// all of them together.
#[cfg(test)]
pub(crate) fn parse_documents(file: &Path, bytes: &[u8]) -> Result<Vec<Node>, Problems> {
    alone(read_documents(file, bytes)?)
}

/// The same, with what is wrong with them and keeps nobody from telling what else is.
///
/// # Errors
/// When nobody can.
pub(crate) fn read_documents(file: &Path, bytes: &[u8]) -> Result<(Vec<Node>, Problems), Problems> {
    let start = start_of(file);
    let text = text_of(&start, bytes)?;
    let text = text.as_ref();
    if let Some(refused) = directives::refused(&start, text) {
        return Err(refused.into());
    }
    let (documents, beside) = match mended::read(&start, text) {
        Ok((marks, text)) => join_compose(&start, &text, marks)?,
        Err(why) if anchors::are_all(&why) => documents_as_one(&start, text).ok_or(why)?,
        Err(why) => return Err(why),
    };
    match documents.get(MAX_DOCUMENTS) {
        Some(document) => {
            let what = format!("the file has more than {MAX_DOCUMENTS} documents");
            let problem = Problem::error(what).at(document.place.clone());
            Err(problem.hint("part them among several files").into())
        }
        None => Ok((documents, beside)),
    }
}

/// Documents beside which nothing is to be told.
fn alone((documents, beside): (Vec<Node>, Problems)) -> Result<Vec<Node>, Problems> {
    beside.or(documents)
}

fn join_compose(
    start: &Place,
    text: &str,
    mut marks: Vec<Marks>,
) -> Result<(Vec<Node>, Problems), Problems> {
    for one in &mut marks {
        one.is_compose = true;
    }
    join_all(start, text, &marks)
}

/// The documents of a file one of which uses an anchor of one before it; `None` when they are wrong
/// also then.
fn documents_as_one(start: &Place, text: &str) -> Option<(Vec<Node>, Problems)> {
    let list = across::one_list(text)?;
    let (marks, text) = mended::read(start, &list.text).ok()?;
    let (mut whole, beside) = join_compose(start, &text, marks).ok()?;
    Some((list.documents(whole.pop()?), beside))
}

fn start_of(file: &Path) -> Place {
    Place {
        file: file.into(),
        line: 1,
        column: 1,
    }
}

/// The tree of each document.
fn join_all(start: &Place, text: &str, marks: &[Marks]) -> Result<(Vec<Node>, Problems), Problems> {
    let mut problems = Told::default();
    let mut documents = Vec::with_capacity(marks.len());
    for (marks, document) in marks.iter().zip(serde_yaml::Deserializer::from_str(text)) {
        let value = match marks.is_compose {
            true => Guided::by(marks).deserialize(document),
            false => Value::deserialize(document),
        };
        let value = value.map_err(|error| {
            let place = error.location().map_or_else(
                || start.clone(),
                |location| Place {
                    file: start.file.clone(),
                    line: u32::try_from(location.line()).unwrap_or(u32::MAX),
                    column: u32::try_from(location.column()).unwrap_or(u32::MAX),
                },
            );
            not_yaml(place, &error.to_string(), text)
        })?;
        documents.push(join::join(start, marks, value, &mut problems));
    }
    if let Some(lost) = marks.get(documents.len()) {
        // The two readings of a file see the same documents in it.
        let early = not_yaml(lost.start.clone(), "a document ends early", text);
        problems.wrong.push(early);
    }
    if problems.wrong.has_errors() {
        problems.wrong.0.extend(problems.beside.0);
        return Err(problems.wrong);
    }
    Ok((documents, problems.beside))
}

fn text_of<'a>(start: &Place, bytes: &'a [u8]) -> Result<Cow<'a, str>, Problem> {
    if bytes.len() as u64 > crate::files::MAX_BYTES {
        return Err(Problem::error(format!(
            "the file has {} bytes; at most {} are read",
            bytes.len(),
            crate::files::MAX_BYTES
        ))
        .at(start.clone())
        .hint("part it among several files"));
    }
    if let Some(text) = utf16::decoded(bytes) {
        return text.map(Cow::Owned).map_err(|_| {
            Problem::error("the file begins as UTF-16 text and does not go on as such")
                .at(start.clone())
                .hint("save it as UTF-8")
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let lines = good.iter().filter(|b| **b == b'\n').count();
        let column = good.iter().rev().take_while(|b| **b != b'\n').count();
        Problem::error("the file is not UTF-8 text")
            .at(Place {
                file: start.file.clone(),
                line: u32::try_from(lines + 1).unwrap_or(u32::MAX),
                column: u32::try_from(column + 1).unwrap_or(u32::MAX),
            })
            .hint("save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).into())
}

/// The problem for text that is no YAML, from a parser's message (whose own position is cut off:
/// the place says it).
fn not_yaml(place: Place, message: &str, text: &str) -> Problem {
    let message = message.split(" at line ").next().unwrap_or(message);
    if let Some(problem) = slips::blamed(&place, text) {
        return problem;
    }
    if let Some(problem) = tabs::blamed(&place, message, text) {
        return problem;
    }
    if let Some(problem) = line_slips::blamed(&place, message, text) {
        return problem;
    }
    Problem::error(format!("this is not YAML: {message}"))
        .at(place)
        .hint("look here and just above: indentation, quotes, brackets, colons")
}

#[cfg(test)]
mod tests;
