//! Aliases of anchors that nothing defines.
//!
//! What comes in: their names and places, and the text that they stand in. What leaves: a problem for
//! each, with the anchor that is meant where one is near. What must not enter: what a document means.

use crate::problem::{Place, Problem, Problems, nearest};
use crate::yaml::shorten;

/// Anchors of a text that are looked at.
const MOST_ANCHORS: usize = 5_000;
/// Aliases whose neighbours are looked for.
const MOST_ALIASES: usize = 100;

/// How a problem with an alias ends.
const NOT_DEFINED: &str = "is not defined above";

/// Whether nothing is wrong but aliases of anchors that their document does not define.
pub(super) fn are_all(problems: &Problems) -> bool {
    problems.0.iter().all(|it| it.what.ends_with(NOT_DEFINED))
}

/// An alias of an anchor that its document does not define before it.
pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) place: Place,
}

/// An anchor as it stands in the text.
struct Anchor<'t> {
    name: &'t str,
    line: u32,
}

/// What is wrong with them.
pub(super) fn problems(unknown: Vec<Unknown>, text: &str) -> Problems {
    let anchors = anchors(text);
    let is_above = |alias: &Unknown| {
        let mut above = anchors.iter().filter(|it| it.line <= alias.place.line);
        above.any(|it| it.name == alias.name)
    };
    // What a document before this one defines Docker Compose knows: that is not what is wrong.
    let (above, missing): (Vec<_>, Vec<_>) = unknown
        .into_iter()
        .take(MOST_ALIASES)
        .partition(|alias| is_above(alias));
    let told = if missing.is_empty() { above } else { missing };
    Problems(told.into_iter().map(|it| problem(it, &anchors)).collect())
}

fn problem(alias: Unknown, anchors: &[Anchor<'_>]) -> Problem {
    let name = &alias.name;
    let what = format!("the anchor `{}` {NOT_DEFINED}", shorten(name));
    let below = anchors.iter().find(|it| it.name == name);
    let near = || nearest(name, anchors.iter().map(|it| it.name));
    let hint = match below {
        Some(Anchor { line, .. }) => {
            format!("it stands in line {line}: move that above its aliases")
        }
        None => match near() {
            Some(near) => format!("did you mean `*{near}`?"),
            None => format!(
                "write `&{}` before what is meant, or put the text in quotes where it is no alias",
                shorten(name)
            ),
        },
    };
    Problem::error(what).at(alias.place).hint(hint)
}

/// What looks like an anchor: a comment that does is no harm to who looks for a name.
fn anchors(text: &str) -> Vec<Anchor<'_>> {
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1_u32..) {
        let mut before = ' ';
        for (at, sign) in line.char_indices() {
            if sign == '&' && (before.is_whitespace() || matches!(before, '[' | '{' | ',')) {
                let name = line.get(at + 1..).unwrap_or_default();
                let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
                let name = name.split(ends).next().unwrap_or_default();
                if !name.is_empty() && found.len() < MOST_ANCHORS {
                    found.push(Anchor { name, line: number });
                }
            }
            before = sign;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::yaml::parse_documents;

    #[test]
    fn an_alias_of_no_anchor_is_told_by_its_name_with_the_nearest_one() {
        for (text, wanted) in [
            (
                "a: &base 1\nb: *bsae\n",
                "f:2:4: the anchor `bsae` is not defined above (did you mean `*base`?)",
            ),
            (
                "b: {é: *base, <<: *no}\na: &base 1\n",
                "f:1:8: the anchor `base` is not defined above (it stands in line 2: move that \
                 above its aliases)\n\
                 f:1:19: the anchor `no` is not defined above (write `&no` before what is meant, or \
                 put the text in quotes where it is no alias)",
            ),
            (
                "a: *.example.com\n",
                "f:1:4: the anchor `.example.com` is not defined above (write `&.example.com` \
                 before what is meant, or put the text in quotes where it is no alias)",
            ),
            (
                "a: &one 1\n---\nb: [*one, *oen]\n",
                "f:3:11: the anchor `oen` is not defined above (did you mean `*one`?)",
            ),
            (
                "*a : 1\n",
                "f:1:1: the anchor `a` is not defined above (write `&a`",
            ),
        ] {
            let told = parse_documents(Path::new("f"), text.as_bytes());
            let told = told.unwrap_err().to_string();
            assert!(told.starts_with(wanted), "{told}");
            assert_eq!(told.lines().count(), wanted.lines().count(), "{told}");
        }
    }

    #[test]
    fn any_number_of_unknown_anchors_takes_no_time() {
        let text: String = (0..50_000)
            .map(|i| format!("- *a{i}\n- &b{i} x\n"))
            .collect();
        let told = parse_documents(Path::new("f"), text.as_bytes()).unwrap_err();
        assert_eq!(told.0.len(), 100);
    }
}
