//! Any text where a service has a short form: ports, mounts, durations, sizes, words and more.
//!
//! `fuzz/run short 60` from `cli/system`.
#![no_main]

use std::collections::BTreeMap;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use msvc_system::files::Files;
use msvc_system::load::{LoadRequest, load, resolve};

/// Where the text stands.
const FIELDS: [&str; 22] = [
    "ports: [§]",
    "expose: [§]",
    "volumes: [§]",
    "tmpfs: [§]",
    "devices: [§]",
    "command: §",
    "entrypoint: §",
    "environment: [§]",
    "labels: [§]",
    "extra_hosts: [§]",
    "ulimits: {nofile: §}",
    "stop_grace_period: §",
    "healthcheck: {test: §, interval: §, retries: §}",
    "mem_limit: §",
    "shm_size: §",
    "cpus: §",
    "restart: §",
    "depends_on: [§]",
    "links: [§]",
    "build: {context: §, ssh: [§], args: [§], cache_from: [§]}",
    "deploy: {resources: {limits: {memory: §, cpus: §}}, restart_policy: {delay: §}}",
    "configs: [§]",
];

fuzz_target!(|data: (u8, &str)| {
    let (field, text) = data;
    let field = FIELDS[usize::from(field) % FIELDS.len()];
    let quoted = serde_json::to_string(text).expect("a text can be written");
    let file = format!(
        "name: f\nservices: {{a: {{image: a, {}}}}}\n",
        field.replace('§', &quoted)
    );
    let files = BTreeMap::from([(PathBuf::from("/s/compose.yaml"), file.into_bytes())]);
    let files = Files::in_memory(files);
    let request = LoadRequest {
        directory: PathBuf::from("/s"),
        ..LoadRequest::default()
    };
    if let Ok((resolved, _)) = resolve(&request, &files) {
        resolved.config(&[], true).expect("no service is named");
    }
    let _ = load(&request, &files);
});
