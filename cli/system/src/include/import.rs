//! What an included file declares, put into the file that includes it; and what both declare.

use std::collections::HashMap;

use super::alike::{At, differences};
use crate::canonical::{self, Variables, WHOLE_FILE};
use crate::fields::Below;
use crate::problem::{FileName, Place, Problem, Problems};
use crate::unread::SECTIONS;
use crate::yaml::{Key, Node, NodeValue, shorten};

/// Fields that are named as different; of more the rest is left out.
const SHOWN: usize = 3;

/// Puts what the model of `files` declares into a tree.
pub(super) fn import(
    model: Node,
    files: &[FileName],
    into: &mut Node,
    variables: Variables,
    problems: &mut Problems,
) {
    let NodeValue::Map(sections) = model.value else {
        return;
    };
    let file = into.place.file.clone();
    for (section, node) in sections {
        if !SECTIONS.contains(&section.text.as_str()) {
            continue;
        }
        let NodeValue::Map(entries) = node.value else {
            continue;
        };
        let place = node.place;
        let Some(there) = section_of(into, section.clone(), place) else {
            continue;
        };
        let positions: HashMap<String, usize> = there
            .iter()
            .enumerate()
            .map(|(at, (key, _))| (key.text.clone(), at))
            .collect();
        let shape = WHOLE_FILE.below(&section.text).shape;
        for (key, entry) in entries {
            let below = shape.map_or(Below::NONE, |shape| shape.below(&key.text));
            let at = At { below, file: &file };
            let position = positions.get(&key.text);
            match position.and_then(|at| there.get_mut(*at)) {
                // That nothing is no service is told later.
                Some((_, own)) if own.is_null() && section.text == "services" => {}
                // Earlier files' is taken back, and this one's stands in its place.
                Some((_, own)) if own.is_reset() => {
                    *own = entry;
                    own.tag = Some("!override".into());
                }
                Some(own) => {
                    if let Some(fields) = differences(&own.1, &entry, at) {
                        let mean_the_same = mean_the_same(&section, own, &entry, variables);
                        let included = declared_in(&key, &entry, files);
                        problems.push(conflict(&own.0, &fields, &included, mean_the_same));
                    }
                }
                None => there.push((key, entry)),
            }
        }
    }
}

/// That a file and those that it includes declare the same name in two ways.
fn conflict(own: &Key, fields: &[String], included: &[String], mean_the_same: bool) -> Problem {
    let more = if fields.len() > SHOWN {
        " and more"
    } else {
        ""
    };
    let fields: Vec<String> = fields
        .iter()
        .take(SHOWN)
        .map(|it| format!("`{}`", shorten(it)))
        .collect();
    let fields = fields.join(", ");
    let differ = match (fields.as_str(), mean_the_same) {
        ("", _) => String::new(),
        (fields, true) => format!(": they differ in the form of {fields}{more}"),
        (fields, false) => format!(": they differ in {fields}{more}"),
    };
    let are = if included.len() > 1 { "are" } else { "is" };
    let what = format!(
        "`{}` is declared here and, in another way, in {}, which {are} included{differ}",
        shorten(&own.text),
        included.join(" and "),
    );
    Problem::error(what).at(own.place.clone()).hint(if mean_the_same {
        "take this one away: Docker Compose compares what stands here with the long form of the other"
    } else {
        "give one of them another name, or name both files in one `path` list"
    })
}

/// Where what is included is declared: a line of each file that says something of it.
fn declared_in(key: &Key, entry: &Node, files: &[FileName]) -> Vec<String> {
    let mut places = vec![&key.place];
    collect(entry, files, &mut places);
    let line = |place: &&Place| format!("line {} of {}", place.line, place.file.display());
    places.iter().map(line).collect()
}

/// Adds the first place of each file.
fn collect<'n>(node: &'n Node, files: &[FileName], places: &mut Vec<&'n Place>) {
    let is_new = !places.iter().any(|it| it.file == node.place.file);
    if is_new && files.contains(&node.place.file) {
        places.push(&node.place);
    }
    for (_, below) in node.entries() {
        collect(below, files, places);
    }
    for below in node.items() {
        collect(below, files, places);
    }
}

/// Whether what is declared here means what is declared there, in long form.
fn mean_the_same(
    section: &Key,
    (key, own): &(Key, Node),
    included: &Node,
    variables: Variables,
) -> bool {
    let place = &own.place;
    let map =
        |key: &Key, node: Node| Node::new(place.clone(), NodeValue::Map(vec![(key.clone(), node)]));
    let mut whole = map(section, map(key, own.clone()));
    canonical::lengthen(&mut whole, variables, &mut Problems::default());
    crate::defaults::fill(&mut whole);
    let long = whole.get(&section.text).and_then(|it| it.get(&key.text));
    long.is_some_and(|long| long.to_json() == included.to_json())
}

/// The entries of a section, made where there is none.
fn section_of(tree: &mut Node, section: Key, place: Place) -> Option<&mut Vec<(Key, Node)>> {
    let there = tree.get(&section.text);
    if there.is_none_or(|it| it.is_null() || it.is_reset()) {
        // What earlier files say is taken back, and this stands in its place.
        let tag = there.filter(|it| it.is_reset()).map(|_| "!override".into());
        tree.remove(&section.text);
        if let NodeValue::Map(entries) = &mut tree.value {
            let mut empty = Node::new(place, NodeValue::Map(Vec::new()));
            empty.tag = tag;
            entries.push((section.clone(), empty));
        }
    }
    match tree.get_mut(&section.text).map(|node| &mut node.value) {
        Some(NodeValue::Map(entries)) => Some(entries),
        _ => None,
    }
}
