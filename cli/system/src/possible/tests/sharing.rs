//! What a service shares, and the hardware that it is to have.

use super::{load, problems_of};

#[test]
fn what_nobody_gives_is_shared_by_nobody() {
    for (service, other, wanted) in [
        (
            "network_mode: 'container:'",
            "",
            "`network_mode` says `container:` and names none",
        ),
        ("ipc: 'container:'", "", "`ipc` says `container:`"),
        ("pid: 'container:'", "", "`pid` says `container:`"),
        (
            "volumes_from: ['container:']",
            "",
            "`volumes_from` says `container:`",
        ),
        (
            "network_mode: 'service:b'",
            "scale: 0",
            "`network_mode` names the service `b`, of which no",
        ),
        (
            "ipc: 'service:b'",
            "deploy: {replicas: 0}",
            "`ipc` names the service `b`, of which no",
        ),
        (
            "pid: 'service:b'",
            "scale: 0",
            "`pid` names the service `b`, of which no",
        ),
        (
            "volumes_from: ['b:ro']",
            "scale: 0",
            "`volumes_from` names the service `b`, of which no",
        ),
        (
            "ipc: 'service:b'",
            "ipc: private",
            "write `ipc: shareable` at `b`",
        ),
        ("ipc: 'service:b'", "ipc: none", "whose own is `none`"),
    ] {
        let text = format!("services:\n  b: {{image: x, {other}}}\n  a: {{image: x, {service}}}\n");
        let problems = problems_of(&text);
        assert!(problems.contains(wanted), "{service}\n{problems}");
        assert!(problems.starts_with("compose.yaml:3:"), "{problems}");
        // Who is not started shares nothing.
        load(&text.replace("a: {image: x,", "a: {image: x, profiles: [p],"));
    }
    for (service, other) in [
        ("network_mode: 'service:b'", "scale: 2"),
        ("network_mode: 'container:far'", "scale: 0"),
        ("network_mode: host", "scale: 0"),
        ("ipc: 'service:b'", ""),
        ("ipc: 'service:b'", "ipc: shareable"),
        ("ipc: 'service:b'", "ipc: host"),
        ("pid: 'service:b'", "ipc: private"),
        ("volumes_from: [b, 'container:far:ro']", ""),
    ] {
        load(&format!(
            "services:\n  b: {{image: x, {other}}}\n  a: {{image: x, {service}}}\n"
        ));
    }
}

#[test]
fn an_address_of_hardware_is_that_of_one_machine() {
    let asked = |address: &str| {
        [
            format!("mac_address: '{address}'"),
            format!("networks: {{default: {{mac_address: '{address}'}}}}"),
        ]
        .map(|field| format!("services:\n  a: {{image: x, {field}}}\n"))
    };
    for (address, wanted) in [
        ("01:02:03:04:05:06", "that of a group (multicast)"),
        ("FF-02-03-04-05-06", "that of a group (multicast)"),
        ("0102.0304.0506", "that of a group (multicast)"),
        ("00:00:00:00:00:00", "nobody's"),
    ] {
        for text in asked(address) {
            let problems = problems_of(&text);
            assert!(problems.contains(wanted), "{problems}");
            assert!(problems.starts_with("compose.yaml:2:"), "{problems}");
        }
    }
    for address in [
        "02:42:ac:11:00:07",
        "00:00:00:00:00:01",
        "nonsense",
        "01:02",
        "",
    ] {
        for text in asked(address) {
            load(&text);
        }
    }
}
