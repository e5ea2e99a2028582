//! Reading what `cargo build --message-format=json-render-diagnostics` tells.

use std::collections::BTreeMap;
use std::path::PathBuf;

use msvc_machine::child::ChildLine;
use serde::Deserialize;

/// Lines kept of what a build says; the first errors are the ones that matter.
const KEPT_LINES: usize = 200;

/// What a build has told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Binaries by name.
    pub(super) executables: BTreeMap<String, PathBuf>,
    /// Whether anything was compiled.
    pub(super) compiled: bool,
    /// How many units are done.
    done: usize,
    said: Vec<String>,
    unsaid: usize,
}

/// A line of cargo's standard output, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
    fresh: Option<bool>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Told {
    /// Takes in one line; a line of progress when there is one worth showing.
    pub(super) fn line(&mut self, line: ChildLine) -> Option<String> {
        match line {
            ChildLine::Out(text) => {
                match serde_json::from_str::<Message>(&text) {
                    Ok(message) => self.message(message),
                    // What a build script or macro prints past cargo.
                    Err(_) => self.say(text),
                }
                None
            }
            ChildLine::Err(text) => match status(&text) {
                Some(status) => {
                    let done = self.done;
                    let compiling = status.starts_with("Compiling");
                    Some(if compiling && done > 0 {
                        format!("{status} ({done} done)")
                    } else {
                        status.to_owned()
                    })
                }
                None => {
                    self.say(text);
                    None
                }
            },
        }
    }

    fn message(&mut self, message: Message) {
        if message.reason != "compiler-artifact" {
            return;
        }
        let fresh = message.fresh == Some(true);
        self.compiled |= !fresh;
        self.done += usize::from(!fresh);
        if let (Some(target), Some(executable)) = (message.target, message.executable)
            && target.kind.iter().any(|kind| kind == "bin")
        {
            self.executables.insert(target.name, executable);
        }
    }

    fn say(&mut self, text: String) {
        if self.said.len() < KEPT_LINES {
            self.said.push(text);
        } else {
            self.unsaid += 1;
        }
    }

    /// What it said, for people.
    pub(super) fn message_text(self) -> String {
        let mut text = self.said.join("\n").trim_matches('\n').to_owned();
        if self.unsaid > 0 {
            text.push_str(&format!("\n(and {} lines more)", self.unsaid));
        }
        text
    }
}

/// Cargo's status lines have their verb set flush right in twelve columns.
fn status(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    let verb = trimmed.split(' ').next()?;
    let column = line.len() - trimmed.len() + verb.len();
    let is_verb = column == 12 && verb.starts_with(|c: char| c.is_ascii_uppercase());
    is_verb.then_some(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_freshness_progress_and_messages_are_told_apart() {
        let mut told = Told::default();
        let artifact = |name: &str, kind: &str, executable: &str, fresh: bool| {
            ChildLine::Out(format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"{name}","kind":["{kind}"]}},"executable":{executable},"fresh":{fresh}}}"#
            ))
        };
        assert_eq!(told.line(artifact("serde", "lib", "null", true)), None);
        assert!(!told.compiled);
        told.line(artifact("orders", "bin", r#""/t/debug/orders""#, false));
        told.line(artifact("x", "test", r#""/t/debug/x""#, true));
        assert!(told.compiled);
        let names: Vec<_> = told.executables.keys().collect();
        assert_eq!(names, ["orders"]);
        let line = ChildLine::Err("   Compiling orders v0.1.0 (/x)".into());
        assert_eq!(
            told.line(line).as_deref(),
            Some("Compiling orders v0.1.0 (/x) (1 done)")
        );
        for said in [
            "error[E0308]: mismatched types",
            " --> src/main.rs:1:1",
            "  |",
        ] {
            assert_eq!(told.line(ChildLine::Err(said.into())), None);
        }
        assert_eq!(
            told.message_text(),
            "error[E0308]: mismatched types\n --> src/main.rs:1:1\n  |"
        );
    }

    #[test]
    fn a_long_message_is_cut_with_a_count() {
        let mut told = Told::default();
        for n in 0..KEPT_LINES + 7 {
            told.line(ChildLine::Err(format!("error {n}")));
        }
        let text = told.message_text();
        assert!(text.ends_with("(and 7 lines more)"), "{text}");
    }
}
