//! Lines before a document that begin with `%`: which YAML it is written in. Docker Compose takes 1.1
//! alone, and no directive that it does not know.

use crate::problem::{Place, Problem};

/// The first directive that Docker Compose refuses.
pub(super) fn refused(start: &Place, text: &str) -> Option<Problem> {
    let mut is_before = true;
    for (number, line) in (1..).zip(text.lines()) {
        if !is_before {
            // The end of a document, wherever it stands: no text may have such a line.
            let rest = line.strip_prefix("...");
            is_before = rest.is_some_and(|it| !it.starts_with(|c: char| !c.is_whitespace()));
            continue;
        }
        if let Some(directive) = line.strip_prefix('%') {
            if let Some(problem) = problem(directive) {
                let place = Place {
                    line: number,
                    column: 1,
                    ..start.clone()
                };
                return Some(problem.at(place));
            }
            continue;
        }
        let content = line.trim_start();
        is_before = content.is_empty() || content.starts_with('#');
    }
    None
}

fn problem(directive: &str) -> Option<Problem> {
    let mut words = directive.split_whitespace();
    let name = words.next().unwrap_or_default();
    let version = words.next().unwrap_or_default();
    let problem = match name {
        "TAG" => return None,
        "YAML" if version == "1.1" => return None,
        "YAML" => Problem::error("a Compose file is written in YAML 1.1, not in another one"),
        _ => Problem::error("`%` begins a directive, and YAML has none of this name"),
    };
    Some(problem.hint("take this line away"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_document_is_of_yaml_1_1() {
        let start = Place {
            file: PathBuf::from("a.yaml").into(),
            line: 1,
            column: 1,
        };
        for (text, wanted) in [
            ("%YAML 1.1\n---\na: 1\n", None),
            ("# x\n\n%TAG ! tag:x,2000:\n---\na: 1\n", None),
            ("# x\n%YAML 1.2 # y\n---\na: 1\n", Some(2)),
            ("%YAML 3.0\r\n---\r\na: 1\r\n", Some(1)),
            ("%FOO\n---\na: 1\n", Some(1)),
            ("a: 1\n...\n%YAML 1.2\n---\na: 1\n", Some(3)),
            ("a: |\n  ...\n  %YAML 1.2\n", None),
            ("a: 'x\n%YAML 1.2'\n", None),
            ("a: 1\n...x\n", None),
            ("", None),
        ] {
            let line = refused(&start, text).map(|it| it.place.unwrap().line);
            assert_eq!(line, wanted, "{text}");
        }
    }
}
