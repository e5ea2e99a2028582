//! Figures as text, in the format that the other services have (OpenMetrics).

use std::fmt::{Display, Write as _};

/// The type of what is written.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Labels of one figure.
pub(super) type Labels<'a> = [(&'a str, &'a str)];

/// A text that is being written: a family is named, then come its figures.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
    family: &'static str,
}

impl Text {
    /// Begins a family of figures that only grow; `_total` is added to its name.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) {
        self.family(name, "counter", help);
    }

    /// Begins a family of figures that go up and down.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) {
        self.family(name, "gauge", help);
    }

    /// Begins a family of durations.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str) {
        self.family(name, "histogram", help);
    }

    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        self.write(format_args!("# HELP {name} {help}.\n"));
        self.write(format_args!("# TYPE {name} {kind}\n"));
        if name.ends_with("_seconds") {
            self.write(format_args!("# UNIT {name} seconds\n"));
        }
    }

    /// A figure of a family of counters.
    pub(super) fn counted(&mut self, labels: &Labels<'_>, value: impl Display) {
        self.figure("_total", labels, value);
    }

    /// A figure of a family of gauges.
    pub(super) fn shown(&mut self, labels: &Labels<'_>, value: impl Display) {
        self.figure("", labels, value);
    }

    /// A figure of the family, with what its name ends in.
    pub(super) fn figure(&mut self, end: &str, labels: &Labels<'_>, value: impl Display) {
        let name = self.family;
        self.write(format_args!("{name}{end}"));
        let mut between = '{';
        for (label, text) in labels {
            let text = escaped(text);
            self.write(format_args!("{between}{label}=\"{text}\""));
            between = ',';
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.write(format_args!(" {value}\n"));
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        // A string takes whatever is written to it.
        let _taken = self.text.write_fmt(arguments);
    }

    /// All that was written.
    pub(super) fn end(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

/// A label's text as it may stand between quotes; a client may have chosen it.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', r"\\").replace('"', "\\\"");
    text.replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_chose_stays_between_its_quotes() {
        let mut text = Text::default();
        text.gauge("members", "How many");
        text.shown(&[("group", "a\"} 1\n\\"), ("more", "x")], 2);
        assert_eq!(
            text.end(),
            "# HELP members How many.\n# TYPE members gauge\n\
             members{group=\"a\\\"} 1\\n\\\\\",more=\"x\"} 2\n# EOF\n"
        );
    }
}
