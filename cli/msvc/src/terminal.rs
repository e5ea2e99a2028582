//! The one place that prints. Results go to standard output, progress and errors to standard
//! error; whether a terminal is there is decided once. A closed pipe is no error.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use indicatif::ProgressBar;
use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use msvc_report::human;
use msvc_report::json::Failed;
use msvc_report::report::Report;
use msvc_system::files::Files;
use msvc_system::problem::{Problems, Severity};
use serde::Serialize;

use crate::cli::{Format, Global};
use crate::failure::Failure;
use crate::here::Here;
use crate::unkept::Unkept;

mod look;
mod problems;
mod progress;
mod results;

use look::{Level, Look};
use results::Results;

/// The terminal, shared. Clones write to the same one, one whole line at a time.
#[derive(Debug, Clone)]
pub struct Terminal {
    look: Look,
    progress: Arc<Mutex<Option<ProgressBar>>>,
    width: Arc<Mutex<usize>>,
    results: Results,
    /// Whether the user's own command writes to the terminal now.
    lent: Arc<AtomicBool>,
    here: Here,
    files: Files,
    shutdown: Arc<OnceLock<Shutdown>>,
    unkept: Unkept,
    /// Whether the one JSON document is printed.
    documented: Arc<AtomicBool>,
}

impl Terminal {
    /// The process's own, for somebody who stands `here`.
    #[must_use]
    pub fn new(global: &Global, here: Here) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let look = Look::decide(global, io::stderr().is_terminal(), no_color, dumb);
        let shutdown = Arc::default();
        Self {
            look,
            progress: Arc::default(),
            width: Arc::new(Mutex::new(8)),
            results: Results::default(),
            lent: Arc::default(),
            here,
            files: crate::sources::files(Arc::clone(&shutdown)),
            shutdown,
            unkept: Unkept::default(),
            documented: Arc::default(),
        }
    }

    /// What of this run could not be kept, to be told at the end.
    #[must_use]
    pub fn unkept(&self) -> &Unkept {
        &self.unkept
    }

    /// The files of this run: whoever reads what the user wrote reads through these, so that a
    /// problem is shown with the line that was read.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// From now on, files that are fetched are fetched only until `shutdown`.
    pub fn stop_fetching_at(&self, shutdown: &Shutdown) {
        // Only the first one counts: a run has one.
        let _ = self.shutdown.set(shutdown.clone());
    }

    /// The folder that people stand in.
    #[must_use]
    pub fn here(&self) -> &Here {
        &self.here
    }

    /// Whether results are one JSON document.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.look.format == Format::Json
    }

    /// Whether only results and errors are shown.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.look.level == Level::Quiet
    }

    /// Whether every step is shown.
    #[must_use]
    pub fn is_verbose(&self) -> bool {
        self.look.level == Level::Verbose
    }

    /// A result: one line or more on standard output.
    pub fn result(&self, text: &str) {
        // A reader that has seen enough is no failure of what was asked; any other is told at the end.
        let _ = self.try_result(text);
    }

    /// Why a result could not be written, if one could not; asked once, at the end.
    #[must_use]
    pub fn unwritten(&self) -> Option<io::Error> {
        self.results.unwritten()
    }

    /// From now on the terminal is the user's own command's: no progress line is drawn over what that
    /// writes.
    pub fn lend(&self) {
        self.lent.store(true, Ordering::Relaxed);
        self.clear_progress();
    }

    fn try_result(&self, text: &str) -> io::Result<()> {
        self.above(|| self.results.write(text))
    }

    /// A result as a JSON document on standard output.
    pub fn json(&self, value: &impl Serialize) {
        self.documented.store(true, Ordering::Relaxed);
        self.result(&serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// A note on standard error; silent with `-q` and with JSON results.
    pub fn note(&self, text: &str) {
        if self.look.level > Level::Quiet && !self.is_json() {
            self.to_stderr(text);
        }
    }

    /// What must be known whatever is asked to be shown: on standard error.
    pub fn said(&self, text: &str) {
        self.to_stderr(text);
    }

    /// Whether somebody is there to answer a question.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        let there = io::stdin().is_terminal() && io::stderr().is_terminal();
        there && !self.is_json() && !self.is_quiet()
    }

    /// A question on standard error, left open at its end.
    pub fn question(&self, text: &str) {
        self.above(|| {
            let mut err = io::stderr().lock();
            let _ = write!(err, "{text} ").and_then(|()| err.flush());
        });
    }

    /// A report: as JSON, or for people with the verdict last.
    pub fn report(&self, report: &Report) {
        self.clear_progress();
        if self.is_json() {
            self.documented.store(true, Ordering::Relaxed);
            self.result(&msvc_report::json::report(report));
        } else {
            self.result(&human::report(report));
        }
    }

    /// Why the command ended early.
    pub fn failure(&self, failure: &Failure) {
        self.clear_progress();
        for line in &failure.lines {
            self.to_stderr(&format!("  | {}", human::plain(line)));
        }
        let problems = failure.problems.iter();
        let mut problems = Problems(problems.map(|it| self.here.problem(it)).collect());
        let placed = problems.0.iter().all(|it| it.place.is_some());
        // A sentence without a place has its own in the order of what happened.
        if placed {
            problems = problems.settled(&self.files, self.here.folder());
        }
        for problem in &problems.0 {
            self.problem(problem);
        }
        if placed && problems.0.len() > 1 {
            self.to_stderr(&counted(&problems));
        }
        // A result that was told is the one document.
        if self.is_json() && !self.documented.load(Ordering::Relaxed) {
            let lines = problems.0.iter().map(|it| (it, self.line_of(it)));
            let exit = failure.exit.code();
            self.json(&Failed::new(exit, lines, &failure.lines));
        }
    }

    /// Something happened: a line, or a change of the progress line.
    pub fn event(&self, event: &Event) {
        if let Event::Warned { problem } = event {
            if self.look.level > Level::Quiet {
                self.problem(problem);
            }
            return;
        }
        if self.look.level == Level::Quiet || self.is_json() {
            return;
        }
        if self.look.spinner {
            self.spin(event);
        }
        if let Some(line) = progress::line(event, self.is_verbose()) {
            self.to_stderr(&line);
        }
    }

    /// Log lines of these services are to be aligned.
    pub fn align<'a>(&self, services: impl IntoIterator<Item = &'a str>) {
        let widest = services
            .into_iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        let mut width = self.width.lock().unwrap_or_else(PoisonError::into_inner);
        *width = (*width).max(widest);
    }

    /// A line of a service's log, prefixed and aligned, on standard output.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub fn log_line(&self, service: &str, text: &str) -> io::Result<()> {
        let width = {
            let mut width = self.width.lock().unwrap_or_else(PoisonError::into_inner);
            *width = (*width).max(service.chars().count());
            *width
        };
        let prefix = format!("{service:<width$} |");
        let prefix = if self.look.colour {
            self.paint(&prefix, hue(service))
        } else {
            prefix
        };
        // What a service writes must not move the cursor or ring the bell of whoever looks on;
        // colours are let through.
        let text: String = text
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\t' | '\u{1b}'))
            .collect();
        self.try_result(&format!("{prefix} {text}"))
    }

    /// The progress line is gone; to be called before the last words.
    pub fn clear_progress(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    /// What goes on now: the progress line; where there is none a note.
    pub fn progress(&self, text: &str) {
        match self.look.spinner && !self.is_json() {
            true => self.turn(text.to_owned()),
            false => self.note(text),
        }
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spin(&self, event: &Event) {
        let Some(message) = progress::spinner(event) else {
            if progress::ends_spinner(event) {
                self.clear_progress();
            }
            return;
        };
        self.turn(message);
    }

    fn turn(&self, message: String) {
        if self.lent.load(Ordering::Relaxed) {
            return;
        }
        let mut bar = self.bar();
        let bar = bar.get_or_insert_with(progress::new_bar);
        bar.set_message(message);
    }

    fn to_stderr(&self, text: &str) {
        self.above(|| {
            let mut err = io::stderr().lock();
            let _ = writeln!(err, "{text}").and_then(|()| err.flush());
        });
    }

    /// Writes with the progress line out of the way.
    fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.bar().as_ref() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn paint(&self, text: &str, colour: &str) -> String {
        if self.look.colour {
            format!("\u{1b}[{colour}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// How many problems there are: `2 errors, 1 warning`.
fn counted(problems: &Problems) -> String {
    let is = |severity| problems.0.iter().filter(move |it| it.severity == severity);
    let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning")];
    let counts = kinds.map(|(severity, word)| match is(severity).count() {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    });
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The same colour for the same service, run after run.
fn hue(service: &str) -> &'static str {
    const HUES: [&str; 6] = ["36", "33", "32", "35", "34", "96"];
    let sum: usize = service.bytes().map(usize::from).sum();
    HUES.get(sum % HUES.len()).copied().unwrap_or("0")
}
