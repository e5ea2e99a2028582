//! `search` as a program: what its commands say when they are not told what they need.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends it")]

use std::path::Path;
use std::process::Command;

/// Exit code and what was said on both streams of `search ARGUMENTS` with these settings alone.
fn run(arguments: &[&str], data: Option<&Path>) -> (Option<i32>, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_search"));
    program.args(arguments).env_clear();
    if let Some(data) = data {
        program.env("DATA_DIR", data);
    }
    let done = program.output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn whoever_is_not_told_where_the_data_is_says_so_and_makes_nothing() {
    for arguments in [&["rebuild"][..], &[]] {
        let (code, said) = run(arguments, None);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("DATA_DIR is not set"), "{said}");
    }
    let (code, said) = run(&["dead-letters", "list"], None);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("KAFKA_BROKERS is not set"), "{said}");
}

#[test]
fn a_rebuild_of_nothing_is_an_error_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for data in [folder.path().to_owned(), folder.path().join("none")] {
        let (code, said) = run(&["rebuild"], Some(&data));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("there is no database"), "{said}");
        assert!(said.contains("search.sqlite"), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
