//! `msvc contract …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::flags::Files;

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
