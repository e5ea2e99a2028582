//! `msvc chaos …` as it is typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use msvc_system::id::{EdgeSelector, ServiceName};

use super::flags::Files;
use super::values::{delay, down_time, jitter};

/// `msvc chaos …`.
#[derive(Debug, Subcommand)]
pub enum Chaos {
    /// Put a fault on an edge, hold it while COMMAND runs, lift it whatever happens.
    #[command(
        subcommand,
        after_help = "Example:\n  msvc chaos inject latency --edge \"orders->payments\" --delay 300ms -- \\\n    msvc journey run checkout"
    )]
    Inject(Inject),
    /// Kill a service and measure how it comes back.
    #[command(
        after_help = "Example:\n  msvc chaos kill notifications --down 5s\n  msvc chaos kill notifications -- msvc journey run browse"
    )]
    Kill(Kill),
    /// Run an experiment: steady state, fault, steady state, rollbacks.
    #[command(
        after_help = "Example:\n  msvc chaos run                        all that x-msvc names\n  msvc chaos run payments-slow          one of them\n  msvc chaos run experiments/mine.yaml"
    )]
    Run(ChaosRun),
}

/// `msvc chaos inject …`.
#[derive(Debug, Subcommand)]
pub enum Inject {
    /// Delay what passes an edge, once per answer.
    #[command(
        override_usage = "msvc chaos inject latency [OPTIONS] --edge EDGE --delay DURATION\n                                 [-- COMMAND...]",
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
    #[arg(long, value_name = "DURATION", value_parser = delay)]
    pub delay: Duration,
    /// Up to so much more or less.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = jitter)]
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
    #[arg(long, value_name = "DURATION", value_parser = down_time, conflicts_with = "command")]
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
    /// Names of experiments (their files' without the ending), or files; all of the system's when
    /// none is given.
    #[arg(value_name = "NAME|FILE")]
    pub experiments: Vec<PathBuf>,
    /// Seed of every draw; printed when drawn.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}
