//! Which command lines are taken, and which refused.

use clap::{CommandFactory as _, Parser as _};

use super::Cli;

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
        "msvc chaos kill web --down 2d",
        "msvc chaos inject latency --edge a->b --delay 300",
        "msvc chaos kill a --down 1s -- true",
        "msvc chaos inject latency --edge a->b --delay 0s",
        "msvc chaos inject latency --edge a->b --delay 2days",
        "msvc chaos inject latency --edge a->b --delay 1s --jitter 2days",
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

/// Every command that people type, with its words.
fn all(command: &clap::Command, words: &str) -> Vec<(String, clap::Command)> {
    let words = format!("{words} {}", command.get_name());
    let below = command.get_subcommands().filter(|it| !it.is_hide_set());
    let mut found: Vec<_> = below.flat_map(|it| all(it, &words)).collect();
    found.push((words, command.clone()));
    found
}

#[test]
fn every_help_shows_an_example() {
    for (words, mut command) in all(&Cli::command(), "") {
        let help = command.render_long_help().to_string();
        assert!(help.contains("Example"), "{words}");
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}
