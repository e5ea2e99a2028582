//! What a service can be called: its name becomes a host name, a Cargo package, a Rust crate, a
//! folder and a volume, and must be good for each of them.

use crate::error::ScaffoldError;

/// Characters that a name may have. The host name of a container is the project's name, this and
/// a number, and may have 63.
pub const LONGEST: usize = 50;

/// Words that Rust keeps for itself.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
/// Crates that every Rust program has.
const STANDARD: &[&str] = &["alloc", "core", "proc-macro", "std", "test"];
/// Folders of a Cargo build, where a program of that name would lie.
const BUILD_FOLDERS: &[&str] = &[
    "build",
    "deps",
    "examples",
    "incremental",
    "package",
    "target",
];
/// Names that Windows keeps for devices, in every folder.
const DEVICES: &[&str] = &["aux", "con", "nul", "prn"];
/// A name that every machine gives to itself.
const HOSTS: &[&str] = &["localhost"];

/// Checks a name by itself, whatever is there already.
///
/// # Errors
/// With what is wrong with it.
pub fn check(name: &str) -> Result<(), ScaffoldError> {
    match fault(name) {
        None => Ok(()),
        Some(why) => Err(ScaffoldError::Name {
            name: name.to_owned(),
            why,
        }),
    }
}

fn fault(name: &str) -> Option<String> {
    let letter = |c: char| c.is_ascii_lowercase();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() {
        return Some("it is empty".to_owned());
    }
    if !name.chars().all(plain) || !name.starts_with(letter) || name.ends_with('-') {
        return Some(
            "give lower-case letters, digits and `-`, a letter first and no `-` last: it becomes a host name"
                .to_owned(),
        );
    }
    if name.contains("--") {
        return Some("two `-` in a row make no name of a Rust crate".to_owned());
    }
    if name.len() > LONGEST {
        return Some(format!(
            "it has {} characters; {LONGEST} leave room for the project's name in the host name of a container",
            name.len()
        ));
    }
    let kept: [(&[&str], &str); 5] = [
        (KEYWORDS, "it is a word of the Rust language"),
        (STANDARD, "it is a crate of Rust's own"),
        (BUILD_FOLDERS, "it is a folder of Cargo's builds"),
        (DEVICES, "Windows keeps it for a device"),
        (HOSTS, "every machine calls itself so"),
    ];
    let numbered = |name: &str, device: &str| {
        let number = name.strip_prefix(device);
        number.is_some_and(|n| n.len() == 1 && n.chars().all(|c| c.is_ascii_digit()))
    };
    if numbered(name, "com") || numbered(name, "lpt") {
        return Some("Windows keeps it for a device".to_owned());
    }
    let found = kept.iter().find(|(names, _)| names.contains(&name));
    found.map(|(_, why)| (*why).to_owned())
}

/// The name of the Rust crate of that service.
#[must_use]
pub fn crate_name(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_good_for_all_it_becomes_is_taken() {
        let longest = "x".repeat(LONGEST);
        for name in ["a", "inventory", "stock-2", "core-banking", &longest] {
            assert_eq!(fault(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_that_breaks_any_of_them_is_refused_with_the_reason() {
        let long = "x".repeat(LONGEST + 1);
        for name in [
            "",
            "Inventory",
            "1st",
            "-a",
            "a-",
            "a_b",
            "a.b",
            "a/b",
            "..",
            "a b",
            "ä",
            "ｉ",
            "a--b",
            "test",
            "core",
            "std",
            "fn",
            "async",
            "gen",
            "self",
            "build",
            "con",
            "com1",
            "lpt9",
            "localhost",
            "a\n",
            "a\0",
            "--list",
            &long,
        ] {
            assert!(fault(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn the_crate_has_underscores() {
        assert_eq!(crate_name("stock-take-2"), "stock_take_2");
    }
}
