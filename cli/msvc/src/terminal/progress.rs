//! What an event looks like: a plain line, or the text of the progress line on a terminal.

use std::io;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use msvc_report::event::Event;
use msvc_report::human;
use msvc_system::id::InstanceId;

/// A spinner on standard error.
pub(super) fn new_bar() -> ProgressBar {
    let target = ProgressDrawTarget::term_like(Box::new(Narrower(Term::stderr())));
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Columns that the progress line leaves free at the end: room for some `^C` that the terminal
/// itself writes where the cursor stands. A full line would send them to the next one, and then
/// this line would not be found again to be wiped.
const FREE: u16 = 10;

/// A terminal that says it is a little narrower.
#[derive(Debug)]
struct Narrower(Term);

impl TermLike for Narrower {
    fn width(&self) -> u16 {
        let (_, columns) = self.0.size();
        columns.saturating_sub(FREE).max(1)
    }

    fn height(&self) -> u16 {
        let (rows, _) = self.0.size();
        rows
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What goes on right now, where the event begins something that takes a while.
pub(super) fn spinner(event: &Event) -> Option<String> {
    match event {
        Event::PhaseBegan { phase } => Some(phase.clone()),
        Event::BuildBegan { what } => Some(format!("building {what}")),
        Event::BuildProgress { line } => Some(format!("building: {}", line.trim())),
        Event::InstanceStarting { instance } => Some(format!("starting {}", short(instance))),
        Event::InstanceStarted { instance, .. } => Some(format!("waiting for {}", short(instance))),
        Event::InstanceReady { instance, .. } => Some(format!("{} is ready", short(instance))),
        Event::JourneyBegan { journey } => Some(format!("playing {journey}")),
        Event::JourneyStep {
            journey,
            step,
            attempt,
            ..
        } => {
            let again = if *attempt > 1 {
                format!(" (attempt {attempt})")
            } else {
                String::new()
            };
            Some(format!("playing {journey}: {step}{again}"))
        }
        Event::FaultArmed { fault } => Some(format!("holding {fault}")),
        _ => None,
    }
}

/// Whether nothing goes on after it.
pub(super) const fn ends_spinner(event: &Event) -> bool {
    matches!(
        event,
        Event::SystemUp { .. } | Event::SystemDown { .. } | Event::Ended { .. }
    )
}

/// The line of an event, where it has one; `all` shows what is only worth it with `-v`.
pub(super) fn line(event: &Event, all: bool) -> Option<String> {
    let text = match event {
        Event::PhaseBegan { phase } if all => row("begin", phase, None),
        Event::PhaseEnded { phase, seconds } => row("done", phase, Some(*seconds)),
        Event::SecretMade { secret, file } => row(
            "made",
            &format!("secret {secret} in {}", file.display()),
            None,
        ),
        Event::BuildBegan { what } if all => row("build", what, None),
        Event::BuildProgress { line } if all => format!("          {line}"),
        Event::BuildEnded {
            what,
            changed: true,
            seconds,
        } => row("built", what, Some(*seconds)),
        Event::BuildEnded {
            what,
            changed: false,
            seconds,
        } if all => row("fresh", what, Some(*seconds)),
        Event::InstanceStarting { instance } if all => row("start", &short(instance), None),
        Event::InstanceReady { instance, seconds } => {
            row("ready", &short(instance), Some(*seconds))
        }
        Event::InstanceUnhealthy { instance, why } => {
            row("UNHEALTHY", &format!("{}: {why}", short(instance)), None)
        }
        Event::InstanceExited {
            instance,
            how,
            expected: false,
        } => row("EXITED", &format!("{}: {how}", short(instance)), None),
        Event::InstanceRestarting { instance } => row("restart", &short(instance), None),
        Event::InstanceStopped { instance } if all => row("stopped", &short(instance), None),
        Event::EdgeAppeared { edge, why } => row("edge", &format!("{edge} appeared: {why}"), None),
        Event::JourneyStep {
            step,
            attempt,
            held,
            seconds,
            ..
        } if all => {
            let held = if *held { "held" } else { "not yet" };
            row(
                "step",
                &format!("{step}, attempt {attempt}: {held}"),
                Some(*seconds),
            )
        }
        Event::FaultArmed { fault } => row("fault", fault, None),
        Event::FaultLifted { fault, receipt } => {
            row("lifted", &format!("{fault}: {receipt}"), None)
        }
        Event::CaseEnded { case } => human::case(case).trim_end().to_owned(),
        Event::SystemDown {
            system,
            stopped,
            volumes_removed,
        } => {
            let data = if *volumes_removed {
                "data removed"
            } else {
                "data kept"
            };
            row(
                "down",
                &format!("{system}: {stopped} stopped, {data}"),
                None,
            )
        }
        _ => return None,
    };
    Some(text)
}

/// A word, what it is about, and how long it took at the right edge. What is longer than a line
/// goes on below itself.
fn row(word: &str, what: &str, seconds: Option<f64>) -> String {
    let lines = human::wrap(what, human::COLUMNS - 10);
    if lines.len() > 1 {
        let time = seconds.map(|s| format!(" ({s:.2}s)")).unwrap_or_default();
        return format!("{word:<9} {}{time}", lines.join("\n          "));
    }
    let head = format!("{word:<9} {what}");
    match seconds {
        None => head,
        Some(seconds) => {
            let time = format!("{seconds:.2}s");
            let used = head.chars().count() + time.len();
            let gap = human::COLUMNS.saturating_sub(used).max(2);
            format!("{head}{}{time}", " ".repeat(gap))
        }
    }
}

/// An instance for people: the service, its replica unless the first, its lane unless the main one.
fn short(instance: &InstanceId) -> String {
    let mut text = instance.service.to_string();
    if instance.replica > 1 {
        text.push_str(&format!("-{}", instance.replica));
    }
    if instance.lane != "main" {
        text.push_str(&format!(" ({})", instance.lane));
    }
    text
}
