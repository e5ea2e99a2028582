//! Several files into one, by Compose's rules: mappings are merged, lists appended (an item with
//! the identity of an earlier one takes its place), anything else replaced; what goes another way
//! the table says ([`crate::fields`]). `!reset` removes what earlier files gave, `!override`
//! replaces it.
//!
//! What comes in: trees as written, or in long form ([`crate::canonical`]) where they have been
//! merged before. What leaves: one tree whose nodes keep the place of the file they came from. What
//! must not enter: defaults.

use std::collections::{HashMap, HashSet};

use crate::fields::{Below, Merged, Shape};
use crate::forms::scalar_text;
use crate::problem::{Part, Problem, Problems};
use crate::yaml::{Key, Node, NodeValue, shorten};

pub(crate) use unique::unique;

#[cfg(test)]
mod tests;
mod unique;

/// Takes away what is taken back, and the tags that say so of what came earlier: nothing did.
pub(crate) fn settle(node: &mut Node) {
    if matches!(node.tag.as_deref(), Some("!override" | "!reset")) {
        node.tag = None;
    }
    match &mut node.value {
        NodeValue::Map(entries) => {
            entries.retain(|(_, child)| !child.is_reset());
            entries.iter_mut().for_each(|(_, child)| settle(child));
        }
        NodeValue::Seq(items) => {
            items.retain(|child| !child.is_reset());
            items.iter_mut().for_each(settle);
        }
        _ => {}
    }
}

/// `over` laid on `base`, which is of `shape`; `path` is what the place is called.
pub(crate) fn over(
    base: Node,
    over: Node,
    shape: &'static Shape,
    path: &mut Vec<String>,
    problems: &mut Problems,
) -> Node {
    let below = Below {
        shape: Some(shape),
        ..Below::NONE
    };
    node(base, over, &below, path, problems)
}

fn node(
    mut base: Node,
    mut over: Node,
    below: &Below,
    path: &mut Vec<String>,
    problems: &mut Problems,
) -> Node {
    if over.tag.as_deref() == Some("!override") {
        return over;
    }
    // A list that others are appended to keeps none.
    for it in [&mut base, &mut over] {
        tell_tag(it, problems);
    }
    if below.merged != Merged::Common {
        take_back(&mut base, &mut over);
    }
    match below.merged {
        Merged::Common => common(base, over, below.shape, path, problems),
        Merged::Replaced => over,
        _ if base.is_null() => over,
        _ if over.is_null() => base,
        Merged::Listed => appended(listed(base), listed(over)),
        Merged::Hosts => {
            let base = listed(base);
            let mut over = listed(over);
            if let NodeValue::Seq(items) = &mut over.value {
                let texts: Vec<Option<&str>> = base.items().iter().map(Node::as_str).collect();
                items.retain(|item| item.as_str().is_none() || !texts.contains(&item.as_str()));
            }
            appended(base, over)
        }
        Merged::Named => {
            let (base, over) = (
                named(base, |_| NodeValue::Null),
                named(over, |_| NodeValue::Null),
            );
            common(base, over, below.shape, path, problems)
        }
        Merged::Dependencies => {
            let (base, over) = (named(base, started), named(over, started));
            common(base, over, below.shape, path, problems)
        }
        Merged::Builds => common(build(base), build(over), below.shape, path, problems),
        Merged::Logging => match (base.get("driver"), over.get("driver")) {
            (Some(earlier), Some(later)) if earlier.value != later.value => over,
            _ => common(base, over, below.shape, path, problems),
        },
        Merged::Pools => pools(base, over, path, problems),
    }
}

/// Removes entries of `base` that `over` marks `!reset` or `!override`, and the former's marks.
fn take_back(base: &mut Node, over: &mut Node) {
    let (NodeValue::Map(entries), NodeValue::Map(later)) = (&mut base.value, &mut over.value)
    else {
        return;
    };
    let marked = |node: &Node| matches!(node.tag.as_deref(), Some("!reset" | "!override"));
    let taken: HashSet<&str> = later
        .iter()
        .filter(|(_, node)| marked(node))
        .map(|(key, _)| key.text.as_str())
        .collect();
    entries.retain(|(key, _)| !taken.contains(key.text.as_str()));
    later.retain(|(_, node)| !node.is_reset());
}

/// By the common rule.
fn common(
    base: Node,
    over: Node,
    shape: Option<&'static Shape>,
    path: &mut Vec<String>,
    problems: &mut Problems,
) -> Node {
    if base.is_null() {
        return over;
    }
    if over.is_null() {
        return base;
    }
    match (base.value, over.value) {
        (NodeValue::Map(entries), NodeValue::Map(more)) => Node {
            value: NodeValue::Map(map(entries, more, shape, path, problems)),
            place: base.place,
            tag: base.tag,
            plain: false,
            short: base.short && over.short,
            replaced: None,
        },
        (NodeValue::Seq(mut items), NodeValue::Seq(more)) => {
            items.extend(more);
            Node::new(base.place, NodeValue::Seq(items))
        }
        (earlier @ (NodeValue::Map(_) | NodeValue::Seq(_)), later) => {
            let base = Node::new(base.place, earlier);
            let over = Node::new(over.place, later);
            problems.push(cannot_merge(&base, &over, path));
            over
        }
        (_, value) => Node {
            value,
            place: over.place,
            tag: over.tag,
            plain: over.plain,
            short: over.short,
            replaced: over.replaced,
        },
    }
}

fn cannot_merge(base: &Node, over: &Node, path: &[String]) -> Problem {
    Problem::error(format!(
        "`{}` is {} here and {} in line {} of {}; the two cannot be merged",
        shorten(&path.join(".")),
        over.kind(),
        base.kind(),
        base.place.line,
        base.place.file.display()
    ))
    .at(over.place.clone())
    .hint("write `!override` before the value to replace what earlier files say")
}

fn map(
    mut base: Vec<(Key, Node)>,
    over: Vec<(Key, Node)>,
    shape: Option<&'static Shape>,
    path: &mut Vec<String>,
    problems: &mut Problems,
) -> Vec<(Key, Node)> {
    let positions: HashMap<String, usize> = base
        .iter()
        .enumerate()
        .map(|(i, (key, _))| (key.text.clone(), i))
        .collect();
    for (key, value) in over {
        let Some((_, slot)) = positions.get(&key.text).and_then(|i| base.get_mut(*i)) else {
            base.push((key, value));
            continue;
        };
        if value.is_reset() {
            // `clean` removes it, so that positions stay as they are.
            *slot = value;
            continue;
        }
        let below = shape.map_or(Below::NONE, |shape| shape.below(&key.text));
        path.push(key.text);
        let nothing = Node::new(slot.place.clone(), NodeValue::Null);
        let earlier = std::mem::replace(slot, nothing);
        *slot = node(earlier, value, &below, path, problems);
        path.pop();
    }
    base
}

/// A mapping as a list of `NAME=VALUE`, a text as a list of it.
fn listed(node: Node) -> Node {
    let items = match node.value {
        NodeValue::Map(entries) => {
            let mut items = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                match &value.value {
                    _ if value.is_reset() => {}
                    NodeValue::Null => items.push(text(key.text, &key.place)),
                    NodeValue::Seq(several) => {
                        items.extend(several.iter().filter_map(|one| {
                            let one = scalar_text(one)?;
                            Some(text(format!("{}={one}", key.text), &value.place))
                        }));
                    }
                    NodeValue::Map(_) => items.push(value),
                    _ => {
                        let one = scalar_text(&value).unwrap_or_default();
                        items.push(text(format!("{}={one}", key.text), &value.place));
                    }
                }
            }
            items
        }
        NodeValue::Seq(items) => items,
        value @ NodeValue::String(_) => vec![Node::new(node.place.clone(), value)],
        value => {
            return Node {
                value,
                ..Node::new(node.place, NodeValue::Null)
            };
        }
    };
    Node::new(node.place, NodeValue::Seq(items))
}

fn text(text: String, place: &crate::problem::Place) -> Node {
    Node::new(place.clone(), NodeValue::String(text))
}

fn appended(mut base: Node, over: Node) -> Node {
    match (&mut base.value, over.value) {
        (NodeValue::Seq(items), NodeValue::Seq(more)) => {
            items.extend(more);
            base
        }
        (_, value) => Node::new(over.place, value),
    }
}

/// A list of names as a mapping of names.
fn named(node: Node, value: impl Fn(&crate::problem::Place) -> NodeValue) -> Node {
    let NodeValue::Seq(items) = node.value else {
        return node;
    };
    let entries = items.into_iter().filter_map(|item| {
        let value = Node::new(item.place.clone(), value(&item.place));
        let NodeValue::String(text) = item.value else {
            return None;
        };
        let place = item.place;
        Some((Key { text, place }, value))
    });
    Node::new(node.place, NodeValue::Map(entries.collect()))
}

/// A dependency that needs only have started.
pub(crate) fn started(place: &crate::problem::Place) -> NodeValue {
    let entry = |text: &str, value: NodeValue| {
        let key = Key {
            text: text.to_owned(),
            place: place.clone(),
        };
        (key, Node::new(place.clone(), value))
    };
    NodeValue::Map(vec![
        entry("condition", NodeValue::String("service_started".to_owned())),
        entry("required", NodeValue::Bool(true)),
    ])
}

/// A build, from its context where it is no more.
pub(crate) fn build(mut node: Node) -> Node {
    if node.as_str().is_some() {
        let place = node.place.clone();
        let context = std::mem::replace(&mut node.value, NodeValue::Null);
        let key = Key {
            text: "context".to_owned(),
            place: place.clone(),
        };
        node.value = NodeValue::Map(vec![(key, Node::new(place, context))]);
    }
    node
}

/// Pools of addresses: those of one subnet are one.
fn pools(base: Node, over: Node, path: &mut Vec<String>, problems: &mut Problems) -> Node {
    let (NodeValue::Seq(earlier), NodeValue::Seq(later)) = (&base.value, &over.value) else {
        problems.push(cannot_merge(&base, &over, path));
        return over;
    };
    let subnet = |node: &Node| node.get("subnet").and_then(Node::as_str).map(str::to_owned);
    let mut kept: Vec<Node> = Vec::new();
    for pool in earlier {
        for more in later {
            let place = |kept: &[Node], wanted: &Node| {
                kept.iter().position(|it| subnet(it) == subnet(wanted))
            };
            if subnet(pool) != subnet(more) && place(&kept, more).is_none() {
                kept.push(more.clone());
                continue;
            }
            let merged = common(pool.clone(), more.clone(), None, path, problems);
            match place(&kept, &merged).and_then(|at| kept.get_mut(at)) {
                Some(slot) => *slot = merged,
                None => kept.push(merged),
            }
        }
    }
    Node::new(base.place, NodeValue::Seq(kept))
}

/// Takes a tag off that is none of ours, and names it.
fn tell_tag(node: &mut Node, problems: &mut Problems) {
    let own = |tag: &&str| !matches!(*tag, "!override" | "!reset");
    let Some(tag) = node.tag.as_deref().filter(own) else {
        return;
    };
    let what = format!("the tag `{}` means nothing here", shorten(tag));
    let problem = Problem::warning(what).at(node.place.clone());
    let problem = problem.about(Part::Tag(tag.chars().count()));
    // Both take away what is there: who means another tag loses it, so that only a slip is near.
    let near = problems.nearest(tag, ["!reset", "!override"]);
    let near = near.filter(|near| strsim::damerau_levenshtein(tag, near) <= 1);
    let problem = problem.hint(match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`!reset` and `!override` are understood".to_owned(),
    });
    node.tag = None;
    problems.push(problem);
}

/// Removes what `!reset` marks, takes the mark of `!override` off, and names other tags.
pub(crate) fn clean(node: &mut Node, problems: &mut Problems) {
    tell_tag(node, problems);
    node.tag = None;
    match &mut node.value {
        NodeValue::Map(entries) => {
            entries.retain(|(_, child)| !child.is_reset());
            entries
                .iter_mut()
                .for_each(|(_, child)| clean(child, problems));
        }
        NodeValue::Seq(items) => {
            items.retain(|child| !child.is_reset());
            items.iter_mut().for_each(|child| clean(child, problems));
        }
        _ => {}
    }
}
