//! `search` as a program: what its commands say when they are not told what they need.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends it")]

#[path = "../../../lib/tests/support/commands.rs"]
mod commands;

const PROGRAM: &str = env!("CARGO_BIN_EXE_search");

#[test]
fn whoever_is_not_told_where_the_data_is_says_so_and_makes_nothing() {
    commands::asks_for_what_it_needs(PROGRAM);
}

#[test]
fn a_rebuild_of_nothing_is_an_error_and_makes_nothing() {
    commands::rebuilds_nothing_from_nothing(PROGRAM, "search.sqlite");
}
