//! Any bytes as a Compose file whose normal form is printed: read again it is the same, and an empty
//! file over it changes nothing.
//!
//! `fuzz/run config 60` from `cli/system`.
#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, resolve};
use msvc_system::normal_form::yaml;
use serde_json::Value;

fn config(texts: &[&[u8]]) -> Option<(Value, String)> {
    let path = |at: usize| PathBuf::from(format!("/s/{at}.yaml"));
    let files = texts
        .iter()
        .enumerate()
        .map(|(at, text)| (path(at), text.to_vec()));
    let request = LoadRequest {
        directory: PathBuf::from("/s"),
        files: (0..texts.len()).map(path).collect(),
        profiles: vec!["*".to_owned()],
        ..LoadRequest::default()
    };
    let (resolved, _) = resolve(&request, &Files::in_memory(files.collect())).ok()?;
    let config = resolved.config(&[], false).ok()?;
    let chosen = resolved.chosen(&[]).ok()?;
    let text = yaml::text(&resolved.into_config_for_yaml(&chosen, false).escaped());
    Some((config, text))
}

fn has_build_of_nothing(config: &Value) -> bool {
    let services = config.get("services").and_then(Value::as_object);
    let mut builds = services.into_iter().flatten().filter_map(|(_, it)| it.get("build"));
    builds.any(|build| build.get("context").is_none())
}

fuzz_target!(|data: &[u8]| {
    if let Some((first, printed)) = config(&[data]) {
        let (over, _) = config(&[data, b"services: {}\n"]).expect("nothing was laid over it");
        assert_eq!(over, first);
        // Not all that can be printed can be read (as with Docker Compose); what can is the same, but
        // for a build of nothing, which is one of the project's folder the second time.
        if !has_build_of_nothing(&first)
            && let Some((again, _)) = config(&[printed.as_bytes()])
        {
            assert_eq!(again.get("services"), first.get("services"), "{printed}");
        }
    }
});
