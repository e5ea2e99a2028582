//! The file that was meant where one is named that is not there: one beside it whose name is nearly
//! the same.

use std::ffi::OsStr;
use std::path::Path;

use crate::problem::nearest;

/// The names of what stands in a folder; none where it cannot be looked into.
pub(super) type Names = dyn Fn(&Path) -> Vec<String> + Send + Sync;

/// The name among those of a folder that is nearest to the one that is missing there. How a name
/// ends says what is in the file: only what comes before may be wrong.
pub(super) fn beside(missing: &Path, names: &[String]) -> Option<String> {
    let (stem, kind) = parts(missing.file_name()?.to_str()?)?;
    let alike = names
        .iter()
        .filter_map(|name| Some((parts(name)?, name)))
        .filter(|((_, its), _)| *its == kind);
    let alike: Vec<(&str, &String)> = alike.map(|((stem, _), name)| (stem, name)).collect();
    let near = nearest(stem, alike.iter().map(|(stem, _)| *stem))?;
    let found = alike.iter().find(|(stem, _)| *stem == near);
    found.map(|(_, name)| (*name).clone())
}

/// A name without its ending, and what the ending says: `yml` and `yaml` say the same.
fn parts(name: &str) -> Option<(&str, Option<&str>)> {
    let path = Path::new(name);
    let kind = path.extension().and_then(OsStr::to_str);
    let kind = kind.map(|it| if it == "yml" { "yaml" } else { it });
    Some((path.file_stem()?.to_str()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_ends_alike_and_is_called_nearly_so() {
        let names = ["base.yml", "bsae.txt", "compose.yaml", ".env", "LICENSE"].map(str::to_owned);
        for (missing, wanted) in [
            ("/s/bsae.yaml", Some("base.yml")),
            ("/s/base.yaml", Some("base.yml")),
            ("/s/no.yaml", None),
            ("/s/LICENCE", Some("LICENSE")),
            ("/", None),
        ] {
            let found = beside(Path::new(missing), &names);
            assert_eq!(found.as_deref(), wanted, "{missing}");
        }
    }
}
