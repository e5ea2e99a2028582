//! Whatever a file holds: it takes the service and nothing else, or is refused; nothing panics.

use msvc_scaffold::wire::{additions, wire};
use proptest::prelude::*;

const FRAGMENT: &str = "services:\n  brand-new:\n    build: ./x\nvolumes:\n  data:\n";

/// Pieces of which files are made, whole and broken ones.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "services:",
        "volumes:",
        "x-msvc:",
        "\n",
        "\n  ",
        "\n    ",
        "  ",
        "a:",
        "b:",
        " image: x",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"",
        "'",
        "# note",
        "|",
        ">",
        "|+",
        "&x ",
        "*x",
        "<<: ",
        "- ",
        "---\n",
        "...\n",
        "\r\n",
        "\t",
        "~",
        "ä日",
        "\u{feff}",
        "? ",
        ": ",
        "!!null ",
        "\\",
        "null",
    ])
}

fn text() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(piece(), 0..40);
    (0..3, pieces).prop_map(|(kind, pieces)| {
        let pieces = pieces.concat();
        match kind {
            0 => pieces,
            1 => format!("services:\n  a: {{image: x}}\n{pieces}"),
            _ => format!("services: {{a: {{image: x}}, {pieces}}}\n"),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_file_takes_the_additions_and_nothing_else_or_is_refused(text in text()) {
        let wanted = additions(FRAGMENT).map_err(|why| TestCaseError::fail(why.to_string()))?;
        if let Ok(after) = wire(text.as_bytes(), &wanted, &|_| Ok(())) {
            let read = |bytes: &[u8]| msvc_system::yaml::parse("f".as_ref(), bytes);
            let (before, after) = (read(text.as_bytes()).unwrap().to_json(), read(&after).unwrap().to_json());
            prop_assert_eq!(&after["services"]["brand-new"]["build"], "./x");
            for (key, value) in before.as_object().unwrap() {
                for (name, value) in value.as_object().into_iter().flatten() {
                    prop_assert_eq!(&after[key][name], value);
                }
            }
        }
    }
}
