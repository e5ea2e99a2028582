//! The command line: what can be typed, in clap's terms, one group per command. Turned at once
//! into what the commands take; nothing below this room knows clap.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use msvc_system::id::ServiceName;

mod chaos;
mod contract;
mod journey;
mod new;
mod ready;

pub use chaos::{Chaos, ChaosRun, Inject, Kill, Latency, Way};
pub use contract::{Contract, ContractVerify};
pub use journey::{Journey, JourneyRun};
pub use new::New;
pub use ready::Ready;

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
  3    msvc or the machine could not: port taken, no permission
  4    an input file is missing or invalid
  5    inconclusive: nothing matched, nothing ran, nothing was felt
  6    a fault could not be undone
  130  interrupted, and cleaned up

Example:
  msvc demo                 boot, play, verify, break, report, clean up
  msvc up -d && msvc ps     boot the system in compose.yaml and look at it";

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Work as if started in DIR.
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Project name, instead of the file's.
    #[arg(short = 'p', long = "project-name", value_name = "NAME", global = true)]
    pub project: Option<String>,
    /// Also take the services of this profile (`*` for all).
    #[arg(long = "profile", value_name = "P", global = true)]
    pub profiles: Vec<String>,
    /// How to print results.
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    pub format: Format,
    /// Where the system runs; `auto` takes Docker where an engine answers (also by MSVC_RUNTIME).
    #[arg(long, value_enum, value_name = "RUNTIME", global = true)]
    pub runtime: Option<RuntimeChoice>,
    /// In containers: pack what cargo builds on this host, or build as each Dockerfile says.
    #[arg(long, value_enum, value_name = "SOURCE", default_value_t = BuildSource::Host, global = true)]
    pub build_from: BuildSource,
    /// Keep logs, journal, report and more in DIR.
    #[arg(long, value_name = "DIR", global = true)]
    pub artifacts: Option<PathBuf>,
    /// Write the cases as JUnit's XML to FILE (commands that prove something).
    #[arg(long, value_name = "FILE", global = true)]
    pub junit: Option<PathBuf>,
    /// Take unknown Compose keys for warnings.
    #[arg(long, global = true)]
    pub lenient: bool,
    /// No colour (also by the environment's NO_COLOR).
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Only results and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: every step, build output.
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// Compose files. Not a global flag, because `logs -f` means something else, as in Compose.
#[derive(Debug, Clone, Default, Args)]
pub struct Files {
    /// Compose file; several are merged in order.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// The same for `logs`, whose `-f` follows.
#[derive(Debug, Clone, Default, Args)]
pub struct LongFiles {
    /// Compose file; several are merged in order.
    #[arg(long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Where a system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuntimeChoice {
    /// In containers.
    Docker,
    /// As host processes.
    Process,
    /// In containers where an engine answers, else as host processes.
    Auto,
}

/// What the image of a Rust service with a Dockerfile is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuildSource {
    /// The binary that cargo builds on this host, and nothing else.
    Host,
    /// What its Dockerfile says.
    Dockerfile,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON document on standard output.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Boot the system and wait until every service is healthy.
    #[command(
        after_help = "Example:\n  msvc up            stream logs until Ctrl-C stops the system\n  msvc up -d         return once it is up; `msvc down` stops it"
    )]
    Up(Up),
    /// Stop the system; its data stays unless --volumes.
    #[command(after_help = "Example:\n  msvc down --volumes   stop it and forget its data")]
    Down(Down),
    /// What runs: replica, ports, URL, pid, uptime, restarts, health.
    #[command(after_help = "Example:\n  msvc ps --edges    who calls whom, why, and what passed")]
    Ps(Ps),
    /// What services wrote, also after they ended.
    #[command(after_help = "Example:\n  msvc logs -f orders payments")]
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
    #[command(
        after_help = "Example:\n  msvc ready                            this repository\n  msvc ready ../shop --fail-on never     look, and let no build fail\n\nEnds with 1 when a check is not ready, else with 5 when one cannot be told,\nelse with 0."
    )]
    Ready(Ready),
    /// Say what this machine can run, what is missing, and how to mend it.
    #[command(
        after_help = "Example:\n  msvc doctor -q    only what is missing or limited\n\nEnds with 3 when no system can be run at all, else with 0."
    )]
    Doctor,
    /// Boot, play, verify, break, report, tear down: everything, once.
    #[command(
        after_help = "Example:\n  msvc demo --artifacts out    keep logs, journals and the report in ./out\n\nBoots the system as a project of its own, with its own data and free ports;\na system that is up is never touched. What it plays, verifies and breaks is\nwhat `x-msvc` in the Compose file names. Where there is no Compose file, the\none in ./sample-system is taken."
    )]
    Demo(Demo),
    /// Make a service from a template and wire it into the system.
    #[command(
        after_help = "Example:\n  msvc new inventory --template rust-axum             asks, then writes\n  msvc new inventory --template rust-axum --dry-run   shows files and diff\n  msvc new --list                                     templates and their questions\n\nThe service goes beside those that the Compose file builds and into that file,\nwhose comments and layout stay. All of it is written, or nothing."
    )]
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
}

/// `msvc up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Return once the system is up and leave it running.
    #[arg(short, long)]
    pub detach: bool,
    /// Print what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Give up when the system is not up after this time.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
    /// In containers: boot without the mesh; edges are neither seen nor broken.
    #[arg(long)]
    pub no_mesh: bool,
    /// Only these services and what they depend on.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// `msvc down`.
#[derive(Debug, Args)]
pub struct Down {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Also remove its volumes: the data is gone.
    #[arg(long)]
    pub volumes: bool,
}

/// `msvc ps`.
#[derive(Debug, Args)]
pub struct Ps {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Show edges: who calls whom, why, connections and bytes.
    #[arg(long)]
    pub edges: bool,
}

/// `msvc logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// Which Compose files.
    #[command(flatten)]
    pub files: LongFiles,
    /// Go on with what comes.
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last N lines of each service.
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
    /// Of these services; all when none is named.
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,
}

/// `msvc demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Leave the system running at the end and say how to stop it.
    #[arg(long)]
    pub keep: bool,
    /// Seed of every draw; printed when drawn.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Arguments of the hidden commands.
#[derive(Debug, Args)]
pub struct Internal {
    /// Understood by the runtime.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<std::ffi::OsString>,
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
            | Command::Keeper(_) => return Vec::new(),
        };
        self.files.files.iter().chain(after).cloned().collect()
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|why| format!("{why}; write a number and a unit, for example 300ms, 5s or 2m"))
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "write KEY=VALUE".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(line.split_whitespace()).is_ok()
    }

    #[test]
    fn valid_lines_are_taken() {
        for line in [
            "msvc up",
            "msvc up -d -C x -f a.yaml -f b.yaml -p shop --profile dev",
            "msvc -f a.yaml logs -f orders",
            "msvc down --volumes",
            "msvc ps --edges --format json",
            "msvc logs -f orders payments",
            "msvc journey run checkout -i quantity=3",
            "msvc contract verify --provider payments",
            "msvc chaos inject latency --edge orders->payments --delay 300ms --jitter 5ms",
            "msvc chaos inject latency --edge a->b:80 --delay 1s -- sh -c true",
            "msvc chaos kill notifications --down 2s",
            "msvc chaos kill notifications -- true",
            "msvc demo --keep --artifacts out",
            "msvc new inventory --template rust-axum --set port=8085 --set owner=a=b",
            "msvc new inventory --template rust-axum --alone --no-input --dry-run",
            "msvc new --list",
        ] {
            assert!(parses(line), "{line}");
        }
    }

    #[test]
    fn invalid_lines_are_refused() {
        for line in [
            "msvc",
            "msvc upp",
            "msvc up --wrong",
            "msvc chaos inject latency --edge orders --delay 300ms",
            "msvc chaos inject latency --edge a->b --delay 300",
            "msvc chaos kill a --down 1s -- true",
            "msvc journey run -i quantity",
            "msvc ps -q -v",
            "msvc logs @client",
            "msvc new",
            "msvc new inventory",
            "msvc new --template rust-axum",
            "msvc new inventory --template rust-axum --set port",
            "msvc new inventory --list",
            "msvc new inventory --template rust-axum --alone -f a.yaml",
        ] {
            assert!(!parses(line), "{line}");
        }
    }

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
