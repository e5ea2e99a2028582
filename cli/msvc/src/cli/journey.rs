//! `msvc journey …` as it is typed.

use std::path::Path;

use clap::{Args, Subcommand};

use super::flags::Files;
use super::values::{base_url, key_value};

/// `msvc journey …`.
#[derive(Debug, Subcommand)]
pub enum Journey {
    /// Play journeys and say which held.
    #[command(
        after_help = "Example:\n  msvc journey run                       all that x-msvc names\n  msvc journey run checkout --times 20   one of them, twenty at once\n  msvc journey run my.arazzo.yaml -i quantity=3"
    )]
    Run(JourneyRun),
    /// Which journeys there are.
    #[command(after_help = "Example:\n  msvc journey list --format json")]
    List(JourneyList),
}

/// `msvc journey list`.
#[derive(Debug, Args)]
pub struct JourneyList {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
}

impl JourneyRun {
    /// Whether it needs nothing of a system: everything that it names is a file, and the URL says
    /// where to play it.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        let files = |given: &String| is_file(given);
        self.url.is_some() && !self.journeys.is_empty() && self.journeys.iter().all(files)
    }
}

/// Whether what is given is a file and no name: it ends as one, has a folder, or is there.
#[must_use]
pub fn is_file(given: &str) -> bool {
    let ends = [".yaml", ".yml", ".json"];
    ends.iter().any(|end| given.ends_with(end)) || given.contains('/') || Path::new(given).is_file()
}

/// `msvc journey run`.
#[derive(Debug, Args)]
pub struct JourneyRun {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Names of journeys, or Arazzo files; all of the system's when none is given.
    #[arg(value_name = "NAME|FILE")]
    pub journeys: Vec<String>,
    /// An input of the journey, read as its schema says.
    #[arg(short, long = "input", value_name = "K=V", value_parser = key_value)]
    pub inputs: Vec<(String, String)>,
    /// Play each so many times, all at once.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub times: u32,
    /// Call this base URL instead of finding the running system.
    #[arg(long, value_name = "URL", value_parser = base_url)]
    pub url: Option<String>,
}
