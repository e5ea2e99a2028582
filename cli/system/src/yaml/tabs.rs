//! Tabs where YAML takes none. Its parser often stops in the line above, or behind them.

use crate::problem::{Part, Place, Problem};

/// The problem that a tab made, where `message` is a parser's that stopped at `place`.
pub(super) fn blamed(place: &Place, message: &str, text: &str) -> Option<Problem> {
    if !message.contains("tab") && !message.contains("cannot start any token") {
        return None;
    }
    let before = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let mut lines = text.lines().zip(1_u32..).skip(before);
    let stopped = lines.next()?;
    let below = lines.find(|(line, _)| !line.trim().is_empty());
    let near = std::iter::once(stopped).chain(below);
    let indented = near.clone().find_map(|(line, number)| {
        let indentation = line.len() - line.trim_start().len();
        let tab = line.find('\t').filter(|tab| *tab < indentation)?;
        Some((line, number, tab))
    });
    let (what, (line, number, tab)) = match indented {
        Some(tab) => ("it takes no tabs for indentation", tab),
        None => {
            let (line, number) = stopped;
            ("it takes no tab here", (line, number, line.find('\t')?))
        }
    };
    let column = line.get(..tab)?.chars().count() + 1;
    let tabs = line.get(tab..)?.chars().take_while(|c| *c == '\t').count();
    let problem = Problem::error(format!("this is not YAML: {what}")).at(Place {
        file: place.file.clone(),
        line: number,
        column: u32::try_from(column).ok()?,
    });
    let problem = problem.about(Part::Characters(tabs));
    Some(problem.hint("put spaces in place of the tab"))
}

#[cfg(test)]
mod tests {
    use crate::yaml::parse_documents;

    #[test]
    fn a_tab_is_told_where_it_stands() {
        const INDENTATION: &str = "it takes no tabs for indentation";
        for (text, place, what) in [
            ("a:\n\tb: c\n", "2:1", INDENTATION),
            ("a:\n  b: c\n \t\td: e\n", "3:2", INDENTATION),
            ("a:\n  - b\n\n\t- c\n", "4:1", INDENTATION),
            ("a:\n  b: c\n\n\td: e\n", "4:1", INDENTATION),
            ("é: \n  -\ta: b\n", "2:4", "it takes no tab here"),
        ] {
            let problems = parse_documents("f".as_ref(), text.as_bytes()).unwrap_err();
            let wanted = format!("f:{place}: this is not YAML: {what}");
            let said = problems.to_string();
            assert!(said.starts_with(&wanted), "{text:?}: {said}");
        }
        for text in ["a: |\n  b\n  \tc\n", "a:\t[b]\n"] {
            parse_documents("f".as_ref(), text.as_bytes()).unwrap();
        }
    }
}
