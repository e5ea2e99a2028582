//! A Jenkinsfile, as far as its `sh` steps, its pushes and its change sets go.

use super::Pipeline;
use super::job::Job;
use crate::delivery::{Deed, deed};
use crate::tree::Tree;

/// Reads it.
pub(super) fn read(tree: &Tree, text: &str) -> Pipeline {
    let mut found = Pipeline::default();
    let mut rest = text;
    let mut line = 1;
    let job = |at: usize| Job {
        said: without_comments(stage_around(text, at))
            .to_lowercase()
            .into(),
        changes: None,
    };
    // How deep in braces this is, and above which depth a condition lets things run again.
    let (mut deep, mut off) = (0_u32, None);
    while let Some(next) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some((step, length)) = step(rest, text.len() - rest.len(), text) {
            match step {
                _ if off.is_some() => {
                    found.has_steps = true;
                    found.idle.insert("is switched off");
                }
                Step::Script(script) => {
                    let (deed, _) = deed(tree, script);
                    found.note(deed, line, false, &job(text.len() - rest.len()));
                    if deed == Deed::Nothing {
                        found
                            .idle
                            .insert("runs nothing but what prints, or what never comes to run");
                    }
                }
                Step::Changes(pattern) => drop(found.paths.insert(pattern.to_owned())),
                Step::Push => {
                    found.note(Deed::Delivers, line, false, &job(text.len() - rest.len()));
                }
            }
            length
        } else if is_never(rest) {
            off = off.or(Some(deep));
            1
        } else if next == '\'' || next == '"' {
            quoted(rest)
        } else {
            if next == '{' {
                deep += 1;
            } else if next == '}' {
                deep = deep.saturating_sub(1);
                off = off.filter(|around| deep >= *around);
            }
            next.len_utf8()
        };
        let (past, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        line += u32::try_from(past.matches('\n').count()).unwrap_or_default();
        rest = after;
    }
    found
}

/// The stage that a step stands in, which says of which part it speaks; all of a file without any.
fn stage_around(text: &str, at: usize) -> &str {
    const STAGE: &str = "stage(";
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let begin = before.rfind(STAGE).unwrap_or(0);
    let end = after.find(STAGE).map_or(text.len(), |end| at + end);
    text.get(begin..end).unwrap_or(text)
}

/// Whether a condition begins here that never lets its stage run.
fn is_never(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix("when") else {
        return false;
    };
    let words: String = rest
        .chars()
        .take(80)
        .filter(|it| !it.is_whitespace())
        .collect();
    [
        "{expression{false}",
        "{expression{returnfalse}",
        "{not{expression{true}",
    ]
    .iter()
    .any(|never| words.starts_with(never))
}

/// The length of the text that begins here, which ends with its line at the latest.
fn quoted(rest: &str) -> usize {
    let quote = rest.chars().next().unwrap_or('"');
    let inside = rest.get(1..).unwrap_or_default();
    let end = inside.find([quote, '\n']).unwrap_or(inside.len());
    1 + end + usize::from(inside.get(end..).is_some_and(|it| it.starts_with(quote)))
}

fn without_comments(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

enum Step<'a> {
    Script(&'a str),
    Changes(&'a str),
    Push,
}

/// The step that begins here, and its length.
fn step<'a>(rest: &'a str, at: usize, text: &str) -> Option<(Step<'a>, usize)> {
    if rest.starts_with(".push(") {
        return Some((Step::Push, 6));
    }
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    if before.is_some_and(|it| it.is_alphanumeric() || it == '_') {
        return None;
    }
    let word = ["sh", "bat", "powershell", "changeset"]
        .into_iter()
        .find(|word| rest.starts_with(word))?;
    let after = rest.get(word.len()..)?;
    let opened = after.trim_start_matches([' ', '(']);
    let opened = match opened.strip_prefix("script:") {
        Some(named) => named.trim_start(),
        None => opened,
    };
    let quote = ["'''", "\"\"\"", "'", "\""]
        .into_iter()
        .find(|quote| opened.starts_with(quote))?;
    let inside = opened.get(quote.len()..)?;
    let end = inside.find(quote)?;
    let length = rest.len() - inside.len() + end + quote.len();
    let said = inside.get(..end)?;
    let step = match word {
        "changeset" => Step::Changes(said),
        _ => Step::Script(said),
    };
    Some((step, length))
}
