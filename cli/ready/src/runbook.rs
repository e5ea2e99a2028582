//! Files that say what to do when something breaks: what they are called, and how much they say.

use crate::decision::without_comments;
use crate::tree::{TextFile, Tree, is_test};

/// A runbook says more than its title: so many words beside headings, which three short steps have.
pub const WORDS: usize = 20;

/// Names of files and folders that are runbooks.
const NAMES: [&str; 4] = ["runbook", "runbooks", "playbook", "playbooks"];
/// Names that may be one, or be anything else.
const PERHAPS: [&str; 5] = ["oncall", "incident", "incidents", "operations", "disaster"];
/// Endings of documents.
const DOCUMENTS: [&str; 3] = [".md", ".adoc", ".rst"];
/// What stands where nothing was written yet.
const LATER: [&str; 6] = [
    "todo",
    "tbd",
    "fixme",
    "to be written",
    "to be done",
    "lorem ipsum",
];

/// A file that may be one.
#[derive(Debug)]
pub struct Runbook<'a> {
    /// The file.
    pub file: &'a TextFile,
    /// Whether it is called one.
    pub is_one: bool,
    /// The words that it says beside headings, and beside what is to be written later.
    pub words: usize,
}

/// All of them: those that are called runbooks first, and of those what says most.
#[must_use]
pub fn runbooks(tree: &Tree) -> Vec<Runbook<'_>> {
    let mut all: Vec<Runbook<'_>> = tree
        .texts
        .iter()
        .filter_map(|file| {
            let is_one = called(&file.path)?;
            let words = words(&file.text);
            Some(Runbook {
                file,
                is_one,
                words,
            })
        })
        .collect();
    all.sort_by_key(|it| (!it.is_one, std::cmp::Reverse(it.words)));
    all
}

/// Whether a path is a runbook's, or, `false`, may be one's.
fn called(path: &str) -> Option<bool> {
    let path = path.to_lowercase().replace("on-call", "oncall");
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let (stem, _) = name.rsplit_once('.')?;
    let document = DOCUMENTS.iter().any(|ending| name.ends_with(ending));
    if is_test(&path) || (!document && !name.ends_with(".txt")) {
        return None;
    }
    let has = |part: &str, names: &[&str]| {
        let mut words = part.split(|it: char| !it.is_alphanumeric());
        words.any(|word| names.contains(&word))
    };
    let of_folder = |names: &[&str]| document && folders.split('/').any(|it| names.contains(&it));
    // Ansible calls its own files playbooks.
    let ansible = folders.split('/').any(|it| it == "ansible");
    if !ansible && (has(stem, &NAMES) || of_folder(&NAMES)) {
        Some(true)
    } else if document && (has(stem, &PERHAPS) || of_folder(&PERHAPS)) {
        Some(false)
    } else {
        None
    }
}

/// The words of a text that are no heading, no comment, and not left for later.
fn words(text: &str) -> usize {
    let text = without_comments(text);
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', '=']) && !line.starts_with("//"));
    let sentences = lines.flat_map(|line| line.split_inclusive(". "));
    let said = sentences.filter(|sentence| {
        let sentence = sentence
            .trim_start_matches(|it: char| !it.is_alphanumeric())
            .to_lowercase();
        !LATER.iter().any(|it| sentence.starts_with(it))
    });
    said.flat_map(str::split_whitespace)
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count()
}

#[cfg(test)]
mod tests {
    use super::{called, words};

    #[test]
    fn a_runbook_is_known_by_its_name_and_by_what_it_says() {
        for (path, wanted) in [
            ("docs/runbook.md", Some(true)),
            ("docs/runbooks/orders-down.md", Some(true)),
            ("docs/on-call-playbook.md", Some(true)),
            ("RUNBOOK.txt", Some(true)),
            ("docs/operations.md", Some(false)),
            ("docs/api/operations.md", Some(false)),
            ("docs/on-call.md", Some(false)),
            ("src/operations/requirements.txt", None),
            ("ansible/playbook/notes.txt", None),
            ("ansible/playbooks/notes.md", None),
            ("runbook.py", None),
        ] {
            assert_eq!(called(path), wanted, "{path}");
        }
        assert_eq!(words("# Runbook\n<!-- look\nhere -->\nLook at it.\n"), 3);
        assert_eq!(words(&"TODO: write this. ".repeat(8)), 0);
        assert_eq!(words("- TBD\n1. Roll it back.\n"), 4);
    }
}
