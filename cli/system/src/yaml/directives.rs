//! Lines before a document that begin with `%`: which YAML it is written in, and what its tags stand
//! for. Docker Compose takes YAML 1.1 alone, each directive once, and none that it does not know.

use std::collections::HashSet;

use crate::problem::{Place, Problem};

/// The first directive that Docker Compose refuses.
pub(super) fn refused(start: &Place, text: &str) -> Option<Problem> {
    let mut is_before = true;
    let mut said = HashSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        if !is_before {
            // The end of a document, wherever it stands: no text may have such a line.
            let rest = line.strip_prefix("...");
            is_before = rest.is_some_and(|it| !it.starts_with(|c: char| !c.is_whitespace()));
            said.clear();
            continue;
        }
        if let Some(directive) = line.strip_prefix('%') {
            if let Err(why) = read(directive, &mut said) {
                let place = Place {
                    line: number,
                    column: 1,
                    ..start.clone()
                };
                return Some(Problem::error(why).at(place).hint("take this line away"));
            }
            continue;
        }
        let content = line.trim_start();
        is_before = content.is_empty() || content.starts_with('#');
    }
    None
}

/// Reads one directive, after those that were `said` of the same document.
fn read<'t>(directive: &'t str, said: &mut HashSet<&'t str>) -> Result<(), &'static str> {
    let comment = directive.find(" #").or_else(|| directive.find("\t#"));
    let (directive, _) = directive.split_at(comment.unwrap_or(directive.len()));
    let words: Vec<&str> = directive.split_whitespace().collect();
    let about = match *words {
        ["YAML", version] if is_1_1(version) => "YAML",
        ["YAML", ..] => return Err("a Compose file is written in YAML 1.1, not in another one"),
        ["TAG", handle, meaning] if is_handle(handle) && is_meaning(meaning) => handle,
        ["TAG", ..] => {
            return Err("`%TAG` names a handle and a prefix, as in `%TAG !e! tag:x,2000:`");
        }
        _ => return Err("`%` begins a directive, and YAML has none of this name"),
    };
    match said.insert(about) {
        true => Ok(()),
        false => Err("this directive stands here a second time"),
    }
}

/// Noughts before a number say nothing.
fn is_1_1(version: &str) -> bool {
    let is_one = |number: &str| number.trim_start_matches('0') == "1";
    let numbers = version.split_once('.');
    numbers.is_some_and(|(major, minor)| is_one(major) && is_one(minor))
}

/// `!`, `!!` or `!word!`.
fn is_handle(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let word = text.strip_prefix('!').and_then(|it| it.strip_suffix('!'));
    text == "!" || word.is_some_and(|word| word.chars().all(fits))
}

/// The signs of an address, each `%` with two digits after it.
fn is_meaning(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_;/?:@&=+$,.!~*'()[]%".contains(c);
    let mut escapes = text.split('%').skip(1);
    let is_byte = |it: &str| {
        it.get(..2)
            .is_some_and(|it| u8::from_str_radix(it, 16).is_ok())
    };
    text.chars().all(fits) && escapes.all(is_byte)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_document_is_of_yaml_1_1_and_says_each_directive_once() {
        let start = Place {
            file: PathBuf::from("a.yaml").into(),
            line: 1,
            column: 1,
        };
        for (text, wanted) in [
            ("%YAML 1.1\n---\na: 1\n", None),
            ("%YAML 01.1 # x\n---\na: 1\n", None),
            ("# x\n\n%TAG ! tag:x,2000:\n---\na: 1\n", None),
            ("%TAG !a! !\n%TAG !! x%41 # y\n%YAML 1.1\n---\n", None),
            ("%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\n", None),
            ("# x\n%YAML 1.2 # y\n---\na: 1\n", Some(2)),
            ("%YAML 3.0\r\n---\r\na: 1\r\n", Some(1)),
            ("%YAML\n---\n", Some(1)),
            ("%YAML 1.1 x\n---\n", Some(1)),
            ("%YAML 1.1\n%YAML 1.1\n---\n", Some(2)),
            ("%TAG ! x\n%TAG !! x\n%TAG ! y\n---\n", Some(3)),
            ("%TAG\n---\n", Some(1)),
            ("%TAG !a!\n---\n", Some(1)),
            ("%TAG a x\n---\n", Some(1)),
            ("%TAG !a x\n---\n", Some(1)),
            ("%TAG !a.b! x\n---\n", Some(1)),
            ("%TAG !a! x y\n---\n", Some(1)),
            ("%TAG !a! é\n---\n", Some(1)),
            ("%TAG !a! x%4\n---\n", Some(1)),
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
