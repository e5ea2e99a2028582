//! The settings of a service, one spot each: a variable, a word of its command or healthcheck.

use std::collections::BTreeMap;
use std::fmt;

use msvc_system::setting_key::port_key;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// An environment variable.
    Variable(String),
    /// A word of the command.
    Command(usize),
    /// A word of the healthcheck.
    Health(usize),
    /// A word or setting of what is run at its start or end.
    Hook(usize),
    /// The text of a file that is written for it.
    File(usize),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(key) => f.write_str(key),
            Self::Command(index) => write!(f, "command[{index}]"),
            Self::Health(index) => write!(f, "healthcheck[{index}]"),
            Self::Hook(index) => write!(f, "hook[{index}]"),
            Self::File(index) => write!(f, "file[{index}]"),
        }
    }
}

/// A value with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Where.
    pub(crate) at: At,
    /// Variable or flag; empty for a word of its own.
    pub(crate) key: String,
    /// `--flag=`, which stands before the value in the same word.
    pub(crate) before: String,
    /// The value.
    pub(crate) value: String,
    /// The port that stands under the key's neighbour.
    pub(crate) port_beside: Option<u16>,
}

impl Spot {
    /// The whole variable or word.
    pub(crate) fn whole(&self) -> String {
        format!("{}{}", self.before, self.value)
    }
}

/// Every spot of a service. PATH is none: it is the caller's or made by msvc.
pub(crate) fn spots(
    environment: &BTreeMap<String, String>,
    command: &[String],
    health: &[String],
    hooks: &[String],
) -> Vec<Spot> {
    let variables = environment
        .iter()
        .filter(|(key, _)| *key != "PATH")
        .map(|(key, value)| Spot {
            at: At::Variable(key.clone()),
            key: key.clone(),
            before: String::new(),
            value: value.clone(),
            port_beside: port_key(key)
                .and_then(|key| environment.get(&key))
                .and_then(|port| port.parse().ok()),
        });
    let command = words(command, At::Command);
    let health = words(health, At::Health);
    let hooks = words(hooks, At::Hook);
    variables
        .chain(command)
        .chain(health)
        .chain(hooks)
        .collect()
}

/// The texts of files, each a spot of its own.
pub(crate) fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Spot> {
    let spots = texts.enumerate().map(|(index, text)| Spot {
        at: At::File(index),
        key: String::new(),
        before: String::new(),
        value: text.to_owned(),
        port_beside: None,
    });
    spots.collect()
}

fn words(words: &[String], at: fn(usize) -> At) -> impl Iterator<Item = Spot> {
    words.iter().enumerate().map(move |(index, word)| {
        let own = word.split_once('=').filter(|_| word.starts_with('-'));
        let (before, key, value) = match own {
            Some((flag, value)) => (format!("{flag}="), flag, value),
            None => (String::new(), flag_before(words, index), word.as_str()),
        };
        Spot {
            at: at(index),
            key: key.to_owned(),
            before,
            value: value.to_owned(),
            port_beside: None,
        }
    })
}

fn flag_before(words: &[String], index: usize) -> &str {
    index
        .checked_sub(1)
        .map(|before| words[before].as_str())
        .filter(|word| word.starts_with('-') && !word.contains('='))
        .unwrap_or_default()
}
