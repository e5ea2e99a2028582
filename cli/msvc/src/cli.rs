//! The command line: what can be typed, in clap's terms, one group per command. Turned at once
//! into what the commands take; nothing below this room knows clap.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use msvc_system::id::{EdgeSelector, ServiceName};

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
    /// Keep logs, journal, report and more in DIR.
    #[arg(long, value_name = "DIR", global = true)]
    pub artifacts: Option<PathBuf>,
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
    #[command(subcommand)]
    Journey(Journey),
    /// Consumer-driven contracts.
    #[command(subcommand)]
    Contract(Contract),
    /// Break the running system on purpose.
    #[command(subcommand)]
    Chaos(Chaos),
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

/// `msvc journey …`.
#[derive(Debug, Subcommand)]
pub enum Journey {
    /// Play journeys and say which held.
    #[command(
        after_help = "Example:\n  msvc journey run                       all that x-msvc names\n  msvc journey run checkout --times 20   one of them, twenty at once\n  msvc journey run my.arazzo.yaml -i quantity=3"
    )]
    Run(JourneyRun),
    /// Which journeys there are.
    List(JourneyList),
}

/// `msvc journey list`.
#[derive(Debug, Args)]
pub struct JourneyList {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
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
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// `msvc contract …`.
#[derive(Debug, Subcommand)]
pub enum Contract {
    /// Boot each provider alone and check every interaction its consumers expect.
    #[command(after_help = "Example:\n  msvc contract verify --provider payments")]
    Verify(ContractVerify),
}

/// `msvc contract verify`.
#[derive(Debug, Args)]
pub struct ContractVerify {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Only pacts of this provider.
    #[arg(long, value_name = "SERVICE")]
    pub provider: Option<String>,
    /// Only pacts of this consumer.
    #[arg(long, value_name = "SERVICE")]
    pub consumer: Option<String>,
    /// Only interactions whose description contains TEXT.
    #[arg(long, value_name = "TEXT")]
    pub interaction: Option<String>,
    /// Pact files or folders, instead of what `x-msvc.contracts` names.
    #[arg(value_name = "PACT")]
    pub pacts: Vec<PathBuf>,
}

/// `msvc chaos …`.
#[derive(Debug, Subcommand)]
pub enum Chaos {
    /// Put a fault on an edge, hold it while COMMAND runs, lift it whatever happens.
    #[command(subcommand)]
    Inject(Inject),
    /// Kill a service and measure how it comes back.
    #[command(
        after_help = "Example:\n  msvc chaos kill notifications --down 5s\n  msvc chaos kill notifications -- msvc journey run checkout"
    )]
    Kill(Kill),
    /// Run an experiment: steady state, fault, steady state, rollbacks.
    #[command(after_help = "Example:\n  msvc chaos run experiments/payments-slow.yaml")]
    Run(ChaosRun),
}

/// `msvc chaos inject …`.
#[derive(Debug, Subcommand)]
pub enum Inject {
    /// Delay what passes an edge, once per answer.
    #[command(
        after_help = "Example:\n  msvc chaos inject latency --edge \"orders->payments\" --delay 300ms -- \\\n    msvc journey run checkout\n\nWithout a command the delay holds until Ctrl-C, which is then its normal end."
    )]
    Latency(Latency),
}

/// `msvc chaos inject latency`.
#[derive(Debug, Args)]
pub struct Latency {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// The edge: `caller->callee`, `caller->callee:port` or `caller~callee~port`.
    #[arg(long, value_name = "EDGE")]
    pub edge: EdgeSelector,
    /// How long to hold each answer back.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub delay: Duration,
    /// Up to so much more or less.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub jitter: Duration,
    /// Which way: the callee's answers, or the caller's requests.
    #[arg(long, value_enum, default_value_t = Way::Downstream)]
    pub stream: Way,
    /// Seed of the jitter; printed when drawn.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What to run while the delay holds; its exit code is passed on.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
}

/// Which way a fault acts, in Toxiproxy's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// From the callee back to the caller.
    Downstream,
    /// From the caller to the callee.
    Upstream,
}

/// `msvc chaos kill`.
#[derive(Debug, Args)]
pub struct Kill {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// The service.
    #[arg(value_name = "SERVICE")]
    pub service: ServiceName,
    /// Keep it down so long before its restart policy may act.
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "command")]
    pub down: Option<Duration>,
    /// What to run while it is down; its exit code is passed on.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
}

/// `msvc chaos run`.
#[derive(Debug, Args)]
pub struct ChaosRun {
    /// Which Compose files.
    #[command(flatten)]
    pub files: Files,
    /// Experiment files; those of `x-msvc.experiments` when none is given.
    #[arg(value_name = "FILE")]
    pub experiments: Vec<PathBuf>,
    /// Seed of every draw; printed when drawn.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
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

/// `msvc new`.
#[derive(Debug, Args)]
pub struct New {
    /// Which Compose files; the service goes into the first.
    #[command(flatten)]
    pub files: Files,
    /// What the service is called: lower-case letters, digits and `-`.
    #[arg(value_name = "NAME", required_unless_present = "list")]
    pub name: Option<String>,
    /// What it is made from.
    #[arg(long, value_name = "TEMPLATE", required_unless_present = "list")]
    pub template: Option<String>,
    /// Answer a question; the others are asked on a terminal, else answered as proposed.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// Ask nothing.
    #[arg(long)]
    pub no_input: bool,
    /// The service only: touch no Compose file.
    #[arg(long, conflicts_with = "files")]
    pub alone: bool,
    /// Show the files and the Compose file's diff, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Show the templates and what they ask.
    #[arg(long, conflicts_with_all = ["name", "template", "set", "alone", "dry_run"])]
    pub list: bool,
}

/// Arguments of the hidden commands.
#[derive(Debug, Args)]
pub struct Internal {
    /// Understood by the runtime.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<std::ffi::OsString>,
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
            Command::Guardian(_) | Command::Supervisor(_) => return Vec::new(),
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
