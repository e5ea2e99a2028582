//! Cargo's lock file: packages stand in the order of their names, so where the service's own stand
//! depends on what it is called. Out of order, `cargo --locked` would refuse it.

/// The same lock file in Cargo's order.
pub(super) fn sorted(lock: &str) -> String {
    const BEGIN: &str = "[[package]]\n";
    let mut parts = lock.split(BEGIN);
    let head = parts.next().unwrap_or_default();
    let mut packages: Vec<String> = parts.map(own_dependencies_sorted).collect();
    // A stable order: versions of one crate stay as they stand.
    packages.sort_by(|a, b| name(a).cmp(name(b)));
    let mut text = head.to_owned();
    for (number, package) in packages.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        text.push_str(BEGIN);
        text.push_str(package);
        text.push('\n');
    }
    text
}

/// A package without the blank lines after it. Those with a source were written by Cargo; only
/// the service's own hold names that it was given.
fn own_dependencies_sorted(package: &str) -> String {
    let package = package.trim_end();
    let Some((head, list)) = package.split_once("dependencies = [\n") else {
        return package.to_owned();
    };
    if head.contains("\nsource = ") {
        return package.to_owned();
    }
    let mut lines: Vec<&str> = list.lines().filter(|line| *line != "]").collect();
    lines.sort_unstable();
    format!("{head}dependencies = [\n{}\n]", lines.join("\n"))
}

/// The names of all crates that have a source.
pub(super) fn names(lock: &str) -> Vec<String> {
    let foreign = lock
        .split("[[package]]\n")
        .filter(|package| package.contains("\nsource = "));
    foreign.map(|package| name(package).to_owned()).collect()
}

fn name(package: &str) -> &str {
    let quoted = package
        .lines()
        .find_map(|line| line.strip_prefix("name = "));
    quoted
        .map(|name| name.trim_matches('"'))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_own_dependencies_stand_in_the_order_of_their_names() {
        let lock = "version = 4\n\n[[package]]\nname = \"b\"\nversion = \"1\"\nsource = \"r\"\n\n\
                    [[package]]\nname = \"zoo\"\nversion = \"1\"\nsource = \"r\"\n\n\
                    [[package]]\nname = \"me\"\ndependencies = [\n \"zoo\",\n \"b\",\n]\n";
        let expected = "version = 4\n\n[[package]]\nname = \"b\"\nversion = \"1\"\nsource = \"r\"\n\n\
                    [[package]]\nname = \"me\"\ndependencies = [\n \"b\",\n \"zoo\",\n]\n\n\
                    [[package]]\nname = \"zoo\"\nversion = \"1\"\nsource = \"r\"\n";
        assert_eq!(sorted(lock), expected);
        assert_eq!(sorted(expected), expected);
        assert_eq!(names(lock), ["b", "zoo"]);
    }
}
