//! The first pass: the shape of a document from the parser's events, with positions, before any
//! alias is expanded. It measures what expansion would cost and stops what would cost too much.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::anchors::{self, Unknown};
use super::cost::Cost;
use super::scalar::Said;
use super::walk::moved::Moved;
use super::{MAX_DEPTH, MAX_SCALAR, not_yaml, tags};
use crate::problem::{Place, Problem, Problems};

/// Marks of one document; the root is the last one closed.
pub(super) struct Marks {
    /// Where the document begins.
    pub(super) start: Place,
    all: Vec<Mark>,
    root: usize,
    /// Whether it is of a Compose file: every key has to be text, and scalars are what Docker Compose
    /// takes them for.
    pub(super) is_compose: bool,
}

impl Marks {
    pub(super) fn root(&self) -> Option<&Mark> {
        self.get(self.root)
    }

    /// The mark of that number as it is written, be it an alias.
    pub(super) fn written(&self, index: usize) -> Option<&Mark> {
        self.all.get(index)
    }

    /// The mark of that number, with aliases followed.
    pub(super) fn get(&self, index: usize) -> Option<&Mark> {
        let mark = self.all.get(index)?;
        mark.target().map_or(Some(mark), |it| self.all.get(it))
    }
}

/// One node's position and shape.
pub(super) struct Mark {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) shape: Shape,
    pub(super) tag: Option<Box<str>>,
    pub(super) plain: bool,
    /// What is said of a scalar.
    pub(super) said: Said,
    /// Whether a tag says that it is written in base64.
    pub(super) is_binary: bool,
    /// Cost of this node with every alias under it expanded.
    cost: Cost,
}

impl Mark {
    /// The mark of what an alias stands for; `None` of anything else.
    pub(super) fn target(&self) -> Option<usize> {
        match self.shape {
            Shape::Alias(target) => Some(target),
            _ => None,
        }
    }
}

pub(super) enum Shape {
    Scalar(Box<str>),
    Seq(Vec<usize>),
    Map(Vec<(usize, usize)>),
    Alias(usize),
}

/// A collection that is still open.
struct Open {
    index: usize,
    anchor: usize,
    children: Vec<usize>,
    mapping: bool,
    cost: Cost,
}

struct Reader<'a> {
    start: &'a Place,
    /// Where what is read stands in the text.
    moved: &'a Moved,
    marks: Vec<Mark>,
    open: Vec<Open>,
    anchors: HashMap<usize, usize>,
    root: Option<usize>,
    /// Where the document begins.
    begun: Place,
    documents: Vec<Marks>,
    /// What the documents before this one cost.
    before: Cost,
    /// Aliases of anchors that nothing defines.
    unknown: Vec<Unknown>,
    problems: Problems,
}

/// Reads the marks of every document in `text`.
pub(super) fn read(start: &Place, text: &str) -> Result<Vec<Marks>, Problems> {
    read_of(start, text, &Moved::default(), text)
}

/// The same of a `copy` of it, whose signs stand where `moved` says.
pub(super) fn read_of(
    start: &Place,
    copy: &str,
    moved: &Moved,
    text: &str,
) -> Result<Vec<Marks>, Problems> {
    let mut options = granit_parser::options! { emit_unresolved_aliases: true };
    options.set_emit_comments(false);
    let mut reader = Reader {
        start,
        moved,
        marks: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        begun: start.clone(),
        documents: Vec::new(),
        before: Cost::default(),
        unknown: Vec::new(),
        problems: Problems::default(),
    };
    for event in Parser::new_from_str_with_options(copy, options) {
        let (event, span) = event.map_err(|error| reader.scan_error(&error, text))?;
        reader.take(event, &span)?;
    }
    if !reader.unknown.is_empty() {
        let unknown = anchors::problems(reader.unknown, text);
        reader.problems.0.extend(unknown.0);
    }
    reader.problems.or(reader.documents)
}

impl Reader<'_> {
    /// Line and column in the text, both from 1.
    fn position(&self, line: usize, column: usize) -> (u32, u32) {
        let (line, column) = self.moved.back((line.max(1), column));
        (number(line), number(column).saturating_add(1))
    }

    fn place(&self, span: &Span) -> Place {
        let (line, column) = self.position(span.start.line(), span.start.col());
        Place {
            file: self.start.file.clone(),
            line,
            column,
        }
    }

    fn place_of(&self, index: usize) -> Place {
        self.marks.get(index).map_or_else(
            || self.start.clone(),
            |mark| Place {
                file: self.start.file.clone(),
                line: mark.line,
                column: mark.column,
            },
        )
    }

    fn scan_error(&self, error: &ScanError, text: &str) -> Problem {
        let marker = error.marker();
        let (line, column) = self.position(marker.line(), marker.col());
        let file = self.start.file.clone();
        let place = Place { file, line, column };
        not_yaml(place, &error.info(), text)
    }

    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(..) => {
                self.begun = self.place(span);
                Ok(())
            }
            Event::DocumentEnd => self.end_document(),
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), span)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                let (name, place) = (name.to_string(), self.place(span));
                self.unknown.push(Unknown { name, place });
                self.scalar("", ScalarStyle::Plain, 0, None, span)
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(false, anchor, tag.as_deref(), span),
            Event::MappingStart(_, anchor, tag) => self.begin(true, anchor, tag.as_deref(), span),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    /// A document is complete: what it cost is charged to the file.
    fn end_document(&mut self) -> Result<(), Problem> {
        let Some(root) = self.root.take() else {
            return Ok(());
        };
        let cost = self.marks.get(root).map(|m| m.cost).unwrap_or_default();
        let nodes = cost.nodes.max(self.marks.len());
        self.before.nodes = self.before.nodes.saturating_add(nodes);
        self.before.text = self.before.text.saturating_add(cost.text);
        self.anchors.clear();
        self.documents.push(Marks {
            start: self.begun.clone(),
            all: std::mem::take(&mut self.marks),
            root,
            is_compose: false,
        });
        let so_far = Cost {
            nodes: self.before.nodes,
            ..Cost::default()
        };
        so_far.check().map_err(|it| it.at(self.begun.clone()))
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<(), Problem> {
        if text.len() > MAX_SCALAR {
            return Err(Cost::too_large(text.len()).at(self.place(span)));
        }
        let cost = Cost {
            nodes: 1,
            text: text.len(),
            depth: 1,
        };
        let is_plain = matches!(style, ScalarStyle::Plain);
        let said = tags::said(tag, is_plain);
        let tag = tag.filter(|tag| !tags::says_nothing(tag));
        // A tag says itself what the text is: `!!merge` what `<<` is without one.
        let is_merge = tag.is_some_and(tags::is_merge);
        let plain = is_merge || (is_plain && tag.is_none());
        let index = self.add(Shape::Scalar(text.into()), tag, plain, cost, span);
        if let Some(mark) = self.marks.get_mut(index) {
            mark.said = said;
        }
        self.close(index, anchor, cost)
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), Problem> {
        let Some(&target) = self.anchors.get(&anchor) else {
            return Err(
                Problem::error("this alias stands inside the very node that it names")
                    .at(self.place(span))
                    .hint("name another anchor, or write out what is meant"),
            );
        };
        let cost = self.marks.get(target).map(|m| m.cost).unwrap_or_default();
        let index = self.add(Shape::Alias(target), None, false, cost, span);
        self.close(index, 0, cost)
    }

    fn begin(
        &mut self,
        mapping: bool,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Cost::too_deep().at(self.place(span)));
        }
        let shape = if mapping {
            Shape::Map(Vec::new())
        } else {
            Shape::Seq(Vec::new())
        };
        let index = self.add(shape, tag, false, Cost::default(), span);
        self.open.push(Open {
            index,
            anchor,
            children: Vec::new(),
            mapping,
            cost: Cost {
                nodes: 1,
                text: 0,
                depth: 1,
            },
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let shape = if open.mapping {
            let pairs: Vec<_> = open
                .children
                .chunks_exact(2)
                .filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)))
                .collect();
            self.report_duplicates(&pairs);
            Shape::Map(pairs)
        } else {
            Shape::Seq(open.children)
        };
        if let Some(mark) = self.marks.get_mut(open.index) {
            mark.shape = shape;
            mark.cost = open.cost;
        }
        self.close(open.index, open.anchor, open.cost)
    }

    fn add(
        &mut self,
        shape: Shape,
        tag: Option<&Tag>,
        plain: bool,
        cost: Cost,
        span: &Span,
    ) -> usize {
        let (line, column) = self.position(span.start.line(), span.start.col());
        self.marks.push(Mark {
            line,
            column,
            shape,
            tag: tag.and_then(tags::own),
            plain,
            said: Said::Text,
            is_binary: tag.is_some_and(tags::is_binary),
            cost,
        });
        self.marks.len() - 1
    }

    /// A node is complete: it becomes a child of what is open, and its cost is charged there.
    fn close(&mut self, index: usize, anchor: usize, cost: Cost) -> Result<(), Problem> {
        if anchor != 0 {
            self.anchors.insert(anchor, index);
        }
        let levels_above = self.open.len();
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(index);
            return Ok(());
        };
        parent.children.push(index);
        parent.cost.nodes = parent.cost.nodes.saturating_add(cost.nodes);
        parent.cost.text = parent.cost.text.saturating_add(cost.text);
        parent.cost.depth = parent.cost.depth.max(cost.depth.saturating_add(1));
        // `marks` holds what is written; `parent` what it comes to with its aliases expanded.
        let nodes = parent.cost.nodes.max(self.marks.len());
        let so_far = Cost {
            nodes: nodes.saturating_add(self.before.nodes),
            text: parent.cost.text.saturating_add(self.before.text),
            depth: levels_above + cost.depth,
        };
        so_far.check().map_err(|it| it.at(self.place_of(index)))
    }

    fn report_duplicates(&mut self, pairs: &[(usize, usize)]) {
        // As Docker Compose compares: an alias is the same as itself alone, be there what it stands for.
        let mut seen: HashMap<(&str, Option<usize>), usize> = HashMap::new();
        let mut found = Vec::new();
        for (key, _) in pairs {
            let mark = self.marks.get(*key);
            let target = mark.and_then(Mark::target);
            let mark = target.map_or(mark, |target| self.marks.get(target));
            let Some(Mark {
                shape: Shape::Scalar(text),
                ..
            }) = mark
            else {
                continue;
            };
            if let Some(first) = seen.insert((text, target), *key) {
                found.push((text.clone(), first, *key));
            }
        }
        for (text, first, second) in found {
            let first = self.place_of(first);
            let problem = Problem::error(format!("the key `{text}` stands here a second time"))
                .at(self.place_of(second))
                .hint(format!("it stands first in line {}", first.line));
            self.problems.push(problem);
        }
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
