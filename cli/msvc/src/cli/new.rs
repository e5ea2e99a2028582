//! `msvc new` as it is typed.

use clap::Args;

use super::flags::Files;
use super::values::key_value;

/// `msvc new`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  msvc new inventory --template rust-axum             asks, then writes\n  msvc new inventory --template rust-axum --dry-run   shows files and diff\n  msvc new --list                                     templates and their questions\n\nThe service goes beside those that the Compose file builds and into that file,\nwhose comments and layout stay. All of it is written, or nothing."
)]
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
