//! Problems as they are told: each once, what matters most last, in a number that can be read.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::{Part, Place, Problem, Problems, Severity, no_break, tag, variable};
use crate::files::Files;

/// Problems that are shown; a hostile file has any number of them.
pub const MOST_SHOWN: usize = 200;

impl Problems {
    /// The same without doubles, sorted: warnings before errors (a terminal ends with what has to
    /// be mended), each kind by file in the order read, line and column; what has no place comes
    /// before what has one. At most [`MOST_SHOWN`] stay, errors rather than warnings, and how many
    /// more there were. `shown_from` is the folder from which their places name files.
    #[must_use]
    pub fn settled(mut self, files: &Files, shown_from: &Path) -> Self {
        self.forget_doubles();
        no_break::name(&mut self);
        self.join_unset();
        let mut turns = HashMap::new();
        self.0.sort_by_cached_key(|problem| {
            let place = problem.place.as_ref().map(|place| {
                let turn = *turns.entry(place.file.clone()).or_insert_with(|| {
                    let turn = files.turn(&shown_from.join(&place.file));
                    turn.unwrap_or(usize::MAX)
                });
                (turn, place.clone())
            });
            (problem.severity == Severity::Error, place, problem.part)
        });
        let more = self.0.len().saturating_sub(MOST_SHOWN);
        // Before any of them goes.
        let uncounted: usize = self.0.iter().map(|it| it.more).sum();
        if more > 0 {
            let errors = self.0.iter().filter(|it| it.severity == Severity::Error);
            // Warnings stand first, so the last of these go before any error does.
            let warnings = self.0.len() - errors.count();
            let kept_warnings = warnings.saturating_sub(more);
            self.0.drain(kept_warnings..warnings);
            self.0.truncate(MOST_SHOWN);
        }
        if more + uncounted > 0 {
            self.push(and_more(more + uncounted, self.has_errors()));
        }
        variable::find(&mut self.0, files, shown_from);
        tag::find(&mut self.0, files, shown_from);
        self
    }

    /// What is wrong with a text, and that a variable in it is not set, is one problem: the warning becomes
    /// a hint of the error.
    fn join_unset(&mut self) {
        let mut unset: HashMap<Place, Vec<usize>> = HashMap::new();
        for (at, problem) in self.0.iter().enumerate() {
            let is_variable = matches!(problem.part, Part::Variable { .. });
            if let (Severity::Warning, true, Some(place)) =
                (problem.severity, is_variable, &problem.place)
            {
                unset.entry(place.clone()).or_default().push(at);
            }
        }
        if unset.is_empty() {
            return;
        }
        let mut joined = HashSet::new();
        for at in 0..self.0.len() {
            let why = match self.0.get(at) {
                Some(Problem {
                    severity: Severity::Error,
                    place: Some(place),
                    part: Part::Whole,
                    ..
                }) => unset.remove(place),
                _ => None,
            };
            for cause in why.into_iter().flatten() {
                joined.insert(cause);
                let cause = self.0.get(cause).map(as_a_hint);
                if let (Some(cause), Some(problem)) = (cause, self.0.get_mut(at)) {
                    problem.hint = Some(match problem.hint.take() {
                        Some(hint) => format!("{hint}; {cause}"),
                        None => cause,
                    });
                }
            }
        }
        let mut at = 0..;
        self.0
            .retain(|_| at.next().is_none_or(|at| !joined.contains(&at)));
    }

    /// Keeps one of those that are the same. Of two names for one thing the later step's is nearer to
    /// what the person wrote.
    fn forget_doubles(&mut self) {
        let mut told = HashSet::with_capacity(self.0.len());
        let mut is_new: Vec<bool> = self
            .0
            .iter()
            .rev()
            .map(|it| told.insert(identity(it)))
            .collect();
        self.0.retain(|_| is_new.pop().unwrap_or(true));
    }
}

/// What tells two problems apart. That something at one place is of the wrong kind is said once,
/// whatever name each step has for it.
fn identity(problem: &Problem) -> (Severity, Option<&Place>, Part, &str, Option<&str>) {
    let place = problem.place.as_ref();
    if place.is_some()
        && let Some((_, kind)) = problem.what.split_once(" must be ")
        && let Some((_, is)) = kind.rsplit_once(", not ")
    {
        return (problem.severity, place, problem.part, is, None);
    }
    (
        problem.severity,
        place,
        problem.part,
        &problem.what,
        problem.hint.as_deref(),
    )
}

/// What a warning says, for a hint of something else: what is taken for it goes without saying there.
fn as_a_hint(problem: &Problem) -> String {
    let what = problem.what.split("; ").next().unwrap_or_default();
    match &problem.hint {
        Some(hint) => format!("{what}: {hint}"),
        None => what.to_owned(),
    }
}

fn and_more(more: usize, errors: bool) -> Problem {
    let what = match more {
        1 => "and 1 more problem".to_owned(),
        _ => format!("and {more} more problems"),
    };
    if errors {
        Problem::error(what)
    } else {
        Problem::warning(what)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::problem::Place;

    fn files() -> Files {
        let both = [("/s/b.yaml", ""), ("/s/a.yaml", "")];
        let texts = both.map(|(path, text)| (path.into(), text.into()));
        let files = Files::in_memory(BTreeMap::from(texts));
        for (path, _) in both {
            files.read(Path::new(path)).unwrap();
        }
        files
    }

    fn at(problem: Problem, file: &str, line: u32) -> Problem {
        let file = file.into();
        problem.at(Place {
            file,
            line,
            column: 1,
        })
    }

    #[test]
    fn problems_stand_by_file_as_read_and_line_errors_last_and_none_twice() {
        let problems = Problems(vec![
            at(Problem::error("4"), "a.yaml", 1),
            at(Problem::error("3"), "b.yaml", 10),
            at(Problem::error("2"), "b.yaml", 9),
            at(Problem::error("4"), "a.yaml", 1),
            at(Problem::warning("0"), "a.yaml", 1),
            Problem::error("1"),
        ]);
        let settled = problems.settled(&files(), Path::new("/s"));
        let order: Vec<&str> = settled.0.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(order, ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn what_is_of_a_wrong_kind_is_said_once_for_each_place() {
        let wrong = |what: &str, line| at(Problem::error(what), "a.yaml", line);
        let problems = Problems(vec![
            wrong("`services.web.tmpfs` must be made of texts, not a list", 1),
            wrong("`tmpfs` must be text, not a list", 1),
            wrong("`tmpfs` must be text, not a list", 2),
            wrong("`tmpfs` must be there", 1),
        ]);
        let settled = problems.settled(&files(), Path::new("/s"));
        let lines: Vec<u32> = settled
            .0
            .iter()
            .map(|it| it.place.as_ref().unwrap().line)
            .collect();
        assert_eq!(lines, [1, 1, 2]);
    }

    #[test]
    fn of_too_many_the_errors_stay_and_the_rest_is_counted() {
        let warnings = (1..=150).map(|line| at(Problem::warning("w"), "a.yaml", line));
        let errors = (1..=150).map(|line| at(Problem::error("e"), "b.yaml", line));
        let many = Problems(errors.chain(warnings).collect());
        let settled = many.settled(&files(), Path::new("/s"));
        let count = |what: &str| settled.0.iter().filter(|it| it.what == what).count();
        assert_eq!((count("w"), count("e")), (50, 150));
        assert_eq!(settled.0.last().unwrap().what, "and 100 more problems");
        let errors = (1..=201).map(|line| at(Problem::error("e"), "b.yaml", line));
        let settled = Problems(errors.collect()).settled(&files(), Path::new("/s"));
        assert_eq!(settled.0.last().unwrap().what, "and 1 more problem");
        assert_eq!(settled.0.len(), 201);
    }
}
