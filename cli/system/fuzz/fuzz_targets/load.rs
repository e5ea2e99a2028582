//! Any bytes as a Compose file, and as `.env` and `env_file` beside a good one.
//!
//! `cargo +nightly fuzz run load --sanitizer none -- -rss_limit_mb=1024 -max_total_time=60` from
//! `cli/system`.
#![no_main]

use std::collections::BTreeMap;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, load};

fuzz_target!(|data: &[u8]| {
    let request = LoadRequest {
        directory: PathBuf::from("/s"),
        profiles: vec!["*".to_owned()],
        named: Vec::new(),
        ..LoadRequest::default()
    };
    let file = |name: &str, bytes: &[u8]| (PathBuf::from("/s").join(name), bytes.to_vec());
    let alone = BTreeMap::from([file("compose.yaml", data)]);
    if let Ok(loaded) = load(&request, &Files::in_memory(alone)) {
        // What was resolved loads again.
        let again = loaded.system.written.resolved().to_string();
        let again = BTreeMap::from([file("compose.yaml", again.as_bytes())]);
        assert!(load(&request, &Files::in_memory(again)).is_ok());
    }
    let good = b"services: {a: {image: a, env_file: .env, environment: [X]}}";
    let beside = BTreeMap::from([
        file("compose.yaml", good),
        file("compose.override.yaml", data),
        file(".env", data),
    ]);
    let _ = load(&request, &Files::in_memory(beside));
});
