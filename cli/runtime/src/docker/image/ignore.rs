//! `.dockerignore`: which files of a build context stay out of it.
//!
//! A line is a pattern over paths from the context's root; `*` and `?` stop at `/`, `**` does
//! not, `!` takes back what a line before took out; the last line that fits counts. Whatever lies
//! under a folder that is out is out, unless a later line takes it back.

use fancy_regex::Regex;

/// The lines of one file.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    fits: Regex,
    takes_back: bool,
}

impl Ignore {
    /// Reads the lines; one that is no pattern is told.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Vec::new();
        for line in text.lines() {
            if line.starts_with('#') {
                continue;
            }
            let line = line.trim();
            let (takes_back, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let pattern = clean(pattern);
            if pattern.is_empty() {
                continue;
            }
            let fits = Regex::new(&expression(&pattern))
                .map_err(|why| format!("`{line}` is no pattern: {why}"))?;
            lines.push(Line { fits, takes_back });
        }
        Ok(Self { lines })
    }

    /// Whether the file or folder at this path from the root, with `/` between its parts, is out.
    pub(super) fn is_out(&self, path: &str) -> bool {
        let mut out = false;
        for line in &self.lines {
            if out == line.takes_back && line.fits.is_match(path).unwrap_or_default() {
                out = !line.takes_back;
            }
        }
        out
    }

    /// Whether some line may take back what lies in a folder that is out.
    pub(super) fn takes_back_any(&self) -> bool {
        self.lines.iter().any(|line| line.takes_back)
    }
}

/// Without `.`, `..`, doubled, leading and trailing slashes.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A pattern as an expression that fits the path itself and all under it.
fn expression(pattern: &str) -> String {
    let mut out = String::from("^");
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.peek() == Some(&'*') => {
                rest.next();
                if rest.peek() == Some(&'/') {
                    rest.next();
                    out.push_str("(?:.*/)?");
                } else {
                    out.push_str(".*");
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => {
                out.push('[');
                for c in rest.by_ref() {
                    match c {
                        ']' => break,
                        '[' | '&' | '~' => {
                            out.push('\\');
                            out.push(c);
                        }
                        c => out.push(c),
                    }
                }
                out.push(']');
            }
            '\\' => push_plain(&mut out, rest.next().unwrap_or('\\')),
            c => push_plain(&mut out, c),
        }
    }
    out.push_str("(?:/.*)?$");
    out
}

fn push_plain(out: &mut String, c: char) {
    if !c.is_alphanumeric() && c != '/' {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_as_docker_says() {
        let table: [(&str, &[&str], &[&str]); 10] = [
            (
                "target",
                &["target", "target/debug/x"],
                &["src/target", "targets"],
            ),
            ("**/target", &["target", "a/b/target/x"], &["a/targets"]),
            ("/node_modules/", &["node_modules/x"], &["a/node_modules"]),
            ("*.md", &["README.md"], &["docs/README.md"]),
            (
                "**/*.md",
                &["README.md", "docs/a/README.md"],
                &["README.mdx"],
            ),
            ("*\n!src", &["Makefile", "srcs"], &["src", "src/main.rs"]),
            ("docs/**\n!docs/keep.md", &["docs/a"], &["docs/keep.md"]),
            ("a?c", &["abc"], &["a/c", "abbc"]),
            ("log[0-9]", &["log7"], &["logs"]),
            ("# no\n\n  .git  ", &[".git/HEAD"], &["git", "# no"]),
        ];
        for (text, out, stay) in table {
            let ignore = Ignore::read(text).unwrap();
            for path in out {
                assert!(ignore.is_out(path), "{text}: {path} is in");
            }
            for path in stay {
                assert!(!ignore.is_out(path), "{text}: {path} is out");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}", path in "[a-z/.]{0,20}") {
            if let Ok(ignore) = Ignore::read(&text) {
                let _ = ignore.is_out(&path);
            }
        }
    }
}
