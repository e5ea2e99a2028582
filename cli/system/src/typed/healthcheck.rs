//! `healthcheck`.

use std::time::Duration;

use super::scalars::{flag_or_false, number, texts};
use super::wait;
use crate::model::{HealthTest, Healthcheck};
use crate::problem::{Place, Problem, Problems};
use crate::yaml::{Key, Node, NodeValue};

/// Docker's default time between probes, and for one.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// Docker's default number of failures in a row.
const DEFAULT_RETRIES: u32 = 3;

/// The healthcheck; `None` when it is absent, disabled, or says nothing of what to run (then it
/// is the image's, which the caller keeps as a field of the runtime's).
pub(crate) fn healthcheck(
    entry: Option<(&Key, &Node)>,
    problems: &mut Problems,
) -> Option<Healthcheck> {
    let (key, node) = entry?;
    node.as_map()?;
    if flag_or_false(node.get("disable"), "`healthcheck.disable`", problems) {
        return None;
    }
    let test = test(node.get("test")?, problems)?;
    let retries = node.get("retries").filter(|n| !n.is_null());
    let retries = retries.map(|n| number(n, "`healthcheck.retries`", u32::MAX));
    let retries = match retries {
        Some(Ok(0)) | None => DEFAULT_RETRIES,
        Some(Ok(retries)) => retries,
        Some(Err(problem)) => {
            problems.push(problem);
            DEFAULT_RETRIES
        }
    };
    let mut waited = |key: &str, default: Duration| {
        let what = format!("`healthcheck.{key}`");
        // Docker takes zero for its default.
        wait(node.get(key), &what, problems)
            .filter(|wait| !wait.is_zero())
            .unwrap_or(default)
    };
    Some(Healthcheck {
        test,
        interval: waited("interval", DEFAULT_WAIT),
        timeout: waited("timeout", DEFAULT_WAIT),
        start_period: waited("start_period", Duration::ZERO),
        retries,
        place: place(key),
    })
}

fn place(key: &Key) -> Place {
    key.place.clone()
}

fn test(node: &Node, problems: &mut Problems) -> Option<HealthTest> {
    match &node.value {
        NodeValue::Null => None,
        NodeValue::String(text) if text.is_empty() => None,
        NodeValue::String(text) => {
            let first = text.split_whitespace().next();
            if let Some(word @ ("CMD" | "CMD-SHELL")) = first {
                let what = format!(
                    "`healthcheck.test` as text is run by a shell, which knows no `{word}`"
                );
                let problem = Problem::warning(what).at(node.place.clone());
                problems.push(problem.hint(format!("take `{word}` away, or write a list")));
            }
            Some(HealthTest::Shell(text.clone()))
        }
        NodeValue::Seq(_) => {
            let words = texts(Some(node), "`healthcheck.test`", problems);
            let wrong = |what: &str| Problem::error(what).at(node.place.clone());
            match words.split_first() {
                None => None,
                Some((first, rest)) => match (first.as_str(), rest) {
                    ("NONE", _) => None,
                    ("CMD", []) | ("CMD-SHELL", []) => {
                        let problem = wrong("`healthcheck.test` says how to run but not what");
                        problems.push(problem.hint(match first.as_str() {
                            "CMD" => "write [\"CMD\", \"program\", \"argument\"]",
                            _ => "write [\"CMD-SHELL\", \"program argument\"]",
                        }));
                        None
                    }
                    ("CMD", rest) => Some(HealthTest::Command(rest.to_vec())),
                    ("CMD-SHELL", [line]) => Some(HealthTest::Shell(line.clone())),
                    // Docker runs the first text and hands the shell the others as arguments.
                    ("CMD-SHELL", rest) => {
                        let shell = ["/bin/sh".to_owned(), "-c".to_owned()];
                        Some(HealthTest::Command(
                            shell.into_iter().chain(rest.iter().cloned()).collect(),
                        ))
                    }
                    _ => {
                        problems.push(
                            wrong("`healthcheck.test` as a list begins with CMD, CMD-SHELL or NONE")
                                .hint("write [\"CMD\", \"program\", \"argument\"], or one text for a shell"),
                        );
                        None
                    }
                },
            }
        }
        _ => {
            let problem = node.expected("`healthcheck.test`", "text or a list");
            problems.push(problem.hint("write [\"CMD\", \"program\", \"argument\"]"));
            None
        }
    }
}
