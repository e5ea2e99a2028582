//! Any bytes as a file of settings, in either format.
//!
//! `fuzz/run settings 60` from `cli/system`.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use msvc_system::dotenv;

fuzz_target!(|data: &[u8]| {
    let set = BTreeMap::from([
        ("A".to_owned(), "a$b".to_owned()),
        ("E".to_owned(), String::new()),
    ]);
    let file = Path::new(".env");
    if let Ok(settings) = dotenv::parse(file, data, &set) {
        // In single quotes each value stands for itself.
        let plain = |text: &str| !text.contains(['\'', '\\']);
        for (name, it) in settings.values.iter().filter(|(_, it)| plain(&it.value)) {
            let line = format!("{name}='{}'", it.value);
            let again = dotenv::parse(file, line.as_bytes(), &set).expect("a quoted value is read");
            assert_eq!(again.values[name].value, it.value);
        }
    }
    if let Ok(values) = dotenv::raw(file, data, &set) {
        // A mark at the start of a file belongs to none of its lines.
        let same = |name: &str| !name.starts_with(['#', '\u{feff}']);
        for (name, it) in values.iter().filter(|(name, _)| same(name)) {
            let line = format!("{name}={}", it.value);
            let again = dotenv::raw(file, line.as_bytes(), &set).expect("a plain value is read");
            assert_eq!(again[name].value, it.value);
        }
    }
});
