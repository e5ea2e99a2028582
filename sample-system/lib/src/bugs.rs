//! Bugs that are seeded on purpose, so that it can be seen that the auditor finds them. Each is a
//! real change of behaviour behind the setting `SEEDED_BUGS`, which is refused unless the system's
//! test mode is on (`TEST_MODE=on`), and told in the log at start.
//!
//! The setting can be the same for the whole shop: a service turns on those that it has and leaves
//! the others to their services. A name that no service knows is refused.

use std::collections::BTreeSet;
use std::fmt;

use crate::config::Settings;

/// Name of the setting: names of bugs with commas between.
pub const SETTING: &str = "SEEDED_BUGS";

/// Name of the setting that must be `on` for any of them.
pub const TEST_MODE: &str = "TEST_MODE";

/// A bug that can be seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// A repeated request is done again.
    MissingIdempotency,
    /// A consumer does a repeated event again.
    NoDedup,
    /// An event is published before its change is committed.
    PublishBeforeCommit,
    /// An event is acknowledged before its work is done.
    AckBeforeHandling,
    /// What was charged is not given back.
    NoRefund,
    /// What was reserved is not given back.
    LostRelease,
    /// A call that must not be done twice is repeated as another one.
    RetryNonIdempotent,
    /// A call has no timeout.
    NoTimeout,
    /// A call is repeated many times with no pause.
    RetryStorm,
    /// A part that fails makes the whole fail.
    MissingFallback,
    /// An order waits for its mail.
    NotificationsInCriticalPath,
}

impl Bug {
    /// Every bug.
    pub const ALL: [Self; 11] = [
        Self::MissingIdempotency,
        Self::NoDedup,
        Self::PublishBeforeCommit,
        Self::AckBeforeHandling,
        Self::NoRefund,
        Self::LostRelease,
        Self::RetryNonIdempotent,
        Self::NoTimeout,
        Self::RetryStorm,
        Self::MissingFallback,
        Self::NotificationsInCriticalPath,
    ];

    /// Its name in the setting.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingIdempotency => "missing-idempotency",
            Self::NoDedup => "no-dedup",
            Self::PublishBeforeCommit => "publish-before-commit",
            Self::AckBeforeHandling => "ack-before-handling",
            Self::NoRefund => "no-refund",
            Self::LostRelease => "lost-release",
            Self::RetryNonIdempotent => "retry-non-idempotent",
            Self::NoTimeout => "no-timeout",
            Self::RetryStorm => "retry-storm",
            Self::MissingFallback => "missing-fallback",
            Self::NotificationsInCriticalPath => "notifications-in-critical-path",
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The bugs that are on in a service; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bugs(BTreeSet<Bug>);

impl Bugs {
    /// No bug.
    pub fn none() -> Self {
        Self::default()
    }

    /// These bugs, for tests.
    pub fn only(bugs: &[Bug]) -> Self {
        Self(bugs.iter().copied().collect())
    }

    /// Reads the setting of a service that has the bugs `known`.
    pub fn read(settings: &mut Settings, known: &[Bug]) -> Option<Self> {
        let test_mode = settings.switch(TEST_MODE);
        // Compose hands on an empty value where its own variable is not set.
        let given = settings.text_or_empty(SETTING);
        let names: Vec<_> = given.split(',').map(str::trim).collect();
        let names = names.into_iter().filter(|name| !name.is_empty());
        let mut seeded = BTreeSet::new();
        for name in names {
            match Bug::ALL.into_iter().find(|bug| bug.name() == name) {
                Some(bug) if known.contains(&bug) => drop(seeded.insert(bug)),
                Some(_) => {}
                None => {
                    let all = Bug::ALL.map(Bug::name).join(", ");
                    return settings.refuse(SETTING, name, &format!("some of {all}"));
                }
            }
        }
        if !given.is_empty() && !test_mode? {
            let wanted = format!("it only where {TEST_MODE} is on, never where customers are");
            return settings.refuse(SETTING, &given, &wanted);
        }
        for bug in &seeded {
            settings.warn(format!("the bug {bug} is seeded here"));
        }
        Some(Self(seeded))
    }

    /// Whether `bug` is on.
    pub fn has(&self, bug: Bug) -> bool {
        self.0.contains(&bug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Bugs, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut settings = Settings::new(pairs.iter().map(owned));
        let bugs = Bugs::read(&mut settings, &[Bug::NoDedup, Bug::NoRefund]);
        settings.finish(bugs).map_err(|error| error.to_string())
    }

    #[test]
    fn bugs_are_refused_unless_the_test_mode_is_on() {
        let refused = read(&[("SEEDED_BUGS", "no-dedup")]).unwrap_err();
        assert!(refused.contains("TEST_MODE"), "{refused}");
        let on = read(&[("SEEDED_BUGS", "no-dedup"), ("TEST_MODE", "on")]).unwrap();
        assert!(on.has(Bug::NoDedup) && !on.has(Bug::NoRefund));
    }

    #[test]
    fn an_empty_setting_seeds_nothing_with_the_test_mode_or_without() {
        for mode in ["on", "off"] {
            let none = read(&[("SEEDED_BUGS", ""), ("TEST_MODE", mode)]).unwrap();
            assert_eq!(none, Bugs::none());
        }
    }

    #[test]
    fn a_bug_of_another_service_is_left_to_it_and_a_name_of_none_is_refused() {
        let on = |names| read(&[("SEEDED_BUGS", names), ("TEST_MODE", "on")]);
        assert_eq!(
            on("retry-storm, no-refund").unwrap(),
            Bugs::only(&[Bug::NoRefund])
        );
        assert!(
            on("no-refunds")
                .unwrap_err()
                .contains("missing-idempotency")
        );
    }
}
