//! What a system does in one runtime it does in the other: the tests of the files below run in both,
//! but for those that `docs/design/testing.md` lists with reasons. What belongs to one runtime alone
//! is tested in other files.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use std::collections::BTreeSet;

use support::{read, root};

/// The files whose tests hold for both.
const FILES: &[&str] = &[
    "bad_input",
    "contracts",
    "crash_points",
    "demo",
    "edges",
    "endings",
    "faults",
    "fields",
    "impossible",
    "journeys",
    "names",
    "namespaces",
    "neighbours",
    "replicas",
    "roles",
    "second_runner",
    "secrets",
    "services",
    "shop_right",
    "shop_under_kills",
    "system_up",
    "unkept",
];

/// As many as the list may have.
const MOST: usize = 10;

/// `FILE::TEST` of each row of the list; each has to say where it runs and why.
fn listed() -> BTreeSet<String> {
    let text = read(&root().join("docs/design/testing.md"));
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [test, runs, because] = cells.as_slice() else {
            panic!("three cells in each row: {row}");
        };
        assert!(["as processes", "in containers"].contains(runs), "{row}");
        assert!(!because.is_empty(), "{row}");
        test.trim_matches('`').to_owned()
    })
    .collect()
}

/// The tests of a file that no `in_both!` makes.
fn alone(file: &str) -> Vec<String> {
    let text = read(&root().join("tests").join(format!("{file}.rs")));
    assert!(text.contains("\nsupport::in_both! {"), "{file} has none");
    let after = text.split("#[test]").skip(1);
    after
        .map(|rest| {
            let rest = &rest[rest.find("fn ").unwrap() + 3..];
            format!("{file}::{}", &rest[..rest.find('(').unwrap()])
        })
        .collect()
}

#[test]
fn the_tests_that_run_in_one_runtime_only_are_the_few_that_are_listed_with_reasons() {
    let alone: BTreeSet<String> = FILES.iter().flat_map(|file| alone(file)).collect();
    assert_eq!(alone, listed());
    assert!(alone.len() <= MOST, "{}: {alone:#?}", alone.len());
}
