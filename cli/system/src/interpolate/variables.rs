//! The variables that stand in texts, with what the texts say of them.

use std::collections::BTreeMap;

use super::{closing_brace, split_name};
use crate::yaml::{Node, NodeValue};

/// A variable that a file names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variable {
    /// What it is called.
    pub name: String,
    /// Whether it must be set (`${NAME:?…}`).
    pub required: bool,
    /// What stands for it where it is not set (`${NAME:-…}`); empty when nothing does.
    pub default: String,
    /// What stands for it where it is set (`${NAME:+…}`); empty when nothing does.
    pub alternate: String,
}

/// Adds the variables of a tree. What the last text says of one counts.
pub(crate) fn of_node(node: &Node, found: &mut BTreeMap<String, Variable>) {
    match &node.value {
        NodeValue::String(text) => of_text(text, found),
        NodeValue::Seq(items) => items.iter().for_each(|item| of_node(item, found)),
        NodeValue::Map(entries) => entries.iter().for_each(|(_, it)| of_node(it, found)),
        _ => {}
    }
}

/// Adds the variables of a text, those in defaults too.
fn of_text(mut text: &str, found: &mut BTreeMap<String, Variable>) {
    while let Some((_, after)) = text.split_once('$') {
        text = if let Some(rest) = after.strip_prefix('$') {
            rest
        } else if let Some(braced) = after.strip_prefix('{') {
            let Some(end) = closing_brace(braced) else {
                return;
            };
            of_braced(braced.get(..end).unwrap_or_default(), found);
            braced.get(end + 1..).unwrap_or_default()
        } else {
            let (name, rest) = split_name(after);
            if !name.is_empty() {
                found.entry(name.to_owned()).or_insert_with(|| Variable {
                    name: name.to_owned(),
                    ..Variable::default()
                });
            }
            rest
        };
    }
}

/// Adds the variable that stands in braces, and those in what follows its name.
fn of_braced(inside: &str, found: &mut BTreeMap<String, Variable>) {
    let (name, form) = split_name(inside);
    if name.is_empty() {
        return;
    }
    let mut variable = Variable {
        name: name.to_owned(),
        ..Variable::default()
    };
    let form = form.strip_prefix(':').unwrap_or(form);
    let mut chars = form.chars();
    match chars.next() {
        Some('-') => variable.default = chars.as_str().to_owned(),
        Some('+') => variable.alternate = chars.as_str().to_owned(),
        Some('?') => variable.required = true,
        _ => {}
    }
    let nested = [variable.default.clone(), variable.alternate.clone()];
    found.insert(name.to_owned(), variable);
    for text in nested {
        of_text(&text, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_with_what_is_said_of_them() {
        let mut found = BTreeMap::new();
        of_text(
            "$A ${B:-b${C}} $$NO ${D:?must} ${E:+x}${F-} 5$ ${",
            &mut found,
        );
        let found: Vec<String> = found
            .into_values()
            .map(|it| {
                format!(
                    "{}|{}|{}|{}",
                    it.name, it.required, it.default, it.alternate
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "A|false||",
                "B|false|b${C}|",
                "C|false||",
                "D|true||",
                "E|false||x",
                "F|false||",
            ]
        );
    }
}
