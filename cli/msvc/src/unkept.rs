//! What of a run could not be kept: files of `--artifacts`, that of `--junit`, the summary of a job. Whoever
//! keeps something notes here what could not be, and goes on: it takes nothing of the result away. It is told
//! after the result, one message for each cause, and counts as 3 among the codes.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use msvc_report::exit::Exit;
use msvc_system::problem::Problem;

use crate::exit::Ending;

/// All that could not be kept. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Unkept(Arc<Mutex<Vec<Loss>>>);

/// One cause, and what was lost to it.
#[derive(Debug)]
struct Loss {
    what: String,
    why: String,
    hint: String,
    files: Vec<String>,
}

impl Unkept {
    /// That `what`, for instance "cannot write a.xml", failed because of `why`; `instead` says what to name.
    pub fn note(&self, what: String, why: &io::Error, instead: &str) {
        self.note_file(what, None, why, instead);
    }

    /// The same of one file of several: those that are lost to the same cause are told together.
    pub fn note_file(&self, what: String, file: Option<&str>, why: &io::Error, instead: &str) {
        let hint = match why.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on that disk",
            _ => instead,
        };
        let why = why.to_string();
        let mut all = self.all();
        let at = all.iter().position(|it| it.what == what && it.why == why);
        let files = file.map(str::to_owned);
        match at.and_then(|at| all.get_mut(at)) {
            Some(loss) => {
                let new = files.filter(|file| !loss.files.contains(file));
                loss.files.extend(new);
            }
            None => all.push(Loss {
                what,
                why,
                hint: hint.to_owned(),
                files: files.into_iter().collect(),
            }),
        }
    }

    /// How it all ends, where what was asked ended so.
    #[must_use]
    pub fn settle(&self, ending: Ending) -> Ending {
        match self.all().is_empty() {
            true => ending,
            false => ending.and(Exit::CouldNot),
        }
    }

    /// What is to be told of it.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |loss: &Loss| {
            let files = match loss.files.as_slice() {
                [] => String::new(),
                files => format!(" ({})", files.join(", ")),
            };
            let what = format!("{}{files}: {}", loss.what, loss.why);
            Problem::error(what).hint(&*loss.hint)
        };
        self.all().iter().map(problem).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Loss>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_to_one_cause_is_one_message() {
        let unkept = Unkept::default();
        let lose = |file, kind: ErrorKind| {
            let what = "cannot keep artefacts in out".to_owned();
            unkept.note_file(what, file, &kind.into(), "name a folder");
        };
        lose(Some("logs"), ErrorKind::StorageFull);
        lose(Some("logs"), ErrorKind::StorageFull);
        lose(Some("run.json"), ErrorKind::StorageFull);
        lose(Some("report.json"), ErrorKind::IsADirectory);
        let told: Vec<String> = unkept
            .problems()
            .into_iter()
            .map(|it| format!("{}; {}", it.what, it.hint.unwrap_or_default()))
            .collect();
        let full = ErrorKind::StorageFull;
        let folder = ErrorKind::IsADirectory;
        assert_eq!(
            told,
            [
                format!(
                    "cannot keep artefacts in out (logs, run.json): {full}; make room on that disk"
                ),
                format!("cannot keep artefacts in out (report.json): {folder}; name a folder"),
            ]
        );
    }

    #[test]
    fn what_could_not_be_kept_counts_less_than_what_failed_and_more_than_what_held() {
        let unkept = Unkept::default();
        assert_eq!(unkept.settle(Exit::Held.into()).code(), 0);
        unkept.note("it".to_owned(), &ErrorKind::Other.into(), "name another");
        for (ending, code) in [
            (Ending::from(Exit::Held), 3),
            (Exit::Inconclusive.into(), 3),
            (Exit::Failed.into(), 1),
            (Exit::NotUndone.into(), 6),
            (Exit::Interrupted.into(), 130),
            (Ending::PassedOn(0), 3),
            (Ending::PassedOn(7), 7),
        ] {
            assert_eq!(unkept.settle(ending).code(), code, "{ending:?}");
        }
    }
}
