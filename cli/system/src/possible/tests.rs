//! What no engine could do is told before anything is made; what one could is taken.

use crate::load::testing;
use crate::model::System;

mod sharing;

/// What keeps all services of a file from starting.
fn told(text: &str) -> String {
    let system = testing::load(text).system;
    let all = system.services.keys().cloned().collect();
    system.impossible(&all).to_string()
}

fn problems_of(text: &str) -> String {
    let problems = told(text);
    assert_ne!(problems, "", "must not start: {text}");
    problems
}

fn load(text: &str) -> System {
    assert_eq!(told(text), "", "{text}");
    testing::load(text).system
}

#[test]
fn addresses_that_nobody_can_have_are_told_at_their_line() {
    let subnet = "{ipam: {config: [{subnet: 10.1.1.0/24}]}}";
    for (network, address, wanted) in [
        (
            subnet,
            "ipv4_address: 10.1.1.300",
            "`10.1.1.300`, which is no address",
        ),
        (
            subnet,
            "ipv4_address: 'fd00::7'",
            "`fd00::7`, which is no address",
        ),
        (
            subnet,
            "ipv4_address: 10.2.1.3",
            "10.2.1.3 is not in the network `n`, which has 10.1.1.0/24",
        ),
        (subnet, "ipv4_address: 10.1.1.255", "nobody can have it"),
        (
            subnet,
            "ipv4_address: 10.1.1.1",
            "10.1.1.1 is the gateway of the network `n`",
        ),
        (
            subnet,
            "ipv6_address: 'fd00::7'",
            "whose `subnet` the file does not say",
        ),
        (
            "{}",
            "ipv4_address: 10.1.1.3",
            "whose `subnet` the file does not say",
        ),
        (
            "{ipam: {config: [{subnet: 10.1.1.0/24, aux_addresses: {r: 10.1.1.9}}]}}",
            "ipv4_address: 10.1.1.9",
            "`aux_addresses` of the network `n` keep 10.1.1.9 free",
        ),
        (
            "{enable_ipv6: true, ipam: {config: [{subnet: 'fd00::/64'}]}}",
            "ipv6_address: 'fd00::1'",
            "fd00::1 is the gateway of the network `n`",
        ),
        (
            subnet,
            "link_local_ips: [nope]",
            "`link_local_ips` has `nope`, which is no address",
        ),
        (
            "{ipam: {config: [{subnet: 10.1.1.0/24}, {subnet: 'fd00::/64'}]}}",
            "ipv6_address: 'fd01::7'",
            "fd01::7 is not in the network `n`, which has fd00::/64",
        ),
    ] {
        let text = format!(
            "networks: {{n: {network}}}\nservices:\n  a: {{image: x, networks: {{n: {{{address}}}}}}}\n"
        );
        let problems = problems_of(&text);
        assert!(problems.contains(wanted), "{address}\n{problems}");
        assert!(problems.starts_with("compose.yaml:3:"), "{problems}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
}

#[test]
fn an_address_is_given_to_one_alone() {
    let text = "networks: {n: {ipam: {config: [{subnet: 10.1.1.0/24}]}}}\nservices:\n  a: {image: x, networks: {n: {ipv4_address: 10.1.1.3}}}\n  b: {image: x, networks: {n: {ipv4_address: 10.1.1.3}}}\n";
    let problems = problems_of(text);
    assert!(problems.starts_with("compose.yaml:4:"), "{problems}");
    assert!(
        problems.contains("the services `a` and `b` have the same address"),
        "{problems}"
    );
    let several = text
        .replace("a: {image: x,", "a: {image: x, scale: 2,")
        .replace("1.3}}}\n  b", "1.4}}}\n  b");
    assert!(problems_of(&several).contains("2 replicas of `a` cannot all have 10.1.1.4"));
    // One that does not run has none.
    let resting = text.replace("b: {image: x,", "b: {image: x, profiles: [p],");
    assert_eq!(load(&resting).services.len(), 1);
}

#[test]
fn who_is_not_started_keeps_nobody_from_starting() {
    let text = "networks: {n: {ipam: {config: [{subnet: 10.1.1.0/24}]}}}\nservices:\n  a: {image: x, networks: {n: {ipv4_address: 10.1.1.3}}}\n  b: {image: x, cpus: -3, stop_signal: NONE, networks: {n: {ipv4_address: 10.1.1.3}}}\n  c: {image: x, networks: {n: {ipv4_address: 10.9.9.9}}}\n";
    let lines = |text: &str, names: &[&str]| {
        let names = names.iter().map(|name| name.parse().unwrap()).collect();
        let problems = testing::load(text).system.impossible(&names);
        problems.0.len()
    };
    assert_eq!(lines(text, &["a"]), 0);
    assert_eq!(lines(text, &["b"]), 2);
    assert_eq!(lines(text, &["a", "b"]), 3);
    assert_eq!(lines(text, &["a", "b", "c"]), 4);
    for none in ["scale: 0", "deploy: {replicas: 0}"] {
        let none = text.replace("b: {image: x,", &format!("b: {{image: x, {none},"));
        assert_eq!(lines(&none, &["a", "b", "c"]), 1);
    }
}

#[test]
fn ranges_of_ipv6_are_left_aside_where_a_network_has_none() {
    for config in [
        "{subnet: 'fd00:1::/64'}",
        "{subnet: 'fd00:2::/64', gateway: 'fd00:9::1'}",
    ] {
        let n = format!("{{ipam: {{config: [{{subnet: 10.9.0.0/24}}, {config}]}}}}");
        let m = "{ipam: {config: [{subnet: 10.9.1.0/24}, {subnet: 'fd00:1::/64'}]}}";
        let services = "services:\n  a: {image: x, networks: [m, n]}\n";
        let all = |n: &str| load(&format!("{services}networks:\n  m: {m}\n  n: {n}\n"));
        assert_eq!(all(&n).networks.len(), 2);
    }
}

#[test]
fn networks_whose_ranges_cannot_be_are_told_at_their_line() {
    for (config, wanted) in [
        (
            "subnet: 10.1.1.0/33",
            "`subnet` is `10.1.1.0/33`, which is no range of addresses",
        ),
        ("subnet: 10.1.1.0", "which is no range of addresses"),
        (
            "subnet: 10.1.1.0/24, gateway: 10.2.1.1",
            "10.2.1.1, which is not in the `subnet` 10.1.1.0/24",
        ),
        (
            "subnet: 10.1.1.0/24, gateway: 10.1.1.255",
            "10.1.1.255 is the network itself, or all of it: no gateway",
        ),
        (
            "subnet: 10.1.1.0/24}, {subnet: 10.1.2.0/24",
            "the network `n` has two ranges of IPv4, 10.1.1.0/24 and 10.1.2.0/24",
        ),
        (
            "subnet: 10.1.1.0/24, gateway: me",
            "`gateway` has `me`, which is no address",
        ),
        (
            "subnet: 10.1.1.0/24, ip_range: 10.1.0.0/16",
            "10.1.0.0/16, which is not in the `subnet`",
        ),
        (
            "subnet: 10.1.1.0/24, aux_addresses: {a: 10.2.0.1}",
            "`aux_addresses` has 10.2.0.1, which is not in",
        ),
        (
            "gateway: 10.2.1.1",
            "`gateway` needs a `subnet` that 10.2.1.1 is in",
        ),
        (
            "subnet: 'fd00::/64', gateway: 'fd01::1'",
            "fd01::1, which is not in the `subnet` fd00::/64",
        ),
        (
            "subnet: 10.9.0.0/16",
            "the networks `m` and `n` have addresses in common: 10.9.1.0/24 and 10.9.0.0/16",
        ),
    ] {
        let text = |used: &str| {
            format!(
                "services:\n  a: {{image: x, networks: [{used}]}}\nnetworks:\n  m: {{ipam: {{config: [{{subnet: 10.9.1.0/24}}]}}}}\n  n: {{enable_ipv6: true, ipam: {{config: [{{{config}}}]}}}}\n"
            )
        };
        let problems = problems_of(&text("m, n"));
        assert!(problems.contains(wanted), "{config}\n{problems}");
        assert!(problems.starts_with("compose.yaml:5:"), "{problems}");
        // Nobody makes a network that no service is on.
        load(&text("m"));
    }
}

#[test]
fn what_another_driver_gives_is_not_known_here() {
    for network in [
        "{external: true}",
        "{ipam: {driver: far, config: [{subnet: 10.9.1.0/24}]}}",
    ] {
        load(&format!(
            "services:\n  a: {{image: x, networks: {{n: {{ipv4_address: 10.1.1.3}}}}}}\nnetworks: {{n: {network}}}\n"
        ));
    }
}

#[test]
fn addresses_that_an_engine_gives_are_taken() {
    for (network, address) in [
        ("subnet: 10.1.1.0/24", "ipv4_address: '::ffff:10.1.1.7'"),
        ("subnet: 10.1.1.0/24, ip_range: 10.1.1.0/23", "{}"),
        ("subnet: 'fd00::/64'", "ipv6_address: 'fd00::1'"),
        (
            "subnet: 10.1.1.0/24}, {subnet: 'fd00::/64'",
            "ipv4_address: 10.1.1.7, link_local_ips: [169.254.7.7]",
        ),
        ("subnet: 10.1.1.0/31", "{}"),
    ] {
        let asked = match address {
            "{}" => address.to_owned(),
            address => format!("{{{address}}}"),
        };
        load(&format!(
            "services:\n  a: {{image: x, networks: {{n: {asked}}}}}\nnetworks: {{n: {{ipam: {{config: [{{{network}}}]}}}}}}\n"
        ));
    }
}

#[test]
fn amounts_that_no_engine_takes_are_told_at_their_line() {
    for (field, wanted) in [
        ("cpus: -1", "`cpus` is -1, which is no share of a processor"),
        ("cpus: 0.001", "which is no share of a processor"),
        (
            "deploy: {resources: {limits: {cpus: '-0.5'}}}",
            "`deploy.resources.limits.cpus` is -0.5",
        ),
        (
            "mem_limit: 5m",
            "`mem_limit` is 5242880 bytes, less than a container can have",
        ),
        ("mem_limit: 512", "(write its unit too: `512m`)"),
        ("mem_limit: 5242880", "(write `6m` or more)"),
        (
            "mem_limit: 8m, mem_reservation: 9m",
            "`mem_reservation` (9437184 bytes) is more than the limit",
        ),
        (
            "mem_limit: 8m, memswap_limit: 7m",
            "`memswap_limit` (7340032 bytes) is memory and swap together",
        ),
        ("memswap_limit: 7m", "nothing says how much of it is memory"),
        (
            "mem_reservation: 9m, deploy: {resources: {limits: {memory: 8m}}}",
            "`mem_reservation` (9437184 bytes) is more than the limit",
        ),
        (
            "mem_limit: 8m, deploy: {resources: {reservations: {memory: 9m}}}",
            "`deploy.resources.reservations.memory` (9437184 bytes) is more than the limit",
        ),
        (
            "cpu_period: 10",
            "`cpu_period` is 10, which no engine takes",
        ),
        (
            "cpus: 1, cpu_quota: 5000",
            "`cpus` and `cpu_quota` exclude each other",
        ),
        (
            "ulimits: {nofile: {soft: 9, hard: 5}}",
            "the soft limit of `nofile` (9) is above the hard one (5)",
        ),
        (
            "tmpfs: [run]",
            "`tmpfs` has `run`, which is no absolute path",
        ),
        ("tmpfs: 'run:size=1m'", "`tmpfs` has `run`"),
        ("cpuset: a", "`cpuset` is `a`, which names no processors"),
        ("cpuset: 3-1", "which names no processors"),
        (
            "cap_add: [NET_ADMINN]",
            "`cap_add` has `NET_ADMINN`, which is no capability (did you mean `NET_ADMIN`?)",
        ),
        ("cap_drop: [NOSUCH]", "`cap_drop` has `NOSUCH`"),
        (
            "healthcheck: {test: [CMD, 'true'], interval: 100us}",
            "`healthcheck.interval` is 100us, less than an engine waits",
        ),
        ("stop_signal: FOO", "there is no signal `FOO`"),
        (
            "stop_signal: SIGTRM",
            "there is no signal `SIGTRM` (did you mean `SIGTERM`?)",
        ),
        ("stop_signal: quitt", "did you mean `QUIT`?"),
    ] {
        let problems = problems_of(&format!("services:\n  a: {{image: x, {field}}}\n"));
        assert!(problems.contains(wanted), "{field}\n{problems}");
        assert!(problems.starts_with("compose.yaml:2:"), "{problems}");
    }
    for field in [
        "cpus: 0",
        "cpus: 0.01",
        "tmpfs: ['/run:size=1m,mode=1777', /tmp]",
        "cpuset: '0-2,4'",
        "cpuset: ''",
        "cap_add: [ALL, cap_net_admin, sys_time]",
        "healthcheck: {disable: true, interval: 100us}",
        "healthcheck: {test: [CMD, 'true'], interval: 0s, timeout: 1ms}",
        "mem_limit: 0",
        "mem_limit: 6m",
        "pids_limit: -1",
        "pids_limit: -2",
        "deploy: {resources: {limits: {pids: -2}}}",
        "cpu_quota: -1",
        "cpu_quota: -5",
        "cpus: 0.5, cpu_quota: -1",
        "memswap_limit: -1, mem_limit: 8m",
        "memswap_limit: -1",
        "memswap_limit: 7m, deploy: {resources: {limits: {memory: 7m}}}",
        "mem_swappiness: 101",
        "blkio_config: {weight: 5}",
        "cpu_period: 0",
        "stop_signal: SIGRTMIN+3",
        "stop_signal: ''",
        "ulimits: {nofile: {soft: 5, hard: -1}}",
        "ulimits: {core: {soft: 5, hard: -2}}",
        "mem_swappiness: -1",
    ] {
        load(&format!("services:\n  a: {{image: x, {field}}}\n"));
    }
}

#[test]
fn what_cannot_be_is_printed_as_docker_compose_prints_it() {
    let text = "services:\n  a: {image: x, cpus: -1, stop_signal: FOO, networks: {n: {ipv4_address: 10.1.1.300}}}\nnetworks: {n: {}}\n";
    let files = std::collections::BTreeMap::from([("/system/compose.yaml".into(), text.into())]);
    let files = crate::files::Files::in_memory(files);
    let resolved = crate::load::resolve(&crate::load::testing::request(), &files);
    let (resolved, _) = resolved.unwrap_or_else(|problems| panic!("{problems}"));
    let printed = resolved.config(&[], false).unwrap();
    assert_eq!(printed["services"]["a"]["stop_signal"], "FOO");
}
