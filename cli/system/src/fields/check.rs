//! The check of a merged tree against the table: every key, every kind of value.
//!
//! What comes in: the tree as written, short forms and all. What leaves: an error for each key that
//! Compose does not know (with the nearest one that it does) and each value that may not stand
//! where it does. What must not enter: what the values mean together.

use std::collections::HashSet;

use super::{FILE, Field, Items, Level, Look, Map, Shape, Words};
use super::{astray, own};
use crate::problem::{MOST_SHOWN, Problem, Problems};
use crate::unread::{TakenOut, made_of};
use crate::yaml::{Node, NodeValue, no_break, no_break_in, shorten};

mod entries;
mod scalar;
mod unknown;

pub(super) use scalar::word_meant;

/// What the whole file is.
pub(super) static FILE_SHAPE: Shape = Shape::level(&FILE);

/// Unknown keys whose neighbours are looked for; each costs a comparison with every known key.
const NEIGHBOURS: usize = 100;

/// Checks every key and value from the root on, and takes out what may not stand there, so that
/// nobody later meets it: what is declared is named to who asks for it. With `lenient`, unknown keys are
/// warnings.
pub(crate) fn check(root: &mut Node, lenient: bool, problems: &mut Problems) -> HashSet<TakenOut> {
    let mut checker = Checker {
        lenient,
        is_trial: false,
        problems,
        path: Vec::new(),
        subject: Subject::Field,
        look: Look::at(&FILE_SHAPE),
        unknown: 0,
        taken_out: HashSet::new(),
    };
    checker.level(root, &FILE);
    checker.taken_out
}

/// Whether a value may stand where one of `shape` does.
pub(super) fn fits(mut node: Node, shape: &'static Shape) -> bool {
    let mut problems = Problems::default();
    let mut checker = Checker {
        lenient: false,
        is_trial: true,
        problems: &mut problems,
        path: Vec::new(),
        subject: Subject::Field,
        look: Look::at(shape),
        unknown: 0,
        taken_out: HashSet::new(),
    };
    checker.value(&mut node, shape) && problems.0.is_empty()
}

struct Checker<'a> {
    lenient: bool,
    /// Whether nobody reads what is said.
    is_trial: bool,
    problems: &'a mut Problems,
    path: Vec<String>,
    /// What the value looked at is.
    subject: Subject,
    /// What the value at the path should look like.
    look: Look,
    /// Unknown keys so far.
    unknown: usize,
    /// What is declared, and was taken out.
    taken_out: HashSet<TakenOut>,
}

/// What a value is, for messages.
#[derive(Debug, Clone, Copy)]
enum Subject {
    /// A field's.
    Field,
    /// An item of the list that stands there.
    Item,
    /// One of a name that the user gave.
    Named(&'static str),
}

/// Each of these says whether the value may stay.
impl Checker<'_> {
    fn level(&mut self, node: &mut Node, level: &'static Level) -> bool {
        let place = node.place.clone();
        let is_item = matches!(self.subject, Subject::Item);
        let NodeValue::Map(entries) = &mut node.value else {
            return true;
        };
        let mut missing: Vec<_> = level.fields.iter().filter(|it| it.required).collect();
        let (mut misspelt, mut lost) = (Vec::new(), Vec::new());
        // Of no-break spaces: most likely all lines of a mapping begin with them.
        let mut is_told = false;
        entries.retain_mut(|(key, value)| {
            missing.retain(|field| field.name != key.text);
            match level.field(&key.text) {
                Some(field) => {
                    self.path.push(key.text.clone());
                    self.subject = Subject::Field;
                    self.look = Look::of_field(field);
                    let stays = self.value(value, &field.shape);
                    self.kept(stays);
                    self.path.pop();
                    lost.extend((!stays).then_some(field));
                    stays
                }
                None if level.extensions && key.text.starts_with("x-") => {
                    // Elsewhere ours says nothing either.
                    if own::is_read(&self.path) {
                        self.problems.0.extend(own::misspelt(key, value));
                    }
                    true
                }
                None if !level.strict => true,
                None if is_told && no_break(key).is_some() => false,
                None => {
                    is_told |= no_break(key).is_some();
                    misspelt.extend(self.unknown(key, value, level));
                    false
                }
            }
        });
        // An unknown key with its name nearby says so already.
        for field in missing.iter().filter(|it| !misspelt.contains(&it.name)) {
            let what = format!("{} has no `{}`", level.what, field.name);
            let problem = Problem::error(what).at(place.clone());
            self.problems.push(problem.hint(match field.shape.words {
                Words::OneOf(words) => {
                    format!("add `{}` with one of {}", field.name, words.join(", "))
                }
                _ => format!("add `{}: {}`", field.name, field.like),
            }));
        }
        // Of an item whose value for what it is of may not stand there, or is misspelt, nobody misses that.
        let is_lost =
            |field: &&Field| field.required || is_item && matches!(field.name, "source" | "path");
        let is_of_nothing = is_item
            && misspelt.contains(&"source")
            && !entries.iter().any(|(key, _)| key.text == "source");
        (missing.is_empty() && !is_of_nothing && !lost.iter().any(is_lost))
            || self.names_a_service()
    }

    /// Whether the path is that of an entry of `depends_on`, whose key names a service whatever is wrong
    /// with the entry: whether there is one is told too.
    fn names_a_service(&self) -> bool {
        let mut path = self.path.iter().rev();
        path.nth(1).is_some_and(|field| field == "depends_on")
    }

    /// Remembers a section, an entry of one, or what says what that is, that does not stay.
    fn kept(&mut self, stays: bool) {
        let is_wanted = match self.path.as_slice() {
            [_] | [_, _] => true,
            [entry @ .., field] => made_of(entry).contains(&field.as_str()),
            [] => false,
        };
        if !stays && is_wanted {
            self.taken_out.insert(self.path.clone());
        }
    }

    fn value(&mut self, node: &mut Node, shape: &'static Shape) -> bool {
        let allowed = match &node.value {
            NodeValue::Seq(_) => shape.list.is_some(),
            NodeValue::Map(_) => !matches!(shape.map, Map::No),
            _ => return self.scalar(node, shape),
        };
        if !allowed {
            self.wrong(node, shape);
            return false;
        }
        match (&mut node.value, shape.list, shape.map) {
            (NodeValue::Seq(items), Some(list), _) => self.items(items, list),
            (NodeValue::Map(_), _, Map::Level(level)) => self.level(node, level),
            (NodeValue::Map(entries), _, Map::Names(names)) => {
                self.entries(entries, names);
                true
            }
            _ => true,
        }
    }

    fn items(&mut self, items: &mut Vec<Node>, list: &'static Items) -> bool {
        let (outer, all) = ((self.subject, self.look), items.len());
        items.retain_mut(|item| {
            (self.subject, self.look) = (Subject::Item, outer.1);
            let split = astray::split_by_a_space(item, &list.shape);
            let is_one = split.is_none();
            self.problems.0.extend(split);
            is_one && self.value(item, &list.shape)
        });
        (self.subject, self.look) = outer;
        // Words without one of them say another thing.
        let stays = items.len() == all || !self.look.is_words();
        if !list.unique {
            return stays;
        }
        let mut seen = HashSet::new();
        for item in items {
            if !seen.insert(item.to_json().to_string()) {
                let what = format!("`{}` has the same item twice", self.shown());
                let problem = Problem::error(what).at(item.place.clone());
                self.problems.push(problem.hint("take one of them away"));
            }
        }
        stays
    }

    fn wrong(&mut self, node: &Node, shape: &Shape) {
        if let Some(problem) = no_break_in(node) {
            return self.problems.push(problem);
        }
        let what = match (self.subject, self.path.last()) {
            (Subject::Item, _) => format!("an item of `{}`", self.shown()),
            (Subject::Named(what), Some(name)) => format!("{what} `{}`", shorten(name)),
            (Subject::Field | Subject::Named(_), _) => format!("`{}`", self.shown()),
        };
        let problem = node.expected(&what, &shape.in_words());
        if self.is_trial {
            return self.problems.push(problem);
        }
        let key = self.path.last().map_or("", String::as_str);
        let is_item = matches!(self.subject, Subject::Item);
        // A file may have any number of wrong values, and to try what is advised costs.
        let hint = match self.problems.0.len() <= 2 * MOST_SHOWN {
            true => self.look.hint(key, node, is_item),
            false => format!("write {}", shape.in_words()),
        };
        self.problems.push(problem.hint(hint));
    }

    fn shown(&self) -> String {
        shorten(&self.path.join("."))
    }
}
