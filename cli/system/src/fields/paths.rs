//! Every field by its path.

use super::{FILE, FLAG, Field, Level, Map, SERVICE, Shape};

/// Every field that has none below it, by its path: of a service (`healthcheck.test`), then of the
/// top level, which begin with a slash (`/networks.driver`). Fields of the entries of a list or
/// mapping stand below it all the same (`volumes.bind.selinux`).
#[must_use]
pub fn all() -> Vec<String> {
    let mut paths = Vec::new();
    gather(&SERVICE, "", &mut paths);
    gather(&FILE, "/", &mut paths);
    paths.retain(|path| !path.starts_with("/services."));
    paths
}

fn gather(level: &'static Level, above: &str, paths: &mut Vec<String>) {
    let mut fields: Vec<&Field> = level.fields.iter().collect();
    fields.sort_by_key(|field| field.name);
    for field in fields {
        let path = format!("{above}{}", field.name);
        match level_below(&field.shape) {
            Some(below) => gather(below, &format!("{path}."), paths),
            None => paths.push(path),
        }
    }
}

/// The level that a shape leads to, through lists and names.
fn level_below(shape: &Shape) -> Option<&'static Level> {
    // `external` as a mapping is an old form of `true`.
    if shape.scalars & FLAG != 0 {
        return None;
    }
    let through = match shape.map {
        Map::Level(level) => Some(level),
        Map::Names(names) => level_below(&names.entry),
        Map::No | Map::Free => None,
    };
    through.or_else(|| shape.item().and_then(level_below))
}
