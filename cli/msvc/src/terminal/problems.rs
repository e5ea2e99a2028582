//! A problem as a person reads it: what is wrong and where, the line with a mark, and what to do.
//!
//! What comes in: a problem. What leaves: lines on standard error. What must not enter: how many there are, and how
//! the command ends.

use std::path::Path;

use msvc_report::excerpt::{self, Excerpt};
use msvc_report::human;
use msvc_system::files::has_structure;
use msvc_system::problem::{Place, Problem, Severity};

use super::Terminal;

impl Terminal {
    /// The line that a problem is about, as it may be told.
    pub(super) fn line_of(&self, problem: &Problem) -> Option<String> {
        let place = problem.place.as_ref()?;
        self.line_at(place, self.has_structure(&place.file))
    }

    fn line_at(&self, place: &Place, has_structure: bool) -> Option<String> {
        let path = self.here.folder().join(&place.file);
        excerpt::said(has_structure, &self.files.line(&path, place.line)?)
    }

    /// Whether the lines of a file are shown as they stand: it is no file of settings.
    fn has_structure(&self, file: &Path) -> bool {
        let path = self.here.folder().join(file);
        has_structure(file) || self.files.is_compose(&path)
    }

    /// One problem with its place and hint.
    pub fn problem(&self, problem: &Problem) {
        let problem = self.here.problem(problem);
        let (word, colour) = match problem.severity {
            Severity::Error => ("error", "31"),
            Severity::Warning => ("warning", "33"),
        };
        let place = problem
            .place
            .as_ref()
            .map(|p| format!("{p}: "))
            .unwrap_or_default();
        // What a healthcheck or an engine said may be part of it.
        let text = human::plain(&format!("{place}{}", problem.what));
        // Room for `warning: `, which stands before the first of them.
        let lines = broken(&text, self.look.columns - "warning: ".len());
        for (i, line) in lines.iter().enumerate() {
            if i == 0 {
                self.to_stderr(&format!("{}: {line}", self.paint(word, colour)));
            } else {
                self.to_stderr(&format!("  {line}"));
            }
        }
        let excerpt = problem.place.as_ref().and_then(|place| {
            let has_structure = self.has_structure(&place.file);
            let line = self.line_at(place, has_structure)?;
            Excerpt::of(place, problem.part, &line, has_structure)
        });
        if let Some(Excerpt { line, before, mark }) = excerpt {
            self.to_stderr(&line);
            self.to_stderr(&format!("{before}{}", self.paint(&mark, colour)));
        }
        if let Some(hint) = &problem.hint {
            let lines = broken(&human::plain(hint), self.look.columns - "  hint: ".len());
            for (i, line) in lines.iter().enumerate() {
                let head = if i == 0 { "  hint: " } else { "        " };
                self.to_stderr(&format!("{head}{line}"));
            }
        }
    }
}

/// Lines of at most `width` signs, broken at spaces; one that is indented has its own order and
/// stays as it is.
fn broken(text: &str, width: usize) -> Vec<String> {
    let lines = text.lines().map(|line| match line.starts_with(' ') {
        true => vec![line.to_owned()],
        false => human::wrap(line, width),
    });
    lines.flatten().collect()
}
