//! The command line: what can be typed, in clap's terms, one group per command. Turned at once
//! into what the commands take; nothing below this room knows clap.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

mod chaos;
mod config;
mod contract;
mod demo;
mod down;
mod flags;
mod internal;
mod journey;
mod logs;
mod new;
mod ps;
mod ready;
mod up;
mod values;

pub use chaos::{Chaos, ChaosRun, Inject, Kill, Latency, Way};
pub use config::{Config, Graph};
pub use contract::{Contract, ContractVerify};
pub use demo::Demo;
pub use down::Down;
pub use flags::{BuildSource, Files, Format, Global, RuntimeChoice};
pub use internal::Internal;
pub use journey::{Journey, JourneyRun, is_file};
pub use logs::Logs;
pub use new::New;
pub use ps::Ps;
pub use ready::Ready;
pub use up::Up;

/// Boot a system of services from its Compose file, prove it, break it.
#[derive(Debug, Parser)]
#[command(
    name = "msvc",
    version,
    max_term_width = 80,
    propagate_version = true,
    disable_help_subcommand = true,
    after_help = EXIT_CODES,
    after_long_help = EXIT_CODES
)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// Compose files given in front of the command.
    #[command(flatten)]
    pub files: Files,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    held: what was asked is so
  1    what was tested failed: a contract, a journey, a build or service of yours
  2    usage; also a service, edge or journey that the system does not have
  3    msvc or the machine could not: no engine, no image, port taken
  4    an input file is missing or invalid
  5    inconclusive: nothing matched, nothing ran, nothing was felt
  6    a fault could not be undone
  130  interrupted, and cleaned up

Example:
  msvc demo                 boot, play, verify, break, report, clean up
  msvc up -d && msvc ps     boot the system in compose.yaml and look at it";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Boot the system and wait until every service is healthy.
    Up(Up),
    /// Stop the system; its data stays unless --volumes.
    Down(Down),
    /// What the Compose files say, merged: Docker Compose's normal form, edges, variables.
    Config(Config),
    /// What runs: replica, ports, URL, pid, uptime, restarts, health.
    Ps(Ps),
    /// What services wrote, also after they ended.
    Logs(Logs),
    /// Play user journeys against the running system.
    #[command(subcommand, after_help = "Example:\n  msvc journey run checkout")]
    Journey(Journey),
    /// Consumer-driven contracts.
    #[command(subcommand, after_help = "Example:\n  msvc contract verify")]
    Contract(Contract),
    /// Break the running system on purpose.
    #[command(
        subcommand,
        after_help = "Example:\n  msvc chaos kill notifications --down 5s"
    )]
    Chaos(Chaos),
    /// Say from evidence whether a code base is ready to be split into services.
    Ready(Ready),
    /// Say what this machine can run, what is missing, and how to mend it.
    #[command(
        after_help = "Example:\n  msvc doctor -q    only what is missing or limited\n\nEnds with 3 when no system can be run at all, else with 0."
    )]
    Doctor,
    /// Boot, play, verify, break, report, tear down: everything, once.
    Demo(Demo),
    /// Make a service from a template and wire it into the system.
    New(New),
    /// Not for people: the parent of a detached system.
    #[command(hide = true, name = "internal-guardian")]
    Guardian(Internal),
    /// Not for people: keeps a system's services and carries its edges.
    #[command(hide = true, name = "internal-supervisor")]
    Supervisor(Internal),
    /// Not for people: carries the edges of a system in containers, inside one.
    #[command(hide = true, name = "internal-mesh")]
    Mesh(Internal),
    /// Not for people: keeps a killed service of a system in containers down.
    #[command(hide = true, name = "internal-keeper")]
    Keeper(Internal),
    /// Not for people: ends the commands of a program that was killed.
    #[command(hide = true, name = "internal-warden")]
    Warden(Internal),
}

impl Command {
    /// Whether it ends in a report of cases.
    #[must_use]
    pub const fn proves(&self) -> bool {
        matches!(
            self,
            Self::Journey(Journey::Run(_))
                | Self::Contract(_)
                | Self::Chaos(_)
                | Self::Ready(_)
                | Self::Doctor
                | Self::Demo(_)
        )
    }
}

impl Cli {
    /// All Compose files named, those in front of the command first.
    #[must_use]
    pub fn compose_files(&self) -> Vec<PathBuf> {
        let after = match &self.command {
            Command::Up(it) => &it.files.files,
            Command::Down(it) => &it.files.files,
            Command::Config(it) => &it.files.files,
            Command::Ps(it) => &it.files.files,
            Command::Logs(it) => &it.files.files,
            Command::Journey(Journey::Run(it)) => &it.files.files,
            Command::Journey(Journey::List(it)) => &it.files.files,
            Command::Contract(Contract::Verify(it)) => &it.files.files,
            Command::Chaos(Chaos::Inject(Inject::Latency(it))) => &it.files.files,
            Command::Chaos(Chaos::Kill(it)) => &it.files.files,
            Command::Chaos(Chaos::Run(it)) => &it.files.files,
            Command::Demo(it) => &it.files.files,
            Command::New(it) => &it.files.files,
            Command::Ready(_)
            | Command::Doctor
            | Command::Guardian(_)
            | Command::Supervisor(_)
            | Command::Mesh(_)
            | Command::Keeper(_)
            | Command::Warden(_) => return Vec::new(),
        };
        self.files.files.iter().chain(after).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
