//! Loading as a whole.

use super::testing::{load, load_files, problems_of, request};

#[test]
fn a_small_system_is_loaded() {
    let loaded = load("services:\n  web: {image: web, ports: ['8080:80']}\n");
    assert_eq!(loaded.system.name.as_str(), "system");
    assert_eq!(loaded.system.service("web").unwrap().listens, [80]);
}
