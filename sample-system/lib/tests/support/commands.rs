//! What a service's commands say when they are not told what they need: the same of each service
//! that keeps a read model. Its test names the program and the database.

use std::path::Path;
use std::process::Command;

/// Exit code and what was said on both streams of `PROGRAM ARGUMENTS` with these settings alone.
fn run(program: &str, arguments: &[&str], data: Option<&Path>) -> (Option<i32>, String) {
    let mut program = Command::new(program);
    program.args(arguments).env_clear();
    if let Some(data) = data {
        program.env("DATA_DIR", data);
    }
    let done = program.output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(said).unwrap())
}

/// Fails unless the program asks for its settings by name.
pub(crate) fn asks_for_what_it_needs(program: &str) {
    for arguments in [&["rebuild"][..], &[]] {
        let (code, said) = run(program, arguments, None);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("DATA_DIR is not set"), "{said}");
    }
    let (code, said) = run(program, &["dead-letters", "list"], None);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("KAFKA_BROKERS is not set"), "{said}");
}

/// Fails unless a rebuild without a database is an error that names it, and makes nothing.
pub(crate) fn rebuilds_nothing_from_nothing(program: &str, database: &str) {
    let folder = tempfile::tempdir().unwrap();
    for data in [folder.path().to_owned(), folder.path().join("none")] {
        let (code, said) = run(program, &["rebuild"], Some(&data));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("there is no database"), "{said}");
        assert!(said.contains(database), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
