//! The page that tells users what becomes of each field, as it is published.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::{Fate, Kind, Row, table};

const BEGINNING: &str = "\
# Fields of the Compose file

What msvc makes of every field that the Compose Specification knows (2026-07). This page is written
by a test from the table that `msvc up` itself goes by (`cli/runtime/src/fields/table`), and another
holds that table to what is asked of the engine and said to people, field by field: nothing is
dropped in silence.

- **yes**: honoured.
- **partly**: honoured as far as it says; else an error, with the line.
- **nothing**: it says nothing of what runs here, with the reason.
- **told**: it runs without, and a warning says so and what there is in its place: for host processes
  one for each service, once in a run.
- **error**: it does not run, with the line. `--lenient` makes a warning of what a runtime cannot
  honour.

What a value looks like is shown beside each: a field takes other forms too, and where a value is of
the wrong kind, the problem shows this one.

What begins with a slash stands at the top level, not in a service. Fields that begin with `x-` are
everybody's own. `msvc config` prints those of the file and of a service, in YAML, and leaves out those that
stand deeper.

| field | for example | in containers | as host processes |
|---|---|---|---|
";

fn page() -> String {
    let mut rows: Vec<&Row> = table::rows().collect();
    rows.sort_by_key(|row| (row.field.starts_with('/'), row.field));
    let mut page = BEGINNING.to_owned();
    for row in rows {
        let (container, process) = (cell(&row.container), cell(&row.process));
        // Writing to a text does not fail.
        let example = msvc_system::fields::example(row.field).unwrap_or_default();
        let field = row.field;
        let _ = writeln!(
            page,
            "| `{field}` | `{example}` | {container} | {process} |"
        );
    }
    page
}

/// What a column says: a word, then what is to be added.
fn cell(fate: &Fate) -> String {
    let since = fate.since.map(|api| format!(", from API {api} on"));
    let word = word(fate).to_owned() + &since.unwrap_or_default();
    match fate.note {
        "" => word,
        note => format!("{word}: {note}"),
    }
}

/// The word that a column begins with.
pub(crate) fn word(fate: &Fate) -> &'static str {
    match fate.kind {
        Kind::Carried => "yes",
        Kind::Partly(_) => "partly",
        Kind::Nothing => "nothing",
        Kind::Told => "told",
        Kind::Refused => "error",
    }
}

#[test]
fn every_field_that_compose_knows_has_one_row_and_no_other_has_any() {
    let rows: Vec<&str> = table::rows().map(|row| row.field).collect();
    let fields: BTreeSet<&str> = rows.iter().copied().collect();
    let known = msvc_system::fields::all();
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    let missing: Vec<_> = known.difference(&fields).collect();
    let unknown: Vec<_> = fields.difference(&known).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    assert!(unknown.is_empty(), "no field for the rows {unknown:?}");
    assert_eq!(rows.len(), fields.len(), "a field has two rows");
}

#[test]
fn whatever_is_not_simply_carried_says_why_or_what_to_do() {
    for row in table::rows() {
        for fate in [row.container, row.process] {
            let is_plain = matches!(fate.kind, Kind::Carried);
            assert!(is_plain || !fate.note.is_empty(), "{}", row.field);
            assert!(!fate.note.contains('|'), "{}", row.field);
        }
    }
}

#[test]
fn the_published_page_is_the_one_that_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/compose.md");
    if std::env::var_os("MSVC_TESTS_WRITE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == page(),
        "{} is another one: MSVC_TESTS_WRITE=1 cargo test -p msvc-runtime --lib writes it",
        path.display()
    );
}
