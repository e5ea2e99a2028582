//! The tracked text files of a repository, and the search in them: what a line of code or
//! configuration says, never what a comment says.

use std::path::{Path, PathBuf};

use msvc_system::files::Files;
use msvc_system::problem::Place;

use crate::code::{Strings, code};
use crate::git::listing::Listing;

/// Larger files are generated or data.
pub(crate) const LARGEST: usize = 500_000;
/// What is read in all; a repository beyond it is judged by what was read, and that is said.
pub(crate) const MOST_BYTES: usize = 200_000_000;

/// Folders of code that others wrote, or that a program did.
const FOREIGN: [&str; 14] = [
    "node_modules",
    "vendor",
    "third_party",
    "thirdparty",
    "dist",
    "build",
    "out",
    "target",
    "generated",
    "gen",
    ".venv",
    "site-packages",
    "testdata",
    "fixtures",
];

/// Endings of source files.
const SOURCE: [&str; 33] = [
    "rs", "go", "py", "js", "mjs", "cjs", "ts", "tsx", "jsx", "java", "kt", "kts", "scala", "cs",
    "fs", "vb", "rb", "php", "ex", "exs", "erl", "clj", "c", "h", "cc", "cpp", "hpp", "swift", "m",
    "dart", "lua", "sql", "vue",
];

/// Whether a path is source code that people of this repository write.
#[must_use]
pub fn is_source(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| SOURCE.contains(&ending.to_ascii_lowercase().as_str()))
        && !is_foreign(path)
        && !path.ends_with(".min.js")
        && !path.contains(".pb.")
}

/// Whether others, or a program, wrote it.
#[must_use]
pub fn is_foreign(path: &str) -> bool {
    path.split('/')
        .rev()
        .skip(1)
        .any(|folder| FOREIGN.contains(&folder))
}

/// Whether it is a test, which proves no use in production.
#[must_use]
pub fn is_test(path: &str) -> bool {
    path.split(['/', '.', '_', '-']).any(|part| {
        matches!(
            part.to_ascii_lowercase().as_str(),
            "test" | "tests" | "spec" | "specs" | "__tests__" | "e2e" | "examples"
        )
    })
}

/// A text file.
#[derive(Debug, Clone)]
pub struct TextFile {
    /// Relative to the repository's folder, with `/`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A line that says something.
#[derive(Debug, Clone)]
pub struct Hit<'a> {
    /// In which file.
    pub file: &'a TextFile,
    /// Line, from 1.
    pub line: u32,
    /// Which of the words was found.
    pub word: &'a str,
}

/// The tracked text files.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Where they stand.
    pub root: PathBuf,
    /// Those that were read, by path.
    pub texts: Vec<TextFile>,
    /// All tracked paths, also of what was not read.
    pub paths: Vec<String>,
    /// Tracked files that this machine does not have; a folder ends with `/`.
    pub absent: Vec<String>,
    /// Folders in which other repositories stand.
    pub submodules: Vec<String>,
    /// Links that lead nowhere.
    pub lost: Vec<String>,
    /// Files that were left unread, for there is too much to read.
    pub beyond: Vec<String>,
}

impl Tree {
    /// Reads the files of `listing` below `root`.
    #[must_use]
    pub fn read(root: &Path, mut listing: Listing, files: &Files) -> Self {
        let mut paths = std::mem::take(&mut listing.paths);
        paths.sort_unstable();
        paths.dedup();
        let mut tree = Self {
            root: root.to_path_buf(),
            absent: std::mem::take(&mut listing.absent),
            submodules: std::mem::take(&mut listing.submodules),
            lost: std::mem::take(&mut listing.lost),
            ..Self::default()
        };
        let mut bytes_read = 0;
        for path in &paths {
            if is_foreign(path) {
                continue;
            }
            if bytes_read > MOST_BYTES {
                tree.beyond.push(path.clone());
                continue;
            }
            let bytes = listing.take(root, path, |path| files.read(path));
            let bytes = bytes.filter(|bytes| bytes.len() <= LARGEST);
            if let Some(text) = bytes.as_deref().and_then(decoded) {
                bytes_read += text.len();
                let path = path.clone();
                tree.texts.push(TextFile { path, text });
            }
        }
        tree.paths = paths;
        tree
    }

    /// The text of one file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&TextFile> {
        let at = self
            .texts
            .binary_search_by(|file| file.path.as_str().cmp(path));
        at.ok().map(|at| &self.texts[at])
    }

    /// As [`Tree::find`], in source: only what is code counts.
    pub fn find_in_code<'a>(
        &'a self,
        words: &'a [&'a str],
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<Hit<'a>> {
        let files = self.texts.iter().filter(|file| wanted(&file.path));
        files
            .filter_map(|file| first_of_code(file, words, Strings::None))
            .collect()
    }

    /// A place in a file.
    #[must_use]
    pub fn place(&self, path: &str, line: u32) -> Place {
        Place {
            file: self.root.join(path).into(),
            line,
            column: 1,
        }
    }

    /// The first line of each file for which `wanted` holds that has one of `words` (lower case),
    /// comments left out.
    pub fn find<'a>(&'a self, words: &'a [&'a str], wanted: impl Fn(&str) -> bool) -> Vec<Hit<'a>> {
        let files = self.texts.iter().filter(|file| wanted(&file.path));
        files.filter_map(|file| first(file, words)).collect()
    }
}

/// A file as text: UTF-8, or UTF-16 with its mark, or anything older, of which the signs beyond
/// ASCII, in comments as a rule, are not told apart. `None` of what is no text.
fn decoded(bytes: &[u8]) -> Option<String> {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units = bytes.get(2..).unwrap_or_default().chunks_exact(2);
        let units = units.filter_map(|pair| Some(of(pair.try_into().ok()?)));
        let signs = char::decode_utf16(units);
        signs
            .map(|sign| sign.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect::<String>()
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        bytes => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            String::from_utf8_lossy(bytes).into_owned()
        }
    };
    (!text.contains('\0')).then_some(text)
}

/// The first line of a file that has one of the words.
#[must_use]
pub fn first<'a>(file: &'a TextFile, words: &'a [&'a str]) -> Option<Hit<'a>> {
    first_in(file, &file.text, words, |line, word| line.contains(word))
}

/// The first line of a source file whose code has one of the words: no comment and no text does.
#[must_use]
pub fn first_of_code<'a>(
    file: &'a TextFile,
    words: &'a [&'a str],
    strings: Strings,
) -> Option<Hit<'a>> {
    first_said(file, words, strings, |_| true)
}

/// The first line of a source file that does what one of the words says: no comment, no text, and
/// no line that only takes it in.
#[must_use]
pub fn first_done<'a>(file: &'a TextFile, words: &'a [&'a str]) -> Option<Hit<'a>> {
    first_said(file, words, Strings::None, |line| !is_import(line))
}

/// The first line of a source file that takes in one of the names.
#[must_use]
pub fn first_taken<'a>(file: &'a TextFile, words: &'a [&'a str]) -> Option<Hit<'a>> {
    first_said(file, words, Strings::None, is_import)
}

fn first_said<'a>(
    file: &'a TextFile,
    words: &'a [&'a str],
    strings: Strings,
    counts: impl Fn(&str) -> bool,
) -> Option<Hit<'a>> {
    // Most files have none of the words, and need no second look.
    first(file, words)?;
    let code = code(&file.path, &file.text, strings);
    let says = |line: &str, word: &str| counts(line) && has_word(line, word);
    first_in(file, &code, words, says)
}

/// Whether a line takes in what other files make.
fn is_import(line: &str) -> bool {
    let line = line.trim_start();
    [
        "import ", "from ", "use ", "using ", "require", "#include", "package ",
    ]
    .iter()
    .any(|begin| line.starts_with(begin))
        || line.contains("require(")
}

/// What stands before a name that is made here, and so is none of a library's.
const MAKES: [&str; 9] = [
    "class ",
    "def ",
    "fn ",
    "func ",
    "function ",
    "interface ",
    "struct ",
    "trait ",
    "enum ",
];

/// Whether a line, lower case, has a word as a whole name, and not as one that is made there.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |it: char| it.is_alphanumeric() || it == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let begins = !word.starts_with(is_name) || !before.ends_with(is_name);
        let ends = !word.ends_with(is_name) || !after.starts_with(is_name);
        begins && ends && !MAKES.iter().any(|it| before.ends_with(it))
    })
}

fn first_in<'a>(
    file: &'a TextFile,
    text: &str,
    words: &'a [&'a str],
    says: impl Fn(&str, &str) -> bool,
) -> Option<Hit<'a>> {
    for (number, line) in text.lines().enumerate() {
        if is_comment(line) {
            continue;
        }
        let line = line.to_lowercase();
        if let Some(word) = words.iter().find(|word| says(&line, word)) {
            return Some(Hit {
                file,
                line: u32::try_from(number + 1).unwrap_or(u32::MAX),
                word,
            });
        }
    }
    None
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    ["//", "/*", "*", "--", "<!--", ";", "\"\"\""]
        .iter()
        .any(|begin| line.starts_with(begin))
        || (line.starts_with('#') && !line.starts_with("#["))
}

/// Whether a file says nothing: empty, or comments only.
#[must_use]
pub fn says_nothing(text: &str) -> bool {
    text.lines()
        .all(|line| line.trim().is_empty() || is_comment(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_told_from_tests_foreign_code_and_comments() {
        assert!(is_source("orders/src/main.rs") && !is_source("orders/README.md"));
        assert!(!is_source("web/node_modules/x/index.js") && !is_source("a/app.min.js"));
        assert!(
            is_test("orders/tests/api.rs") && is_test("a/b_test.go") && !is_test("latest/a.go")
        );
        let file = TextFile {
            path: "a.py".to_owned(),
            text: "# kafka one day\nimport os\nfrom kafka import KafkaProducer\n".to_owned(),
        };
        assert_eq!(first(&file, &["kafka"]).unwrap().line, 3);
        assert!(says_nothing("# later\n\n"));
    }

    #[test]
    fn text_is_text_in_whatever_signs_it_is_written() {
        assert_eq!(decoded(b"\xef\xbb\xbfa").as_deref(), Some("a"));
        assert_eq!(decoded(b"\xff\xfea\0b\0").as_deref(), Some("ab"));
        assert_eq!(decoded(b"\xfe\xff\0a\0b").as_deref(), Some("ab"));
        assert_eq!(
            decoded(b"// gr\xfc\xdfe\nx").as_deref(),
            Some("// gr\u{fffd}\u{fffd}e\nx")
        );
        assert_eq!(decoded(b"\x7fELF\0\x01"), None);
    }
}
