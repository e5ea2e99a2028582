//! Projects made up of pieces: any services with any fields, in short form and in long, whose texts
//! are any texts.

use proptest::prelude::*;
use proptest::sample::subsequence;

/// What stands in `e.env`, which services may read.
pub(crate) const ENV_FILE: &str = "FROM_FILE='a $b \"c\"'\nAND=x y\n";

/// Fields of a service; `§` stands for any text, `@` for the service that every project has.
const FIELDS: &[&str] = &[
    "command: [a, §]",
    "command: a 'b c' $$d",
    "entrypoint: [/bin/sh, -c, §]",
    "environment: {A: §, B: 1, C: 1.5, D: true, E: }",
    "env_file: [e.env, {path: none.env, required: false}]",
    "labels: {l.one: §}",
    "labels: [l.two=2, l.three]",
    "ports: ['80', '8000-8002:80-82', '127.0.0.1:90:90/udp', {target: 99, published: '5000-5002', mode: host}]",
    "expose: ['1', 2-4]",
    "volumes: [v:/v, './d:/d:ro,z', /anonymous, {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0700}}]",
    "networks: {n: {aliases: [x], ipv4_address: 10.1.0.5, priority: 2}, default: }",
    "depends_on: [@]",
    "depends_on: {@: {condition: service_started, restart: true, required: false}}",
    "healthcheck: {test: a && b, interval: 1m30s, timeout: 1.5s, retries: 3, start_period: 2h}",
    "healthcheck: {disable: true}",
    "deploy: {replicas: 2, resources: {limits: {cpus: '0.5', memory: 50M}, reservations: {memory: 1g}}, labels: [a=b]}",
    "deploy: {update_config: {parallelism: 1, delay: 10s}, restart_policy: {condition: any, max_attempts: 2}, placement: {constraints: [a==b]}}",
    "build: {context: ., dockerfile: D, args: {X: §, Y: 2}, target: t, cache_from: [c], ssh: [default]}",
    "build: .",
    "configs: [c, {source: c, target: /x, mode: 0440}]",
    "secrets: [s, {source: s, target: /y, uid: '7'}]",
    "logging: {driver: local, options: {max-size: 1m}}",
    "ulimits: {nofile: 100, nproc: {soft: 1, hard: 2}}",
    "sysctls: [net.core.somaxconn=1]",
    "extra_hosts: ['a:1.2.3.4', 'b=::1']",
    "devices: ['/dev/null:/dev/n:r']",
    "tmpfs: /run",
    "dns: 1.1.1.1",
    "stop_grace_period: 90s",
    "memswap_limit: 1.5g",
    "shm_size: 64m",
    "cpu_quota: 1000",
    "user: '1:2'",
    "restart: on-failure:3",
    "tty: true",
    "init: true",
    "privileged: true",
    "working_dir: /w",
    "hostname: h",
    "profiles: [p]",
    "pull_policy: always",
    "cap_add: [ALL]",
    // Not its devices: Docker Compose prints these in JSON under names that it does not read.
    "blkio_config: {weight: 10}",
    "post_start: [{command: a b, user: root}]",
    "develop: {watch: [{path: ./s, action: sync, target: /s, ignore: [x/]}]}",
    "gpus: all",
    "annotations: [a=b]",
    "x-own: {k: [§, 1, 1.0, 1e30, null, true, 2001-12-14, .inf, -.inf, .nan]}",
    "build: {context: ., x-own: {b: §, a: .inf}, secrets: [{source: s, x-own: 1}]}",
    "deploy: {resources: {x-own: [], limits: {x-own: §}}, placement: {x-own: }}",
    "volumes: [v:/v, {type: volume, source: v, target: /w, x-own: 2001-12-14, volume: {x-own: §}}]",
    "networks: {n: {x-own: §}}",
    "develop: {x-own: 1, watch: [{path: ./s, action: sync, target: /s, x-own: §}]}",
    "post_start: [{command: a}, {command: b, x-own: {}}]",
];

/// Sections beside the services.
const REST: &str = "volumes: {v: {driver_opts: {o: size=1}, labels: [a], x-own: {b: §, a: 1}}}\n\
networks: {n: {driver: bridge, ipam: {config: [{subnet: 10.1.0.0/16}], x-own: §}, internal: true}}\n\
configs: {c: {content: c}}\n\
secrets: {s: {file: ./s.txt, x-own: [.nan]}}\n\
x-top: [§, [], {}, {k: 2001-12-14}]\n";

/// A text in double quotes, whatever is in it; a dollar sign stands for itself.
fn text() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "(yes|no|null|~|0o17|0x1f|1e3|22:22|1_000|\\.inf|- a|\\{\\}|\\[\\]|#|!x|&a|\\*a|a: b|'|%|\\?|é☃\u{1f600}|\t| |\n|\r\n|\u{85}|\u{2028}|\u{feff}|\\$\\{A\\}|=|=x|2020-01-01|<<|[\u{1}-\u{1f}]|\u{a0}|\\.\\.\\.|---){1,3}",
    ];
    text.prop_map(|text| serde_json::to_string(&text.replace('$', "$$")).unwrap_or_default())
}

/// A project that loads.
pub(crate) fn any() -> impl Strategy<Value = String> {
    let fields = || subsequence(FIELDS, 0..12);
    let services = proptest::collection::vec((fields(), text()), 1..4);
    (services, text()).prop_map(|(services, rest)| {
        let mut all = "name: made\nservices:\n  first: {image: f}\n".to_owned();
        for (number, (fields, text)) in services.into_iter().enumerate() {
            all.push_str(&format!("  s{number}.x-y_z:\n    image: i:{number}\n"));
            let mut names: Vec<&str> = Vec::new();
            for field in fields {
                let name = field.split(':').next().unwrap_or_default();
                // What excludes each other is not written together.
                if !names.contains(&name) {
                    names.push(name);
                    let field = field.replace('@', "first").replace('§', &text);
                    all.push_str(&format!("    {field}\n"));
                }
            }
        }
        all + &REST.replace('§', &rest)
    })
}
